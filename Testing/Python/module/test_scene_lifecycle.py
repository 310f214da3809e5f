"""Own nodes only: what comes into the scene, what leaves it, and what the user does meanwhile."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest
import slicer

from ActiveSuggestLib.data.segments import parse_segments
from Testing.Python.module.scene_cases import (
    GEOMETRIES,
    SEGMENTS,
    ball,
    case_scene,
    make_case,
    node_names,
    paint,
    save_labels,
    save_volume,
    two_segments,
)


def named(scene, name: str):
    return scene.GetFirstNodeByName(name)


def tree_of(scene):
    return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)


def tree_items(scene) -> list[str]:
    import vtk

    tree, below = tree_of(scene), vtk.vtkIdList()
    tree.GetItemChildren(tree.GetSceneItemID(), below, True)
    return sorted(tree.GetItemName(below.GetId(i)) for i in range(below.GetNumberOfIds()))


def test_nodes_are_named_after_the_case_and_marked(world, tmp_path):
    before = set(node_names(world.scene))
    shown = case_scene(world).show(make_case(tmp_path, "case-1"), SEGMENTS)
    assert shown.volume.GetName() == "case-1"
    assert shown.segmentation.GetName() == "case-1 segmentation"
    assert shown.uncertainty.GetName() == "case-1 uncertainty"
    for index in range(world.scene.GetNumberOfNodes()):
        node = world.scene.GetNthNode(index)
        name = f"{node.GetClassName()} {node.GetName()}"
        if name not in before and not node.IsA("vtkMRMLSubjectHierarchyNode"):
            assert node.GetAttribute("ActiveSuggest.Case") == "case-1", name


def test_closing_leaves_exactly_what_was_there(world, tmp_path):
    tree_of(world.scene)
    mine = world.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "case-1")
    before, items = node_names(world.scene), tree_items(world.scene)
    scene = case_scene(world)
    for _ in range(2):
        scene.show(make_case(tmp_path, "case-1"), SEGMENTS)
        scene.set_overlay(visible=True, opacity=0.5)
        scene.close()
        assert node_names(world.scene) == before
        assert tree_items(world.scene) == items
    assert mine.GetScene() is world.scene
    assert scene.shown is None


def test_a_case_with_many_segments_leaves_as_fast(world, tmp_path):
    many = parse_segments(",".join(f"part {n}" for n in range(1, 61)))
    scene = case_scene(world)
    files = make_case(tmp_path, labels=np.full((12, 24, 20), 7, np.uint8))
    save_labels(
        files.segmentation, np.full((12, 24, 20), 7, np.uint8), GEOMETRIES["straight"], many
    )
    shown = scene.show(files, many)
    assert (scene.mask().array == 7).all()
    scene.close()
    assert shown.segmentation.GetSegmentation().GetNumberOfSegments() == 0
    assert all("case-1" not in name for name in node_names(world.scene))


def test_the_next_case_takes_the_place_of_the_one_before(world, tmp_path):
    scene = case_scene(world)
    scene.show(make_case(tmp_path / "a", "a"), SEGMENTS)
    count = len(node_names(world.scene))
    shown = scene.show(make_case(tmp_path / "b", "b"), SEGMENTS)
    assert len(node_names(world.scene)) == count
    assert named(world.scene, "a") is None
    assert scene.shown is shown


def test_the_tree_has_the_case_in_a_folder(world, tmp_path):
    scene = case_scene(world)
    shown = scene.show(make_case(tmp_path, "case-1"), SEGMENTS)
    tree = tree_of(world.scene)
    for node in (shown.volume, shown.segmentation, shown.uncertainty):
        item = tree.GetItemByDataNode(node)
        assert tree.GetItemName(tree.GetItemParent(item)) == "ActiveSuggest"


def test_a_folder_that_the_user_put_something_into_stays(world, tmp_path):
    scene = case_scene(world)
    scene.show(make_case(tmp_path, "case-1"), SEGMENTS)
    tree = tree_of(world.scene)
    mine = world.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "mine")
    folder = tree.GetItemByName("ActiveSuggest")
    tree.CreateItem(folder, mine)
    scene.close()
    assert tree.GetItemName(folder) == "ActiveSuggest"
    assert tree.GetItemParent(tree.GetItemByDataNode(mine)) == folder
    scene.show(make_case(tmp_path, "case-1"), SEGMENTS)
    assert tree_items(world.scene).count("ActiveSuggest") == 2
    scene.close()
    assert tree_items(world.scene).count("ActiveSuggest") == 1


def test_what_the_user_hung_on_our_nodes_goes_with_them(world, tmp_path):
    scene = case_scene(world)
    shown = scene.show(make_case(tmp_path), SEGMENTS)
    extra = world.scene.AddNewNodeByClass("vtkMRMLScalarVolumeDisplayNode", "extra display")
    shown.volume.AddAndObserveDisplayNodeID(extra.GetID())
    shown.segmentation.AddDefaultStorageNode()
    storage = shown.segmentation.GetStorageNode()
    scene.close()
    assert extra.GetScene() is None
    assert storage.GetScene() is None


def test_no_storage_node_leads_into_the_project(world, tmp_path):
    project = tmp_path / "project"
    shown = case_scene(world).show(make_case(project), SEGMENTS)
    for node in (shown.volume, shown.segmentation, shown.uncertainty):
        assert node.GetStorageNode() is None
        # There is no file of it, so that saving the scene offers to write one.
        assert node.GetModifiedSinceRead()
    count = world.scene.GetNumberOfNodesByClass("vtkMRMLStorageNode")
    for index in range(count):
        storage = world.scene.GetNthNodeByClass(index, "vtkMRMLStorageNode")
        assert str(project) not in (storage.GetFileName() or "")


def test_the_project_is_not_written_to_when_the_scene_is_saved(world, tmp_path):
    project = tmp_path / "project"
    case_scene(world).show(make_case(project), SEGMENTS)
    before = {path: path.stat().st_mtime_ns for path in project.iterdir()}
    saved = tmp_path / "saved"
    saved.mkdir()
    for class_name in ("vtkMRMLScalarVolumeNode", "vtkMRMLSegmentationNode"):
        for index in range(world.scene.GetNumberOfNodesByClass(class_name)):
            node = world.scene.GetNthNodeByClass(index, class_name)
            assert node.AddDefaultStorageNode(str(saved / f"{node.GetName()}.nrrd"))
            assert node.GetStorageNode().WriteData(node)
    world.scene.SetURL(str(saved / "scene.mrml"))
    assert world.scene.Commit()
    assert {path: path.stat().st_mtime_ns for path in project.iterdir()} == before
    assert str(project) not in (saved / "scene.mrml").read_text("utf-8")


def test_the_files_may_go_while_the_case_is_shown(world, tmp_path):
    scene = case_scene(world)
    shown = scene.show(make_case(tmp_path), SEGMENTS)
    for path in list(tmp_path.iterdir()):
        path.write_bytes(b"")
        path.unlink()
    shown.volume.GetImageDataConnection().GetProducer().Update()
    assert shown.volume.GetImageData().GetDimensions() == (20, 24, 12)
    assert np.array_equal(scene.mask().array, two_segments((12, 24, 20)))


def test_selection_and_undo_are_left_alone(world, tmp_path):
    selection = world.application_logic.GetSelectionNode()
    mine = world.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "mine")
    selection.SetActiveVolumeID(mine.GetID())
    world.scene.SetUndoOn()
    scene = case_scene(world)
    shown = scene.show(make_case(tmp_path), SEGMENTS)
    assert selection.GetActiveVolumeID() == mine.GetID()
    assert world.scene.GetNumberOfUndoLevels() == 0
    selection.SetActiveVolumeID(shown.volume.GetID())
    scene.close()
    assert not selection.GetActiveVolumeID()
    assert world.scene.GetNumberOfUndoLevels() == 0
    world.scene.SetUndoOff()


@pytest.fixture
def lost(world, tmp_path):
    """A case that was painted in, and the sentences about its loss."""
    scene = case_scene(world)
    shown = scene.show(make_case(tmp_path), SEGMENTS)
    paint(shown.segmentation, "tumour", np.s_[0:2, 0:3, 0:3])
    sentences: list[str] = []
    scene.on_lost = sentences.append
    return scene, shown, sentences


def painted() -> np.ndarray:
    labels = two_segments(GEOMETRIES["straight"].shape)
    labels[0:2, 0:3, 0:3] = 2
    return labels


@pytest.mark.parametrize("what", ["segmentation", "volume"])
def test_a_deleted_node_is_noticed_and_the_edits_can_still_be_saved(what, world, lost):
    scene, shown, sentences = lost
    world.scene.RemoveNode(getattr(shown, what))
    assert scene.shown is None
    assert len(sentences) == 1
    assert "case-1" in sentences[0]
    assert np.array_equal(scene.mask().array, painted())
    assert scene.changed_slices() == (0, 1)
    assert scene.geometry_of_shown().size == (20, 24, 12)
    assert scene.places() == []
    assert scene.current_slice() is None
    scene.set_overlay(visible=True, opacity=0.5)


def test_segments_that_leave_with_their_node_can_still_be_saved(world, lost):
    """Slicer's tree empties a segmentation that is about to be removed."""
    import vtk

    scene, shown, sentences = lost
    edits = scene.modified_time()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def as_slicers_tree_does(_scene, _event, node):
        if node.IsA("vtkMRMLSegmentationNode"):
            node.GetSegmentation().RemoveAllSegments()

    tag = world.scene.AddObserver(
        slicer.vtkMRMLScene.NodeAboutToBeRemovedEvent, as_slicers_tree_does
    )
    world.scene.RemoveNode(shown.segmentation)
    world.scene.RemoveObserver(tag)
    assert len(sentences) == 1
    assert np.array_equal(scene.mask().array, painted())
    assert scene.mask().missing == ()
    assert scene.modified_time() == edits


@pytest.mark.parametrize("what", ["segmentation", "volume"])
def test_after_a_loss_closing_takes_the_rest_away(what, world, lost):
    scene, shown, _ = lost
    world.scene.RemoveNode(getattr(shown, what))
    scene.close()
    assert all("case-1" not in name for name in node_names(world.scene))
    assert scene.modified_time() == 0


@pytest.mark.parametrize("what", ["segmentation", "volume"])
def test_a_listener_may_close_the_case_at_once(what, slicer_host, tmp_path):
    """Slicer's tree must find the folder it is removing: the rest goes a moment later."""
    world = slicer_host.world
    mine = world.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "mine")
    composites = [logic.GetSliceCompositeNode() for logic in world.slice_logics.values()]
    for composite in composites:
        composite.SetBackgroundVolumeID(mine.GetID())
    scene = case_scene(world)
    shown = scene.show(make_case(tmp_path), SEGMENTS)
    scene.on_lost = lambda _sentence: scene.close()
    world.scene.RemoveNode(getattr(shown, what))
    assert "ActiveSuggest" in tree_items(world.scene)
    slicer_host.process_events(0.05)
    assert "ActiveSuggest" not in tree_items(world.scene)
    assert all("case-1" not in name for name in node_names(world.scene))
    assert all(c.GetBackgroundVolumeID() == mine.GetID() for c in composites)


def test_deleting_our_folder_in_the_tree_is_a_loss_like_any_other(slicer_host, tmp_path):
    world = slicer_host.world
    scene = case_scene(world)
    shown = scene.show(make_case(tmp_path), SEGMENTS)
    paint(shown.segmentation, "tumour", np.s_[0:2, 0:3, 0:3])
    masks = []

    def lost(_sentence: str) -> None:
        masks.append(scene.mask().array)
        scene.close()

    scene.on_lost = lost
    tree = tree_of(world.scene)
    tree.RemoveItem(tree.GetItemByName("ActiveSuggest"), True, True)
    slicer_host.process_events(0.05)
    assert len(masks) == 1
    assert np.array_equal(masks[0], painted())
    assert all("case-1" not in name for name in node_names(world.scene))
    assert "ActiveSuggest" not in tree_items(world.scene)


def test_closing_the_scene_is_noticed_once_and_the_edits_can_still_be_saved(world, lost):
    scene, _, sentences = lost
    world.scene.Clear(0)
    assert scene.shown is None
    assert len(sentences) == 1
    assert "scene" in sentences[0]
    assert np.array_equal(scene.mask().array, painted())
    scene.close()
    assert scene.shown is None


def test_while_the_scene_begins_to_close_the_case_can_be_read(world, lost):
    scene, _, _ = lost
    seen = []
    tag = world.scene.AddObserver(
        slicer.vtkMRMLScene.StartCloseEvent,
        lambda *_: seen.append((scene.shown is not None, scene.mask().array.copy())),
    )
    world.scene.Clear(0)
    world.scene.RemoveObserver(tag)
    assert seen[0][0]
    assert np.array_equal(seen[0][1], painted())


def test_after_the_scene_was_closed_a_case_opens_as_ever(world, lost, tmp_path):
    scene, _, sentences = lost
    world.scene.Clear(0)
    scene.show(make_case(tmp_path / "next", "next"), SEGMENTS)
    assert scene.shown.case == "next"
    scene.close()
    assert all("next" not in name for name in node_names(world.scene))
    assert len(sentences) == 1


def test_a_deleted_uncertainty_costs_only_the_overlay(world, lost):
    scene, shown, sentences = lost
    assert scene.places()
    world.scene.RemoveNode(shown.uncertainty)
    assert sentences == []
    assert scene.shown.uncertainty is None
    assert scene.places() == []
    scene.set_overlay(visible=True, opacity=0.5)
    heat = (0.6 * ball((12, 24, 20), 3)).astype(np.float32)
    path = shown.files.uncertainty.with_name("again.nrrd")
    scene.set_uncertainty(save_volume(path, heat, GEOMETRIES["straight"]))
    assert len(scene.places()) >= 1


def test_other_nodes_that_go_do_not_matter(world, lost):
    scene, shown, sentences = lost
    world.scene.RemoveNode(world.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode"))
    assert scene.shown.volume is shown.volume
    assert sentences == []


def test_a_listener_that_fails_does_not_break_the_scene(world, lost):
    scene, shown, _ = lost

    def fail(_sentence: str) -> None:
        raise RuntimeError("no")

    scene.on_lost = fail
    world.scene.RemoveNode(shown.segmentation)
    assert scene.shown is None


def test_after_closing_nothing_is_observed(world, tmp_path):
    scene = case_scene(world)
    names = ("NodeAboutToBeRemoved", "NodeRemoved", "StartClose", "EndClose")
    events = [getattr(slicer.vtkMRMLScene, f"{name}Event") for name in names]
    before = [world.scene.HasObserver(event) for event in events]
    scene.show(make_case(tmp_path), SEGMENTS)
    scene.close()
    assert [world.scene.HasObserver(event) for event in events] == before
    sentences: list[str] = []
    scene.on_lost = sentences.append
    world.scene.Clear(0)
    assert sentences == []


def test_the_voxels_of_a_case_are_freed_when_the_next_one_comes(world, tmp_path):
    scene = case_scene(world)
    shown = scene.show(make_case(tmp_path / "a", "a"), SEGMENTS)
    gone: list[str] = []
    for name in ("volume", "uncertainty"):
        image = getattr(shown, name).GetImageData()
        image.AddObserver("DeleteEvent", lambda *_, name=name: gone.append(name))
    del shown, image
    scene.show(make_case(tmp_path / "b", "b"), SEGMENTS)
    gc.collect()
    assert sorted(gone) == ["uncertainty", "volume"]


def test_leftovers_of_a_saved_scene_are_the_users(world, tmp_path):
    scene = case_scene(world)
    scene.show(make_case(tmp_path, "case-1"), SEGMENTS)
    saved = Path(tmp_path / "saved.mrml")
    world.scene.SetURL(str(saved))
    world.scene.Commit()
    world.scene.Clear(0)
    world.scene.SetURL(str(saved))
    assert world.scene.Import()
    leftover = named(world.scene, "case-1 segmentation")
    assert leftover.GetAttribute("ActiveSuggest.Case") == "case-1"
    shown = scene.show(make_case(tmp_path, "case-1"), SEGMENTS)
    assert shown.segmentation is not leftover
    assert shown.segmentation.GetName() == "case-1 segmentation (2)"
    scene.close()
    assert leftover.GetScene() is world.scene
    assert named(world.scene, "case-1") is not None


def test_a_broken_uncertainty_leaves_the_case_that_is_shown(world, tmp_path):
    from ActiveSuggestModule.scene.errors import CaseNotShownError

    scene = case_scene(world)
    shown = scene.show(make_case(tmp_path), SEGMENTS)
    other = save_volume(
        tmp_path / "other.nrrd", np.zeros((1, 30, 40), np.float32), GEOMETRIES["picture"]
    )
    with pytest.raises(CaseNotShownError, match="grid"):
        scene.set_uncertainty(other)
    assert scene.shown.uncertainty is shown.uncertainty
    before = node_names(world.scene)
    files = make_case(tmp_path / "b", "b")
    files.uncertainty.write_bytes(b"")
    with pytest.raises(CaseNotShownError):
        scene.show(files, SEGMENTS)
    assert node_names(world.scene) == before
    assert scene.shown.case == "case-1"
