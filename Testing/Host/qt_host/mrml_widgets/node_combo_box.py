"""qMRMLNodeComboBox: chooses a node of some classes from the scene."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from .observing import observer


class NodeComboBox(QWidget):
    """A combo box of the scene's nodes of ``nodeTypes``, by name."""

    currentNodeChanged = Signal(object)
    currentNodeIDChanged = Signal(str)
    nodeAddedByUser = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None
        self._tags: list[int] = []
        self._types: list[str] = []
        self._none, self._ids = False, [""]
        self._flags = {"addEnabled": True, "removeEnabled": True, "renameEnabled": False}
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._box = QComboBox(self)
        layout.addWidget(self._box)
        self._box.currentIndexChanged.connect(self._on_index)

    def mrmlScene(self) -> Any:
        """Return the scene, or None."""
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        """Show the nodes of a scene."""
        for tag in self._tags:
            self._scene.RemoveObserver(tag)
        self._scene = scene
        self._tags = []
        if scene is not None:
            for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndCloseEvent):
                self._tags.append(scene.AddObserver(event, observer(self, "_fill")))
        self._fill()

    def _fill(self) -> None:
        kept = self._current_id()
        nodes = []
        if self._scene is not None:
            for kind in self._types:
                found = self._scene.GetNodesByClass(kind)
                found.UnRegister(None)
                nodes += [found.GetItemAsObject(i) for i in range(found.GetNumberOfItems())]
        nodes = [node for node in nodes if not node.GetHideFromEditors()]
        blocked = self._box.blockSignals(True)
        self._box.clear()
        self._ids = []
        if self._none:
            self._box.addItem("None")
            self._ids.append("")
        for node in nodes:
            self._box.addItem(node.GetName())
            self._ids.append(node.GetID())
        self._box.setCurrentIndex(self._ids.index(kept) if kept in self._ids else -1)
        if self._none and self._box.currentIndex() < 0:
            self._box.setCurrentIndex(0)
        self._box.blockSignals(blocked)
        if self._current_id() != kept:
            self._tell()

    def _current_id(self) -> str:
        index = self._box.currentIndex()
        return self._ids[index] if 0 <= index < len(self._ids) else ""

    def _on_index(self, _index: int) -> None:
        self._tell()

    def _tell(self) -> None:
        self.currentNodeChanged(self.currentNode())
        self.currentNodeIDChanged(self._current_id())

    def currentNode(self) -> Any:
        """Return the chosen node, or None."""
        identifier = self._current_id()
        return self._scene.GetNodeByID(identifier) if identifier and self._scene else None

    def setCurrentNode(self, node: Any) -> None:
        """Choose a node, or none."""
        self.setCurrentNodeID(node.GetID() if node is not None else "")

    def setCurrentNodeID(self, identifier: str) -> None:
        """Choose a node by its ID; an unknown one chooses none."""
        none = 0 if self._none else -1
        known = identifier and identifier in self._ids
        self._box.setCurrentIndex(self._ids.index(identifier) if known else none)

    def nodeCount(self) -> int:
        """Return how many nodes can be chosen."""
        return sum(1 for identifier in self._ids if identifier)

    def addAttribute(self, _node_type: str, _name: str, _value: Any = None) -> None:
        """Accept only nodes with an attribute; the host shows all."""

    def _get_types(self) -> list[str]:
        return self._types

    def _set_types(self, types: list[str]) -> None:
        self._types = list(types)
        self._fill()

    def _get_none(self) -> bool:
        return self._none

    def _set_none(self, enabled: bool) -> None:
        self._none = enabled
        self._fill()

    def _flag(name: str) -> Any:  # noqa: N805
        def get(self: Any) -> bool:
            return bool(self._flags.get(name, False))

        def put(self: Any, value: bool) -> None:
            self._flags[name] = value

        return Property(bool, get, put)

    nodeTypes = Property("QStringList", _get_types, _set_types)
    noneEnabled = Property(bool, _get_none, _set_none)
    currentNodeID = Property(str, _current_id, setCurrentNodeID)
    addEnabled = _flag("addEnabled")
    removeEnabled = _flag("removeEnabled")
    editEnabled = _flag("editEnabled")
    renameEnabled = _flag("renameEnabled")
    showHidden = _flag("showHidden")
    showChildNodeTypes = _flag("showChildNodeTypes")
    selectNodeUponCreation = _flag("selectNodeUponCreation")
