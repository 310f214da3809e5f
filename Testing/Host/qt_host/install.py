"""Slicer's Python modules under their names: the host's stand-ins, or Slicer's own files."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import slicer

from . import qt_module, stand_ins
from .mrml_widgets import MRML_CLASSES

VARIABLE = "ACTIVESUGGEST_SLICER_PYTHON"
# Slicer's names and the files of the stand-ins; Slicer's own need each other in this order.
MODULES = {
    "i18n": "i18n",
    "testing": "testing",
    "packaging": "packaging",
    "ScriptedLoadableModule": "scripted_module",
    "parameterNodeWrapper": "parameter_node",
}


def slicer_python() -> Path | None:
    """Return the folder of Slicer's own Python files (``Base/Python``), if one was given."""
    given = os.environ.get(VARIABLE)
    if not given:
        return None
    folder = Path(given)
    if not (folder / "slicer" / "ScriptedLoadableModule.py").is_file():
        raise FileNotFoundError(
            f"{VARIABLE}: there is no slicer/ScriptedLoadableModule.py in {folder}"
        )
    return folder


def install_stand_ins() -> None:
    """Make ``import qt``, ``import ctk`` and ``from slicer.i18n import tr`` work.

    Call before a module is imported. With ``ACTIVESUGGEST_SLICER_PYTHON`` Slicer's own files
    stand in the place of the stand-ins, ``slicer.util`` too.
    """
    sys.modules["qt"] = qt_module.qt
    sys.modules["ctk"] = qt_module.ctk
    if hasattr(slicer, "modules"):
        return
    slicer.modules = SimpleNamespace()
    for name in MRML_CLASSES:
        setattr(slicer, name, getattr(qt_module.slicer_classes, name))
    own = slicer_python()
    if own is not None:
        slicer.__path__.insert(0, str(own / "slicer"))
        sys.modules.pop("slicer.util", None)
        slicer.util = importlib.import_module("slicer.util")
        # Slicer's packaging looks for the application to say whether it may ask.
        slicer.app = None
    for public, private in MODULES.items():
        name = f"slicer.{public}" if own else f"{stand_ins.__name__}.{private}"
        module = importlib.import_module(name)
        sys.modules[f"slicer.{public}"] = module
        setattr(slicer, public, module)
    sys.modules["SampleData"] = importlib.import_module(f"{stand_ins.__name__}.sample_data")
