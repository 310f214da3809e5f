"""Kills while training and scoring: the project opens, labels are whole, the work goes on."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ActiveSuggestLib.data.project import create_project
from ActiveSuggestLib.learner import ActiveLearner
from Testing.Python import blobs

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="a process cannot be forked after its imports on Windows"
)
KILLS = int(os.environ.get("ACTIVESUGGEST_KILLS", "16"))
LONGEST = 0.7


def work(folder: str, labels: str) -> None:
    """Save labels, train and score without end, keeping unfinished trainings all the time."""
    from ActiveSuggestLib.learning import statistics_cache
    from ActiveSuggestLib.models import training

    training.KEEP_SECONDS = 0.0
    statistics_cache.KEPT_MODELS = 2
    with ActiveLearner(folder, device="cpu", threads=1) as learner:
        while True:
            left = learner.project.cases("unlabelled")
            if len(left) > 3:
                learner.save_label(left[0].name, Path(labels) / f"{left[0].name}.nii.gz")
            else:
                case = random.choice(learner.project.cases("labelled")).name
                learner.save_label(case, np.load(Path(labels) / f"{case}.npy"))
            learner.fine_tune(steps=6)
            learner.suggest("mc-dropout")
            learner.score("mc-dropout", unit="slice")


@pytest.fixture
def crowd(tmp_path):
    """A project with room for many labels, and two versions of the truth."""
    pool = blobs.write_pool(tmp_path / "pool", 14)
    for index in range(14):
        _, label = blobs.blob(index)
        np.save(pool / "labels" / f"p{index:02d}_v0.npy", np.roll(label, 1, axis=0))
    with create_project(
        tmp_path / "project", pool / "images", segments=blobs.SEGMENTS, settings=blobs.SETTINGS
    ) as project:
        folder = project.folder
    return folder, pool / "labels"


def test_the_loop_survives_kills_at_any_moment(crowd):
    folder, labels = crowd
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["ActiveSuggestLib.learner", "monai.transforms"])
    rng = random.Random(int(os.environ.get("ACTIVESUGGEST_KILL_SEED", "0")))
    truths = {
        f"p{i:02d}_v0": (blobs.blob(i)[1], np.roll(blobs.blob(i)[1], 1, axis=0)) for i in range(14)
    }
    saved: dict[str, int] = {}
    events = 0
    for _ in range(KILLS):
        child = context.Process(target=work, args=(str(folder), str(labels)), daemon=True)
        child.start()
        time.sleep(rng.uniform(0.05, LONGEST))
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        with ActiveLearner(folder, device="cpu", threads=1) as learner:
            project = learner.project
            for event in project.events("saved"):
                saved[event.case] = max(saved.get(event.case, 0), event.data["version"])
            labelled = {c.name: c for c in project.cases("labelled")}
            for case, version in saved.items():
                assert labelled[case].label_version >= version
                found = project.read_label(case).array
                assert any(np.array_equal(found, truth) for truth in truths[case])
            newest = len(project.events())
            assert newest >= events
            events = newest
            for record in learner.bench.checkpoints.accepted():
                learner.bench.checkpoints.load(
                    record, learner.bench.plan, learner.bench.classes.names
                )
    assert saved, "the children were killed before they did anything"
    with ActiveLearner(folder, device="cpu", threads=1) as learner:
        report = learner.fine_tune(steps=6)
        assert report.steps == 6
        assert len(learner.score("mc-dropout")) >= 3
        assert not list(folder.rglob(".tmp-*")), "temporary files of dead processes stay"


def test_a_training_that_was_killed_goes_on_where_it_stood(crowd):
    folder, labels = crowd
    with ActiveLearner(folder, device="cpu", threads=1) as learner:
        for case in ("p00_v0", "p01_v0"):
            learner.save_label(case, labels / f"{case}.nii.gz")
    context = multiprocessing.get_context("forkserver")
    child = context.Process(target=train_forever, args=(str(folder),), daemon=True)
    child.start()
    unfinished = folder / "models" / "unfinished.pt"
    deadline = time.monotonic() + 60
    while not unfinished.is_file() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    with ActiveLearner(folder, device="cpu", threads=1) as learner:
        # The same budget takes it up; a few more seconds end it.
        report = learner.fine_tune(seconds=learner_seconds(learner) + 1.0)
    assert report.resumed
    assert report.steps > 1
    assert not unfinished.is_file()


def train_forever(folder: str) -> None:
    """Train for an hour, keeping the state at every step."""
    from ActiveSuggestLib.models import training

    training.KEEP_SECONDS = 0.0
    with ActiveLearner(folder, device="cpu", threads=1) as learner:
        learner.fine_tune(seconds=3600)


def learner_seconds(learner: ActiveLearner) -> float:
    """Return how long the unfinished training had run."""
    import torch

    path = learner.bench.checkpoints.folder / "unfinished.pt"
    return float(torch.load(path, weights_only=True)["elapsed"])
