"""Failing well: one sentence for each failure, a way on, and the session goes on."""

from __future__ import annotations

import numpy as np
import pytest

OUT_OF_MEMORY = """
import ActiveSuggestLib.learner as learner
from ActiveSuggestLib.errors import OutOfDeviceMemoryError
def fail(self, *arguments, **options):
    raise OutOfDeviceMemoryError("Even the smallest patch does not fit.", remedy="Close programs.")
learner.ActiveLearner.suggest = fail
"""
MEMORY_ERROR = OUT_OF_MEMORY.replace("OutOfDeviceMemoryError(", "MemoryError(").replace(
    ', remedy="Close programs."', ""
)
SLOW_SUGGEST = """
import time
import ActiveSuggestLib.learner as learner
def wait(self, *arguments, cancel=None, progress=None, **options):
    while True:
        cancel.raise_if_cancelled()
        progress(1, 10, "waiting")
        time.sleep(0.05)
learner.ActiveLearner.suggest = wait
"""
NO_TORCH = "import sys; sys.modules['torch'] = None"
CHATTY = """
import os
import ActiveSuggestLib.serving.requests as r
def exclude(context, task, *, case: str, reason: str):
    os.write(2, b"a word on the standard error\\n")
    print("a stray print")
    raise RuntimeError("nobody foresaw this")
r.QUICK["exclude"] = exclude
"""


def test_a_worker_killed_while_ranking_is_started_again(stage, trained_pool):
    stage.preamble = SLOW_SUGGEST
    stage.open(trained_pool, ready=False)
    job = stage.session.suggest()
    stage.until(lambda: job.state == "running" and job.done)
    stage.kill_worker()
    assert stage.ended(job) == "failed"
    assert job.error["kind"] == "worker_died"
    stage.until(lambda: stage.session.worker_state in ("open", "ready"))
    assert [(t.kind, t.action) for t in stage.troubles] == [("worker_died", None)]
    assert "ranking" in stage.troubles[0].sentence
    assert "memory" in stage.troubles[0].sentence
    assert stage.session.overview["counts"]["labelled"] == 2


def test_a_worker_killed_while_training_leaves_the_model_and_the_session(stage, trained_pool):
    stage.open(trained_pool)
    job = stage.session.fine_tune(60)
    stage.until(lambda: job.done > 0, "the training")
    stage.kill_worker()
    assert stage.ended(job) == "failed"
    stage.until(lambda: stage.session.worker_state == "ready", "the next worker")
    assert len(stage.troubles) == 1
    assert stage.session.overview["model"]["version"] == 1
    assert "fine_tune" not in stage.session.jobs


def test_a_second_death_within_a_minute_asks_the_user(timed_stage, trained_pool, clock):
    stage = timed_stage
    stage.open(trained_pool, ready=False)
    for _ in range(2):
        stage.kill_worker()
        count = len(stage.troubles)
        stage.until(lambda count=count: len(stage.troubles) > count)
        stage.until(lambda: stage.session.worker_state != "starting")
        clock.now += 30
    assert stage.session.worker_state == "dead"
    assert [t.action for t in stage.troubles] == [None, "restart"]
    assert len(stage.workers) == 2
    job = stage.session.suggest()
    assert stage.ended(job) == "failed"
    assert stage.troubles[-1].action == "restart"
    stage.session.restart_worker()
    stage.until(lambda: stage.session.worker_state == "open")
    clock.now += 61
    stage.kill_worker()
    stage.until(lambda: len(stage.workers) == 4 and stage.session.worker_state == "open")


def test_edits_go_on_while_there_is_no_worker(timed_stage, trained_pool, clock):
    stage = timed_stage
    stage.open(trained_pool, ready=False)
    stage.done(stage.session.open_case("p03_v0", prefer="empty"))
    for count in (1, 2):
        stage.kill_worker()
        stage.until(lambda count=count: len(stage.troubles) == count)
        stage.until(lambda: stage.session.worker_state != "starting")
    assert stage.session.worker_state == "dead"
    stage.paint("core")
    clock.now += 31
    draft = trained_pool / "drafts" / "p03_v0.seg.nrrd"
    stage.until(draft.is_file, "the draft without a worker")
    stage.session.restart_worker()
    stage.until(lambda: stage.session.overview["counts"]["draft"] == 1)


@pytest.mark.parametrize("preamble", [OUT_OF_MEMORY, MEMORY_ERROR], ids=["device", "memory"])
def test_memory_that_is_full_is_one_sentence_and_the_worker_stays(stage, trained_pool, preamble):
    stage.preamble = preamble
    stage.open(trained_pool, ready=False)
    job = stage.session.suggest()
    assert stage.ended(job) == "failed"
    assert [t.kind for t in stage.troubles] in (["out_of_device_memory"], ["out_of_memory"])
    assert stage.troubles[0].remedy
    stage.done(stage.session.look_up("status"))
    assert len(stage.workers) == 1


def test_without_torch_the_project_opens_and_installing_is_offered(stage, trained_pool):
    stage.preamble = NO_TORCH
    stage.open(trained_pool, ready=False)
    stage.until(lambda: stage.session.worker_state == "no-learner")
    assert [(t.kind, t.action) for t in stage.troubles] == [("missing_package", "install")]
    stage.done(stage.session.open_case("p01_v0"))
    stage.paint("ball", np.s_[0:2, 0:2, 0:2])
    assert stage.session.save()
    stage.until(lambda: stage.saves)
    job = stage.session.suggest()
    assert stage.ended(job) == "failed"
    assert len(stage.troubles) == 2
    # What was missing has been installed meanwhile.
    stage.preamble = ""
    stage.session.restart_worker()
    stage.until(lambda: stage.session.worker_state == "ready")
    assert stage.session.current.case == "p01_v0"
    assert len(stage.troubles) == 2


def test_a_save_without_torch_starts_no_training(stage, trained_pool):
    stage.preamble = NO_TORCH
    stage.session.train_after_save = True
    stage.open(trained_pool, ready=False)
    stage.until(lambda: stage.session.worker_state == "no-learner")
    stage.done(stage.session.open_case("p01_v0"))
    stage.session.save()
    stage.until(lambda: stage.saves)
    stage.host.process_events(0.3)
    assert len(stage.troubles) == 1
    assert not stage.session.jobs


def test_what_nobody_foresaw_comes_with_the_childs_own_words(stage, trained_pool):
    stage.preamble = CHATTY
    stage.open(trained_pool, ready=False)
    stage.session.exclude("p05_v0", "why not")
    stage.until(lambda: stage.troubles)
    assert stage.troubles[0].kind == "unexpected"
    assert stage.troubles[0].action == "show-log"
    assert "nobody foresaw this" in stage.troubles[0].sentence
    assert "Traceback" in stage.troubles[0].details
    for words in ("a stray print", "a word on the standard error"):
        stage.until(lambda words=words: words in stage.session.log())


def test_a_python_that_is_not_there_is_named(stage, trained_pool, monkeypatch):
    monkeypatch.setenv("ACTIVESUGGEST_PYTHON", "/no/such/python")
    job = stage.session.open(trained_pool)
    assert stage.ended(job) == "failed"
    assert [t.kind for t in stage.troubles] == ["worker_not_started"]
    assert "ActiveSuggest/Python" in stage.troubles[0].remedy


def test_a_project_that_vanishes_with_its_worker_says_so_once(stage, trained_pool):
    stage.open(trained_pool, ready=False)
    trained_pool.rename(trained_pool.with_name("away"))
    stage.kill_worker()
    stage.until(lambda: len(stage.workers) == 2)
    stage.until(lambda: stage.session.worker_state == "dead")
    assert [t.kind for t in stage.troubles] == ["worker_died", "not_a_project"]
    assert stage.session.folder == trained_pool
    trained_pool.with_name("away").rename(trained_pool)
    stage.session.restart_worker()
    stage.until(lambda: stage.session.worker_state == "open")


def test_what_was_asked_of_a_worker_that_never_comes_fails(stage, trained_pool):
    stage.open(trained_pool, ready=False)
    trained_pool.rename(trained_pool.with_name("away"))
    stage.kill_worker()
    stage.until(lambda: stage.session.worker_state == "starting")
    job = stage.session.suggest()
    assert stage.ended(job) == "failed"
    assert stage.session.worker_state == "dead"


def test_a_panel_that_fails_does_not_stop_the_session(stage, trained_pool):
    def fail(*_values):
        raise KeyError("in a panel")

    stage.session.overview_changed.connect(fail)
    stage.open(trained_pool, ready=False)
    assert {t.kind for t in stage.troubles} == {"unexpected"}
    assert "in a panel" in stage.troubles[0].sentence
    stage.done(stage.session.open_case("p01_v0"))


def test_the_end_of_slicer_ends_the_worker_and_keeps_the_edits(stage, trained_pool):
    stage.preamble = SLOW_SUGGEST
    stage.open(trained_pool, ready=False)
    stage.done(stage.session.open_case("p02_v0", prefer="empty"))
    stage.paint("core")
    job = stage.session.suggest()
    stage.until(lambda: job.done)
    stage.session.shut_down()
    assert not any(worker.is_running for worker in stage.workers)
    assert (trained_pool / "drafts" / "p02_v0.seg.nrrd").is_file()
    assert job.state == "cancelled"
