"""DICOM: series put together by their headers, and every way in which they do not fit."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from ActiveSuggestLib.data.images import Image, ImageSource, read_image
from ActiveSuggestLib.data.pool import ScannedCase, scan_images
from ActiveSuggestLib.errors import (
    AbsurdSpacingError,
    ActiveSuggestError,
    MissingSlicesError,
    MixedSeriesError,
    SkewedAxesError,
    TooManyDimensionsError,
    UnreadableImageError,
)
from Testing.Python.data.odd_files import (
    RTSTRUCT_CLASS,
    SEG_CLASS,
    a_dicom_file,
    a_series,
    cut,
    noise,
)


def read(paths: list[Path]) -> Image:
    return read_image(ImageSource(tuple(paths), "dicom"), case="the-case")


def refused(paths: list[Path], error: type[ActiveSuggestError], *words: str) -> None:
    with pytest.raises(error) as caught:
        read(paths)
    assert caught.value.case == "the-case"
    assert caught.value.path
    assert caught.value.remedy
    assert all(word in str(caught.value) for word in words), str(caught.value)


def scan(folder: Path) -> dict[str, ScannedCase]:
    return {case.name: case for case in scan_images(folder)}


# Reading --------------------------------------------------------------------------------


def test_slices_are_put_in_order_whatever_their_names(tmp_path: Path) -> None:
    paths = a_series(tmp_path)
    random.Random(0).shuffle(paths)
    image = read(paths)
    assert np.array_equal(image.array[0], noise())
    assert image.geometry.size == (10, 8, 6)
    assert image.geometry.spacing == pytest.approx((0.75, 0.5, 2.5))
    assert image.geometry.origin == pytest.approx((10.0, -20.0, 0.0))


def test_a_series_stored_from_the_top_is_turned_upward_as_itk_does(tmp_path: Path) -> None:
    paths = a_series(tmp_path, heights=[-2.5 * i for i in range(6)])
    image = read(paths)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path)))
    expected = reader.Execute()
    assert np.array_equal(image.array[0], sitk.GetArrayFromImage(expected))
    assert image.geometry.origin == pytest.approx(expected.GetOrigin())
    assert image.geometry.direction == pytest.approx(expected.GetDirection())


def test_each_slice_has_its_own_rescaling(tmp_path: Path) -> None:
    array = noise()
    paths = [
        a_dicom_file(
            tmp_path / f"{i}.dcm",
            array[i],
            ImagePositionPatient=[0, 0, i],
            RescaleSlope=f"{0.1 * (i + 1):.1f}",
            RescaleIntercept="-7.5",
        )
        for i in range(len(array))
    ]
    scaled = np.array([a * (0.1 * (i + 1)) - 7.5 for i, a in enumerate(array)])
    assert np.allclose(read(paths).array[0], scaled, atol=1e-4)


def test_a_tilted_series_is_taken_and_noted(tmp_path: Path) -> None:
    tilt = np.radians(15)
    axes = [1, 0, 0, 0, np.cos(tilt), np.sin(tilt)]
    normal = np.cross(axes[:3], axes[3:])
    paths = [
        a_dicom_file(
            tmp_path / f"{i}.dcm",
            voxels,
            ImageOrientationPatient=[float(f"{a:.8f}") for a in axes],
            ImagePositionPatient=[float(f"{p:.6f}") for p in 3.0 * i * normal],
        )
        for i, voxels in enumerate(noise())
    ]
    image = read(paths)
    assert image.geometry.tilt_degrees == pytest.approx(15, abs=0.01)
    assert "tilted" in image.notes[0]


def test_x_rays_that_show_air_bright_are_inverted_and_noted(tmp_path: Path) -> None:
    array = noise()[0]
    path = a_dicom_file(tmp_path / "x.dcm", array, PhotometricInterpretation="MONOCHROME1")
    image = read([path])
    assert np.corrcoef(image.array.ravel(), array.ravel())[0, 1] == pytest.approx(-1)
    assert "MONOCHROME1" in image.notes[0]


def test_a_colour_dicom_has_three_channels(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 255, (8, 9, 3)).astype(np.uint8)
    image = read([a_dicom_file(tmp_path / "us.dcm", array)])
    assert image.array.shape == (3, 1, 8, 9)


def test_a_compressed_series_is_read(tmp_path: Path) -> None:
    paths = a_series(tmp_path)
    for path in paths:
        file = pydicom.dcmread(path)
        file.compress(pydicom.uid.RLELossless)
        file.save_as(path)
    assert np.array_equal(read(paths).array[0], noise())


def test_a_file_without_the_dicom_preamble_is_read(tmp_path: Path) -> None:
    path = a_dicom_file(tmp_path / "old.dcm", noise()[0])
    file = pydicom.dcmread(path)
    del file.file_meta
    file.preamble = None
    bare = tmp_path / "bare.dcm"
    pydicom.dcmwrite(bare, file, implicit_vr=True, little_endian=True)
    assert bare.read_bytes()[:2] == b"\x08\x00"
    assert np.array_equal(read([bare]).array[0, 0], noise()[0])


def test_copies_of_a_slice_count_once(tmp_path: Path) -> None:
    paths = a_series(tmp_path)
    copy = tmp_path / "copy.dcm"
    copy.write_bytes(paths[2].read_bytes())
    assert np.array_equal(read([*paths, copy]).array[0], noise())


def test_the_frames_of_a_multi_frame_file_lie_where_their_headers_say(
    tmp_path: Path, shared_data: Path
) -> None:
    folder = shared_data / "dcmqi_seg" / "24x38x3"
    expected = read(sorted((folder / "image").iterdir()))
    real = folder / "multiframe" / "mf.dcm"
    image = read([real])
    assert image.geometry.matches(expected.geometry)
    assert np.array_equal(image.array, expected.array)
    file = pydicom.dcmread(real)
    frames = file.PerFrameFunctionalGroupsSequence
    frames[0], frames[2] = frames[2], frames[0]
    file.PixelData = file.pixel_array[::-1].tobytes()
    file.save_as(tmp_path / "turned.dcm")
    turned = read([tmp_path / "turned.dcm"])
    assert np.array_equal(turned.array, expected.array)
    assert turned.geometry.matches(expected.geometry)


# What does not fit ----------------------------------------------------------------------


def test_missing_slices_are_counted_and_placed(tmp_path: Path) -> None:
    paths = a_series(tmp_path)
    paths[3].unlink()
    del paths[3]
    refused(paths, MissingSlicesError, "About 1 slices", "after slice 3 of 5", "5 mm")


def test_two_gaps_are_both_counted(tmp_path: Path) -> None:
    paths = a_series(tmp_path, noise((12, 4, 4)))
    refused([p for i, p in enumerate(paths) if i not in {2, 7, 8}], MissingSlicesError, "About 3")


def test_uneven_slices_are_named(tmp_path: Path) -> None:
    paths = a_series(tmp_path, heights=[0, 2.5, 5.0, 7.5, 10.0, 13.2])
    refused(paths, MissingSlicesError, "unevenly spaced")


def test_two_time_points_in_one_series_are_named(tmp_path: Path) -> None:
    paths = a_series(tmp_path, heights=[0, 0, 2.5, 2.5, 5, 5])
    refused(paths, MixedSeriesError, "3 of 6", "time points")


def test_slices_of_two_sizes_in_one_series_are_named(tmp_path: Path) -> None:
    paths = a_series(tmp_path)
    scout = a_dicom_file(tmp_path / "s.dcm", noise((5, 5)), ImagePositionPatient=[0, 0, 90])
    refused([*paths, scout], MixedSeriesError, "6 of 10 × 8 and 1 of 5 × 5")


def test_slices_of_two_orientations_in_one_series_are_named(tmp_path: Path) -> None:
    paths = a_series(tmp_path)
    scout = a_dicom_file(
        tmp_path / "s.dcm",
        noise()[0],
        ImagePositionPatient=[0, 0, 90],
        ImageOrientationPatient=[1, 0, 0, 0, 0, -1],
    )
    refused([*paths, scout], MixedSeriesError, "orientation")


def test_slices_with_two_pixel_spacings_are_named(tmp_path: Path) -> None:
    paths = a_series(tmp_path)
    other = a_dicom_file(
        tmp_path / "s.dcm", noise()[0], ImagePositionPatient=[10, -20, 15], PixelSpacing=[1, 1]
    )
    refused([*paths, other], MixedSeriesError, "pixel spacing")


def test_slices_without_a_place_among_others_are_named(tmp_path: Path) -> None:
    paths = a_series(tmp_path)
    lost = a_dicom_file(tmp_path / "s.dcm", noise()[0], ImageOrientationPatient=None)
    refused([*paths, lost], MixedSeriesError, "1 of 7 say not where")


def test_a_tilted_gantry_is_named(tmp_path: Path) -> None:
    refused(a_series(tmp_path, shift=0.5), SkewedAxesError, "tilted gantry", "11.3 degrees")


def test_zero_pixel_spacing_is_named(tmp_path: Path) -> None:
    refused(a_series(tmp_path, PixelSpacing=[0, 0]), AbsurdSpacingError, "0 × 0")


def test_a_truncated_slice_is_named(tmp_path: Path) -> None:
    paths = a_series(tmp_path, noise((3, 40, 50)))
    cut(paths[1], 0.7)
    refused(paths, UnreadableImageError, paths[1].name, "cut short")


def test_a_film_is_named(tmp_path: Path) -> None:
    path = a_dicom_file(tmp_path / "film.dcm", noise()[0], NumberOfFrames=1)
    file = pydicom.dcmread(path)
    file.NumberOfFrames = 6
    file.PixelData = noise().tobytes()
    file.save_as(path)
    refused([path], TooManyDimensionsError, "6 frames", "film")


def test_a_segmentation_is_no_image(shared_data: Path) -> None:
    refused([shared_data / "dcmqi_seg" / "liver.dcm"], UnreadableImageError, "holds no image")


# Scanning -------------------------------------------------------------------------------


def test_series_in_nested_folders_are_called_by_their_folders(tmp_path: Path) -> None:
    a_series(tmp_path / "anna" / "CT", SeriesInstanceUID="1.1", PatientID="A")
    a_series(tmp_path / "bert" / "deep" / "MR", SeriesInstanceUID="1.2", PatientID="B")
    mr = a_series(tmp_path / "carl" / "MR", SeriesInstanceUID="1.3", PatientID="C", Modality="MR")
    cases = scan(tmp_path)
    assert sorted(cases) == ["CT", "carl_MR", "deep_MR"]
    assert [cases[n].patient for n in ("CT", "deep_MR", "carl_MR")] == ["A", "B", "C"]
    assert cases["carl_MR"].modality == "MR"
    assert cases["CT"].modality == "CT"
    assert set(cases["carl_MR"].source.paths) == set(mr)


def test_several_series_in_one_folder_are_told_apart(tmp_path: Path) -> None:
    for number, kind in ((3, "T1"), (4, "T2")):
        a_series(
            tmp_path / "study",
            prefix=kind,
            SeriesInstanceUID=f"1.{number}",
            SeriesNumber=number,
            SeriesDescription=f"{kind} axial",
        )
    cases = scan(tmp_path)
    assert sorted(cases) == ["study_3_T1 axial", "study_4_T2 axial"]
    assert all(len(c.source.paths) == 6 and c.problem is None for c in cases.values())


def test_one_series_spread_over_folders_is_one_case(tmp_path: Path) -> None:
    paths = a_series(tmp_path / "disk1")
    (tmp_path / "disk2").mkdir()
    for path in paths[3:]:
        path.rename(tmp_path / "disk2" / path.name)
    (case,) = scan(tmp_path).values()
    assert len(case.source.paths) == 6
    assert case.problem is None


def test_files_without_an_extension_are_recognised(tmp_path: Path) -> None:
    for index, path in enumerate(a_series(tmp_path / "exam")):
        path.rename(path.with_name(f"IM.{index:04d}"))
    (tmp_path / "exam" / "README").write_text("not DICOM")
    (case,) = scan(tmp_path).values()
    assert case.name == "exam"
    assert case.problem is None


def test_objects_without_an_image_are_passed_over(tmp_path: Path) -> None:
    a_series(tmp_path / "ct")
    a_dicom_file(tmp_path / "ct" / "seg.dcm", noise()[0], SOPClassUID=SEG_CLASS)
    plan = a_dicom_file(tmp_path / "ct" / "rt.dcm", noise()[0], SOPClassUID=RTSTRUCT_CLASS)
    file = pydicom.dcmread(plan)
    del file.Rows, file.Columns, file.PixelData
    file.save_as(plan)
    assert sorted(scan(tmp_path)) == ["ct"]


def test_x_rays_in_one_folder_are_cases_by_their_files(tmp_path: Path) -> None:
    for index in range(3):
        a_dicom_file(
            tmp_path / f"cxr_{index}.dcm",
            noise(seed=index)[0],
            SeriesInstanceUID=f"1.{index}",
            Modality="DX",
            ImageOrientationPatient=None,
        )
    cases = scan(tmp_path)
    assert sorted(cases) == ["cxr_0", "cxr_1", "cxr_2"]
    assert {c.modality for c in cases.values()} == {"other"}


def test_bad_series_are_problems_and_stop_nothing_else(tmp_path: Path) -> None:
    a_series(tmp_path / "good", SeriesInstanceUID="1.1")
    a_series(tmp_path / "gap", SeriesInstanceUID="1.2")[2].unlink()
    a_series(tmp_path / "mixed", heights=[0, 0, 1, 1, 2, 2], SeriesInstanceUID="1.3")
    (tmp_path / "stray").mkdir()
    (tmp_path / "stray" / "empty.dcm").touch()
    (tmp_path / "stray" / "text.dcm").write_text("no DICOM at all" * 30)
    cases = scan(tmp_path)
    assert cases["good"].problem is None
    assert isinstance(cases["gap"].problem, MissingSlicesError)
    assert isinstance(cases["mixed"].problem, MixedSeriesError)
    assert isinstance(cases["empty"].problem, UnreadableImageError)
    assert isinstance(cases["text"].problem, UnreadableImageError)


def test_the_real_series_are_found_and_segmentations_passed_over(shared_data: Path) -> None:
    cases = scan(shared_data / "dcmqi_seg")
    assert {n: len(c.source.paths) for n, c in cases.items() if c.source.kind == "dicom"} == {
        "ct-3slice": 3,
        "23x38x3_image": 3,
        "24x38x3_image": 3,
        "23x38x3_multiframe": 1,
        "24x38x3_multiframe": 1,
    }
    assert cases["ct-3slice"].geometry is not None
    assert cases["ct-3slice"].geometry.size == (512, 512, 3)
    assert cases["ct-3slice"].patient == "99000"
    assert all(c.problem is None for c in cases.values() if c.source.kind == "dicom")
