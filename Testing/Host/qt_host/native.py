"""What Qt makes by itself (headers, scroll bars, a box's buttons), as PythonQt shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QMetaMethod, QObject

from . import signals

# Functions that return objects of Qt's own making. None of them is virtual.
RETURNING_OBJECTS = (
    "actions", "addButton", "addMenu", "addSeparator", "button", "buttons", "completer",
    "defaultButton", "document", "header", "horizontalHeader", "horizontalScrollBar",
    "itemDelegate", "lineEdit", "menuAction", "selectionModel", "statusBar", "tabBar",
    "verticalHeader", "verticalScrollBar", "view", "viewport",
)  # fmt: skip


def adopt(value: Any) -> Any:
    """Return what PythonQt would show of a value: Qt's own objects get a proxy."""
    if isinstance(value, (list, tuple)):
        return type(value)(adopt(item) for item in value)
    if not isinstance(value, QObject) or hasattr(type(value), "_host_exported"):
        return value
    return NativeProxy(value)


def adopting(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method that adopts what a Qt function returns."""

    def call(self: Any, *arguments: Any) -> Any:
        return adopt(function(self, *(bare(argument) for argument in arguments)))

    return call


def bare(value: Any) -> Any:
    """Return the Qt object behind a proxy, anything else as it is."""
    return object.__getattribute__(value, "_native") if isinstance(value, NativeProxy) else value


class NativeProxy:
    """Properties as attributes, signals that are called to emit, and ``connect``."""

    def __init__(self, native: QObject) -> None:
        object.__setattr__(self, "_native", native)

    def __getattr__(self, name: str) -> Any:
        native = bare(self)
        meta = signals.meta_of(native)
        name = "objectName" if name == "name" else name
        if meta.indexOfProperty(name) >= 0:
            return adopt(native.property(name))
        for index in range(meta.methodCount()):
            method = meta.method(index)
            if (
                method.methodType() == QMetaMethod.MethodType.Signal
                and method.name().data().decode() == name
            ):
                return signals.BoundSignal(native, name)
        found = getattr(native, name)
        if not callable(found):
            return found
        return lambda *arguments: adopt(found(*(bare(argument) for argument in arguments)))

    def __setattr__(self, name: str, value: Any) -> None:
        native = bare(self)
        name = "objectName" if name == "name" else name
        if not native.setProperty(name, value):
            raise AttributeError(f"{signals.meta_of(native).className()} has no property {name}")

    def __eq__(self, other: object) -> bool:
        return bare(self) is bare(other)

    def __hash__(self) -> int:
        return hash(id(bare(self)))

    def connect(self, signal: str, receiver: Any, slot: Any = None) -> bool:
        """Connect a signal by its signature."""
        return signals.connect(bare(self), signal, receiver, slot)

    def disconnect(self, signal: str, receiver: Any = None, slot: Any = None) -> bool:
        """Disconnect a signal."""
        return signals.disconnect(bare(self), signal, receiver, slot)

    def className(self) -> str:
        """Return the name of the C++ class."""
        return signals.meta_of(bare(self)).className()
