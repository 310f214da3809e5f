"""Which class a widget's name stands for, in ``.ui`` files and in the modules."""

from __future__ import annotations

from typing import Any


def find_class(name: str) -> type | None:
    """Return the host's class of a Qt, ctk or Slicer widget, or None."""
    from .qt_module import ctk, qt, slicer_classes

    module: Any = slicer_classes
    if name.startswith("ctk"):
        module = ctk
    elif name.startswith("Q"):
        module = qt
    try:
        found = getattr(module, name)
    except AttributeError:
        return None
    return found if isinstance(found, type) else None
