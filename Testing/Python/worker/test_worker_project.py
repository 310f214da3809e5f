"""The worker over a real project: the whole loop in a child process."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import SimpleITK

from ActiveSuggestLib.data.project import Project, create_project
from ActiveSuggestLib.errors import (
    CancelledError,
    LabelGeometryError,
    MissingDraftError,
    NoModelError,
    NotAProjectError,
    UnknownCaseError,
    UnknownStrategyError,
    VanishedImageError,
    WorkerDiedError,
)
from ActiveSuggestLib.worker_client import WorkerClient
from Testing.Python.ball_pool import SHAPE, write_pool

SECONDS = 120.0


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pool ä")
    write_pool(folder)
    return folder


@pytest.fixture(scope="module")
def blank(pool: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with four labels and no model."""
    folder = tmp_path_factory.mktemp("blank") / "project"
    with create_project(folder, pool / "images", segments="ball") as project:
        for number in range(4):
            project.save_label(f"case-{number}", pool / "labels" / f"case-{number}.nii.gz")
    return folder


@pytest.fixture(scope="module")
def trained(blank: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "project"
    shutil.copytree(blank, folder)
    with WorkerClient(folder, device="cpu", threads=1) as client:
        client.request("fine_tune", steps=3).result(SECONDS)
    return folder


@pytest.fixture(scope="module")
def warm(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerClient]:
    """A worker for tests that do not disturb each other: starting one takes seconds."""
    folder = Path(shutil.copytree(trained, tmp_path_factory.mktemp("warm") / "project"))
    with WorkerClient(folder, device="cpu", threads=1, rater="Bo") as client:
        client.wait_ready(SECONDS)
        yield client


@pytest.fixture
def worker(trained: Path, tmp_path: Path) -> Iterator[WorkerClient]:
    """A worker over a copy of the project with a model."""
    folder = Path(shutil.copytree(trained, tmp_path / "project"))
    with WorkerClient(folder, device="cpu", threads=1, rater="Ada") as client:
        client.wait_ready(SECONDS)
        yield client


@pytest.fixture
def untrained(blank: Path, tmp_path: Path) -> Iterator[WorkerClient]:
    folder = Path(shutil.copytree(blank, tmp_path / "project"))
    with WorkerClient(folder, device="cpu", threads=1) as client:
        client.wait_ready(SECONDS)
        yield client


def label_of(pool: Path, number: int) -> Path:
    return pool / "labels" / f"case-{number}.nii.gz"


def until_progress(call: object, seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not call.progress:  # type: ignore[attr-defined]
        assert time.monotonic() < deadline
        assert not call.done()  # type: ignore[attr-defined]
        time.sleep(0.01)


def test_the_whole_loop_runs_in_one_worker(worker: WorkerClient, pool: Path) -> None:
    first = worker.request("suggest", strategy="mc-dropout", count=2).result(SECONDS)
    assert [item["rank"] for item in first] == [1, 2]
    assert all(item["reasons"] for item in first)
    case = first[0]["case"]
    number = int(case.rpartition("-")[2])
    saved = worker.request("save_label", case=case, mask=label_of(pool, number)).result(SECONDS)
    assert saved["version"] == 1
    report = worker.request("fine_tune", steps=2).result(SECONDS)
    assert report["trained_on"] >= 4
    again = worker.request("suggest", count=5).result(SECONDS)
    assert case not in {item["case"] for item in again}
    assert worker.request("status").result(SECONDS)["counts"]["labelled"] == 5


def test_the_worker_names_its_device(warm: WorkerClient) -> None:
    warm.request("suggest", strategy="random").result(SECONDS)
    ready = next(notice for notice in warm.notices if notice.kind == "ready")
    assert ready.data["device"] == "cpu"
    status = warm.request("status").result(SECONDS)
    assert status["device"] == "cpu"
    assert status["plan"]
    assert status["model"]["version"] == 1
    assert [record["version"] for record in warm.request("models").result(SECONDS)] == [1]


def test_the_panel_learns_what_the_device_is_and_how_much_memory_it_has(
    warm: WorkerClient,
) -> None:
    warm.request("suggest", strategy="random").result(SECONDS)
    ready = next(notice for notice in warm.notices if notice.kind == "ready")
    for facts in (ready.data, warm.request("status").result(SECONDS)):
        assert facts["kind"] == "cpu"
        assert facts["why"] == "asked for"
        assert 0 < facts["free_bytes"] < facts["total_bytes"]
        assert facts["free_gpu_bytes"] is None


def test_a_second_worker_on_the_same_project_is_seen_while_it_lives(worker: WorkerClient) -> None:
    status = worker.request("status").result(SECONDS)
    assert status["sessions_here"] == 0
    with WorkerClient(status["project"], device="cpu", threads=1) as other:
        other.wait_ready(SECONDS)
        assert worker.request("status").result(SECONDS)["sessions_here"] == 1
        os.kill(other.process.pid, signal.SIGTERM)
        other.process.wait(SECONDS)
    assert worker.request("status").result(SECONDS)["sessions_here"] == 0


def test_strategies_come_with_their_explanations(warm: WorkerClient) -> None:
    found = warm.request("strategies").result(SECONDS)
    assert found[0]["name"] == "default"
    assert {"mc-dropout", "random"} <= {entry["name"] for entry in found}
    assert all(entry["explanation"] and entry["available_units"] for entry in found)


def test_a_draft_that_the_caller_wrote_itself_is_taken_up(worker: WorkerClient, pool: Path) -> None:
    folder = Path(worker.request("status").result(SECONDS)["project"])
    with pytest.raises(MissingDraftError):
        worker.request("adopt_draft", case="case-6").result(SECONDS)
    saved = worker.request("save_draft", case="case-5", mask=label_of(pool, 5)).result(SECONDS)
    draft = folder / "drafts" / "case-6.seg.nrrd"
    for _ in range(2):
        shutil.copyfile(saved["path"], draft)
        assert worker.request("adopt_draft", case="case-6").result(SECONDS)["path"] == str(draft)
    (row,) = [row for row in worker.request("cases").result(SECONDS) if row["case"] == "case-6"]
    assert row["state"] == "draft"
    assert len(worker.request("events", case="case-6", kind="draft").result(SECONDS)) == 1
    worker.request("save_label", case="case-6", mask=draft).result(SECONDS)
    assert not draft.exists()
    with Project.open(folder) as project:
        assert not project.recovery.drafts
        assert project.case("case-6").state == "labelled"


def test_the_curve_has_each_model_and_the_proposals_dice(worker: WorkerClient, pool: Path) -> None:
    worker.request("predict", case="case-6").result(SECONDS)
    worker.request("save_label", case="case-6", mask=label_of(pool, 6)).result(SECONDS)
    found = worker.request("curve").result(SECONDS)
    assert [point["version"] for point in found["models"]] == [1]
    assert found["models"][0]["labels"] >= 3
    (judged,) = found["prequential"]
    assert (judged["case"], judged["model"]) == ("case-6", 1)
    assert 0 <= judged["dice"] <= 1


def test_a_prediction_is_two_files_on_the_images_grid(warm: WorkerClient, pool: Path) -> None:
    found = warm.request("predict", case="case-5").result(SECONDS)
    labels = SimpleITK.ReadImage(found["labels"])
    heat = SimpleITK.ReadImage(found["uncertainty"])
    assert labels.GetSize() == heat.GetSize() == SHAPE[::-1]
    assert labels.GetMetaData("Segment0_Name") == "ball"
    assert b"encoding: raw" in Path(found["uncertainty"]).read_bytes()[:2000]
    image = SimpleITK.ReadImage(str(pool / "images" / "case-5.nii.gz"))
    assert heat.GetOrigin() == pytest.approx(image.GetOrigin())
    assert heat.GetDirection() == pytest.approx(image.GetDirection())
    assert 0 <= found["worst_slice"] < SHAPE[0]
    assert found["model"] == 1


def test_a_case_is_made_ready_with_its_proposal_once_it_was_predicted(
    worker: WorkerClient,
) -> None:
    before = worker.request("prepare", case="case-5").result(SECONDS)
    assert before["prediction"] is None
    found = worker.request("predict", case="case-5").result(SECONDS)
    assert found["slices"][0]["slice"] == found["worst_slice"]
    assert len(found["slices"]) == SHAPE[0]
    picture = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(found["thumbnail"]))
    assert picture.shape[2] == 3
    after = worker.request("prepare", case="case-5", urgent=True).result(SECONDS)
    assert after["prediction"] == found
    assert after["thumbnail"] == found["thumbnail"] != before["thumbnail"]
    small = worker.request("thumbnail", case="case-5", slice=2).result(SECONDS)
    assert small["slice"] == 2
    assert Path(small["path"]).is_file()


def test_a_proposal_is_told_before_its_uncertainty_is_there(worker: WorkerClient) -> None:
    call = worker.request("predict", case="case-5")
    found = call.result(SECONDS)
    (told,) = [p.data for p in call.progress if "labels" in p.data]
    assert told == {"case": "case-5", "labels": found["labels"], "model": 1}
    folder = Path(worker.request("status").result(SECONDS)["project"])
    assert (folder / "cache" / "proposals" / "case-5.npz").is_file()


def test_a_case_predicted_before_is_answered_without_the_network_and_still_judged(
    worker: WorkerClient, pool: Path
) -> None:
    found = worker.request("predict", case="case-5").result(SECONDS)
    folder = Path(worker.request("status").result(SECONDS)["project"])
    for proposal in (folder / "cache" / "proposals").iterdir():
        proposal.unlink()
    written = Path(found["labels"]).stat().st_mtime_ns
    assert worker.request("predict", case="case-5").result(SECONDS) == found
    assert Path(found["labels"]).stat().st_mtime_ns == written
    worker.request("save_label", case="case-5", mask=found["labels"]).result(SECONDS)
    (judged,) = worker.request("curve").result(SECONDS)["prequential"]
    assert (judged["case"], judged["dice"]) == ("case-5", 1.0)


def test_a_proposal_for_a_case_that_the_model_was_trained_on_is_no_point_of_the_curve(
    worker: WorkerClient, pool: Path
) -> None:
    trained_on = worker.request("models").result(SECONDS)[0]["labels"]
    case = sorted(trained_on)[0]
    number = int(case.rpartition("-")[2])
    worker.request("predict", case=case).result(SECONDS)
    worker.request("save_label", case=case, mask=label_of(pool, number)).result(SECONDS)
    assert worker.request("events", kind="prequential").result(SECONDS)
    assert worker.request("curve").result(SECONDS)["prequential"] == []


def test_a_click_is_answered_while_a_training_runs_and_the_training_is_not_shortened(
    worker: WorkerClient,
) -> None:
    before = worker.request("predict", case="case-5").result(SECONDS)
    labels = Path(before["labels"]).read_bytes()
    Path(before["labels"]).with_name("case-5.json").unlink()
    training = worker.request("fine_tune", steps=400)
    until_progress(training)
    meanwhile = worker.request("predict", case="case-5").result(SECONDS)
    listed = worker.request("suggest", strategy="mc-dropout", count=2).result(SECONDS)
    ranked = worker.request("score", strategy="entropy", limit=2).result(SECONDS)
    assert not training.done()
    assert meanwhile == before
    assert Path(meanwhile["labels"]).read_bytes() == labels
    assert all(item["worst_slice"] is not None for item in listed)
    assert len(ranked["rows"]) == 2
    assert training.result(SECONDS)["steps"] == 400
    assert any(p.data.get("paused") for p in training.progress)


def test_one_case_that_cannot_be_predicted_stops_none_of_the_others(
    warm: WorkerClient, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    call = warm.request("predict", cases=["case-5", "nobody", "case-6"], out=out)
    answers = call.result(SECONDS)
    assert [answer["case"] for answer in answers] == ["case-5", "nobody", "case-6"]
    assert answers[1]["error"]["kind"] == "unknown_case"
    assert (out / "case-6.seg.nrrd").is_file()


def test_a_score_table_comes_as_a_file_with_the_first_rows(warm: WorkerClient) -> None:
    found = warm.request("score", unit="slice", limit=3).result(SECONDS)
    assert [row["rank"] for row in found["rows"]] == [1, 2, 3]
    assert all(isinstance(row["slice"], int) for row in found["rows"])
    lines = Path(found["path"]).read_text(encoding="utf-8").splitlines()
    assert len(lines) == found["total"] + 1


def test_a_label_saved_while_training_is_acknowledged_at_once_and_trained_on(
    worker: WorkerClient, pool: Path
) -> None:
    training = worker.request("fine_tune", seconds=4)
    until_progress(training)
    started = time.monotonic()
    saved = worker.request("save_label", case="case-6", mask=label_of(pool, 6)).result(SECONDS)
    assert time.monotonic() - started < 2.0
    assert not training.done()
    assert Path(saved["path"]).is_file()
    held_out = worker.request("status").result(SECONDS)["validation_cases"]
    assert training.result(SECONDS)["trained_on"] == 5 - len(held_out)


def test_a_training_that_is_cancelled_leaves_a_worker_that_goes_on(worker: WorkerClient) -> None:
    training = worker.request("fine_tune", seconds=300)
    until_progress(training)
    training.cancel()
    with pytest.raises(CancelledError):
        training.result(SECONDS)
    assert worker.request("suggest").result(SECONDS)
    assert len(worker.request("models").result(SECONDS)) >= 1


def test_drafts_notes_and_decisions_are_recorded(
    warm: WorkerClient, pool: Path, tmp_path: Path
) -> None:
    before = warm.request("status").result(SECONDS)["counts"]
    requests = [
        ("save_draft", {"case": "case-4", "mask": label_of(pool, 4)}),
        ("exclude", {"case": "case-5", "reason": "motion"}),
        ("skip", {"case": "case-6"}),
        ("note", {"case": "case-6", "text": "unclear border"}),
        ("release_claims", {}),
    ]
    for method, params in requests:
        warm.request(method, **params).result(SECONDS)
    rows = {row["case"]: row for row in warm.request("cases").result(SECONDS)}
    assert rows["case-4"]["state"] == "draft"
    assert (rows["case-5"]["state"], rows["case-5"]["reason"]) == ("excluded", "motion")
    assert rows["case-6"]["skipped"] == 1
    events = warm.request("events", case="case-6", kind="note").result(SECONDS)
    assert (events[0]["data"]["text"], events[0]["rater"]) == ("unclear border", "Bo")
    warm.request("discard_draft", case="case-4").result(SECONDS)
    warm.request("include", case="case-5").result(SECONDS)
    assert warm.request("status").result(SECONDS)["counts"] == before


def test_a_case_tells_the_versions_of_its_label(warm: WorkerClient, pool: Path) -> None:
    mask = label_of(pool, 7)
    warm.request("save_label", case="case-7", mask=mask, slices=[5], seconds=12.0).result(SECONDS)
    warm.request("save_label", case="case-7", mask=mask, note="checked").result(SECONDS)
    facts = warm.request("case", case="case-7").result(SECONDS)
    assert Path(facts["label"]).is_file()
    assert [version["version"] for version in facts["history"]] == [1, 2]
    assert facts["history"][1]["note"] == "checked"


def test_errors_arrive_as_what_they_are(warm: WorkerClient, pool: Path, tmp_path: Path) -> None:
    import numpy as np

    before = warm.request("status").result(SECONDS)["counts"]
    wrong = tmp_path / "wrong.nii.gz"
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(np.zeros((3, 3, 3), np.uint8)), str(wrong))
    for error, method, params in (
        (UnknownCaseError, "save_label", {"case": "nobody", "mask": label_of(pool, 4)}),
        (LabelGeometryError, "save_label", {"case": "case-4", "mask": wrong}),
        (UnknownStrategyError, "suggest", {"strategy": "clairvoyance"}),
        (UnknownCaseError, "predict", {"case": "nobody"}),
    ):
        with pytest.raises(error) as caught:
            warm.request(method, **params).result(SECONDS)
        assert caught.value.remedy
    assert warm.request("status").result(SECONDS)["counts"] == before


def test_without_a_model_predicting_is_an_ordinary_answer(untrained: WorkerClient) -> None:
    with pytest.raises(NoModelError):
        untrained.request("predict", case="case-5").result(SECONDS)
    assert untrained.request("suggest").result(SECONDS)[0]["reasons"]


def test_an_image_that_vanished_is_named_and_comes_back_by_a_rescan(
    worker: WorkerClient, pool: Path, tmp_path: Path
) -> None:
    images = Path(shutil.copytree(pool / "images", tmp_path / "images"))
    worker.request("rescan", images=images).result(SECONDS)
    (images / "case-5.nii.gz").rename(tmp_path / "away.nii.gz")
    with pytest.raises(VanishedImageError):
        worker.request("predict", case="case-5").result(SECONDS)
    assert worker.request("status").result(SECONDS)["problems"][0]["case"] == "case-5"
    (tmp_path / "away.nii.gz").rename(images / "case-5.nii.gz")
    report = worker.request("rescan").result(SECONDS)
    assert report["returned"] == ["case-5"]
    assert worker.request("predict", case="case-5").result(SECONDS)["labels"]


def test_labels_of_a_folder_are_taken_in(worker: WorkerClient, pool: Path) -> None:
    report = worker.request("import_labels", folder=pool / "labels").result(SECONDS)
    assert sorted(report["adopted"]) == [f"case-{number}" for number in range(4, 8)]
    assert len(report["kept"]) == 4


def test_an_earlier_model_can_be_taken_into_use_again(worker: WorkerClient) -> None:
    worker.request("train", steps=2).result(SECONDS)
    worker.request("rollback", version=1).result(SECONDS)
    assert worker.request("status").result(SECONDS)["model"]["version"] == 1


def test_two_workers_are_never_suggested_the_same_case(worker: WorkerClient) -> None:
    folder = worker.request("status").result(SECONDS)["project"]
    with WorkerClient(folder, device="cpu", threads=1) as other:
        calls = [w.request("suggest", count=2, strategy="random") for w in (worker, other)]
        first, second = ({item["case"] for item in call.result(SECONDS)} for call in calls)
    assert not first & second


def test_a_folder_without_a_project_is_named_before_torch_is_loaded(tmp_path: Path) -> None:
    with WorkerClient(tmp_path) as client, pytest.raises(NotAProjectError):
        client.wait_ready(10)


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_worker_killed_while_training_loses_no_label(worker: WorkerClient, pool: Path) -> None:
    folder = worker.request("status").result(SECONDS)["project"]
    training = worker.request("fine_tune", seconds=300)
    until_progress(training)
    worker.request("save_label", case="case-7", mask=label_of(pool, 7)).result(SECONDS)
    os.kill(worker.process.pid, signal.SIGKILL)
    with pytest.raises(WorkerDiedError):
        training.result(SECONDS)
    with Project.open(folder) as project:
        assert project.counts()["labelled"] == 5
        label = project.read_label("case-7")
        assert label is not None
        assert label.array.any()
