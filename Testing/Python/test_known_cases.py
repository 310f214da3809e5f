"""Cases with labels, and folders that show only some of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import SimpleITK

from ActiveSuggestLib.data.pool import scan_images
from ActiveSuggestLib.simulating.known_cases import (
    find_known_cases,
    link_images,
    load_known_cases,
    read_truth,
    save_known_cases,
)
from Testing.Python.simulation_pools import SEGMENTS, SHAPE, a_volume, write_pool


def test_a_case_with_two_labels_of_equal_standing_is_left_out_and_said(tmp_path: Path) -> None:
    pool = write_pool(tmp_path, 3)
    (pool / "labels" / "other").mkdir()
    shutil.copy(pool / "labels" / "case-01.seg.nrrd", pool / "labels" / "other")
    cases, notes = find_known_cases(pool / "images", pool / "labels")
    assert [c.name for c in cases] == ["case-00", "case-02"]
    assert notes == ("Left out because several files may be the label: 1.",)


def test_what_was_found_is_the_same_after_saving_and_loading(tmp_path: Path) -> None:
    pool = write_pool(tmp_path / "pool", 3)
    found = find_known_cases(pool / "images", pool / "labels", patient_pattern=r"case-0(\d)")
    assert [c.patient for c in found[0]] == ["0", "1", "2"]
    save_known_cases(tmp_path / "pool.json", *found)
    assert load_known_cases(tmp_path / "pool.json") == found


def test_the_truth_has_the_values_of_the_segments(tmp_path: Path) -> None:
    pool = write_pool(tmp_path, 1)
    (case,), _ = find_known_cases(pool / "images", pool / "labels")
    assert np.array_equal(read_truth(case, SEGMENTS), a_volume(0)[1])


def test_a_header_is_linked_with_the_file_of_its_voxels(tmp_path: Path) -> None:
    pool = write_pool(tmp_path / "pool", 2)
    for name in ("case-00", "case-01"):
        path = pool / "images" / f"{name}.nii.gz"
        SimpleITK.WriteImage(SimpleITK.ReadImage(str(path)), str(path.with_name(f"{name}.mhd")))
        path.unlink()
    cases, _ = find_known_cases(pool / "images", pool / "labels")
    link_images(cases[:1], pool / "images", tmp_path / "linked")
    assert {p.name for p in (tmp_path / "linked").iterdir()} == {"case-00.mhd", "case-00.raw"}
    (scanned,) = scan_images(tmp_path / "linked")
    assert scanned.problem is None


def test_the_channels_of_a_case_stay_together_in_its_folder(tmp_path: Path) -> None:
    pool = write_pool(tmp_path / "pool", 2)
    for name in ("case-00", "case-01"):
        path = pool / "images" / f"{name}.nii.gz"
        (pool / "images" / name).mkdir()
        for channel in ("t1", "t2"):
            shutil.copy(path, pool / "images" / name / f"{channel}.nii.gz")
        path.unlink()
    cases, _ = find_known_cases(pool / "images", pool / "labels")
    assert [c.source.kind for c in cases] == ["channels", "channels"]
    link_images(cases, pool / "images", tmp_path / "linked")
    linked = list(scan_images(tmp_path / "linked"))
    assert [(c.name, c.channels) for c in linked] == [("case-00", 2), ("case-01", 2)]


def test_linking_again_changes_nothing_and_the_images_stay_as_they_are(tmp_path: Path) -> None:
    pool = write_pool(tmp_path / "pool", 2)
    cases, _ = find_known_cases(pool / "images", pool / "labels")
    before = {p.name: p.read_bytes() for p in (pool / "images").iterdir()}
    link_images(cases, pool / "images", tmp_path / "linked")
    link_images(cases, pool / "images", tmp_path / "linked")
    assert {p.name: p.read_bytes() for p in (tmp_path / "linked").iterdir()} == before
    assert {p.name: p.read_bytes() for p in (pool / "images").iterdir()} == before
    assert cases[0].geometry.shape == SHAPE
