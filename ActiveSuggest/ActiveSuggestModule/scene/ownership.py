"""Own nodes: what this session put into the scene, and nothing else."""

from __future__ import annotations

from typing import Any

import slicer

ATTRIBUTE = "ActiveSuggest.Case"
"""Marks our nodes in a saved scene. Nodes of a reopened scene bear it too and are the user's: what
may be removed is known from memory, never from the mark."""

FOLDER = "ActiveSuggest"
_MANY_SEGMENTS = 8


class OwnNodes:
    """The nodes that one ``CaseScene`` added; removing them leaves the scene as it was."""

    def __init__(self, scene: Any) -> None:
        self.scene = scene
        self._nodes: list[Any] = []
        self._ids: set[str] = set()
        self._folder: int | None = None

    def add(self, node: Any, case: str, name: str, *, in_tree: bool = False) -> Any:
        """Put a node into the scene, marked and named (a number is added if the name is taken)."""
        node.SetName(self._free_name(name))
        node.SetAttribute(ATTRIBUTE, case)
        self.scene.AddNode(node)
        self._nodes.append(node)
        self._ids.add(node.GetID())
        if in_tree:
            self._put_into_folder(node)
        return node

    def adopt(self, node: Any, case: str) -> Any:
        """Take over a node that MRML made for one of ours, such as a display node."""
        node.SetAttribute(ATTRIBUTE, case)
        self._nodes.append(node)
        return node

    def holds_id(self, node_id: str | None) -> bool:
        """Whether an ID is or was that of one of our nodes, also while it is being removed."""
        return node_id in self._ids

    def is_present(self, node: Any) -> bool:
        """Whether a node is still in the scene."""
        return node is not None and node.GetScene() is self.scene

    def remove(self, *nodes: Any) -> None:
        """Take nodes of ours out of the scene, with what MRML or the user hung on them."""
        for node in nodes:
            hanging = _hanging_on(node) if self.is_present(node) else []
            for each in (node, *hanging):
                self._remove_one(each)
            self._nodes = [own for own in self._nodes if own is not node and own not in hanging]

    def remove_all(self) -> None:
        """Take all our nodes out of the scene, and our folder if nothing else is in it."""
        # Latest first: what refers to a node goes before the node.
        self.remove(*reversed(self._nodes))
        self._remove_folder()
        self.forget()

    def forget(self) -> None:
        """Drop what the scene itself has already removed."""
        self._nodes = []
        self._ids = set()
        self._folder = None

    def _remove_one(self, node: Any) -> None:
        if self.is_present(node):
            if node.IsA("vtkMRMLSegmentationNode") and (
                node.GetSegmentation().GetNumberOfSegments() > _MANY_SEGMENTS
            ):
                # Slicer's tree takes the segments of a leaving node out one by one, and copies
                # the voxels they share each time: seconds for many segments.
                node.SetAndObserveSegmentation(slicer.vtkSegmentation())
            self.scene.RemoveNode(node)
        tree = self._tree()
        # Slicer's window has done this already; without a window nobody has.
        item = tree.GetItemByDataNode(node)
        if item != tree.GetInvalidItemID():
            tree.RemoveItem(item, False, False)

    def _free_name(self, name: str) -> str:
        free, number = name, 2
        while self.scene.GetFirstNodeByName(free) is not None:
            free, number = f"{name} ({number})", number + 1
        return free

    def _tree(self) -> Any:
        return slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(self.scene)

    def _put_into_folder(self, node: Any) -> None:
        tree = self._tree()
        if self._folder is None or not self._is_folder(tree, self._folder):
            self._folder = tree.CreateFolderItem(tree.GetSceneItemID(), FOLDER)
        item = tree.GetItemByDataNode(node)
        if item == tree.GetInvalidItemID():
            # Slicer's window adds every node to the tree by itself; without a window nobody does.
            tree.CreateItem(self._folder, node)
        else:
            tree.SetItemParent(item, self._folder)

    @staticmethod
    def _is_folder(tree: Any, item: int) -> bool:
        # Numbers of removed items are not reused, so an item of that number and name is ours.
        return item in _items_below(tree, tree.GetSceneItemID()) and (
            tree.GetItemName(item) == FOLDER
        )

    def _remove_folder(self) -> None:
        if self._folder is None:
            return
        tree = self._tree()
        if self._is_folder(tree, self._folder) and not _items_below(tree, self._folder):
            tree.RemoveItem(self._folder, True, False)
        self._folder = None


def _items_below(tree: Any, item: int) -> list[int]:
    import vtk

    below = vtk.vtkIdList()
    tree.GetItemChildren(item, below, True)
    return [below.GetId(i) for i in range(below.GetNumberOfIds())]


def _hanging_on(node: Any) -> list[Any]:
    """Return the display and storage nodes of a node; they are of no use without it."""
    found = []
    if node.IsA("vtkMRMLDisplayableNode"):
        found += [node.GetNthDisplayNode(i) for i in range(node.GetNumberOfDisplayNodes())]
    if node.IsA("vtkMRMLStorableNode"):
        found += [node.GetNthStorageNode(i) for i in range(node.GetNumberOfStorageNodes())]
    return [each for each in found if each is not None]
