"""``slicer.app.coreIOManager()``: files through MRML's own storage nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer

READERS = {
    "VolumeFile": ("vtkMRMLScalarVolumeNode", "vtkMRMLVolumeArchetypeStorageNode"),
    "SegmentationFile": ("vtkMRMLSegmentationNode", "vtkMRMLSegmentationStorageNode"),
    "TableFile": ("vtkMRMLTableNode", "vtkMRMLTableStorageNode"),
}


class IOManager:
    """Loads and saves volumes, segmentations and tables as Slicer's readers do."""

    def __init__(self, host: Any) -> None:
        self._host = host

    def fileType(self, path: Any) -> str:
        """Return which reader a file is for."""
        name = Path(str(path)).name.lower()
        if ".seg." in name:
            return "SegmentationFile"
        return "TableFile" if name.endswith((".csv", ".tsv")) else "VolumeFile"

    def loadNodes(self, kind: str, properties: dict[str, Any], loaded: Any, messages: Any) -> bool:
        """Load a file into the scene; what went wrong is added to ``messages``."""
        node_class, storage_class = READERS[kind]
        if properties.get("labelmap"):
            node_class = "vtkMRMLLabelMapVolumeNode"
        scene = self._host.world.scene
        path = Path(str(properties["fileName"]))
        node = scene.AddNewNodeByClass(
            node_class, properties.get("name") or scene.GenerateUniqueName(path.name.split(".")[0])
        )
        storage = scene.AddNewNodeByClass(storage_class)
        storage.SetFileName(str(path))
        if not storage.ReadData(node):
            messages.AddMessage(slicer.vtkMRMLMessageCollection.ErrorEvent, f"cannot read {path}")
            scene.RemoveNode(storage)
            scene.RemoveNode(node)
            return False
        node.SetAndObserveStorageNodeID(storage.GetID())
        node.CreateDefaultDisplayNodes()
        loaded.AddItem(node)
        return True

    def fileWriterFileType(self, node: Any) -> str:
        """Return which writer a node needs."""
        return {kind: name for name, (kind, _) in READERS.items()}.get(
            node.GetClassName(), "VolumeFile"
        )

    def saveNodes(self, _kind: str, properties: dict[str, Any], _messages: Any) -> bool:
        """Write a node to a file; its storage node is then that file's."""
        node = self._host.world.scene.GetNodeByID(properties["nodeID"])
        if node.GetStorageNode() is None:
            node.AddDefaultStorageNode()
        storage = node.GetStorageNode()
        storage.SetFileName(str(properties["fileName"]))
        if "useCompression" in properties:
            storage.SetUseCompression(int(properties["useCompression"]))
        return bool(storage.WriteData(node))
