"""Projects: created from a folder, labelled slice by slice, moved about, losing nothing."""

from __future__ import annotations

import json
import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from ActiveSuggestLib.data.geometry import Geometry
from ActiveSuggestLib.data.labels import UNKNOWN, write_label
from ActiveSuggestLib.data.project import Project, create_project
from ActiveSuggestLib.data.segments import parse_segments
from ActiveSuggestLib.errors import (
    CancelledError,
    DamagedProjectError,
    ImageFolderError,
    InvalidSegmentsError,
    LabelFolderError,
    LabelGeometryError,
    NewerProjectError,
    NonFiniteVoxelsError,
    NotAProjectError,
    PatientGroupingError,
    ProjectError,
    ProjectExistsError,
    ProjectPlaceError,
    SliceRangeError,
    UnknownCaseError,
    UnnamedValueError,
    VanishedImageError,
)
from ActiveSuggestLib.progress import Cancel
from Testing.Python.data.small_projects import (
    SHAPE,
    a_mask,
    a_project,
    labels_on_disk,
    leftovers,
    number_of,
    write_image,
    write_images,
)


@pytest.fixture
def project(tmp_path: Path):
    with a_project(tmp_path) as project:
        yield project


def kinds(project: Project, since: int = 0) -> list[str]:
    return [event.kind for event in project.events(since=since)]


# Creating -------------------------------------------------------------------------------


def test_a_folder_of_images_becomes_a_pool(project: Project, tmp_path: Path) -> None:
    assert project.counts() == {"unlabelled": 3, "draft": 0, "labelled": 0, "excluded": 0}
    assert [row.name for row in project.cases()] == ["c0", "c1", "c2"]
    row = project.case("c1")
    assert row.source.paths == (tmp_path / "images" / "c1.nii.gz",)
    assert row.geometry is not None
    assert row.geometry.shape == SHAPE
    assert (row.state, row.channels, row.patient) == ("unlabelled", 1, "c1")
    assert row.image_hash
    assert [segment.name for segment in project.segments] == ["liver", "tumour"]
    assert (project.name, project.plane) == ("project", "axial")
    assert project.read_image("c0").array.shape == (1, *SHAPE)


def test_what_is_chosen_at_the_start_is_kept(tmp_path: Path) -> None:
    with a_project(
        tmp_path, name="Liver", plane="coronal", modality="MR", settings={"batch": 3}
    ) as made:
        folder = made.folder
    with Project.open(folder, rater="anna") as project:
        assert (project.name, project.plane, project.modality) == ("Liver", "coronal", "MR")
        assert project.settings == {"batch": 3}
        assert project.rater == "anna"


def test_slices_taken_far_apart_tell_the_plane(tmp_path: Path) -> None:
    import SimpleITK as sitk

    (tmp_path / "images").mkdir()
    image = sitk.GetImageFromArray(np.random.default_rng(0).random((8, 8, 8), np.float32))
    image.SetSpacing((1.0, 5.0, 1.0))
    sitk.WriteImage(image, str(tmp_path / "images" / "a.nrrd"))
    with create_project(tmp_path / "p", tmp_path / "images", segments="liver") as project:
        assert project.plane == "coronal"


def test_an_empty_folder_of_images_is_an_ordinary_project(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    with create_project(tmp_path / "p", tmp_path / "images", segments="liver") as project:
        assert sum(project.counts().values()) == 0
        write_image(tmp_path / "images" / "late.nii.gz")
        assert project.rescan().new == ["late"]


def test_a_bad_image_is_excluded_with_its_reason_and_stops_nothing_else(tmp_path: Path) -> None:
    images = write_images(tmp_path / "images", ["good"])
    (images / "bad.nii.gz").write_bytes(b"")
    with create_project(tmp_path / "p", images, segments="liver") as project:
        assert project.counts()["unlabelled"] == 1
        bad = project.case("bad")
        assert bad.state == "excluded"
        assert bad.reason
        assert bad.problem is not None
        assert bad.problem["kind"] == "unreadable_image"
        [event] = project.events(kind="problem")
        assert event.case == "bad"
        assert event.data["error"]["kind"] == "unreadable_image"
        with pytest.raises(LabelGeometryError):
            project.save_label("bad", a_mask())
        write_image(images / "bad.nii.gz", 5)
        assert project.rescan().changed == ["bad"]
        assert project.case("bad").state == "unlabelled"


@pytest.mark.parametrize("content", ["notes.txt", "labels/x.seg.nrrd"])
def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path, content: str) -> None:
    images = write_images(tmp_path / "images", ["a"])
    (tmp_path / "p" / content).parent.mkdir(parents=True)
    (tmp_path / "p" / content).write_text("mine", encoding="utf-8")
    with pytest.raises(ProjectExistsError) as caught:
        create_project(tmp_path / "p", images, segments="liver")
    assert caught.value.remedy
    assert [p for p in (tmp_path / "p").rglob("*") if p.is_file()] == [tmp_path / "p" / content]


def test_a_project_is_not_created_twice(project: Project, tmp_path: Path) -> None:
    with pytest.raises(ProjectExistsError, match="already"):
        create_project(project.folder, tmp_path / "images", segments="liver")


def test_an_empty_folder_and_what_systems_put_into_it_is_fine(tmp_path: Path) -> None:
    images = write_images(tmp_path / "images", ["a"])
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / ".DS_Store").touch()
    create_project(tmp_path / "p", images, segments="liver").close()


def test_a_project_among_the_images_is_refused(tmp_path: Path) -> None:
    images = write_images(tmp_path / "images", ["a"])
    with pytest.raises(ProjectPlaceError):
        create_project(images / "p", images, segments="liver")
    assert not (images / "p").exists()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"segments": "liver,Liver"}, InvalidSegmentsError),
        ({"segments": ""}, InvalidSegmentsError),
        ({"labels": "nowhere"}, LabelFolderError),
        ({"plane": "oblique"}, ProjectError),
        ({"patient_pattern": "(a"}, PatientGroupingError),
        ({"patient_pattern": "no group"}, PatientGroupingError),
        ({"patient_csv": "nowhere.csv"}, PatientGroupingError),
    ],
)
def test_a_wrong_choice_is_named_before_anything_is_written(
    tmp_path: Path, options: dict[str, str], error: type[Exception]
) -> None:
    images = write_images(tmp_path / "images", ["a"])
    with pytest.raises(error):
        create_project(tmp_path / "p", images, **({"segments": "liver"} | options))
    assert not (tmp_path / "p").exists()


def test_a_missing_folder_of_images_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageFolderError):
        create_project(tmp_path / "p", tmp_path / "nowhere", segments="liver")


def test_patients_come_from_a_pattern(tmp_path: Path) -> None:
    images = write_images(tmp_path / "images", ["p1_a", "p1_b", "p2_a"])
    with create_project(
        tmp_path / "p", images, segments="liver", patient_pattern=r"(p\d)_"
    ) as project:
        patients = [row.patient for row in project.cases()]
    assert len(set(patients)) == 2
    assert patients[0] == patients[1]


def test_patients_from_a_table_stay_known_without_the_table(tmp_path: Path) -> None:
    images = write_images(tmp_path / "images", ["a", "b", "c"])
    table = tmp_path / "who.csv"
    table.write_text("case,patient\na,anna\nb,anna\n", encoding="utf-8")
    with create_project(tmp_path / "p", images, segments="liver", patient_csv=table) as project:
        table.unlink()
        project.rescan()
        assert [row.patient for row in project.cases()] == ["anna", "anna", "c"]


def test_a_table_without_its_columns_is_named_before_anything_is_written(tmp_path: Path) -> None:
    images = write_images(tmp_path / "images", ["a"])
    (tmp_path / "who.csv").write_text("x,y\n1,2\n", encoding="utf-8")
    with pytest.raises(PatientGroupingError):
        create_project(tmp_path / "p", images, segments="liver", patient_csv=tmp_path / "who.csv")
    assert not (tmp_path / "p").exists()


def test_a_cancelled_creation_is_completed_by_a_scan(tmp_path: Path) -> None:
    images = write_images(tmp_path / "images", [f"c{i}" for i in range(6)])
    cancel = Cancel()

    def stop(done: float, total: float, message: str = "", **data: object) -> None:
        if total and done >= 3:
            cancel.cancel()

    with pytest.raises(CancelledError):
        create_project(tmp_path / "p", images, segments="liver", progress=stop, cancel=cancel)
    with Project.open(tmp_path / "p") as project:
        project.rescan()
        assert project.counts()["unlabelled"] == 6


def test_spaces_and_other_letters_are_ordinary(tmp_path: Path) -> None:
    images = write_images(tmp_path / "meine Bilder", ["Fall 7 größer 肝"])
    with create_project(tmp_path / "mein Projekt ü", images, segments="肝 links") as project:
        [row] = project.cases()
        project.save_label(row.name, a_mask(0))
        label = project.read_label(row.name)
        assert label is not None
        assert label.present == ("肝 links",)


# Labels ---------------------------------------------------------------------------------


def test_a_label_is_saved_and_read_back(project: Project) -> None:
    before = project.labels_version()
    saved = project.save_label("c0", a_mask(5), seconds=12.5, note="clear")
    assert (saved.version, saved.slices, saved.path.name) == (1, None, "c0.seg.nrrd")
    label = project.read_label("c0")
    assert label is not None
    assert (label.array == a_mask(5)).all()
    row = project.case("c0")
    assert (row.state, row.label_version, row.label_hash) == ("labelled", 1, saved.hash)
    assert row.labelled_slices is None
    assert project.label_path("c0") == saved.path
    assert project.label_path("c1") is None
    assert project.read_label("c1") is None
    assert project.labels_version() > before
    [event] = project.events(kind="saved")
    assert event.data["note"] == "clear"
    assert [(t.task, t.seconds, t.case) for t in project.timings()] == [
        ("label_volume", 12.5, "c0")
    ]
    assert leftovers(project) == []


def test_a_label_file_is_taken_by_segment_names(project: Project, tmp_path: Path) -> None:
    geometry = project.case("c0").geometry
    assert geometry is not None
    path = tmp_path / "mine.seg.nrrd"
    write_label(path, a_mask(3), geometry, parse_segments("tumour=1,liver=2"))
    project.save_label("c0", path)
    label = project.read_label("c0")
    assert label is not None
    swapped = np.choose(a_mask(3), [0, 2, 1])
    assert (label.array == swapped).all()


def test_earlier_versions_are_kept(project: Project) -> None:
    for number in (1, 2, 3):
        project.save_label("c0", a_mask(number), rater=f"rater {number}")
    assert project.case("c0").label_version == 3
    for number in (1, 2, 3):
        label = project.read_label("c0", version=number)
        assert label is not None
        assert (label.array == a_mask(number)).all()
    history = project.label_history("c0")
    assert [(v.version, v.rater, v.current) for v in history] == [
        (1, "rater 1", False),
        (2, "rater 2", False),
        (3, "rater 3", True),
    ]
    assert all(version.path.is_file() for version in history)
    assert project.read_label("c0", version=4) is None


def test_saving_the_same_label_again_makes_no_new_version(project: Project) -> None:
    first = project.save_label("c0", a_mask(5))
    again = project.save_label("c0", a_mask(5), note="reviewed")
    assert (again.version, again.hash) == (first.version, first.hash)
    assert project.events(kind="saved")[-1].data["note"] == "reviewed"
    assert list((project.folder / "labels" / "history").iterdir()) == []


def test_slices_saved_one_after_another_add_up(project: Project) -> None:
    project.save_label("c0", a_mask(1), slices=[4], seconds=3)
    assert project.case("c0").labelled_slices == (4,)
    project.save_label("c0", a_mask(2), slices=[0, 1])
    label = project.read_label("c0")
    assert label is not None
    assert label.slices == (0, 1, 4)
    assert [number_of(label.array, i) for i in (0, 1, 4)] == [2, 2, 1]
    assert (label.array[[2, 3, 5]] == UNKNOWN).all()
    project.save_label("c0", a_mask(3), slices=[1])
    label = project.read_label("c0")
    assert label is not None
    assert [number_of(label.array, i) for i in (0, 1, 4)] == [2, 3, 1]
    assert project.timings("label_slices")[0].amount == 1


def test_the_last_missing_slice_makes_the_label_whole(project: Project) -> None:
    project.save_label("c0", a_mask(1), slices=range(5))
    assert project.save_label("c0", a_mask(2), slices=[5]).slices is None
    assert project.case("c0").labelled_slices is None


def test_a_slice_saved_into_a_whole_label_leaves_it_whole(project: Project) -> None:
    project.save_label("c0", a_mask(1))
    project.save_label("c0", a_mask(2), slices=[3])
    label = project.read_label("c0")
    assert label is not None
    assert label.slices is None
    assert [number_of(label.array, i) for i in (2, 3)] == [1, 2]


def test_a_whole_label_replaces_slices(project: Project) -> None:
    project.save_label("c0", a_mask(1), slices=[3])
    assert project.save_label("c0", a_mask(2)).slices is None
    label = project.read_label("c0")
    assert label is not None
    assert (label.array == a_mask(2)).all()


def test_unknown_voxels_of_an_array_tell_its_slices(project: Project) -> None:
    mask = np.full(SHAPE, UNKNOWN, np.uint8)
    mask[2] = a_mask(7)[2]
    assert project.save_label("c0", mask).slices == (2,)


def test_slices_are_counted_along_the_projects_plane(tmp_path: Path) -> None:
    with a_project(tmp_path, plane="sagittal") as project:
        mask = np.zeros(SHAPE, np.uint8)
        mask[:, :, 9] = 1
        assert project.save_label("c0", mask, slices=[9]).slices == (9,)
        label = project.read_label("c0")
        assert label is not None
        assert (label.plane_axis, label.slices) == (2, (9,))


@pytest.mark.parametrize(
    ("mask", "slices", "error"),
    [
        (a_mask(1)[:-1], None, LabelGeometryError),
        (a_mask(1) + 7, None, UnnamedValueError),
        (a_mask(1), [6], SliceRangeError),
        (a_mask(1), [-1], SliceRangeError),
        (a_mask(1), [], SliceRangeError),
    ],
)
def test_a_wrong_label_is_refused_before_anything_is_written(
    project: Project, mask: np.ndarray, slices: list[int] | None, error: type[Exception]
) -> None:
    project.save_label("c0", a_mask(9))
    files, events = labels_on_disk(project), kinds(project)
    with pytest.raises(error):
        project.save_label("c0", mask, slices=slices)
    assert labels_on_disk(project) == files
    assert kinds(project) == events
    assert leftovers(project) == []


def test_a_label_on_another_grid_is_refused(project: Project, tmp_path: Path) -> None:
    other = Geometry(size=(4, 4, 4), spacing=(1.0, 1.0, 1.0))
    path = tmp_path / "other.seg.nrrd"
    write_label(path, np.ones((4, 4, 4), np.uint8), other, project.segments)
    with pytest.raises(LabelGeometryError):
        project.save_label("c0", path)


def test_an_unknown_case_is_answered_with_near_names(project: Project) -> None:
    with pytest.raises(UnknownCaseError, match="c1"):
        project.case("C1x")
    with pytest.raises(UnknownCaseError):
        project.save_label("../c0", a_mask())
    with pytest.raises(UnknownCaseError):
        project.exclude("nobody", "why")


def test_threads_may_save_while_another_polls(project: Project) -> None:
    seen: list[int] = []
    done = threading.Event()

    def poll() -> None:
        while not done.is_set():
            seen.append(project.labels_version())

    def save(case: str) -> None:
        for number in range(5):
            project.save_label(case, a_mask(number))

    poller = threading.Thread(target=poll)
    savers = [threading.Thread(target=save, args=(f"c{i}",)) for i in range(3)]
    poller.start()
    for saver in savers:
        saver.start()
    for saver in savers:
        saver.join()
    done.set()
    poller.join()
    assert seen == sorted(seen)
    assert [project.case(f"c{i}").label_version for i in range(3)] == [5, 5, 5]


# Drafts and decisions -------------------------------------------------------------------


def test_a_draft_reopens_where_it_was_left_and_a_label_takes_its_place(project: Project) -> None:
    project.save_draft("c0", a_mask(1))
    project.save_draft("c0", a_mask(2))
    assert project.case("c0").state == "draft"
    draft = project.read_draft("c0")
    assert draft is not None
    assert (draft.array == a_mask(2)).all()
    assert len(project.events(kind="draft")) == 1
    project.save_label("c0", a_mask(3))
    row = project.case("c0")
    assert (row.state, row.has_draft) == ("labelled", False)
    assert project.read_draft("c0") is None
    assert (project.folder / "drafts" / "replaced" / "c0.seg.nrrd").is_file()


def test_a_labelled_case_may_have_a_draft_again(project: Project) -> None:
    project.save_label("c0", a_mask(1))
    project.save_draft("c0", a_mask(2))
    row = project.case("c0")
    assert (row.state, row.has_draft) == ("labelled", True)
    project.discard_draft("c0")
    assert not project.case("c0").has_draft
    assert kinds(project)[-1] == "draft_discarded"


def test_a_case_is_excluded_with_a_reason_and_comes_back_with_its_label(project: Project) -> None:
    project.save_label("c0", a_mask(1))
    before = project.labels_version()
    project.exclude("c0", "motion")
    row = project.case("c0")
    assert (row.state, row.reason, row.has_label) == ("excluded", "motion", True)
    assert project.labels_version() > before
    project.include("c0")
    assert project.case("c0").state == "labelled"


def test_skips_are_counted_and_notes_kept(project: Project) -> None:
    project.skip("c0", "later")
    project.skip("c0")
    project.note("c0", "small cyst")
    assert project.case("c0").skipped == 2
    assert project.events(kind="note")[0].data == {"text": "small cyst"}


def test_a_reported_problem_excludes_the_case_until_a_person_takes_it_back(
    project: Project,
) -> None:
    project.report_problem("c0", NonFiniteVoxelsError("3 voxels are NaN.", remedy="Repair it."))
    row = project.case("c0")
    assert (row.state, row.reason) == ("excluded", "3 voxels are NaN. Repair it.")
    project.include("c0")
    assert project.case("c0").state == "unlabelled"
    project.rescan()
    assert project.case("c0").state == "unlabelled"


def test_a_reported_vanished_image_comes_back_by_itself(project: Project) -> None:
    project.report_problem("c0", VanishedImageError("It is gone."))
    assert project.case("c0").state == "excluded"
    project.rescan()
    assert project.case("c0").state == "unlabelled"


def test_validation_cases_are_fixed_once(project: Project) -> None:
    assert project.lock_validation([]) == ()
    assert project.lock_validation(["c2", "c0"]) == ("c0", "c2")
    assert project.lock_validation(["c1"]) == ("c0", "c2")
    assert project.events(kind="validation_locked")[0].data == {"cases": ["c0", "c2"]}
    with Project.open(project.folder) as again:
        assert again.validation_cases == ("c0", "c2")
    with pytest.raises(UnknownCaseError):
        project.lock_validation(["nobody"])


def test_settings_persist_and_none_removes_one(project: Project) -> None:
    project.update_settings(batch=3, device="cpu")
    project.update_settings(device=None)
    with Project.open(project.folder) as again:
        assert again.settings == {"batch": 3}


def test_numbers_of_numpy_stay_numbers_in_the_record(project: Project) -> None:
    project.record("judged", "c0", dice=np.float32(0.5), slices=np.arange(2), cases={"b", "a"})
    assert project.events(kind="judged")[0].data == {
        "dice": 0.5,
        "slices": [0, 1],
        "cases": ["a", "b"],
    }


def test_rankings_are_kept_as_they_were_computed(project: Project) -> None:
    first = project.record_score_run("random", "volume", [("c1", None, 0.5, ["drawn"])], seed=1)
    second = project.record_score_run(
        "mc-dropout", "slice", [("c0", 3, 0.9, ("a", "b")), ("c0", 1, 0.1, ())], model="v1"
    )
    assert [(s.rank, s.case, s.slice, s.score, s.reasons) for s in project.scores()] == [
        (1, "c0", 3, 0.9, ["a", "b"]),
        (2, "c0", 1, 0.1, []),
    ]
    assert [s.case for s in project.scores(first)] == ["c1"]
    runs = project.score_runs()
    assert [(r.id, r.strategy, r.model, r.data) for r in runs] == [
        (first, "random", "", {"seed": 1}),
        (second, "mc-dropout", "v1", {}),
    ]


# Images that move, vanish and come back -------------------------------------------------


def test_a_second_scan_reads_only_what_changed(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ActiveSuggestLib.data import pool

    read: list[str] = []
    real = pool.read_image

    def counted(source, *, case=None):
        read.append(case)
        return real(source, case=case)

    monkeypatch.setattr(pool, "read_image", counted)
    write_image(tmp_path / "images" / "c1.nii.gz", seed=99)
    write_image(tmp_path / "images" / "c3.nii.gz", seed=3)
    report = project.rescan()
    assert (report.found, report.new, report.changed) == (4, ["c3"], ["c1"])
    assert sorted(read) == ["c1", "c3"]
    assert [e.case for e in project.events(kind="image_changed")] == ["c1"]


def test_a_vanished_image_is_reported_and_comes_back(project: Project, tmp_path: Path) -> None:
    project.save_label("c1", a_mask(1))
    hidden = tmp_path / "hidden.nii.gz"
    (tmp_path / "images" / "c1.nii.gz").rename(hidden)
    with pytest.raises(VanishedImageError):
        project.read_image("c1")
    row = project.case("c1")
    assert (row.state, row.missing, row.has_label) == ("excluded", True, True)
    assert "not found" in row.reason
    assert project.rescan().vanished == []
    hidden.rename(tmp_path / "images" / "c1.nii.gz")
    assert project.rescan().returned == ["c1"]
    assert project.case("c1").state == "labelled"
    assert [e.kind for e in project.events(case="c1")][-2:] == ["vanished", "returned"]


def test_a_scan_notices_what_vanished_and_opening_what_is_back(
    project: Project, tmp_path: Path
) -> None:
    hidden = tmp_path / "hidden.nii.gz"
    (tmp_path / "images" / "c1.nii.gz").rename(hidden)
    assert project.rescan().vanished == ["c1"]
    assert project.counts()["excluded"] == 1
    hidden.rename(tmp_path / "images" / "c1.nii.gz")
    with Project.open(project.folder) as again:
        assert again.recovery.returned == ["c1"]
        assert again.counts()["excluded"] == 0


def test_a_folder_of_images_that_is_away_takes_nothing_with_it(
    project: Project, tmp_path: Path
) -> None:
    (tmp_path / "images").rename(tmp_path / "away")
    with pytest.raises(VanishedImageError) as caught:
        project.rescan()
    assert caught.value.remedy
    with Project.open(project.folder) as again:
        assert again.counts()["unlabelled"] == 3
        report = again.rescan(images=tmp_path / "away")
        assert (report.found, report.new, report.vanished) == (3, [], [])
        assert again.read_image("c0").array.shape == (1, *SHAPE)


def test_a_moved_project_finds_its_images(project: Project, tmp_path: Path) -> None:
    project.save_label("c0", a_mask(1))
    project.close()
    (tmp_path / "deep" / "er").mkdir(parents=True)
    moved = tmp_path / "deep" / "er" / "moved"
    shutil.move(project.folder, moved)
    with Project.open(moved) as again:
        assert again.read_image("c0").array.shape == (1, *SHAPE)
        assert again.case("c0").state == "labelled"
        assert json.loads((moved / "project.json").read_text(encoding="utf-8"))["images"][
            "relative"
        ].startswith("../../..")


def test_a_project_moved_together_with_its_images_finds_them(
    project: Project, tmp_path: Path
) -> None:
    project.close()
    (tmp_path / "elsewhere").mkdir()
    for name in ("project", "images"):
        shutil.move(tmp_path / name, tmp_path / "elsewhere" / name)
    with Project.open(tmp_path / "elsewhere" / "project") as again:
        assert again.image_folder == tmp_path / "elsewhere" / "images"
        assert again.rescan().new == []


def test_other_images_at_the_old_relative_place_are_not_mistaken(
    project: Project, tmp_path: Path
) -> None:
    project.close()
    (tmp_path / "copy").mkdir()
    write_images(tmp_path / "copy" / "images", ["others"])
    shutil.copytree(project.folder, tmp_path / "copy" / "project")
    with Project.open(tmp_path / "copy" / "project") as again:
        assert again.image_folder == tmp_path / "images"


@pytest.mark.skipif(os.name == "nt", reason="folders have no such mode on Windows")
def test_a_read_only_folder_of_images_is_fine(tmp_path: Path) -> None:
    images = write_images(tmp_path / "images", ["a"])
    before = sorted(path.name for path in images.iterdir())
    images.chmod(0o555)
    try:
        with create_project(tmp_path / "p", images, segments="liver") as project:
            project.save_label("a", np.ones(SHAPE, np.uint8))
            project.rescan()
    finally:
        images.chmod(0o755)
    assert sorted(path.name for path in images.iterdir()) == before


# Taking labels in -----------------------------------------------------------------------


def a_label_folder(tmp_path: Path, project_shape: tuple[int, int, int] = SHAPE) -> Path:
    import SimpleITK as sitk

    folder = tmp_path / "labels in"
    folder.mkdir()
    for name, mask in (("c0", a_mask(4)), ("c1", a_mask(4)[:-1])):
        image = sitk.GetImageFromArray(mask)
        image.SetSpacing((1.0, 1.0, 1.2))
        sitk.WriteImage(image, str(folder / f"{name}.nii.gz"))
    (folder / "c2.nii.gz").write_bytes(b"cut short")
    return folder


def test_labels_that_exist_are_taken_in_and_refused_ones_recorded(tmp_path: Path) -> None:
    labels = a_label_folder(tmp_path)
    with a_project(tmp_path, labels=labels) as project:
        assert project.counts() == {"unlabelled": 2, "draft": 0, "labelled": 1, "excluded": 0}
        label = project.read_label("c0")
        assert label is not None
        assert (label.array == a_mask(4)).all()
        assert project.label_path("c0") == project.folder / "labels" / "c0.seg.nrrd"
        refused = {e.case: e.data["error"] for e in project.events(kind="label_refused")}
        assert set(refused) == {"c1", "c2"}
        assert refused["c1"]["kind"] == "label_geometry"
        assert all(error["remedy"] for error in refused.values())
        assert project.label_history("c0")[0].source == "import"


def test_importing_again_keeps_what_people_changed(tmp_path: Path) -> None:
    labels = a_label_folder(tmp_path)
    with a_project(tmp_path, labels=labels) as project:
        project.save_label("c0", a_mask(9))
        report = project.import_labels(labels)
        assert (report.adopted, report.kept, sorted(report.refused)) == ([], ["c0"], ["c1", "c2"])
        assert project.import_labels(labels, replace=True).adopted == ["c0"]
        label = project.read_label("c0")
        assert label is not None
        assert number_of(label.array) == 4
        assert project.read_label("c0", version=2) is not None


def test_names_beside_the_labels_decide_over_values(tmp_path: Path) -> None:
    labels = a_label_folder(tmp_path)
    names = {"labels": {"background": 0, "tumour": 1, "liver": 2}}
    (labels / "dataset.json").write_text(json.dumps(names), encoding="utf-8")
    with a_project(tmp_path, labels=labels) as project:
        label = project.read_label("c0")
        assert label is not None
        assert (label.array == np.choose(a_mask(4), [0, 2, 1])).all()


def test_an_import_that_was_interrupted_is_completed_by_a_scan(tmp_path: Path) -> None:
    labels, cancel = a_label_folder(tmp_path), Cancel()

    def stop(done: float, total: float, message: str = "", **data: object) -> None:
        if message.startswith("Importing"):
            cancel.cancel()

    with pytest.raises(CancelledError):
        a_project(tmp_path, labels=labels, progress=stop, cancel=cancel)
    with Project.open(tmp_path / "project") as project:
        project.rescan()
        assert project.counts()["labelled"] == 1
        project.rescan()
        assert len(project.events(kind="labels_imported")) == 1


def test_labels_to_be_imported_that_are_away_do_not_stop_a_scan(tmp_path: Path) -> None:
    labels, cancel = a_label_folder(tmp_path), Cancel()

    def stop(done: float, total: float, message: str = "", **data: object) -> None:
        if message.startswith("Importing"):
            cancel.cancel()

    with pytest.raises(CancelledError):
        a_project(tmp_path, labels=labels, progress=stop, cancel=cancel)
    labels.rename(tmp_path / "away")
    with Project.open(tmp_path / "project") as project:
        assert project.rescan().found == 3
        assert len(project.events(kind="labels_away")) == 1
        (tmp_path / "away").rename(labels)
        project.rescan()
        assert project.counts()["labelled"] == 1


# Opening --------------------------------------------------------------------------------


def test_a_folder_without_a_project_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotAProjectError) as caught:
        Project.open(tmp_path)
    assert caught.value.remedy
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b'{"format": 1, "na', b"[]", b'{"format": 1}', b"\xff"])
def test_a_torn_project_file_is_restored_from_its_copy(project: Project, content: bytes) -> None:
    project.lock_validation(["c0"])
    project.close()
    (project.folder / "project.json").write_bytes(content)
    with Project.open(project.folder) as again:
        assert again.validation_cases == ("c0",)
        assert len(again.events(kind="project_file_restored")) == 1
    with Project.open(project.folder) as once_more:
        assert len(once_more.events(kind="project_file_restored")) == 1


def test_a_project_file_without_a_good_copy_is_named_and_left_alone(project: Project) -> None:
    project.close()
    for name in ("project.json", "project.json.bak"):
        (project.folder / name).write_bytes(b"{")
    with pytest.raises(DamagedProjectError) as caught:
        Project.open(project.folder)
    assert "project.json" in str(caught.value)
    assert caught.value.remedy
    assert (project.folder / "project.json").read_bytes() == b"{"


def test_a_project_of_a_newer_version_is_left_alone(project: Project) -> None:
    project.close()
    path = project.folder / "project.json"
    form = json.loads(path.read_text(encoding="utf-8")) | {"format": 99}
    path.write_text(json.dumps(form), encoding="utf-8")
    with pytest.raises(NewerProjectError, match="99"):
        Project.open(project.folder)


def test_a_closed_project_says_so(project: Project) -> None:
    project.close()
    project.close()
    with pytest.raises(ProjectError, match="closed"):
        project.counts()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a user who may not write")
def test_a_read_only_project_can_be_looked_at(project: Project) -> None:
    project.save_label("c0", a_mask(1))
    project.close()
    project.folder.chmod(0o555)
    try:
        with Project.open(project.folder) as again:
            assert again.counts()["labelled"] == 1
    finally:
        project.folder.chmod(0o755)
