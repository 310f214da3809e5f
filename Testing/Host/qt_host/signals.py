"""Signals as PythonQt has them: called to emit, connected by signature or as attribute."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import SIGNAL, SLOT, QMetaMethod, QMetaObject, QObject

from .slots import call_slot


def meta_of(obj: QObject) -> QMetaObject:
    """Return an object's meta object by its class.

    What ``obj.metaObject()`` returns dies with the object, and its class's own with it.
    """
    return type(obj).staticMetaObject


def find_signature(obj: QObject, signal: str) -> str:
    """Return the normalised signature of a signal given as ``name`` or ``name(types)``.

    Raises AttributeError where the object has no such signal (PythonQt only prints that).
    """
    meta = meta_of(obj)
    if "(" in signal:
        signature = str(QMetaObject.normalizedSignature(signal), "ascii")
        # Signals of the host's own widgets carry MRML nodes as Python objects.
        for known in (signature, re.sub(r"\bvtk\w+\*", "PyObject", signature)):
            if meta.indexOfSignal(known) >= 0:
                return known
    else:
        for index in range(meta.methodCount()):
            method = meta.method(index)
            if (
                method.methodType() == QMetaMethod.MethodType.Signal
                and method.name().data().decode() == signal
            ):
                return method.methodSignature().data().decode()
    raise AttributeError(f"{meta.className()} has no signal {signal}")


def emit(obj: QObject, name: str, *arguments: Any) -> None:
    """Emit the overload of a signal that takes so many arguments."""
    meta = meta_of(obj)
    for index in range(meta.methodCount()):
        method = meta.method(index)
        if (
            method.methodType() == QMetaMethod.MethodType.Signal
            and method.name().data().decode() == name
            and method.parameterCount() == len(arguments)
        ):
            QObject.emit(obj, SIGNAL(method.methodSignature().data().decode()), *arguments)
            return
    raise TypeError(f"{meta.className()}.{name} does not take {len(arguments)} arguments")


def _connections(obj: QObject) -> list[tuple[str, Any, Any]]:
    return obj.__dict__.setdefault("_host_connections", [])


def connect(obj: QObject, signal: str, receiver: Any, slot: Any = None) -> bool:
    """``obj.connect("signal(types)", callable)`` or ``obj.connect(signal, receiver, "slot()")``."""
    signature = find_signature(obj, signal)
    if isinstance(slot, str):
        name = slot.partition("(")[0]
        if meta_of(receiver).indexOfMethod(QMetaObject.normalizedSignature(slot)) >= 0:
            QObject.connect(obj, SIGNAL(signature), receiver, SLOT(slot))
            _connections(obj).append((signature, (receiver, name), None))
            return True
        receiver = getattr(receiver, name)
    if isinstance(receiver, BoundSignal):
        target = receiver
        receiver = target.__call__
    if not callable(receiver):
        raise TypeError(f"cannot connect {signature} to {receiver!r}: it cannot be called")

    def relay(*arguments: Any) -> None:
        call_slot(receiver, *arguments)

    QObject.connect(obj, SIGNAL(signature), relay)
    _connections(obj).append((signature, receiver, relay))
    return True


def disconnect(obj: QObject, signal: str, receiver: Any = None, slot: Any = None) -> bool:
    """Undo :func:`connect`; without a receiver, all connections of the signal made in Python."""
    signature = find_signature(obj, signal)
    wanted = (receiver, slot.partition("(")[0]) if isinstance(slot, str) else receiver
    kept, found = [], False
    for connection in _connections(obj):
        known_signature, known, relay = connection
        if known_signature != signature or not (wanted is None or known == wanted):
            kept.append(connection)
            continue
        found = True
        if relay is None:
            QObject.disconnect(obj, SIGNAL(signature), known[0], None)
        else:
            QObject.disconnect(obj, SIGNAL(signature), relay)
    obj.__dict__["_host_connections"] = kept
    return found


class BoundSignal:
    """``obj.signal``: ``connect(f)``, ``disconnect(f)``, and a call that emits it."""

    def __init__(self, obj: QObject, name: str) -> None:
        self._object, self._name = obj, name

    def __call__(self, *arguments: Any) -> None:
        emit(self._object, self._name, *arguments)

    def connect(self, slot: Callable[..., Any]) -> bool:
        """Connect a callable; it gets as many of the signal's arguments as it takes."""
        return connect(self._object, self._name, slot)

    def disconnect(self, slot: Callable[..., Any]) -> bool:
        """Disconnect a callable, or say False where it was not connected."""
        return disconnect(self._object, self._name, slot)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, BoundSignal)
            and other._object is self._object
            and other._name == self._name
        )

    def __hash__(self) -> int:
        return hash((id(self._object), self._name))
