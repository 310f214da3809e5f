"""The mask read back: by name, whatever the user did to the segmentation meanwhile."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
import vtk
from ActiveSuggestModule.scene.errors import NoCaseShownError, SegmentationUnusableError
from ActiveSuggestModule.scene.labelmaps import bounds, translate

from ActiveSuggestLib.errors import ActiveSuggestError
from Testing.Python.module.scene_cases import (
    GEOMETRIES,
    SEGMENTS,
    case_scene,
    make_case,
    matrix_of,
    paint,
    set_voxels,
    two_segments,
)

STRAIGHT = GEOMETRIES["straight"]


@pytest.fixture
def scene(world, tmp_path):
    made = case_scene(world)
    made.show(make_case(tmp_path), SEGMENTS)
    return made


def segmentation_of(scene):
    return scene.shown.segmentation.GetSegmentation()


def identifier(scene, name: str) -> str:
    return segmentation_of(scene).GetSegmentIdBySegmentName(name)


def test_nothing_shown_is_an_error_with_a_sentence(world):
    with pytest.raises(NoCaseShownError, match="No case is open") as caught:
        case_scene(world).mask()
    assert isinstance(caught.value, ActiveSuggestError)


def test_painting_and_erasing_are_seen(scene):
    before = scene.modified_time()
    paint(scene.shown.segmentation, "tumour", np.s_[3:5, 1:4, 1:4])
    assert (scene.mask().array[3:5, 1:4, 1:4] == 2).all()
    assert scene.changed_slices() == (3, 4)
    assert scene.modified_time() > before


def test_painting_over_another_segment_takes_its_voxels(scene):
    labels = two_segments(STRAIGHT.shape)
    z, y, x = (int(n[0]) for n in np.nonzero(labels == 1))
    paint(scene.shown.segmentation, "tumour", (slice(z, z + 1), slice(y, y + 1), slice(x, x + 1)))
    assert scene.mask().array[z, y, x] == 2
    assert scene.mask().overlaps == 0


def test_without_an_edit_the_time_stands_still(scene):
    before = scene.modified_time()
    node = scene.shown.segmentation
    node.GetDisplayNode().SetSegmentVisibility(identifier(scene, "liver"), False)
    node.GetDisplayNode().SetOpacity2DFill(0.9)
    node.CreateClosedSurfaceRepresentation()
    scene.mask()
    assert scene.modified_time() == before


def test_the_order_of_the_segments_does_not_matter(scene):
    segmentation_of(scene).SetSegmentIndex(identifier(scene, "tumour"), 0)
    assert np.array_equal(scene.mask().array, two_segments(STRAIGHT.shape))


def test_hidden_segments_count(scene):
    display = scene.shown.segmentation.GetDisplayNode()
    display.SetSegmentVisibility(identifier(scene, "liver"), False)
    display.SetVisibility(False)
    assert np.array_equal(scene.mask().array, two_segments(STRAIGHT.shape))


def test_a_deleted_segment_is_named_as_missing(scene):
    before = scene.modified_time()
    segmentation_of(scene).RemoveSegment(identifier(scene, "tumour"))
    mask = scene.mask()
    assert mask.missing == ("tumour",)
    expected = np.where(two_segments(STRAIGHT.shape) == 1, 1, 0)
    assert np.array_equal(mask.array, expected)
    assert scene.modified_time() > before


def test_a_renamed_segment_is_unknown_and_the_old_name_missing(scene):
    before = scene.modified_time()
    segmentation_of(scene).GetSegment(identifier(scene, "tumour")).SetName("metastasis")
    mask = scene.mask()
    assert mask.unknown == ("metastasis",)
    assert mask.missing == ("tumour",)
    assert not (mask.array == 2).any()
    assert scene.modified_time() > before


def test_two_segments_that_swapped_names_swap_values(scene):
    first = segmentation_of(scene).GetSegment(identifier(scene, "liver"))
    second = segmentation_of(scene).GetSegment(identifier(scene, "tumour"))
    first.SetName("tumour")
    second.SetName("liver")
    labels = two_segments(STRAIGHT.shape)
    assert np.array_equal(scene.mask().array, np.array([0, 2, 1], np.uint8)[labels])


def test_an_added_segment_is_unknown_once_it_has_voxels(scene):
    segmentation_of(scene).AddEmptySegment("", "scratch")
    assert scene.mask().unknown == ()
    paint(scene.shown.segmentation, "scratch", np.s_[0:1, 0:2, 0:2])
    assert scene.mask().unknown == ("scratch",)
    assert not scene.mask().array[0, 0:2, 0:2].any()


def test_overlaps_are_counted_and_go_to_the_projects_later_segment(scene):
    paint(scene.shown.segmentation, "tumour", np.s_[4:7, 8:16, 8:12], own_layer=True)
    labels = two_segments(STRAIGHT.shape)
    shared = int((labels[4:7, 8:16, 8:12] == 1).sum())
    assert shared > 0
    mask = scene.mask()
    assert mask.overlaps == shared
    assert (mask.array[4:7, 8:16, 8:12] == 2).all()
    segmentation_of(scene).SetSegmentIndex(identifier(scene, "tumour"), 0)
    assert (scene.mask().array[4:7, 8:16, 8:12] == 2).all()


def test_two_segments_of_one_name_are_one(scene):
    segmentation_of(scene).AddEmptySegment("", "Liver ")
    other = segmentation_of(scene).GetNthSegment(2)
    other.SetName("more")
    paint(scene.shown.segmentation, "more", np.s_[0:1, 0:3, 0:3], own_layer=True)
    other.SetName("LIVER")
    mask = scene.mask()
    assert (mask.array[0, 0:3, 0:3] == 1).all()
    assert mask.unknown == ()
    assert mask.overlaps == 0


@pytest.mark.parametrize("shift", [(-3, -4, -2), (2, 1, 3)])
def test_another_extent_is_cut_or_filled(scene, shift):
    labels = np.zeros((18, 30, 26), np.uint8)
    labels[1:17, 1:29, 1:25] = 1
    matrix = matrix_of(scene.shown.volume)
    matrix[:, 3] = matrix @ np.array([*shift[::-1], 1.0])
    set_voxels(scene.shown.segmentation, "liver", labels, matrix)
    expected = np.zeros((40, 60, 60), np.uint8)
    start = [10 + n for n in shift]
    expected[tuple(slice(a, a + n) for a, n in zip(start, labels.shape, strict=True))] = labels
    expected = expected[10 : 10 + 12, 10 : 10 + 24, 10 : 10 + 20]
    mask = scene.mask()
    assert np.array_equal(mask.array == 1, (expected == 1) & (mask.array != 2))
    assert mask.outside == int(labels.sum()) - int(expected.sum())


def test_wholly_outside_the_image_nothing_is_left(scene):
    matrix = matrix_of(scene.shown.volume)
    matrix[:, 3] = matrix @ np.array([500, 0, 0, 1.0])
    set_voxels(scene.shown.segmentation, "liver", np.ones((3, 3, 3), np.uint8), matrix)
    assert scene.mask().outside == 27
    assert not (scene.mask().array == 1).any()


def test_a_finer_grid_is_read_at_the_images_voxels(scene):
    labels = (two_segments(STRAIGHT.shape) == 1).astype(np.uint8)
    fine = labels.repeat(2, 0).repeat(2, 1).repeat(2, 2)
    matrix = matrix_of(scene.shown.volume) @ np.diag([0.5, 0.5, 0.5, 1.0])
    # Two fine voxels beside each other share the place of one of the image.
    matrix[:, 3] = matrix_of(scene.shown.volume) @ np.array([-0.25, -0.25, -0.25, 1.0])
    set_voxels(scene.shown.segmentation, "liver", fine, matrix)
    mask = scene.mask()
    assert np.array_equal(mask.array == 1, (labels == 1) & (mask.array != 2))


def put_under(scene, matrix: np.ndarray, *nodes):
    transform = slicer.vtkMRMLLinearTransformNode()
    scene.scene.AddNode(transform)
    vtk_matrix = vtk.vtkMatrix4x4()
    vtk_matrix.DeepCopy([float(n) for n in matrix.ravel()])
    transform.SetMatrixTransformToParent(vtk_matrix)
    for node in nodes:
        node.SetAndObserveTransformNodeID(transform.GetID())
    return transform


def test_under_a_transform_the_mask_is_what_lies_over_the_image(scene):
    before = scene.modified_time()
    shift = np.eye(4)
    shift[:3, 3] = (-3.0, 2.0, 4.0)
    transform = put_under(scene, shift, scene.shown.segmentation)
    labels = two_segments(STRAIGHT.shape)
    # x and y run against R and A; slices are 2 mm apart.
    moved = np.zeros_like(labels)
    moved[2:, :-2, 3:] = labels[:-2, 2:, :-3]
    assert np.array_equal(scene.mask().array, moved)
    assert scene.modified_time() > before
    transform.SetMatrixTransformToParent(vtk.vtkMatrix4x4())
    assert np.array_equal(scene.mask().array, labels)


def test_a_transform_above_both_changes_nothing(scene):
    turn = np.array([[0, -1, 0, 7], [1, 0, 0, 8], [0, 0, 1, 9], [0, 0, 0, 1.0]])
    put_under(scene, turn, scene.shown.segmentation, scene.shown.volume)
    assert np.array_equal(scene.mask().array, two_segments(STRAIGHT.shape))
    assert scene.changed_slices() == ()


def test_a_turned_segmentation_is_resampled(scene):
    centre = matrix_of(scene.shown.volume) @ np.array([9.5, 11.5, 5.5, 1.0])
    turn = np.diag([-1.0, -1.0, 1.0, 1.0])
    turn[:2, 3] = 2 * centre[:2]
    put_under(scene, turn, scene.shown.segmentation)
    assert np.array_equal(scene.mask().array, two_segments(STRAIGHT.shape)[:, ::-1, ::-1])


def test_a_hardened_transform_of_both_keeps_every_voxel(scene):
    turn = np.array([[0, -1, 0, 7], [1, 0, 0, 8], [0, 0, 1, 9], [0, 0, 0, 1.0]])
    put_under(scene, turn, scene.shown.segmentation, scene.shown.volume)
    scene.shown.segmentation.HardenTransform()
    scene.shown.volume.HardenTransform()
    assert np.array_equal(scene.mask().array, two_segments(STRAIGHT.shape))


def test_a_bending_transform_is_followed(scene):
    node = slicer.vtkMRMLTransformNode()
    scene.scene.AddNode(node)
    bend = vtk.vtkThinPlateSplineTransform()
    bend.SetBasisToR()
    there, here = vtk.vtkPoints(), vtk.vtkPoints()
    low = matrix_of(scene.shown.volume) @ np.array([0, 0, 0, 1.0])
    for corner in np.ndindex(2, 2, 2):
        point = low[:3] + np.array([-20.0, -24.0, 24.0]) * corner
        here.InsertNextPoint(point)
        there.InsertNextPoint(point + np.array([0, 0, 4.0]))
    bend.SetSourceLandmarks(here)
    bend.SetTargetLandmarks(there)
    node.SetAndObserveTransformToParent(bend)
    scene.shown.segmentation.SetAndObserveTransformNodeID(node.GetID())
    labels = two_segments(STRAIGHT.shape)
    moved = np.zeros_like(labels)
    moved[2:] = labels[:-2]
    assert np.array_equal(scene.mask().array, moved)


def test_another_image_in_the_volume_is_an_error_with_a_sentence(scene):
    smaller = vtk.vtkImageData()
    smaller.SetDimensions(5, 5, 5)
    smaller.AllocateScalars(vtk.VTK_SHORT, 1)
    scene.shown.volume.SetAndObserveImageData(smaller)
    with pytest.raises(SegmentationUnusableError, match="case-1") as caught:
        scene.mask()
    assert caught.value.remedy


def test_another_source_representation_is_an_error_that_says_what_to_do(scene):
    scene.shown.segmentation.CreateClosedSurfaceRepresentation()
    segmentation_of(scene).SetSourceRepresentationName("Closed surface")
    with pytest.raises(SegmentationUnusableError, match="Closed surface") as caught:
        scene.mask()
    assert "Binary labelmap" in caught.value.remedy


def test_label_values_beyond_a_byte_are_read(scene):
    node = scene.shown.segmentation
    segment = segmentation_of(scene).GetSegment(identifier(scene, "liver"))
    wide = slicer.vtkOrientedImageData()
    wide.SetExtent(2, 3, 2, 3, 2, 3)
    wide.AllocateScalars(vtk.VTK_SHORT, 1)
    wide.GetPointData().GetScalars().Fill(700)
    matrix = vtk.vtkMatrix4x4()
    scene.shown.volume.GetIJKToRASMatrix(matrix)
    wide.SetImageToWorldMatrix(matrix)
    segment.AddRepresentation("Binary labelmap", wide)
    segment.SetLabelValue(700)
    assert (scene.mask().array[2:4, 2:4, 2:4] == 1).all()
    assert node.GetSegmentation().GetNumberOfLayers() == 2


@pytest.mark.parametrize(("plane", "axis"), [("axial", 0), ("coronal", 1), ("sagittal", 2)])
def test_changed_slices_count_along_the_projects_plane(plane, axis, world, tmp_path):
    scene = case_scene(world)
    shown = scene.show(make_case(tmp_path, plane=plane), SEGMENTS)
    box = [slice(1, 3), slice(4, 7), slice(8, 12)]
    paint(shown.segmentation, "tumour", tuple(box))
    now = scene.mask().array
    differ = now != two_segments(STRAIGHT.shape)
    others = tuple(a for a in range(3) if a != axis)
    assert scene.changed_slices() == tuple(np.flatnonzero(differ.any(axis=others)))
    assert set(scene.changed_slices()) == set(range(box[axis].start, box[axis].stop))


def test_undoing_an_edit_leaves_no_changed_slice(scene):
    history = slicer.vtkSegmentationHistory()
    history.SetSegmentation(segmentation_of(scene))
    history.SaveState()
    paint(scene.shown.segmentation, "tumour", np.s_[3:5, 1:4, 1:4])
    assert scene.changed_slices() == (3, 4)
    history.RestorePreviousState()
    assert scene.changed_slices() == ()


def test_the_mask_cannot_be_written_to(scene):
    with pytest.raises(ValueError, match="read-only"):
        scene.mask().array[0, 0, 0] = 1


def test_translating_values_leaves_out_what_has_none():
    voxels = np.array([[[0, 1, 2, 9]]], np.uint8)
    assert translate(voxels, {1: 5, 2: 1}).tolist() == [[[0, 5, 1, 0]]]
    assert translate(voxels.astype(np.int32), {1: 5, 9: 3}).tolist() == [[[0, 5, 0, 3]]]


def test_bounds_hold_all_that_is_not_zero():
    voxels = np.zeros((5, 6, 7), np.uint8)
    assert bounds(voxels) is None
    voxels[1, 2, 3] = voxels[3, 4, 3] = 1
    assert bounds(voxels) == (slice(1, 4), slice(2, 5), slice(3, 4))
