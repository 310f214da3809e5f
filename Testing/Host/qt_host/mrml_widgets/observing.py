"""Observers of VTK objects that end with the widget they belong to."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6.QtCore import QObject


def observer(widget: QObject, method: str) -> Callable[..., None]:
    """Return a callback that calls a widget's method while the widget is there."""
    reference = weakref.ref(widget)

    def call(*_arguments: Any) -> None:
        alive = reference()
        if alive is not None and shiboken6.isValid(alive):
            getattr(alive, method)()

    return call
