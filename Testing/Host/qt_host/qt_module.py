"""The modules ``qt`` and ``ctk`` as Slicer's Python finds them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from PySide6 import QtCore, QtGui, QtNetwork, QtSvg, QtUiTools, QtWidgets

from . import menus, modal, processes, ui_loader
from .ctk_widgets import CTK_CLASSES
from .facade import facade
from .mrml_widgets import MRML_CLASSES
from .names import UnknownNameError, class_names

QT_PARTS = (QtCore, QtGui, QtWidgets, QtUiTools, QtNetwork, QtSvg)
OWN_CLASSES: dict[str, type] = {
    "QDialog": modal.ModalDialog,
    "QMessageBox": modal.ModalMessageBox,
    "QFileDialog": modal.ModalFileDialog,
    "QInputDialog": modal.ModalInputDialog,
    "QMenu": menus.HostMenu,
    "QProcess": processes.HostProcess,
    "QTimer": processes.HostTimer,
    "QUiLoader": ui_loader.HostUiLoader,
}


class ClassModule(ModuleType):
    """A module whose classes are made when they are first asked for, if Slicer has them."""

    def __init__(self, name: str, classes: Mapping[str, type]) -> None:
        super().__init__(name, f"Stand-in for Slicer's module {name}.")
        self.__dict__["_own"] = dict(classes)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        allowed = class_names(self.__name__)
        if allowed is not None and name not in allowed:
            raise UnknownNameError(self.__name__, name)
        found = self._find(name)
        if isinstance(found, type):
            found = facade(found, self.__name__, name)
        self.__dict__[name] = found
        return found

    def _find(self, name: str) -> Any:
        if name in self._own:
            return self._own[name]
        if self.__name__ == "qt":
            for part in QT_PARTS:
                if hasattr(part, name):
                    return getattr(part, name)
        if name in ("os", "sys"):
            return {"os": os, "sys": sys}[name]
        raise AttributeError(
            f"Slicer has {self.__name__}.{name}, but the tests' host does not offer it yet"
        )


qt = ClassModule("qt", OWN_CLASSES)
ctk = ClassModule("ctk", CTK_CLASSES)
# Slicer's own Qt classes; the module ``slicer`` gets them as attributes.
slicer_classes = ClassModule("slicer", MRML_CLASSES)
