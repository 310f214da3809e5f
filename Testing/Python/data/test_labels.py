"""Labels: written as Slicer does, read by name from whatever there is, or refused by name."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from ActiveSuggestLib.data.formats.naming import case_name
from ActiveSuggestLib.data.geometry import Geometry
from ActiveSuggestLib.data.images import ImageSource, read_image
from ActiveSuggestLib.data.labels import (
    UNKNOWN,
    find_labels,
    label_from_array,
    read_label,
    write_label,
)
from ActiveSuggestLib.data.segments import Segment, parse_segments
from ActiveSuggestLib.errors import (
    ActiveSuggestError,
    LabelError,
    LabelGeometryError,
    OverlappingSegmentsError,
    SliceRangeError,
    UnknownSegmentError,
    UnnamedValueError,
    UnreadableLabelError,
)
from Testing.Python.data.odd_files import (
    a_picture,
    a_slicer_segmentation,
    a_volume,
    colour,
    cut,
    noise,
    read,
)

SEGMENTS = parse_segments("liver=1,tumour=3")
GRID = Geometry((10, 8, 6), (1.0, 1.5, 2.0), (3.0, -4.0, 5.0))


def a_mask(values: tuple[int, int] = (1, 3)) -> np.ndarray:
    """Return a mask on ``GRID`` without any symmetry."""
    mask = np.zeros(GRID.shape, np.uint8)
    mask[1:4, 2:6, 1:7] = values[0]
    mask[2:3, 3:5, 2:4] = values[1]
    mask[4, 6, 8] = values[1]
    return mask


def refused(path: Path, error: type[ActiveSuggestError], *words: str, **options: object) -> None:
    geometry = options.pop("geometry", GRID)
    segments = options.pop("segments", SEGMENTS)
    with pytest.raises(error) as caught:
        read_label(path, segments, geometry, case="the-case", **options)  # type: ignore[arg-type]
    assert isinstance(caught.value, LabelError)
    assert caught.value.case == "the-case"
    assert caught.value.path == str(path)
    assert caught.value.remedy
    assert all(word in str(caught.value) for word in words), str(caught.value)


# Writing --------------------------------------------------------------------------------


def test_a_written_label_reads_back_to_the_same_voxels_and_grid(tmp_path: Path) -> None:
    path = tmp_path / "l.seg.nrrd"
    write_label(path, a_mask(), GRID, SEGMENTS)
    label = read_label(path, SEGMENTS, GRID)
    assert np.array_equal(label.array, a_mask())
    assert label.present == ("liver", "tumour")
    assert label.slices is None
    assert read_label(path, SEGMENTS, None).geometry == GRID


def test_an_independent_reader_finds_segments_and_voxels(tmp_path: Path) -> None:
    slicerio = pytest.importorskip("slicerio")
    c, s = math.cos(0.4), math.sin(0.4)
    tilted = replace(GRID, direction=(1.0, 0.0, 0.0, 0.0, c, -s, 0.0, s, c))
    terminology = "List~SCT^123037004^Anatomical~SCT^10200004^Liver~^^~List~^^~^^"
    segments = (Segment("liver", 1, (0.5, 0.25, 1.0), terminology), SEGMENTS[1])
    path = tmp_path / "l.seg.nrrd"
    write_label(path, a_mask(), tilted, segments)
    read_back = slicerio.read_segmentation(str(path))
    assert np.array_equal(read_back["voxels"], a_mask().T)
    assert np.allclose(read_back["ijkToLPS"], tilted.matrix)
    first, second = read_back["segments"]
    assert (first["name"], first["labelValue"], first["layer"]) == ("liver", 1, 0)
    assert (second["name"], second["labelValue"], second["layer"]) == ("tumour", 3, 0)
    assert first["color"] == [0.5, 0.25, 1.0]
    assert first["terminology"]["type"] == ["SCT", "10200004", "Liver"]
    assert first["extent"] == [0, 9, 0, 7, 0, 5]
    assert len({first["id"], second["id"]}) == 2


def test_itk_reads_the_same_voxels_and_grid(tmp_path: Path) -> None:
    path = tmp_path / "l.seg.nrrd"
    write_label(path, a_mask(), GRID, SEGMENTS)
    image = sitk.ReadImage(str(path))
    assert np.array_equal(sitk.GetArrayFromImage(image), a_mask())
    assert Geometry.from_sitk(image) == GRID


def test_the_same_label_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_label(tmp_path / f"{name}.seg.nrrd", a_mask(), GRID, SEGMENTS)
    assert (tmp_path / "a.seg.nrrd").read_bytes() == (tmp_path / "b.seg.nrrd").read_bytes()


def test_names_in_unicode_and_further_keys_survive(tmp_path: Path) -> None:
    segments = parse_segments("Niere links,腫瘍")
    path = tmp_path / "Maske ü.seg.nrrd"
    write_label(path, a_mask((1, 2)), GRID, segments, extra={"ActiveSuggest_Case": "ä\nb\\c"})
    assert read_label(path, segments, GRID).present == ("Niere links", "腫瘍")
    assert "ActiveSuggest_Case:=ä\\nb\\\\c\n" in path.read_bytes().decode("utf-8", "ignore")


def test_a_sparse_label_keeps_its_slices_and_the_rest_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "l.seg.nrrd"
    write_label(path, a_mask(), GRID, SEGMENTS, slices=[4, 2], plane="coronal")
    label = read_label(path, SEGMENTS, GRID)
    assert label.slices == (2, 4)
    assert label.plane_axis == 1
    assert np.array_equal(label.array[:, [2, 4]], a_mask()[:, [2, 4]])
    assert (np.delete(label.array, [2, 4], axis=1) == UNKNOWN).all()
    assert sitk.GetArrayFromImage(sitk.ReadImage(str(path))).max() < UNKNOWN


def test_unknown_voxels_outside_the_slices_are_never_in_the_file(tmp_path: Path) -> None:
    mask = a_mask()
    mask[[0, 1, 4, 5]] = UNKNOWN
    path = tmp_path / "l.seg.nrrd"
    write_label(path, mask, GRID, SEGMENTS)
    label = read_label(path, SEGMENTS, GRID)
    assert label.slices == (2, 3)
    assert np.array_equal(label.array, mask)
    assert not (sitk.GetArrayFromImage(sitk.ReadImage(str(path))) == UNKNOWN).any()


# Arrays ---------------------------------------------------------------------------------


def test_an_array_is_taken_in_many_types() -> None:
    for dtype in (np.uint8, np.int64, np.float32):
        label = label_from_array(a_mask().astype(dtype), GRID, SEGMENTS)
        assert label.array.dtype == np.uint8
        assert np.array_equal(label.array, a_mask())


def test_truth_stands_for_the_only_segment_and_2d_for_the_only_slice() -> None:
    lung = parse_segments("lung=7")
    flat = Geometry((10, 8, 1), (1.0, 1.0, 1.0))
    label = label_from_array(a_mask()[2] > 0, flat, lung)
    assert label.array.shape == (1, 8, 10)
    assert set(np.unique(label.array)) == {0, 7}


@pytest.mark.parametrize(
    ("array", "slices", "error", "words"),
    [
        (np.zeros((6, 8, 9), np.uint8), None, LabelGeometryError, "(6, 8, 9)"),
        (a_mask((1, 2)), None, UnnamedValueError, "2 (5 voxels)"),
        (a_mask().astype(int) - 1, None, UnnamedValueError, "-1"),
        (a_mask() * 0.5, None, UnreadableLabelError, "whole numbers"),
        (np.full(GRID.shape, np.nan), None, UnreadableLabelError, "whole numbers"),
        (a_mask(), [6], SliceRangeError, "Slices 6"),
        (a_mask(), [-1], SliceRangeError, "0 to 5"),
        (a_mask(), [], SliceRangeError, "none"),
        (np.full(GRID.shape, UNKNOWN, np.uint8), None, UnnamedValueError, "not labelled"),
        (np.where(a_mask() == 3, UNKNOWN, 0), None, UnnamedValueError, "whole slices"),
        (np.where(a_mask() == 3, UNKNOWN, 0), [2], UnnamedValueError, "255"),
    ],
)
def test_an_array_that_cannot_be_a_label_is_refused(
    array: np.ndarray, slices: list[int] | None, error: type[ActiveSuggestError], words: str
) -> None:
    with pytest.raises(error) as caught:
        label_from_array(array, GRID, SEGMENTS, slices=slices, case="the-case")
    assert caught.value.case == "the-case"
    assert words in str(caught.value)
    assert caught.value.remedy


# Reading by name and by value -----------------------------------------------------------


@pytest.mark.parametrize("extension", [".nii.gz", ".nii", ".nrrd", ".mha", ".mhd"])
def test_plain_labels_are_read_by_the_project_s_values(tmp_path: Path, extension: str) -> None:
    path = a_volume(tmp_path / f"l{extension}", a_mask())
    label = read_label(path, SEGMENTS, GRID)
    assert np.array_equal(label.array, a_mask())
    assert label.present == ("liver", "tumour")


def test_whole_numbers_stored_as_floating_point_are_a_label(tmp_path: Path) -> None:
    path = a_volume(tmp_path / "l.nii.gz", a_mask().astype(np.float64))
    assert np.array_equal(read_label(path, SEGMENTS, GRID).array, a_mask())


def test_segments_are_matched_by_name_never_by_order_or_value(tmp_path: Path) -> None:
    path = a_slicer_segmentation(
        tmp_path / "l.seg.nrrd", a_mask((7, 1))[None], [("Tumour", 1, 0), ("LIVER", 7, 0)]
    )
    label = read_label(path, SEGMENTS, GRID)
    assert np.array_equal(label.array, a_mask())


def test_an_empty_segment_that_is_not_known_does_no_harm(tmp_path: Path) -> None:
    path = a_slicer_segmentation(
        tmp_path / "l.seg.nrrd",
        a_mask()[None],
        [("liver", 1, 0), ("tumour", 3, 0), ("scratch", 4, 0)],
    )
    assert read_label(path, SEGMENTS, GRID).present == ("liver", "tumour")


def test_layers_that_do_not_overlap_are_merged(tmp_path: Path) -> None:
    layers = np.stack([a_mask() == 1, a_mask() == 3])
    path = a_slicer_segmentation(
        tmp_path / "l.seg.nrrd", layers, [("liver", 1, 0), ("tumour", 1, 1)]
    )
    assert np.array_equal(read_label(path, SEGMENTS, GRID).array, a_mask())


def test_overlapping_segments_of_a_4d_file_are_named_and_counted(tmp_path: Path) -> None:
    layers = np.stack([a_mask() > 0, a_mask() == 3])
    path = a_slicer_segmentation(
        tmp_path / "l.seg.nrrd", layers, [("liver", 1, 0), ("tumour", 1, 1)]
    )
    refused(path, OverlappingSegmentsError, "'liver' and 'tumour' share 5 voxels")


def test_a_file_of_an_old_slicer_has_one_layer_a_segment(tmp_path: Path) -> None:
    layers = np.stack([a_mask() == 1, a_mask() == 3])
    path = a_slicer_segmentation(
        tmp_path / "l.seg.nrrd", layers, [("liver", 1, 0), ("tumour", 1, 1)]
    )
    lines = path.read_bytes().split(b"\n")
    kept = [x for x in lines if b"_LabelValue" not in x and b"_Layer" not in x]
    path.write_bytes(b"\n".join(kept))
    assert np.array_equal(read_label(path, SEGMENTS, GRID).array, a_mask())


def test_an_unknown_segment_is_named(tmp_path: Path) -> None:
    path = a_slicer_segmentation(
        tmp_path / "l.seg.nrrd", a_mask()[None], [("liver", 1, 0), ("cyst", 3, 0)]
    )
    refused(path, UnknownSegmentError, "'cyst' (5 voxels)", "'tumour'")


def test_values_without_a_name_are_listed(tmp_path: Path) -> None:
    refused(a_volume(tmp_path / "l.nii.gz", a_mask((1, 2))), UnnamedValueError, "2 (5 voxels)")
    named = a_slicer_segmentation(tmp_path / "l.seg.nrrd", a_mask()[None], [("liver", 1, 0)])
    refused(named, UnnamedValueError, "3 (5 voxels)")


def test_values_can_be_named_by_hand(tmp_path: Path) -> None:
    path = a_volume(tmp_path / "l.nii.gz", a_mask((200, 9)))
    label = read_label(path, SEGMENTS, GRID, values={9: "tumour", 200: "liver"})
    assert np.array_equal(label.array, a_mask())
    refused(path, UnknownSegmentError, "'cyst'", values={9: "cyst", 200: "liver"})


@pytest.mark.parametrize(
    "labels",
    [
        {"0": "background", "5": "Tumour", "9": "Liver"},
        {"background": 0, "tumour": 5, "liver": 9},
    ],
)
def test_a_dataset_json_names_the_values(tmp_path: Path, labels: dict[str, object]) -> None:
    path = a_volume(tmp_path / "labelsTr" / "l.nii.gz", a_mask((9, 5)))
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": labels}), encoding="utf-8")
    assert np.array_equal(read_label(path, SEGMENTS, GRID).array, a_mask())


def test_a_broken_dataset_json_is_as_good_as_none(tmp_path: Path) -> None:
    path = a_volume(tmp_path / "l.nii.gz", a_mask())
    for content in ("{", "[]", '{"labels": {"whole": [1, 3]}}'):
        (tmp_path / "dataset.json").write_text(content, encoding="utf-8")
        assert np.array_equal(read_label(path, SEGMENTS, GRID).array, a_mask())


def test_a_black_and_white_mask_means_the_only_segment(tmp_path: Path) -> None:
    lung = parse_segments("lung")
    picture = (np.arange(108).reshape(12, 9) > 50).astype(np.uint8) * 255
    path = a_picture(tmp_path / "m.png", picture)
    flat = Geometry((9, 12, 1), (1.0, 1.0, 1.0))
    assert np.array_equal(read_label(path, lung, flat).array[0], picture // 255)
    refused(path, UnnamedValueError, "255", geometry=flat)


def test_a_picture_with_a_palette_is_read_by_its_indices(tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    indices = (np.arange(108).reshape(12, 9) % 2 * 3).astype(np.uint8)
    picture = pillow.fromarray(indices, mode="P")
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255] + [0] * 756)
    picture.save(tmp_path / "m.png")
    flat = Geometry((9, 12, 1), (0.2, 0.2, 1.0), (4.0, 5.0, 6.0))
    assert np.array_equal(read_label(tmp_path / "m.png", SEGMENTS, flat).array[0], indices)


def test_a_label_in_colour_is_refused(tmp_path: Path) -> None:
    path = a_picture(tmp_path / "m.png", colour())
    refused(path, UnreadableLabelError, "colour", geometry=Geometry((9, 12, 1), (1, 1, 1)))


# Grids ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"spacing": (1.0, 1.5, 3.0)}, "spacing 1 × 1.5 × 3 instead of 1 × 1.5 × 2 mm"),
        ({"origin": (3.0, -4.0, 5.5)}, "an origin 0.5 mm away"),
        ({"origin": (3.0, -4.0, 7.0)}, "an origin 2 mm away"),
        ({"direction": (0.8, -0.6, 0, 0.6, 0.8, 0, 0, 0, 1)}, "axes that point another way"),
    ],
)
def test_another_geometry_is_refused_and_the_difference_said(
    tmp_path: Path, change: dict[str, tuple[float, ...]], words: str
) -> None:
    grid = {"spacing": GRID.spacing, "origin": GRID.origin, **change}
    path = a_volume(tmp_path / "l.nii.gz", a_mask(), **grid)  # type: ignore[arg-type]
    refused(path, LabelGeometryError, words)


def test_a_plain_label_of_another_size_is_refused(tmp_path: Path) -> None:
    path = a_volume(tmp_path / "l.nii.gz", a_mask()[:5])
    refused(path, LabelGeometryError, "size 10 × 8 × 5 instead of 10 × 8 × 6 voxels")


def test_a_slicer_segmentation_of_a_part_of_the_grid_is_put_in_its_place(tmp_path: Path) -> None:
    part = a_mask()[1:5, 2:7, 1:9]
    path = a_slicer_segmentation(
        tmp_path / "l.seg.nrrd",
        part[None],
        [("liver", 1, 0), ("tumour", 3, 0)],
        origin=(3.0 + 1 * 1.0, -4.0 + 2 * 1.5, 5.0 + 1 * 2.0),
    )
    assert np.array_equal(read_label(path, SEGMENTS, GRID).array, a_mask())


def test_voxels_outside_the_image_are_counted(tmp_path: Path) -> None:
    path = a_slicer_segmentation(
        tmp_path / "l.seg.nrrd",
        a_mask()[None],
        [("liver", 1, 0), ("tumour", 3, 0)],
        origin=(3.0 + 4.0, -4.0, 5.0),
    )
    refused(path, LabelGeometryError, "labelled voxels lie outside")


def test_axes_in_another_order_or_direction_are_turned_exactly(tmp_path: Path) -> None:
    image = sitk.GetImageFromArray(a_mask())
    image.SetSpacing(GRID.spacing)
    image.SetOrigin(GRID.origin)
    for order in ((2, 0, 1), (1, 0, 2), (0, 1, 2)):
        for flips in ((True, False, True), (False, True, False)):
            turned = sitk.Flip(sitk.PermuteAxes(image, order), flips)
            path = tmp_path / "l.nrrd"
            sitk.WriteImage(turned, str(path))
            assert np.array_equal(read_label(path, SEGMENTS, GRID).array, a_mask()), (order, flips)


def test_labelled_slices_are_turned_with_their_grid(tmp_path: Path) -> None:
    path = tmp_path / "l.seg.nrrd"
    write_label(path, a_mask(), GRID, SEGMENTS, slices=[1, 2])
    flipped = replace(
        GRID, origin=(3.0, -4.0, 15.0), direction=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
    )
    label = read_label(path, SEGMENTS, flipped)
    assert label.slices == (3, 4)
    assert np.array_equal(label.array[[3, 4]], a_mask()[::-1][[3, 4]])


def test_rounding_to_single_precision_is_no_difference(tmp_path: Path) -> None:
    c, s = math.cos(0.3), math.sin(0.3)
    direction = (1.0, 0.0, 0.0, 0.0, c, -s, 0.0, s, c)
    grid = Geometry(
        (10, 8, 6), (0.7123456789, 1.2345678901, 3.1), (-231.7, 118.3, 901.2), direction
    )
    path = a_volume(
        tmp_path / "l.nii.gz",
        a_mask(),
        spacing=grid.spacing,
        origin=grid.origin,
        direction=direction,
    )
    assert np.array_equal(read_label(path, SEGMENTS, grid).array, a_mask())


# Bad files ------------------------------------------------------------------------------


@pytest.mark.parametrize("extension", [".seg.nrrd", ".nii.gz", ".mha"])
def test_empty_truncated_missing_and_misnamed_labels_are_named(
    tmp_path: Path, extension: str
) -> None:
    path = tmp_path / f"l{extension}"
    refused(path, UnreadableLabelError, "no longer there")
    path.touch()
    refused(path, UnreadableLabelError, "empty")
    if extension == ".seg.nrrd":
        write_label(path, a_mask(), GRID, SEGMENTS)
    else:
        a_volume(path, np.random.default_rng(0).choice([0, 1, 3], GRID.shape).astype(np.uint8))
    refused(cut(path, 0.9), UnreadableLabelError)
    path.write_text("no label at all")
    refused(path, UnreadableLabelError)
    a_picture(tmp_path / "p.png").replace(path)
    refused(path, UnreadableLabelError, "PNG")


def test_an_image_given_as_a_label_is_named(tmp_path: Path) -> None:
    path = a_volume(tmp_path / "l.nii.gz", noise().astype(np.float32) / 7)
    refused(path, UnreadableLabelError, "whole numbers")


def test_a_4d_label_without_names_is_named(tmp_path: Path) -> None:
    frames = [sitk.GetImageFromArray((a_mask() == v).astype(np.uint8)) for v in (1, 3)]
    for name in ("l.nii.gz", "l.mha"):
        sitk.WriteImage(sitk.JoinSeries(frames), str(tmp_path / name))
        refused(tmp_path / name, UnreadableLabelError)


def test_a_fractional_segmentation_is_refused(tmp_path: Path) -> None:
    path = a_slicer_segmentation(tmp_path / "l.seg.nrrd", a_mask()[None], [("liver", 1, 0)])
    content = path.read_bytes()
    path.write_bytes(content.replace(b":=Binary labelmap", b":=Fractional labelmap"))
    refused(path, UnreadableLabelError, "fractions")


# DICOM SEG ------------------------------------------------------------------------------


def grid_of(folder: Path) -> Geometry:
    return read_image(ImageSource(tuple(sorted(folder.iterdir())), "dicom")).geometry


def test_a_real_dicom_seg_agrees_with_the_nrrd_of_the_same_segment(shared_data: Path) -> None:
    data = shared_data / "dcmqi_seg"
    liver = parse_segments("liver")
    grid = grid_of(data / "ct-3slice")
    label = read_label(data / "liver.dcm", liver, grid)
    assert label.present == ("liver",)
    assert np.array_equal(label.array, read_label(data / "liver_seg.nrrd", liver, grid).array)
    alone = read_label(data / "liver.dcm", liver, None)
    assert alone.geometry.matches(grid)
    assert np.array_equal(alone.array, label.array)


@pytest.mark.parametrize(
    ("seg", "nrrd"),
    [
        ("24x38x3/seg/label.seg", "24x38x3/nrrd/label.nrrd"),
        ("sparse-labelmap-noppv.dcm", "sparse_labelmap_noppv_seg.nrrd"),
        # The value 5 of this one is padding, not a segment.
        ("sparse-labelmap-ppv5.dcm", "sparse_labelmap_ppv5_seg.nrrd"),
    ],
)
def test_real_binary_and_labelmap_segs_agree_with_their_nrrd(
    shared_data: Path, seg: str, nrrd: str
) -> None:
    data = shared_data / "dcmqi_seg"
    liver, grid = parse_segments("Liver"), grid_of(data / "24x38x3" / "image")
    label = read_label(data / seg, liver, grid)
    assert label.array.any()
    assert np.array_equal(label.array, read(data / nrrd).array[0] == 1)


def test_real_overlapping_dicom_segments_are_named(shared_data: Path) -> None:
    data = shared_data / "dcmqi_seg"
    refused(
        data / "partial_overlaps.dcm",
        OverlappingSegmentsError,
        "'GREEN' and 'ORANGE' share 3017 voxels",
        segments=parse_segments("GREEN,ORANGE,PURPLE,LIGHT_BLUE,DARK_BLUE"),
        geometry=grid_of(data / "ct-3slice"),
    )


def test_a_dicom_seg_of_another_image_or_with_unknown_segments_is_refused(
    shared_data: Path,
) -> None:
    data = shared_data / "dcmqi_seg"
    other = grid_of(data / "24x38x3" / "image")
    liver = parse_segments("liver")
    refused(data / "liver.dcm", LabelGeometryError, "spacing", segments=liver, geometry=other)
    grid = grid_of(data / "ct-3slice")
    refused(
        data / "liver.dcm", UnknownSegmentError, "'Liver'", geometry=grid, segments=SEGMENTS[1:]
    )


def test_dicom_that_is_no_binary_segmentation_is_refused(tmp_path: Path, shared_data: Path) -> None:
    data = shared_data / "dcmqi_seg"
    refused(data / "ct-3slice" / "01.dcm", UnreadableLabelError, "no segmentation")
    file = pydicom.dcmread(data / "liver.dcm")
    file.SegmentationType = "FRACTIONAL"
    file.save_as(tmp_path / "f.dcm")
    refused(tmp_path / "f.dcm", UnreadableLabelError, "FRACTIONAL")
    content = (data / "liver.dcm").read_bytes()
    (tmp_path / "cut.dcm").write_bytes(content[: len(content) // 2])
    refused(tmp_path / "cut.dcm", UnreadableLabelError)


# Finding --------------------------------------------------------------------------------


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


@pytest.mark.parametrize(
    ("file", "case"),
    [
        ("a.nii.gz", "a"),
        ("A.NII.GZ", "a"),
        ("a.seg.nrrd", "a"),
        ("a_seg.nii.gz", "a"),
        ("a-label.nrrd", "a"),
        ("mask_a.png", "a"),
        ("a.dcm", "a"),
        ("a/seg.nii.gz", "a"),
        ("a/Segmentation.seg.nrrd", "a"),
        ("a/whatever.nii.gz", "a"),
        ("a/a_seg.nii.gz", "a"),
        ("segmentation-7.nii", "volume-7"),
        ("anna/label.nii.gz", "anna_image"),
        ("anna/image.nii.gz", "anna_image"),
        ("Scha\u0308del.nii.gz", "Schädel"),
    ],
)
def test_a_label_is_found_by_its_name(tmp_path: Path, file: str, case: str) -> None:
    touch(tmp_path, file)
    found = find_labels(tmp_path, [case, "b", "volume-8"])
    assert found == {case: tmp_path / file}
    assert not found.ambiguous
    assert not found.unmatched


def test_the_surer_of_two_files_is_taken_and_equals_are_ambiguous(tmp_path: Path) -> None:
    touch(tmp_path, "a.nii.gz", "a_seg.nii.gz", "b_seg.nii.gz", "b_mask.nii.gz", "zz.nii.gz")
    found = find_labels(tmp_path, ["a", "b", "c"])
    assert found == {"a": tmp_path / "a_seg.nii.gz"}
    assert found.ambiguous == {"b": (tmp_path / "b_mask.nii.gz", tmp_path / "b_seg.nii.gz")}
    assert found.unmatched == (tmp_path / "zz.nii.gz",)


def test_a_case_that_is_called_like_a_label_keeps_its_own(tmp_path: Path) -> None:
    touch(tmp_path, "a.nii.gz", "a_seg.nii.gz")
    found = find_labels(tmp_path, ["a", "a_seg"])
    assert found == {"a": tmp_path / "a.nii.gz", "a_seg": tmp_path / "a_seg.nii.gz"}


# Real data ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pool", "names"),
    [
        ("hippocampus", "anterior,posterior"),
        ("cxr_wingspan", "left lung,right lung,heart"),
        ("sunnybrook_lv", "left ventricle"),
    ],
)
def test_every_real_label_is_found_and_read_onto_its_image(
    shared_data: Path, pool: str, names: str
) -> None:
    images = {case_name(p): p for p in (shared_data / pool / "images").iterdir()}
    found = find_labels(shared_data / pool / "labels", images)
    assert found.keys() == images.keys()
    segments = parse_segments(names)
    for case, path in found.items():
        label = read_label(path, segments, read(images[case]).geometry, case=case)
        expected = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
        assert np.array_equal(label.array, expected.reshape(label.array.shape)), case


def test_real_nrrd_segmentations_are_read_by_the_names_given_to_their_values(
    shared_data: Path,
) -> None:
    data = shared_data / "dcmqi_seg"
    grid = grid_of(data / "ct-3slice")
    segments = parse_segments("spine=2,liver=1")
    label = read_label(data / "spine_seg_label5.nrrd", segments, grid, values={5: "spine"})
    assert label.present == ("spine",)
    refused(
        data / "spine_seg_label5.nrrd", UnnamedValueError, "5", segments=segments, geometry=grid
    )
