"""Saving labels: on disk at once, never lost, whatever dies or fills up on the way."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from ActiveSuggestModule import mask_files
from ActiveSuggestModule.mask_files import write_mask

from ActiveSuggestLib.data.geometry import Geometry
from ActiveSuggestLib.data.labels import read_label
from ActiveSuggestLib.data.project import Project
from ActiveSuggestLib.data.segments import parse_segments
from ActiveSuggestLib.errors import SaveFailedError
from Testing.Python.module.session_stage import LAZY

SEGMENTS = parse_segments("ball,core")


@pytest.fixture
def opened(stage, trained_pool):
    """A stage with case p03_v0 open and nothing on it."""
    stage.open(trained_pool, ready=False)
    stage.done(stage.session.open_case("p03_v0", prefer="empty"))
    return stage


def label_of(folder: Path, case: str = "p03_v0") -> np.ndarray:
    return read_label(folder / "labels" / f"{case}.seg.nrrd", SEGMENTS, None).array


def events(folder: Path, kind: str) -> list:
    with Project.open(folder) as project:
        return project.events(kind=kind)


def test_the_mask_is_on_disk_when_save_returns_and_then_it_is_the_label(opened, trained_pool):
    opened.paint("core")
    painted = opened.scene.mask().array.copy()
    assert opened.session.save(note="clear edge")
    assert (trained_pool / "drafts" / "p03_v0.seg.nrrd").is_file()
    assert opened.session.current.saving
    assert opened.session.pending_saves == ("p03_v0",)
    opened.until(lambda: opened.saves)
    assert opened.saves[0]["case"] == "p03_v0"
    assert np.array_equal(label_of(trained_pool), painted)
    current = opened.session.current
    assert (current.saving, current.saved, current.dirty) == (False, True, False)
    assert opened.session.pending_saves == ()
    assert not (trained_pool / "drafts" / "p03_v0.seg.nrrd").exists()
    assert events(trained_pool, "saved")[-1].data["note"] == "clear edge"
    assert not opened.troubles


def test_counts_and_the_list_of_cases_follow(opened):
    opened.session.save()
    opened.until(lambda: opened.session.overview["counts"]["labelled"] == 3)
    opened.until(lambda: opened.session.cases[3]["state"] == "labelled")


def test_an_untouched_mask_can_be_saved(opened, trained_pool):
    assert opened.session.save()
    opened.until(lambda: opened.saves)
    assert not label_of(trained_pool).any()


def test_the_proposal_is_judged_by_the_label(stage, trained_pool):
    stage.open(trained_pool)
    stage.done(stage.session.open_case("p03_v0"))
    stage.until(lambda: stage.session.current.source == "proposal")
    stage.session.save()
    stage.until(lambda: stage.session.curve.get("prequential"))
    assert stage.session.curve["prequential"][0]["dice"] == pytest.approx(1.0)


def test_some_slices_alone_are_saved_and_the_rest_stays_an_edit(opened, trained_pool):
    opened.paint("ball", np.s_[3:6, 2:8, 2:8])
    assert opened.session.save(slices=[4])
    opened.until(lambda: opened.saves)
    with Project.open(trained_pool) as project:
        label = project.read_label("p03_v0")
    assert label.slices == (4,)
    assert (label.array[4, 2:8, 2:8] == 1).all()
    assert opened.session.current.dirty
    # The other slices were only in the draft that went with the label.
    kept = read_label(trained_pool / "drafts" / "p03_v0.seg.nrrd", SEGMENTS, None).array
    assert (kept[3, 2:8, 2:8] == 1).all()
    assert opened.session.save(slices=[3, 5])
    opened.until(lambda: len(opened.saves) == 2)
    opened.until(lambda: not opened.session.current.dirty)
    assert opened.session.current.labelled_slices == (3, 4, 5)


def test_slices_outside_the_volume_are_refused_and_nothing_is_lost(opened, trained_pool):
    opened.paint()
    assert opened.session.save(slices=[99])
    opened.until(lambda: opened.troubles)
    assert [t.kind for t in opened.troubles] == ["slice_range"]
    assert (trained_pool / "drafts" / "p03_v0.seg.nrrd").is_file()
    assert opened.session.current.dirty
    assert not opened.session.current.saving


def test_edits_made_while_a_save_is_under_way_stay_edits(opened, trained_pool):
    opened.paint("ball", np.s_[1:3, 1:3, 1:3])
    opened.session.save()
    opened.paint("core", np.s_[9:11, 9:11, 9:11])
    later = opened.scene.mask().array.copy()
    opened.until(lambda: opened.saves)
    assert not (label_of(trained_pool) == 2).any()
    assert opened.session.current.dirty
    kept = read_label(trained_pool / "drafts" / "p03_v0.seg.nrrd", SEGMENTS, None).array
    assert np.array_equal(kept, later)


def test_save_and_next_does_not_wait_for_the_label(stage, trained_pool):
    stage.open(trained_pool)
    stage.done(stage.session.suggest("random", "volume", 2))
    stage.until(lambda: all(s.state == "ready" for s in stage.session.suggestions))
    first, second = stage.session.suggestions
    stage.session.open_case(first.case)
    assert stage.session.save_and_next()
    assert stage.session.current.case == second.case
    assert stage.saves == []
    assert first.state == "done"
    stage.until(lambda: stage.saves)
    assert (trained_pool / "labels" / f"{first.case}.seg.nrrd").is_file()


def test_the_time_at_work_is_recorded_without_the_pauses(timed_stage, trained_pool, clock):
    stage = timed_stage
    stage.open(trained_pool, ready=False)
    stage.done(stage.session.open_case("p03_v0", prefer="empty"))
    for seconds, box in ((40, np.s_[1:2, :4, :4]), (500, np.s_[2:3, :4, :4]), (20, np.s_[3:4, :4])):
        clock.now += seconds
        stage.paint("ball", box)
        stage.host.process_events(0.7)
    clock.now += 10
    stage.session.save()
    stage.until(lambda: stage.saves)
    # 40 s, a pause that does not count, 20 s, and 10 s until the save.
    assert events(trained_pool, "saved")[-1].data["seconds"] == pytest.approx(70, abs=1)
    assert stage.session.current.seconds == 0


def test_a_worker_killed_during_a_save_is_started_again_and_saves(opened, trained_pool):
    opened.paint("core")
    painted = opened.scene.mask().array.copy()
    opened.session.save()
    opened.kill_worker()
    opened.until(lambda: opened.saves, "the label after the worker's death")
    assert np.array_equal(label_of(trained_pool), painted)
    assert [t.kind for t in opened.troubles] == ["worker_died"]
    assert len(opened.workers) == 2


def test_a_label_that_was_saved_before_the_worker_could_say_so_is_found(opened, trained_pool):
    # The dying worker saves, and its answer is lost with it.
    opened.kill_worker()
    opened.until(lambda: len(opened.workers) == 2 and opened.session.worker_state != "starting")
    opened.paint("core")
    painted = opened.scene.mask().array.copy()
    draft = trained_pool / "drafts" / "p03_v0.seg.nrrd"
    opened.workers[-1].answered.disconnect_all()
    opened.session.save()
    opened.until(lambda: not draft.exists(), "the label without an answer")
    opened.session.restart_worker()
    opened.until(lambda: opened.saves, "the answer of the next worker")
    assert opened.saves[0]["version"] == 1
    assert np.array_equal(label_of(trained_pool), painted)
    assert [t.kind for t in opened.troubles] == ["worker_died"]


def test_a_dead_worker_costs_no_label(opened, trained_pool):
    opened.kill_worker()
    opened.until(lambda: len(opened.workers) == 2 and opened.workers[-1].hello)
    opened.kill_worker()
    opened.until(lambda: opened.session.worker_state == "dead")
    opened.paint("core")
    painted = opened.scene.mask().array.copy()
    assert opened.session.save()
    opened.host.process_events(0.3)
    assert (trained_pool / "drafts" / "p03_v0.seg.nrrd").is_file()
    assert opened.session.current.saving
    assert not opened.saves
    opened.session.restart_worker()
    opened.until(lambda: opened.saves)
    assert np.array_equal(label_of(trained_pool), painted)
    assert [(t.kind, t.action) for t in opened.troubles] == [
        ("worker_died", None),
        ("worker_died", "restart"),
    ]


def test_a_project_folder_that_is_gone_rescues_the_mask(
    opened, trained_pool, monkeypatch, tmp_path
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    opened.paint("core")
    painted = opened.scene.mask().array.copy()
    away = trained_pool.with_name("away")
    trained_pool.rename(away)
    assert not opened.session.save()
    assert not opened.session.autosave()
    assert opened.session.current.case == "p03_v0"
    assert opened.session.current.dirty
    copies = list(tmp_path.glob("ActiveSuggest-rescued/p03_v0-*.seg.nrrd"))
    assert len(copies) == 1
    assert np.array_equal(read_label(copies[0], SEGMENTS, None).array, painted)
    assert [(t.kind, t.action, t.case) for t in opened.troubles] == [
        ("save_failed", "open-folder", "p03_v0")
    ]
    assert str(copies[0]) in opened.troubles[0].remedy
    away.rename(trained_pool)
    assert opened.session.save()
    opened.until(lambda: opened.saves)
    assert np.array_equal(label_of(trained_pool), painted)


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")
def test_a_full_disk_rescues_the_mask_and_keeps_the_case_open(opened, monkeypatch, tmp_path):
    import resource
    import signal

    opened.paint("core")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, before[1]))
    try:
        assert not opened.session.save()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    # The temporary folder was as full here: the mask is still in the scene, and it says so.
    assert [t.kind for t in opened.troubles] == ["disk_full"]
    assert "Do not close Slicer" in opened.troubles[0].remedy
    assert opened.session.current.dirty
    assert opened.session.save()
    opened.until(lambda: opened.saves)


def test_a_segment_that_the_project_does_not_have_is_named(opened, trained_pool):
    node = opened.scene.shown.segmentation
    node.GetSegmentation().AddEmptySegment("vessel", "vessel")
    opened.paint("vessel", np.s_[0:3, 0:3, 0:3])
    assert opened.session.save()
    assert [t.kind for t in opened.troubles] == ["unknown_segment"]
    assert "vessel" in opened.troubles[0].sentence
    assert "ball, core" in opened.troubles[0].remedy
    opened.until(lambda: opened.saves)


def test_saving_with_no_case_open_says_so(stage, trained_pool):
    stage.open(trained_pool, ready=False)
    assert not stage.session.save()
    assert len(stage.troubles) == 1


def test_two_sessions_save_both_and_know_of_each_other(
    opened, trained_pool, slicer_host, monkeypatch
):
    from Testing.Python.module.session_stage import Stage

    other = Stage(slicer_host, monkeypatch)
    other.open(trained_pool, ready=False)
    assert len(other.notices) == 1
    opened.paint("core")
    assert opened.session.save()
    opened.until(lambda: opened.saves)
    other.session.exclude("p05_v0", "not mine")
    other.until(lambda: other.session.overview["counts"]["excluded"] == 1)
    assert other.session.overview["counts"]["labelled"] == 3
    assert not opened.troubles + other.troubles
    other.finish()


# The file -------------------------------------------------------------------------------


def test_a_written_mask_reads_back_in_its_geometry(tmp_path):
    grid = Geometry((5, 4, 3), (0.5, 0.6, 2.5), (1.0, -2.0, 3.25), (0, 1, 0, -1, 0, 0, 0, 0, 1))
    mask = np.random.default_rng(1).integers(0, 3, (3, 4, 5)).astype(np.uint8)
    write_mask(tmp_path / "a.seg.nrrd", mask, grid, SEGMENTS)
    label = read_label(tmp_path / "a.seg.nrrd", SEGMENTS, grid)
    assert np.array_equal(label.array, mask)
    assert label.slices is None
    assert [path.name for path in tmp_path.iterdir()] == ["a.seg.nrrd"]


def test_a_mask_that_is_not_contiguous_is_written_right(tmp_path):
    mask = np.zeros((4, 4, 6), np.uint8)
    mask[1, 2, 3] = 1
    grid = Geometry((4, 4, 6), (1.0, 1.0, 1.0))
    write_mask(tmp_path / "a.seg.nrrd", mask.transpose(2, 0, 1), grid, SEGMENTS)
    array = read_label(tmp_path / "a.seg.nrrd", SEGMENTS, grid).array
    assert np.argwhere(array).tolist() == [[3, 1, 2]]


def test_a_failed_write_leaves_the_earlier_file(tmp_path, monkeypatch):
    grid = Geometry((2, 2, 2), (1.0, 1.0, 1.0))
    path = tmp_path / "a.seg.nrrd"
    write_mask(path, np.ones((2, 2, 2), np.uint8), grid, SEGMENTS)

    def fail(*_paths):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("ActiveSuggestLib.data.store.replace", fail)
    with pytest.raises(SaveFailedError):
        write_mask(path, np.zeros((2, 2, 2), np.uint8), grid, SEGMENTS)
    assert read_label(path, SEGMENTS, grid).array.all()
    assert [p.name for p in tmp_path.iterdir()] == ["a.seg.nrrd"]


def test_the_writing_of_a_large_mask_is_measured(tmp_path):
    """512 x 512 x 120: printed, not judged, for it is the machine's figure."""
    grid = Geometry((512, 512, 120), (0.7, 0.7, 2.5))
    mask = np.zeros((120, 512, 512), np.uint8)
    mask[40:60, 200:300, 200:300] = 1
    times = []
    for _ in range(3):
        began = time.perf_counter()
        write_mask(tmp_path / "a.seg.nrrd", mask, grid, SEGMENTS)
        times.append(time.perf_counter() - began)
    print(f"\nwriting a mask of 512 x 512 x 120: {1000 * min(times):.0f} ms")
    assert (tmp_path / "a.seg.nrrd").stat().st_size > mask.size
    shutil.rmtree(tmp_path)


SLOW_SAVE = """
import time
import ActiveSuggestLib.data.record.label_store as store
write = store.LabelStore._write
def slow_write(self, temporary, target, label):
    self.drafts.folder.joinpath("is-read").touch()
    time.sleep(1.0)
    write(self, temporary, target, label)
store.LabelStore._write = slow_write
"""


def test_edits_made_while_the_label_is_written_are_a_draft_when_the_case_was_left(
    stage, trained_pool
):
    stage.preamble = f"{LAZY}\n{SLOW_SAVE}"
    stage.open(trained_pool, ready=False)
    stage.done(stage.session.open_case("p03_v0", prefer="empty"))
    stage.paint("ball", np.s_[1:3, 1:3, 1:3])
    painted = stage.scene.mask().array.copy()
    assert stage.session.save()
    stage.until((trained_pool / "drafts" / "is-read").exists, "the worker has the mask")
    stage.paint("core", np.s_[9:11, 9:11, 9:11])
    later = stage.scene.mask().array.copy()
    stage.session.close_case()
    stage.until(lambda: stage.saves and not stage.session.jobs)
    assert np.array_equal(label_of(trained_pool), painted)
    stage.done(stage.session.open_case("p03_v0"))
    assert stage.session.current.source == "draft"
    assert np.array_equal(stage.scene.mask().array, later)
    assert not stage.troubles


def test_a_waiting_save_takes_what_was_there_when_it_was_pressed(stage, trained_pool):
    stage.open(trained_pool, ready=False)
    stage.done(stage.session.open_case("p03_v0", prefer="empty"))
    stage.paint("ball", np.s_[1:3, 1:3, 1:3])
    painted = stage.scene.mask().array.copy()
    # No worker takes the label before the case is left, with one more stroke.
    stage.session._link.restart()
    assert stage.session.save()
    stage.paint("core", np.s_[9:11, 9:11, 9:11])
    later = stage.scene.mask().array.copy()
    stage.session.close_case()
    stage.until(lambda: stage.saves)
    stage.done(stage.session.look_up("status"))
    assert np.array_equal(label_of(trained_pool), painted)
    assert not list((trained_pool / "drafts" / "saving").iterdir())
    stage.done(stage.session.open_case("p03_v0"))
    assert stage.session.current.source == "draft"
    assert np.array_equal(stage.scene.mask().array, later)
    assert not stage.troubles


def test_on_a_disk_without_links_the_state_that_is_saved_is_copied(
    stage, trained_pool, monkeypatch
):
    def refuse(*_paths):
        raise OSError("no links here")

    monkeypatch.setattr(mask_files.os, "link", refuse)
    stage.open(trained_pool, ready=False)
    stage.done(stage.session.open_case("p03_v0", prefer="empty"))
    stage.paint("ball", np.s_[1:3, 1:3, 1:3])
    painted = stage.scene.mask().array.copy()
    stage.session._link.restart()
    assert stage.session.save()
    stage.paint("core", np.s_[9:11, 9:11, 9:11])
    stage.session.close_case()
    stage.until(lambda: stage.saves)
    assert np.array_equal(label_of(trained_pool), painted)
    assert not stage.troubles
