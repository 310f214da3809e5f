"""QUiLoader that builds the host's classes, so that a ``.ui`` file gives what Slicer gives."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from PySide6.QtCore import QBuffer, QIODevice, QObject
from PySide6.QtUiTools import QUiLoader
from PySide6.QtWidgets import QLayout, QWidget

from .facade import facade


def class_for(name: str) -> type | None:
    """Return the class that ``<widget class="name">`` stands for, or None."""
    from .widget_classes import find_class

    return find_class(name)


def with_numbers(content: bytes) -> bytes:
    """Return a ``.ui`` file with the flags of the host's own classes as numbers.

    Qt looks for their names in C++, where the host's classes have none.
    """
    root = ElementTree.fromstring(content)
    for item in root.iter("property"):
        flags = item.find("set")
        if flags is None or not (flags.text or "").startswith("ctk"):
            continue
        number = 0
        for name in (flags.text or "").split("|"):
            class_name, _, member = name.rpartition("::")
            kind = class_for(class_name)
            groups = (getattr(kind, group, None) for group in ("Filters", "Options"))
            number |= next((int(g[member]) for g in groups if g and member in g.__members__), 0)
        item.remove(flags)
        ElementTree.SubElement(item, "number").text = str(number)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


class HostUiLoader(QUiLoader):
    """Builds widgets, layouts and actions by the host's classes."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._made: list[Any] = []

    def createWidget(self, name: str, parent: QWidget | None = None, object_name: str = "") -> Any:
        kind = class_for(name)
        if kind is None:
            raise RuntimeError(f"the tests' host has no widget {name}")
        widget = kind(parent) if parent is not None else kind()
        QObject.setObjectName(widget, object_name)
        self._made.append(widget)
        return widget

    def createLayout(self, name: str, parent: QObject | None = None, object_name: str = "") -> Any:
        from PySide6 import QtWidgets

        layout: QLayout = facade(getattr(QtWidgets, name))()
        QObject.setObjectName(layout, object_name)
        if isinstance(parent, QWidget) and QWidget.layout(parent) is None:
            QWidget.setLayout(parent, layout)
        self._made.append(layout)
        return layout

    def createAction(self, parent: QObject | None = None, object_name: str = "") -> Any:
        from PySide6 import QtGui

        action = facade(QtGui.QAction)(parent)
        QObject.setObjectName(action, object_name)
        self._made.append(action)
        return action

    def load(self, device: QIODevice, parent: QWidget | None = None) -> Any:
        content = QBuffer(self)
        content.setData(with_numbers(bytes(device.readAll().data())))
        content.open(QIODevice.OpenModeFlag.ReadOnly)
        widget = super().load(content, parent)
        # PySide6 forgets wrappers that only C++ knows: the tree keeps them.
        if widget is not None:
            widget.__dict__["_host_children"] = list(self._made)
        self._made.clear()
        return widget
