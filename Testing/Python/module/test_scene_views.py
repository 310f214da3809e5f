"""The slice views: what they show, where they look, and how they are given back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import slicer
import vtk
from ActiveSuggestModule.scene.errors import NoCaseShownError
from ActiveSuggestModule.scene.volumes import as_array

from Testing.Python.module.scene_cases import (
    GEOMETRIES,
    SEGMENTS,
    case_scene,
    make_case,
    matrix_of,
    save_volume,
)


def composites(world) -> list:
    return [logic.GetSliceCompositeNode() for logic in world.slice_logics.values()]


def views(world) -> list:
    return [logic.GetSliceNode() for logic in world.slice_logics.values()]


def normal_of(view) -> np.ndarray:
    return as_array(view.GetSliceToRAS())[:3, 2]


def users_volume(world, name: str):
    node = world.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    image = slicer.vtkOrientedImageData()
    image.SetDimensions(10, 10, 10)
    image.AllocateScalars(4, 1)
    node.SetAndObserveImageData(image)
    node.CreateDefaultDisplayNodes()
    return node


def test_the_case_is_shown_in_all_views_and_fills_them(world, tmp_path):
    shown = case_scene(world).show(make_case(tmp_path), SEGMENTS)
    for composite, view in zip(composites(world), views(world), strict=True):
        assert composite.GetBackgroundVolumeID() == shown.volume.GetID()
        assert composite.GetForegroundVolumeID() == shown.uncertainty.GetID()
        assert 0.2 < composite.GetForegroundOpacity() < 1
        # 20 × 24 × 24 mm in all.
        assert 20 <= min(view.GetFieldOfView()[:2]) < 30


@pytest.mark.parametrize("kind", ["straight", "oblique", "mirrored", "coronal stack"])
def test_each_view_lies_in_the_volumes_own_slices(kind, world, tmp_path):
    geometry = GEOMETRIES[kind]
    shown = case_scene(world).show(make_case(tmp_path, geometry=geometry), SEGMENTS)
    axes = matrix_of(shown.volume)[:3, :3]
    axes = axes / np.linalg.norm(axes, axis=0)
    for plane, view in (("axial", "Red"), ("coronal", "Green"), ("sagittal", "Yellow")):
        normal = normal_of(world.slice_logics[view].GetSliceNode())
        assert abs(normal @ axes[:, 2 - geometry.plane_axis(plane)]) == pytest.approx(1, abs=1e-6)


def test_a_picture_is_seen_in_every_view(world, tmp_path):
    scene = case_scene(world)
    scene.show(make_case(tmp_path, geometry=GEOMETRIES["picture"]), SEGMENTS)
    assert all(abs(normal_of(view)[2]) == pytest.approx(1) for view in views(world))
    assert scene.current_slice() == 0


@pytest.mark.parametrize("kind", GEOMETRIES)
@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_going_to_a_slice_and_asking_where_one_is_agree(kind, plane, world, tmp_path):
    geometry = GEOMETRIES[kind]
    scene = case_scene(world)
    shown = scene.show(make_case(tmp_path, geometry=geometry, plane=plane), SEGMENTS)
    axis = geometry.plane_axis(plane)
    for index in {0, geometry.shape[axis] // 3, geometry.shape[axis] - 1}:
        scene.go_to_slice(index)
        assert scene.current_slice() == index
        matrix = matrix_of(shown.volume)
        name = {"axial": "Red", "coronal": "Green", "sagittal": "Yellow"}[plane]
        to_slice = np.linalg.inv(as_array(world.slice_logics[name].GetSliceNode().GetSliceToRAS()))
        centre = [(n - 1) / 2 for n in geometry.shape]
        centre[axis] = index
        depth = (to_slice @ matrix @ np.array([*centre[::-1], 1.0]))[2]
        assert depth == pytest.approx(0, abs=1e-6)


def test_a_case_opens_at_the_suggested_slice(world, tmp_path):
    scene = case_scene(world)
    scene.show(make_case(tmp_path, slice_=7), SEGMENTS)
    assert scene.current_slice() == 7


def test_going_to_a_slice_moves_no_other_view(world, tmp_path):
    scene = case_scene(world)
    scene.show(make_case(tmp_path), SEGMENTS)
    others = [world.slice_logics[name].GetSliceNode() for name in ("Green", "Yellow")]
    before = [as_array(view.GetSliceToRAS()) for view in others]
    scene.go_to_slice(1)
    for view, matrix in zip(others, before, strict=True):
        assert np.array_equal(as_array(view.GetSliceToRAS()), matrix)


@pytest.mark.parametrize(("asked", "got"), [(-5, 0), (500, 11)])
def test_a_slice_beyond_the_volume_is_brought_into_it(asked, got, world, tmp_path):
    scene = case_scene(world)
    scene.show(make_case(tmp_path), SEGMENTS)
    scene.go_to_slice(asked)
    assert scene.current_slice() == got


def test_beyond_the_image_there_is_no_current_slice(world, tmp_path):
    scene = case_scene(world)
    scene.show(make_case(tmp_path), SEGMENTS)
    world.slice_logics["Red"].GetSliceNode().SetSliceOffset(900)
    assert scene.current_slice() is None


def test_where_no_view_looks_along_the_plane_the_nearest_one_moves(world, tmp_path):
    scene = case_scene(world)
    scene.show(make_case(tmp_path), SEGMENTS)
    for view in views(world):
        tilted = as_array(view.GetSliceToRAS())
        turn = np.eye(4)
        turn[1:3, 1:3] = [[np.cos(0.8), -np.sin(0.8)], [np.sin(0.8), np.cos(0.8)]]
        view.GetSliceToRAS().DeepCopy([float(n) for n in (turn @ tilted).ravel()])
        view.UpdateMatrices()
    assert scene.current_slice() is None
    before = [as_array(view.GetSliceToRAS()) for view in views(world)]
    scene.go_to_slice(2)
    moved = [
        not np.array_equal(as_array(view.GetSliceToRAS()), matrix)
        for view, matrix in zip(views(world), before, strict=True)
    ]
    assert sum(moved) == 1


def test_a_place_is_the_centre_of_every_view(world, tmp_path):
    scene = case_scene(world)
    scene.show(make_case(tmp_path, geometry=GEOMETRIES["oblique"]), SEGMENTS)
    place = scene.places()[0]
    scene.go_to_place(place)
    assert scene.current_slice() == place.slice
    for view in views(world):
        width, height = view.GetDimensions()[:2]
        middle = as_array(view.GetXYToRAS()) @ np.array([width / 2, height / 2, 0, 1.0])
        assert middle[:3] == pytest.approx(place.position_ras, abs=1e-6)


def test_places_move_with_the_image(world, tmp_path):
    scene = case_scene(world)
    shown = scene.show(make_case(tmp_path), SEGMENTS)
    transform = world.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = np.eye(4)
    matrix[:3, 3] = (100.0, 0.0, 0.0)
    shift = vtk.vtkMatrix4x4()
    shift.DeepCopy([float(n) for n in matrix.ravel()])
    transform.SetMatrixTransformToParent(shift)
    for node in (shown.volume, shown.segmentation, shown.uncertainty):
        node.SetAndObserveTransformNodeID(transform.GetID())
    place = scene.places()[0]
    scene.go_to_place(place)
    assert scene.current_slice() == place.slice
    origin = as_array(views(world)[0].GetSliceToRAS())[:3, 3]
    assert origin - place.position_ras == pytest.approx([100, 0, 0], abs=1e-6)


def test_the_overlay_comes_and_goes_without_touching_the_image(world, tmp_path):
    scene = case_scene(world)
    shown = scene.show(make_case(tmp_path), SEGMENTS)
    scene.set_overlay(visible=False, opacity=0.4)
    assert all(c.GetForegroundVolumeID() is None for c in composites(world))
    scene.set_overlay(visible=True, opacity=0.4)
    for composite in composites(world):
        assert composite.GetForegroundVolumeID() == shown.uncertainty.GetID()
        assert composite.GetForegroundOpacity() == pytest.approx(0.4)
        assert composite.GetBackgroundVolumeID() == shown.volume.GetID()


def test_the_choice_of_the_overlay_holds_for_the_next_case(world, tmp_path):
    scene = case_scene(world)
    scene.show(make_case(tmp_path / "a", "a"), SEGMENTS)
    scene.set_overlay(visible=False, opacity=0.7)
    shown = scene.show(make_case(tmp_path / "b", "b"), SEGMENTS)
    assert all(c.GetForegroundVolumeID() is None for c in composites(world))
    scene.set_overlay(visible=True, opacity=0.7)
    assert composites(world)[0].GetForegroundVolumeID() == shown.uncertainty.GetID()


def test_another_uncertainty_takes_the_place_of_the_first(world, tmp_path):
    scene = case_scene(world)
    files = make_case(tmp_path)
    first = scene.show(files, SEGMENTS).uncertainty
    old = scene.places()
    heat = np.zeros((12, 24, 20), np.float32)
    heat[2:4, 4:8, 4:8] = 0.6
    path = save_volume(tmp_path / "other.nrrd", heat, GEOMETRIES["straight"])
    scene.set_uncertainty(path)
    assert first.GetScene() is None
    assert scene.shown.uncertainty.GetName() == "case-1 uncertainty"
    assert composites(world)[0].GetForegroundVolumeID() == scene.shown.uncertainty.GetID()
    assert scene.places() != old
    scene.set_uncertainty(None)
    assert scene.shown.uncertainty is None
    assert scene.places() == []
    assert all(c.GetForegroundVolumeID() is None for c in composites(world))


def test_closing_gives_the_views_back_as_they_were(world, tmp_path):
    mine, over, label = (users_volume(world, name) for name in ("mine", "over", "label"))
    for composite in composites(world):
        composite.SetBackgroundVolumeID(mine.GetID())
        composite.SetForegroundVolumeID(over.GetID())
        composite.SetLabelVolumeID(label.GetID())
        composite.SetForegroundOpacity(0.3)
    red = world.slice_logics["Red"].GetSliceNode()
    red.SetOrientation("Sagittal")
    red.SetSliceOffset(12.5)
    red.SetFieldOfView(77.0, 77.0, 1.0)
    before = [as_array(view.GetSliceToRAS()) for view in views(world)]
    scene = case_scene(world)
    scene.show(make_case(tmp_path / "a", "a"), SEGMENTS)
    scene.show(make_case(tmp_path / "b", "b"), SEGMENTS)
    scene.close()
    for composite in composites(world):
        assert composite.GetBackgroundVolumeID() == mine.GetID()
        assert composite.GetForegroundVolumeID() == over.GetID()
        assert composite.GetLabelVolumeID() == label.GetID()
        assert composite.GetForegroundOpacity() == pytest.approx(0.3)
    for view, matrix in zip(views(world), before, strict=True):
        assert np.allclose(as_array(view.GetSliceToRAS()), matrix)
    assert red.GetFieldOfView()[:2] == (77.0, 77.0)


def test_what_the_user_chose_meanwhile_stays(world, tmp_path):
    before, chosen = users_volume(world, "before"), users_volume(world, "chosen")
    for composite in composites(world):
        composite.SetBackgroundVolumeID(before.GetID())
    scene = case_scene(world)
    scene.show(make_case(tmp_path), SEGMENTS)
    red, green, _ = composites(world)
    red.SetBackgroundVolumeID(chosen.GetID())
    green.SetForegroundVolumeID(chosen.GetID())
    scene.set_overlay(visible=True, opacity=0.5)
    assert green.GetForegroundVolumeID() == chosen.GetID()
    scene.close()
    assert red.GetBackgroundVolumeID() == chosen.GetID()
    assert green.GetBackgroundVolumeID() == before.GetID()
    assert green.GetForegroundVolumeID() == chosen.GetID()


def test_a_layer_that_was_deleted_meanwhile_stays_empty(world, tmp_path):
    mine = users_volume(world, "mine")
    for composite in composites(world):
        composite.SetBackgroundVolumeID(mine.GetID())
    scene = case_scene(world)
    scene.show(make_case(tmp_path), SEGMENTS)
    world.scene.RemoveNode(mine)
    scene.close()
    assert all(c.GetBackgroundVolumeID() is None for c in composites(world))


def test_without_an_application_logic_the_views_are_turned_all_the_same(world, tmp_path):
    from ActiveSuggestModule.scene.case_scene import CaseScene

    scene = CaseScene(world.scene)
    scene.show(make_case(tmp_path, slice_=3), SEGMENTS)
    assert scene.current_slice() == 3


def test_without_a_case_there_is_nowhere_to_go(world, tmp_path):
    scene = case_scene(world)
    assert scene.current_slice() is None
    assert scene.places() == []
    scene.set_overlay(visible=True, opacity=1)
    with pytest.raises(NoCaseShownError):
        scene.go_to_slice(1)
    scene.show(replace(make_case(tmp_path), uncertainty=None), SEGMENTS)
    assert scene.places() == []
