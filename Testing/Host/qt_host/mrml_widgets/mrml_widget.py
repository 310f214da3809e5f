"""qMRMLWidget: a widget that knows the scene and tells its children."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget


class MRMLWidget(QWidget):
    """Holds a scene; ``setMRMLScene`` passes it to every child that takes one.

    In Slicer the connections of the ``.ui`` file do that.
    """

    mrmlSceneChanged = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Any = None

    def mrmlScene(self) -> Any:
        """Return the scene, or None."""
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        """Take a scene and pass it on."""
        self._scene = scene
        for child in QObject.findChildren(self, QWidget):
            if hasattr(child, "setMRMLScene") and not isinstance(child, MRMLWidget):
                child.setMRMLScene(scene)
        self.mrmlSceneChanged(scene)
