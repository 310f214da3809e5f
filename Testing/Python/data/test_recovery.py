"""Recovery: whatever a kill, a copy or a person left behind, opening puts it right."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from ActiveSuggestLib.data import store
from ActiveSuggestLib.data.journaling.journal import Journal
from ActiveSuggestLib.data.journaling.processes import host_mark
from ActiveSuggestLib.data.labels import write_label
from ActiveSuggestLib.data.project import Project
from ActiveSuggestLib.errors import DamagedProjectError, DiskFullError
from Testing.Python.data.small_projects import (
    a_mask,
    a_project,
    labels_on_disk,
    leftovers,
    number_of,
)


@pytest.fixture
def project(tmp_path: Path):
    with a_project(tmp_path) as project:
        yield project


def put_label(project: Project, case: str, number: int, **options: object) -> Path:
    """Put a label file into the project behind the journal's back."""
    geometry = project.case(case).geometry
    assert geometry is not None
    path = project.folder / "labels" / f"{case}.seg.nrrd"
    path.parent.mkdir(exist_ok=True)
    write_label(path, a_mask(number), geometry, project.segments, **options)
    return path


def number_saved(project: Project, case: str, version: int | None = None) -> int:
    label = project.read_label(case, version)
    assert label is not None
    return number_of(label.array, 0 if label.slices is None else label.slices[0])


def test_a_label_that_the_journal_does_not_know_is_adopted(project: Project) -> None:
    before = project.labels_version()
    put_label(project, "c1", 8)
    with Project.open(project.folder) as again:
        assert again.recovery.recovered == ["c1"]
        row = again.case("c1")
        assert (row.state, row.label_version) == ("labelled", 1)
        assert number_saved(again, "c1") == 8
        assert again.labels_version() > before
    with Project.open(project.folder) as once_more:
        assert once_more.recovery.recovered == []
        assert len(once_more.events(kind="recovered")) == 1


def test_a_label_newer_than_the_journal_becomes_the_next_version(project: Project) -> None:
    project.save_label("c1", a_mask(1))
    shutil.copyfile(
        project.folder / "labels" / "c1.seg.nrrd",
        project.folder / "labels" / "history" / "c1.v1.seg.nrrd",
    )
    put_label(project, "c1", 2)
    with Project.open(project.folder) as again:
        assert again.case("c1").label_version == 2
        assert (number_saved(again, "c1"), number_saved(again, "c1", 1)) == (2, 1)
        again.save_label("c1", a_mask(3))
        assert [number_saved(again, "c1", version) for version in (1, 2, 3)] == [1, 2, 3]


def test_an_adopted_label_keeps_its_slices(project: Project) -> None:
    put_label(project, "c1", 5, slices=[2, 3])
    with Project.open(project.folder) as again:
        assert again.case("c1").labelled_slices == (2, 3)
        again.save_label("c1", a_mask(6), slices=[4])
        assert again.case("c1").labelled_slices == (2, 3, 4)


def test_a_label_changed_under_an_open_project_is_noticed_when_read_or_saved(
    project: Project,
) -> None:
    project.save_label("c1", a_mask(1))
    put_label(project, "c1", 2)
    assert number_saved(project, "c1") == 2
    put_label(project, "c1", 3)
    saved = project.save_label("c1", a_mask(4))
    assert saved.version == 4
    assert [number_saved(project, "c1", version) for version in (3, 4)] == [3, 4]


def test_an_unusable_label_file_is_recorded_once_and_left_where_it_is(project: Project) -> None:
    path = project.folder / "labels" / "c1.seg.nrrd"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"NRRD0004\ncut short")
    for _ in range(2):
        with Project.open(project.folder) as again:
            assert again.case("c1").state == "unlabelled"
            [event] = again.events(kind="label_refused")
            assert event.data["error"]["remedy"]
            assert again.read_label("c1") is None
    assert path.read_bytes() == b"NRRD0004\ncut short"


def test_saving_over_an_unusable_file_keeps_that_file_in_the_history(project: Project) -> None:
    path = project.folder / "labels" / "c1.seg.nrrd"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"someone's work")
    project.save_label("c1", a_mask(3))
    assert number_saved(project, "c1") == 3
    [kept] = (project.folder / "labels" / "history").iterdir()
    assert kept.read_bytes() == b"someone's work"


def test_a_label_damaged_from_outside_is_told_and_its_versions_stay(project: Project) -> None:
    project.save_label("c1", a_mask(1))
    project.save_label("c1", a_mask(2))
    path = project.folder / "labels" / "c1.seg.nrrd"
    path.write_bytes(path.read_bytes()[:-20])
    with Project.open(project.folder) as again:
        assert again.recovery.refused == ["c1"]
        assert again.case("c1").state == "unlabelled"
        assert [e.kind for e in again.events(case="c1")][-2:] == ["label_lost", "label_refused"]
        assert number_saved(again, "c1", 1) == 1
        assert again.save_label("c1", a_mask(3)).version == 3


def test_a_label_that_is_gone_is_told_and_comes_back_with_its_file(project: Project) -> None:
    project.save_label("c1", a_mask(1))
    path = project.folder / "labels" / "c1.seg.nrrd"
    path.rename(project.folder / "aside")
    with Project.open(project.folder) as again:
        assert again.recovery.lost == ["c1"]
        assert again.case("c1").state == "unlabelled"
    (project.folder / "aside").rename(path)
    with Project.open(project.folder) as again:
        assert again.recovery.recovered == ["c1"]
        row = again.case("c1")
        assert (row.state, row.label_version) == ("labelled", 1)


def test_a_copied_project_notes_the_new_times_without_new_versions(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("c0", "c1"):
        project.save_label(name, a_mask(1))
    newest = project.events()[-1].id
    project.close()
    copy = tmp_path / "copy"
    shutil.copytree(project.folder, copy, copy_function=shutil.copyfile)

    def not_read(*_arguments: object, **_options: object) -> None:
        raise AssertionError("a label was read")

    with monkeypatch.context() as patch:
        patch.setattr("ActiveSuggestLib.data.labels.read_label", not_read)
        with Project.open(copy) as again:
            assert again.counts()["labelled"] == 2
            changes = {e.kind for e in again.events(since=newest)}
            assert changes.isdisjoint({"recovered", "label_lost"})
    with Project.open(copy) as again:
        assert again.case("c0").label_version == 1


def test_a_draft_that_the_journal_does_not_know_is_taken_up(project: Project) -> None:
    project.save_draft("c1", a_mask(1))
    geometry = project.case("c1").geometry
    assert geometry is not None
    write_label(project.folder / "drafts" / "c2.seg.nrrd", a_mask(7), geometry, project.segments)
    with Project.open(project.folder) as again:
        assert again.recovery.drafts == ["c2"]
        assert [row.name for row in again.cases("draft")] == ["c1", "c2"]


def test_a_draft_whose_label_was_saved_does_not_come_back(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.save_draft("c1", a_mask(1))
    with monkeypatch.context() as patch:  # as if killed after the label, before the clearing up
        patch.setattr("ActiveSuggestLib.data.record.drafts.Drafts.put_aside", lambda *_: None)
        project.save_label("c1", a_mask(2))
    assert (project.folder / "drafts" / "c1.seg.nrrd").is_file()
    with Project.open(project.folder) as again:
        assert not again.case("c1").has_draft
        assert again.read_draft("c1") is None


def test_what_killed_processes_left_half_written_is_removed(project: Project) -> None:
    project.save_label("c1", a_mask(1))
    stray = f".tmp-{host_mark()}-2147480000-1-abc"
    for place in ("", "labels", "labels/history", "drafts", "models"):
        (project.folder / place).mkdir(exist_ok=True)
        (project.folder / place / f"{stray}.seg.nrrd").write_bytes(b"half")
    own = store.temporary_beside(project.folder / "labels" / "c1.seg.nrrd")
    own.write_bytes(b"being written by this process")
    with Project.open(project.folder) as again:
        assert leftovers(again) == [own]
        assert again.counts()["labelled"] == 1


def test_a_journal_that_was_put_aside_is_rebuilt_from_images_and_labels(project: Project) -> None:
    project.save_label("c0", a_mask(1))
    project.save_label("c1", a_mask(2), slices=[1, 2])
    project.lock_validation(["c0"])
    project.close()
    (project.folder / "journal.sqlite").write_bytes(b"damaged" * 1000)
    with pytest.raises(DamagedProjectError, match="aside"):
        Project.open(project.folder)
    (project.folder / "journal.sqlite").rename(project.folder / "journal.damaged")
    with Project.open(project.folder) as again:
        again.rescan()
        assert again.counts() == {"unlabelled": 1, "draft": 0, "labelled": 2, "excluded": 0}
        assert again.case("c1").labelled_slices == (1, 2)
        assert again.validation_cases == ("c0",)
        assert "journal_rebuilt" in [event.kind for event in again.events()]


def test_labels_of_no_case_are_left_alone(project: Project) -> None:
    path = project.folder / "labels" / "stranger.seg.nrrd"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"whatever")
    with Project.open(project.folder) as again:
        assert again.counts()["unlabelled"] == 3
    assert path.read_bytes() == b"whatever"


class FullAtCommit(sqlite3.Connection):
    """A connection whose disk is full when it commits."""

    def execute(self, sql, *values):
        if sql == "COMMIT":
            super().execute("ROLLBACK")
            raise sqlite3.OperationalError("database or disk is full")
        return super().execute(sql, *values)


@pytest.mark.parametrize("case", ["c0", "c1"])
def test_a_disk_that_is_full_at_the_commit_leaves_everything_as_it_was(
    project: Project, case: str
) -> None:
    project.save_label("c0", a_mask(1))
    project.save_draft("c0", a_mask(8))
    files = labels_on_disk(project)
    connections = project._journal._connections
    good = connections.pop(threading.current_thread())
    with closing(
        sqlite3.connect(project._journal.path, isolation_level=None, factory=FullAtCommit)
    ) as bad:
        bad.row_factory = sqlite3.Row
        connections[threading.current_thread()] = bad
        with pytest.raises(DiskFullError):
            project.save_label(case, a_mask(2))
    connections[threading.current_thread()] = good
    assert labels_on_disk(project) == files
    assert leftovers(project) == []
    assert list((project.folder / "labels" / "history").iterdir()) == []
    assert (project.case("c0").label_version, project.case("c0").has_draft) == (1, True)
    assert project.save_label("c0", a_mask(3)).version == 2
    with Project.open(project.folder) as again:
        assert again.recovery.recovered == []


def test_a_project_whose_disk_is_full_still_opens(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_label(project, "c1", 2)

    def full(*_arguments: object, **_options: object) -> int:
        raise DiskFullError("There was no room.")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", full)
        with Project.open(project.folder) as again:
            assert [error.kind for error in again.recovery.left] == ["disk_full"]
            assert again.counts()["unlabelled"] == 3
    with Project.open(project.folder) as again:
        assert again.recovery.recovered == ["c1"]


def test_an_edit_of_the_current_file_from_outside_leaves_the_history_alone(
    project: Project,
) -> None:
    project.save_label("c0", a_mask(1))
    project.save_label("c0", a_mask(2))
    (project.folder / "labels" / "c0.seg.nrrd").write_bytes(b"edited in place")
    assert number_saved(project, "c0", 1) == 1
