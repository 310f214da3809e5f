"""The pool: a folder as it lies on disk becomes cases, and bad files become named problems."""

from __future__ import annotations

import csv
import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from ActiveSuggestLib.data import pool as pool_module
from ActiveSuggestLib.data.pool import ScannedCase, scan_images
from ActiveSuggestLib.errors import (
    AbsurdSpacingError,
    CancelledError,
    ChannelGeometryError,
    ConstantImageError,
    DuplicateCaseError,
    ImageFolderError,
    NonFiniteVoxelsError,
    PatientGroupingError,
    TooManyDimensionsError,
    UnexpectedChannelsError,
    UnreadableImageError,
)
from ActiveSuggestLib.progress import Cancel
from Testing.Python.data.odd_files import (
    a_nifti_with,
    a_picture,
    a_series,
    a_volume,
    colour,
    cut,
    noise,
)


def scan(folder: Path, **options: object) -> dict[str, ScannedCase]:
    listed = list(scan_images(folder, **options))  # type: ignore[arg-type]
    cases = {case.name: case for case in listed}
    assert len(cases) == len(listed)
    return cases


def known_of(cases: dict[str, ScannedCase]) -> dict[str, tuple[str, dict[str, object]]]:
    """Return what a project keeps of a scan: it goes through JSON there."""
    return {n: (c.signature, json.loads(json.dumps(c.to_record()))) for n, c in cases.items()}


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the cases that a scan reads."""
    names: list[str] = []
    real = pool_module.read_image

    def counted(source: object, *, case: str) -> object:
        names.append(case)
        return real(source, case=case)  # type: ignore[arg-type]

    monkeypatch.setattr(pool_module, "read_image", counted)
    return names


# What a scan tells ----------------------------------------------------------------------


def test_every_image_below_the_folder_is_a_case_in_order(tmp_path: Path) -> None:
    a_volume(tmp_path / "b.nii.gz")
    a_volume(tmp_path / "sub" / "a.nrrd")
    a_volume(tmp_path / "c.mhd")
    cases = scan(tmp_path)
    assert list(cases) == ["a", "b", "c"]
    assert all(c.problem is None and c.channels == 1 for c in cases.values())
    assert len({c.image_hash for c in cases.values()}) == 3


def test_a_case_knows_its_grid_and_its_intensities(tmp_path: Path) -> None:
    array = noise((8, 20, 30))
    array[0] = 0
    case = scan(a_volume(tmp_path / "v.nii.gz", array).parent)["v"]
    assert case.geometry is not None
    assert case.geometry.size == (30, 20, 8)
    assert case.intensity["min"] == array.min()
    assert case.intensity["max"] == array.max()
    assert case.intensity["mean"] == pytest.approx(array.mean())
    assert case.intensity["std"] == pytest.approx(array.std())
    assert case.intensity["p995"] == pytest.approx(np.percentile(array, 99.5), rel=0.01)
    assert case.intensity["nonzero"] == pytest.approx(7 / 8)


def test_intensities_of_several_channels_are_told_apart(tmp_path: Path) -> None:
    a_volume(tmp_path / "v_0000.nii.gz", noise())
    a_volume(tmp_path / "v_0001.nii.gz", noise() + 1000)
    parts = scan(tmp_path)["v"].intensity["channels"]
    assert parts[1]["mean"] - parts[0]["mean"] == pytest.approx(1000)


def test_hounsfield_units_are_recognised_and_other_numbers_are_not(tmp_path: Path) -> None:
    ct = noise((10, 20, 20))
    ct[:, :5] = -1000
    a_volume(tmp_path / "ct.nii.gz", ct)
    a_volume(tmp_path / "mr.nii.gz", noise())
    a_volume(tmp_path / "z.nii.gz", (noise().astype(np.float32) - 100) / 20)
    cases = scan(tmp_path)
    assert [cases[n].modality for n in ("ct", "mr", "z")] == ["CT", "other", "other"]


@pytest.mark.parametrize("entry", [{"modality": {"0": "MRI"}}, {"channel_names": {"0": "MR_T2"}}])
def test_a_dataset_json_tells_the_modality(tmp_path: Path, entry: dict[str, object]) -> None:
    a_volume(tmp_path / "imagesTr" / "a.nii.gz")
    (tmp_path / "dataset.json").write_text(json.dumps(entry), encoding="utf-8")
    assert scan(tmp_path / "imagesTr")["a"].modality == "MR"


def test_a_record_survives_json(tmp_path: Path) -> None:
    a_volume(tmp_path / "good.nii.gz")
    cut(a_volume(tmp_path / "bad.nii.gz"))
    for case in scan(tmp_path).values():
        form = json.loads(json.dumps(case.to_record()))
        assert ScannedCase.from_record(form).to_record() == case.to_record()


def test_progress_reaches_its_end(tmp_path: Path) -> None:
    for index in range(5):
        a_volume(tmp_path / f"{index}.nii.gz", noise(seed=index))
    reports: list[tuple[float, float, str]] = []
    scan(
        tmp_path,
        progress=lambda done, total, message="", **_: reports.append((done, total, message)),
    )
    assert reports[0][2].startswith("Looking through the folder")
    assert reports[-1][:2] == (5, 5)
    done = [d for d, total, _ in reports if total]
    assert done == sorted(done)


def test_a_scan_can_be_cancelled(tmp_path: Path) -> None:
    for index in range(20):
        a_volume(tmp_path / f"{index}.nii.gz", noise(seed=index))
    cancel = Cancel()

    def stop(done: float, total: float, message: str = "", **_: object) -> None:
        if done >= 3:
            cancel.cancel()

    with pytest.raises(CancelledError):
        scan(tmp_path, progress=stop, cancel=cancel)


# What is not an image -------------------------------------------------------------------


def test_other_files_are_passed_over_without_a_word(tmp_path: Path) -> None:
    a_volume(tmp_path / "a.nii.gz")
    for name in ("notes.txt", "manifest.csv", "dataset.json", "Thumbs.db", ".DS_Store", "README"):
        (tmp_path / name).write_text("something else")
    (tmp_path / "._a.nii.gz").write_bytes(b"a resource fork of macOS")
    (tmp_path / "__MACOSX").mkdir()
    shutil.copy(tmp_path / "a.nii.gz", tmp_path / "__MACOSX" / "b.nii.gz")
    shutil.copy(tmp_path / "a.nii.gz", tmp_path / "a.seg.nrrd")
    assert list(scan(tmp_path)) == ["a"]


def test_a_label_beside_its_image_is_not_an_image(tmp_path: Path) -> None:
    for name in ("a", "a_seg", "b", "b-label", "label_b"):
        a_volume(tmp_path / f"{name}.nii.gz")
    assert list(scan(tmp_path)) == ["a", "b"]


def test_a_project_inside_the_folder_is_passed_over(tmp_path: Path) -> None:
    a_volume(tmp_path / "a.nii.gz")
    a_volume(tmp_path / "project" / "cache" / "x.nii.gz")
    for name in ("project.json", "journal.sqlite"):
        (tmp_path / "project" / name).touch()
    assert list(scan(tmp_path)) == ["a"]


def test_an_empty_folder_gives_nothing_and_a_missing_one_is_named(tmp_path: Path) -> None:
    assert scan(tmp_path) == {}
    with pytest.raises(ImageFolderError, match="no folder"):
        scan(tmp_path / "missing")


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no links")
def test_links_are_followed_and_circles_are_not(tmp_path: Path) -> None:
    a_volume(tmp_path / "elsewhere" / "a.nii.gz")
    folder = tmp_path / "images"
    folder.mkdir()
    try:
        (folder / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
        (folder / "circle").symlink_to(folder, target_is_directory=True)
    except OSError:
        pytest.skip("this account may not make links")
    assert list(scan(folder)) == ["a"]


# Bad files ------------------------------------------------------------------------------


def test_each_bad_file_is_a_named_problem_and_stops_nothing_else(tmp_path: Path) -> None:
    a_volume(tmp_path / "good 1.nii.gz")
    a_volume(tmp_path / "good 2.nii.gz", noise(seed=1))
    cut(a_volume(tmp_path / "cut.nii.gz"))
    (tmp_path / "empty.nrrd").touch()
    a_volume(tmp_path / "wrong.nrrd").rename(tmp_path / "wrong.nii.gz")
    bad = noise().astype(np.float32)
    bad[0, 0, 0] = np.nan
    a_volume(tmp_path / "nan.nii.gz", bad)
    a_volume(tmp_path / "flat.nii.gz", noise() * 0)
    a_volume(tmp_path / "4d.nii.gz", noise((2, 3, 4, 5)))
    a_nifti_with(tmp_path / "zero.nii", ("f", 80, (0.0,)))
    cases = scan(tmp_path)
    problems = {n: type(c.problem) for n, c in cases.items() if c.problem}
    assert problems == {
        "cut": UnreadableImageError,
        "empty": UnreadableImageError,
        "wrong": UnreadableImageError,
        "nan": NonFiniteVoxelsError,
        "flat": ConstantImageError,
        "4d": TooManyDimensionsError,
        "zero": AbsurdSpacingError,
    }
    assert all(c.problem.case == n and c.problem.remedy for n, c in cases.items() if c.problem)
    assert [n for n, c in cases.items() if c.problem is None] == ["good 1", "good 2"]


def test_colour_among_grey_pictures_is_a_problem_and_the_reverse(tmp_path: Path) -> None:
    for index in range(3):
        a_picture(tmp_path / "grey" / f"g{index}.png")
        a_picture(tmp_path / "colour" / f"c{index}.png", colour(index))
    a_picture(tmp_path / "grey" / "odd.png", colour())
    a_picture(tmp_path / "colour" / "odd.png")
    for kind, said in (("grey", "three channels (colour)"), ("colour", "one channel (grey)")):
        cases = scan(tmp_path / kind)
        assert isinstance(cases["odd"].problem, UnexpectedChannelsError)
        assert f"odd has {said}" in str(cases["odd"].problem)
        assert sum(c.problem is None for c in cases.values()) == 3


def test_colour_volumes_among_grey_ones_are_a_problem(tmp_path: Path) -> None:
    a_volume(tmp_path / "a.nrrd")
    a_volume(tmp_path / "b.nrrd", noise(seed=1))
    rgb = np.random.default_rng(0).integers(0, 255, (4, 5, 6, 3)).astype(np.uint8)
    a_volume(tmp_path / "rgb.nrrd", rgb, vector=True)
    assert isinstance(scan(tmp_path)["rgb"].problem, UnexpectedChannelsError)


def test_a_read_only_folder_is_enough(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    a_volume(folder / "a.nii.gz")
    before = sorted(p.name for p in folder.iterdir())
    folder.chmod(0o555)
    try:
        assert scan(folder)["a"].problem is None
    finally:
        folder.chmod(0o755)
    assert sorted(p.name for p in folder.iterdir()) == before


def test_a_file_that_goes_during_the_scan_is_a_problem_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_volume(tmp_path / "a.nii.gz")
    gone = a_volume(tmp_path / "b.nii.gz")
    real = pool_module.discover

    def discover_then_lose(*args: object, **options: object) -> object:
        found = real(*args, **options)  # type: ignore[arg-type]
        gone.unlink()
        return found

    monkeypatch.setattr(pool_module, "discover", discover_then_lose)
    cases = scan(tmp_path)
    assert cases["a"].problem is None
    assert cases["b"].problem is not None
    assert cases["b"].problem.kind == "vanished_image"


# Names ----------------------------------------------------------------------------------


def test_equal_names_in_different_folders_take_their_folder_s_name(tmp_path: Path) -> None:
    for patient in ("anna", "bert"):
        a_volume(tmp_path / patient / "image.nii.gz", noise(seed=len(patient)))
    a_volume(tmp_path / "other.nii.gz")
    cases = scan(tmp_path)
    assert list(cases) == ["anna_image", "bert_image", "other"]
    assert all(c.problem is None for c in cases.values())


def test_folders_of_the_same_name_are_told_apart_further_up(tmp_path: Path) -> None:
    for site in ("north", "south"):
        a_volume(tmp_path / site / "p1" / "image.nii.gz")
    assert list(scan(tmp_path)) == ["north_p1_image", "south_p1_image"]


def test_equal_names_in_one_folder_are_a_problem(tmp_path: Path) -> None:
    a_volume(tmp_path / "a.nii.gz")
    a_volume(tmp_path / "a.nrrd", noise(seed=1))
    a_volume(tmp_path / "b.nii.gz")
    cases = scan(tmp_path)
    assert len(cases) == 3
    bad = [c for c in cases.values() if isinstance(c.problem, DuplicateCaseError)]
    assert len(bad) == 2
    assert "a" not in cases
    again = scan(tmp_path, known=known_of(cases))
    assert {n: c.problem and c.problem.kind for n, c in again.items()} == {
        n: c.problem and c.problem.kind for n, c in cases.items()
    }


def test_names_that_differ_only_in_case_count_as_equal(tmp_path: Path) -> None:
    a_volume(tmp_path / "Case.nii.gz")
    a_volume(tmp_path / "x" / "case.nii.gz", noise(seed=1))
    names = list(scan(tmp_path))
    assert len({n.casefold() for n in names}) == 2


def test_a_case_keeps_its_name_when_another_of_that_name_comes(tmp_path: Path) -> None:
    a_volume(tmp_path / "one" / "scan.nii.gz")
    first = scan(tmp_path)
    assert list(first) == ["scan"]
    a_volume(tmp_path / "two" / "scan.nii.gz", noise(seed=1))
    a_volume(tmp_path / "one" / "scan.nrrd", noise(seed=2))
    second = scan(tmp_path, known=known_of(first))
    assert second["scan"].source == first["scan"].source
    assert second["scan"].problem is None
    assert second["two_scan"].problem is None
    (twin,) = [c for n, c in second.items() if n not in {"scan", "two_scan"}]
    assert isinstance(twin.problem, DuplicateCaseError)


def test_very_long_and_odd_names_become_safe_case_names(tmp_path: Path) -> None:
    a_volume(tmp_path / ("n" * 240 + ".nii.gz"))
    a_volume(tmp_path / "Scha\u0308del 頭.nii.gz")
    names = list(scan(tmp_path))
    assert "Schädel 頭" in names
    assert max(len(n.encode()) for n in names) <= 120


# Channels -------------------------------------------------------------------------------


def test_nnunet_suffixes_are_channels_of_one_case(tmp_path: Path) -> None:
    for case in ("a", "b"):
        for index in range(2):
            a_volume(tmp_path / f"{case}_{index:04d}.nii.gz", noise(seed=index))
    cases = scan(tmp_path)
    assert list(cases) == ["a", "b"]
    assert all(c.channels == 2 and c.source.kind == "channels" for c in cases.values())
    assert [p.name for p in cases["a"].source.paths] == ["a_0000.nii.gz", "a_0001.nii.gz"]


def test_a_single_nnunet_channel_gives_a_plain_case(tmp_path: Path) -> None:
    for case in ("a", "b"):
        a_volume(tmp_path / f"{case}_0000.nii.gz")
    cases = scan(tmp_path)
    assert list(cases) == ["a", "b"]
    assert cases["a"].source.kind == "file"


def test_a_missing_nnunet_channel_is_a_problem(tmp_path: Path) -> None:
    for case in ("a", "b", "c"):
        for index in range(2):
            a_volume(tmp_path / f"{case}_{index:04d}.nii.gz", noise(seed=index))
    (tmp_path / "c_0001.nii.gz").unlink()
    cases = scan(tmp_path)
    assert isinstance(cases["c"].problem, UnexpectedChannelsError)
    assert "_0001" in str(cases["c"].problem)
    a_volume(tmp_path / "c_0001.nii.gz", noise(seed=1))
    assert scan(tmp_path, known=known_of(cases))["c"].problem is None


def test_cases_numbered_with_four_digits_are_not_channels(tmp_path: Path) -> None:
    for index in range(3):
        a_volume(tmp_path / f"scan_{index:04d}.nii.gz", noise((5, 6, 7 + index)))
    for index in range(20):
        a_volume(tmp_path / "many" / f"img_{index:04d}.nii.gz", noise((3, 4, 5)))
    for index in range(4):
        a_picture(tmp_path / "pictures" / f"frame_{index:04d}.png")
    assert len(scan(tmp_path)) == 27


def brats(folder: Path, case: str, names: tuple[str, ...] = ("t1", "t2", "seg")) -> None:
    for index, name in enumerate(names):
        a_volume(folder / case / f"{case}_{name}.nii.gz", noise(seed=index))


def test_one_folder_a_case_with_the_same_files_is_channels_and_the_label_is_none(
    tmp_path: Path,
) -> None:
    for case in ("BraTS_01", "BraTS_02"):
        brats(tmp_path, case)
    cases = scan(tmp_path)
    assert list(cases) == ["BraTS_01", "BraTS_02"]
    assert cases["BraTS_01"].channels == 2
    assert [p.name for p in cases["BraTS_01"].source.paths] == [
        "BraTS_01_t1.nii.gz",
        "BraTS_01_t2.nii.gz",
    ]
    assert all(c.problem is None for c in cases.values())


def test_a_folder_that_lacks_a_channel_is_a_problem_and_an_extra_file_is_noted(
    tmp_path: Path,
) -> None:
    for case in ("c1", "c2", "c3"):
        brats(tmp_path, case)
    brats(tmp_path, "lacking", ("t1",))
    brats(tmp_path, "extra", ("t1", "t2", "dwi"))
    cases = scan(tmp_path)
    assert isinstance(cases["lacking"].problem, UnexpectedChannelsError)
    assert "t2" in str(cases["lacking"].problem)
    assert cases["extra"].problem is None
    assert "extra_dwi.nii.gz" in cases["extra"].notes[0]


def test_channels_that_are_not_registered_are_a_problem(tmp_path: Path) -> None:
    for case in ("c1", "c2", "c3"):
        brats(tmp_path, case)
    a_volume(tmp_path / "c3" / "c3_t2.nii.gz", noise((4, 4, 4)))
    cases = scan(tmp_path)
    assert isinstance(cases["c3"].problem, ChannelGeometryError)
    assert cases["c1"].problem is None


def test_two_time_points_of_a_patient_are_not_channels(tmp_path: Path) -> None:
    for patient, size in (("p1", 5), ("p2", 6)):
        a_volume(tmp_path / patient / "before.nii.gz", noise((5, 6, size)))
        a_volume(tmp_path / patient / "after.nii.gz", noise((7, 6, size)))
    cases = scan(tmp_path, patient_pattern=r"(p\d)")
    assert len(cases) == 4
    assert {c.patient for c in cases.values()} == {"p1", "p2"}


# Patients -------------------------------------------------------------------------------


def test_a_case_is_its_own_patient_unless_something_tells(tmp_path: Path) -> None:
    a_volume(tmp_path / "a.nii.gz")
    a_series(tmp_path / "ct", PatientID="P7")
    cases = scan(tmp_path)
    assert cases["a"].patient == "a"
    assert cases["ct"].patient == "P7"


def test_a_table_wins_over_a_pattern_and_both_over_dicom(tmp_path: Path) -> None:
    for name in ("p1_a", "p1_b", "zz"):
        a_volume(tmp_path / "images" / f"{name}.nii.gz")
    a_series(tmp_path / "images" / "p2_ct", PatientID="ANONYMOUS")
    table = tmp_path / "patients.csv"
    with table.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, delimiter=";").writerows([["Case", "Patient"], ["P1_A", "Ünal"]])
    cases = scan(tmp_path / "images", patient_pattern=r"(p\d)_", patient_csv=table)
    assert {n: c.patient for n, c in cases.items()} == {
        "p1_a": "Ünal",
        "p1_b": "p1",
        "p2_ct": "p2",
        "zz": "zz",
    }


@pytest.mark.parametrize("pattern", ["(", "nogroup", "(a)(b)"])
def test_a_pattern_that_cannot_work_is_refused(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(PatientGroupingError) as caught:
        scan(tmp_path, patient_pattern=pattern)
    assert "one group" in caught.value.remedy


@pytest.mark.parametrize("content", [b"", b"name,who\na,b\n", b"\xff\xfe\x00"])
def test_a_table_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes) -> None:
    table = tmp_path / "patients.csv"
    table.write_bytes(content)
    with pytest.raises(PatientGroupingError):
        scan(tmp_path, patient_csv=table)


# Scanning again -------------------------------------------------------------------------


def test_a_second_scan_reads_only_what_changed(tmp_path: Path, reads: list[str]) -> None:
    for index in range(5):
        a_volume(tmp_path / f"v{index}.nii.gz", noise(seed=index))
    cut(a_volume(tmp_path / "bad.nii.gz"))
    a_series(tmp_path / "ct")
    first = scan(tmp_path)
    assert len(reads) == 7
    reads.clear()
    second = scan(tmp_path, known=known_of(first))
    assert reads == []
    assert [c.to_record() for c in second.values()] == [c.to_record() for c in first.values()]
    a_volume(tmp_path / "v2.nii.gz", noise(seed=99))
    a_volume(tmp_path / "new.nii.gz")
    a_volume(tmp_path / "bad.nii.gz")
    third = scan(tmp_path, known=known_of(first))
    assert sorted(reads) == ["bad", "new", "v2"]
    assert third["bad"].problem is None
    assert third["v2"].image_hash != first["v2"].image_hash


def test_a_file_that_could_not_be_opened_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_volume(tmp_path / "a.nii.gz")

    def closed(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patched:
        patched.setattr("ActiveSuggestLib.data.formats.naming.sniff", closed)
        patched.setattr("os.access", lambda *_: False)
        first = scan(tmp_path)
    assert isinstance(first["a"].problem, UnreadableImageError)
    assert "Permission denied" in str(first["a"].problem)
    assert scan(tmp_path, known=known_of(first))["a"].problem is None


def test_new_slices_of_a_known_series_are_taken_in(tmp_path: Path, reads: list[str]) -> None:
    late = a_series(tmp_path / "ct")[-1]
    content = late.read_bytes()
    late.unlink()
    first = scan(tmp_path)
    assert len(first["ct"].source.paths) == 5
    late.write_bytes(content)
    second = scan(tmp_path, known=known_of(first))
    assert list(second) == ["ct"]
    assert len(second["ct"].source.paths) == 6
    assert reads == ["ct", "ct"]


def test_known_channels_are_not_read_again(tmp_path: Path, reads: list[str]) -> None:
    for case in ("c1", "c2"):
        brats(tmp_path, case)
    first = scan(tmp_path)
    reads.clear()
    assert scan(tmp_path, known=known_of(first)).keys() == first.keys()
    assert reads == []


def test_a_moved_pool_is_known_by_its_names(tmp_path: Path, reads: list[str]) -> None:
    a_volume(tmp_path / "old" / "a.nii.gz")
    first = scan(tmp_path / "old")
    (tmp_path / "old").rename(tmp_path / "new")
    reads.clear()
    second = scan(tmp_path / "new", known=known_of(first))
    assert reads == []
    assert second["a"].source.paths == (tmp_path / "new" / "a.nii.gz",)


def test_the_usual_number_of_channels_counts_known_cases_too(tmp_path: Path) -> None:
    for index in range(3):
        a_picture(tmp_path / f"g{index}.png")
    first = scan(tmp_path)
    for index in range(2):
        a_picture(tmp_path / f"c{index}.png", colour(index))
    second = scan(tmp_path, known=known_of(first))
    assert {n for n, c in second.items() if c.problem} == {"c0", "c1"}
    for index in range(2, 7):
        a_picture(tmp_path / f"c{index}.png", colour(index))
    third = scan(tmp_path, known=known_of(second))
    assert {n for n, c in third.items() if c.problem} == {"g0", "g1", "g2"}


# Real data ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pool", "count"), [("hippocampus", 260), ("cxr_wingspan", 259), ("sunnybrook_lv", 45)]
)
def test_every_real_image_is_a_case_without_a_problem(
    shared_data: Path, pool: str, count: int, reads: list[str]
) -> None:
    folder = shared_data / pool / "images"
    cases = scan(folder)
    assert len(cases) == count
    assert all(c.problem is None and c.channels == 1 for c in cases.values())
    reads.clear()
    started = time.perf_counter()
    assert len(scan(folder, known=known_of(cases))) == count
    assert reads == []
    assert time.perf_counter() - started < 2
