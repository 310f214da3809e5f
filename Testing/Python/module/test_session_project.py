"""Opening, creating and closing projects."""

from __future__ import annotations

import json
import shutil

import pytest
import qt
from ActiveSuggestModule.recent import KEPT, RecentProjects

from Testing.Python import blobs
from Testing.Python.module.session_stage import LAZY


def test_an_opened_project_tells_what_it_holds(stage, trained_pool):
    stage.open(trained_pool, ready=False)
    session = stage.session
    assert session.folder == trained_pool
    assert [segment.name for segment in session.segments] == ["ball", "core"]
    assert session.overview["counts"]["labelled"] == 2
    assert [facts["case"] for facts in session.cases] == [f"p{n:02d}_v0" for n in range(6)]
    stage.until(lambda: session.models and session.curve and session.strategies)
    assert [model["version"] for model in session.models] == [1]
    assert "mc-dropout" in [strategy["name"] for strategy in session.strategies]
    assert session.worker_state in ("open", "ready")
    assert not stage.troubles


def test_the_device_is_named_when_the_learner_is_ready(stage, trained_pool):
    stage.open(trained_pool)
    assert stage.session.device["description"]
    assert stage.session.worker_state == "ready"


def test_a_folder_without_a_project_gives_one_sentence_and_nothing_else(stage, tmp_path):
    job = stage.session.open(tmp_path)
    assert stage.ended(job) == "failed"
    assert [(t.kind, t.action) for t in stage.troubles] == [("not_a_project", "open-project")]
    assert str(tmp_path) in stage.troubles[0].sentence
    assert stage.session.worker_state == "none"
    assert stage.session.folder is None
    assert not stage.session.jobs


def test_another_project_closes_the_first(stage, trained_pool, fresh_pool):
    stage.open(trained_pool, ready=False)
    first = stage.workers[0]
    stage.open(fresh_pool, ready=False)
    assert stage.session.folder == fresh_pool
    assert len(stage.session.cases) == 4
    assert stage.session.suggestions == []
    stage.until(lambda: not first.is_running, "the first worker's end")


def test_the_same_project_again_is_no_second_session(stage, trained_pool):
    stage.open(trained_pool, ready=False)
    stage.open(trained_pool, ready=False)
    assert stage.notices == []
    assert len(stage.workers) == 2


def test_a_closed_project_leaves_nothing(stage, trained_pool):
    stage.open(trained_pool, ready=False)
    stage.done(stage.session.open_case("p03_v0"))
    stage.session.close()
    session = stage.session
    assert (session.folder, session.current, session.cases) == (None, None, [])
    assert session.worker_state == "none"
    assert stage.scene.shown is None
    stage.until(lambda: not stage.workers[0].is_running)
    assert not stage.troubles


def test_opening_can_be_cancelled(stage, trained_pool):
    stage.preamble = "import time; time.sleep(60)"
    job = stage.session.open(trained_pool)
    stage.session.cancel("open")
    assert stage.ended(job) == "cancelled"
    assert stage.session.worker_state == "none"
    stage.workers[0].kill()
    stage.until(lambda: not stage.workers[0].is_running)
    assert not stage.troubles


def test_a_new_project_is_made_with_progress_and_is_open(stage, tmp_path):
    pool = blobs.write_pool(tmp_path, 3)
    steps = []
    stage.session.jobs_changed.connect(
        lambda: steps.extend((j.done, j.total) for j in stage.session.jobs.values())
    )
    spec = {
        "folder": str(tmp_path / "new"),
        "images": str(pool / "images"),
        "labels": str(pool / "labels"),
        "name": "Balls",
        "segments": [
            {"name": "core", "value": 2, "color": [0.1, 0.2, 0.3], "terminology": ""},
            {"name": "ball", "value": 1, "color": [0.9, 0.2, 0.3], "terminology": ""},
        ],
    }
    overview = stage.done(stage.session.create(spec))
    assert overview["counts"]["labelled"] == 3
    assert overview["name"] == "Balls"
    assert {s.name: s.value for s in stage.session.segments} == {"core": 2, "ball": 1}
    assert any(total > 0 for _, total in steps)
    assert stage.session.folder == tmp_path / "new"


def test_a_new_project_that_cannot_be_made_says_why(stage, tmp_path):
    spec = {"folder": str(tmp_path / "new"), "images": str(tmp_path / "no"), "segments": "ball"}
    job = stage.session.create(spec)
    assert stage.ended(job) == "failed"
    assert [t.kind for t in stage.troubles] == ["image_folder"]
    assert stage.session.worker_state == "none"


def test_labels_of_a_folder_are_taken_in(stage, fresh_pool):
    stage.open(fresh_pool, ready=False)
    report = stage.done(stage.session.import_labels(fresh_pool.parent / "labels"))
    assert len(report["adopted"]) == 4
    stage.until(lambda: stage.session.overview["counts"]["labelled"] == 4)
    stage.until(lambda: all(facts["state"] == "labelled" for facts in stage.session.cases))


def test_a_rescan_finds_new_images(stage, fresh_pool):
    stage.open(fresh_pool, ready=False)
    images = fresh_pool.parent / "images"
    shutil.copy(images / "p00_v0.nii.gz", images / "p99_v0.nii.gz")
    stage.done(stage.session.rescan())
    stage.until(lambda: len(stage.session.cases) == 5)


def test_recent_projects_are_listed_newest_first(stage, trained_pool, fresh_pool):
    stage.open(trained_pool, ready=False)
    stage.open(fresh_pool, ready=False)
    assert stage.session.recent == [str(fresh_pool), str(trained_pool)]
    stage.session.close()
    shutil.rmtree(fresh_pool)
    assert stage.session.recent == [str(trained_pool)]


def test_recent_projects_last_in_the_settings(slicer_host, tmp_path):
    for number in range(KEPT + 2):
        folder = tmp_path / f"project {number}"
        folder.mkdir()
        (folder / "project.json").write_text("{}")
        RecentProjects(qt.QSettings()).add(folder)
    listed = RecentProjects(qt.QSettings()).folders()
    assert listed[0].endswith(f"project {KEPT + 1}")
    assert len(listed) == KEPT


def test_the_specification_does_not_stay_in_the_temporary_folder(stage, tmp_path, monkeypatch):
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    blobs.write_pool(tmp_path, 2)
    spec = {"folder": tmp_path / "new", "images": tmp_path / "images", "segments": "ball,core"}
    job = stage.session.create(spec)
    assert [json.loads(path.read_text())["segments"] for path in place.glob("*.json")] == [
        "ball,core"
    ]
    stage.done(job)
    assert list(place.glob("*.json")) == []


@pytest.mark.parametrize("method", ["suggest", "fine_tune", "rescan"])
def test_without_a_project_a_request_fails_with_a_sentence(stage, method):
    job = getattr(stage.session, method)()
    assert stage.ended(job) == "failed"
    assert len(stage.troubles) == 1


def test_an_opening_cancelled_when_the_project_is_open_already_leaves_it_usable(
    stage, trained_pool
):
    stage.preamble = LAZY
    job = stage.session.open(trained_pool)
    stage.until(lambda: stage.session.worker_state == "open")
    assert not job.has_ended
    stage.session.cancel("open")
    assert stage.ended(job) == "done"
    assert stage.done(stage.session.open_case("p00_v0"))["case"] == "p00_v0"
    assert not stage.troubles
