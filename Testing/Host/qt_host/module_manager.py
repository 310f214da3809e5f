"""Scripted modules as Slicer loads, shows and reloads them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import slicer
from PySide6.QtCore import Property, QObject, Signal
from PySide6.QtWidgets import QVBoxLayout

from .facade import facade
from .mrml_widgets.mrml_widget import MRMLWidget


def load_source(name: str, path: Path) -> Any:
    """Load a module's file under its name, its folder on the path, as Slicer does."""
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot load {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class ScriptedModuleWidget(MRMLWidget):
    """qSlicerScriptedLoadableModuleWidget: holds the Python panel."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._python: Any = None
        self._name, self._path = "", Path()
        self._entered = False
        layout = facade(QVBoxLayout)(self)
        self._kept = layout

    def set_source(self, name: str, path: Path) -> None:
        """Make the Python panel from the module's file."""
        self._name, self._path = name, path
        source = sys.modules.get(name)
        if source is None or not hasattr(source, name + "Widget"):
            source = load_source(name, path)
        self._python = getattr(source, name + "Widget")(self)
        setattr(slicer.modules, name + "Widget", self._python)

    def self(self) -> Any:
        """Return the Python panel."""
        return self._python

    def setup(self) -> None:
        """Let the panel build itself."""
        self._python.setup()

    def reload(self) -> None:
        """Make the panel anew, and build it."""
        self.set_source(self._name, self._path)
        self.setup()

    def enter(self) -> None:
        """The user comes to the module."""
        self._entered = True
        if hasattr(self._python, "enter"):
            self._python.enter()

    def exit(self) -> None:
        """The user leaves the module."""
        self._entered = False
        if hasattr(self._python, "exit"):
            self._python.exit()

    isEntered = Property(bool, lambda self: self._entered)


class ScriptedModule(QObject):
    """qSlicerScriptedLoadableModule: what Slicer knows of a module before it is opened."""

    def __init__(self, name: str, path: Path) -> None:
        super().__init__()
        self.path, self.module_name = str(path), name
        self.title, self.helpText, self.acknowledgementText = "", "", ""
        self.categories: list[str] = []
        self.dependencies: list[str] = []
        self.contributors: list[str] = []
        self.icon: Any = None
        self.hidden = False
        self.associatedNodeTypes: list[str] = []
        self._representation: Any = None
        QObject.setObjectName(self, name)

    @property
    def name(self) -> str:
        """The module's name."""
        return self.module_name

    def logic(self) -> Any:
        """Return the C++ logic, which a scripted module has not."""
        return None

    def widgetRepresentation(self) -> Any:
        """Return the panel, built when it is first asked for."""
        if self._representation is None:
            self._representation = self.createNewWidgetRepresentation()
        return self._representation

    def createNewWidgetRepresentation(self) -> Any:
        """Return another panel."""
        widget = slicer.qSlicerScriptedLoadableModuleWidget()
        widget.set_source(self.module_name, Path(self.path))
        widget.setup()
        widget.setMRMLScene(slicer.mrmlScene)
        return widget

    def has_representation(self) -> bool:
        """Say whether the panel was built."""
        return self._representation is not None

    def forget_representation(self) -> None:
        """Let go of the panel."""
        self._representation = None


class ModuleManager(QObject):
    """Knows the modules that are loaded."""

    moduleLoaded = Signal(str)
    moduleAboutToBeUnloaded = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._modules: dict[str, ScriptedModule] = {}
        self._core: dict[str, Any] = {}

    def set_core_modules(self, modules: dict[str, Any]) -> None:
        """Take the stand-ins of Slicer's own modules, by lower-case name."""
        self._core = modules

    def load(self, name: str, path: Path) -> ScriptedModule:
        """Load a scripted module as Slicer's start does; its panel is not built yet."""
        module = ScriptedModule(name, path)
        source = load_source(name, path)
        instance = getattr(source, name)(module)
        self._modules[name] = module
        setattr(slicer.modules, name.lower(), module)
        setattr(slicer.modules, name + "Instance", instance)
        self.moduleLoaded(name)
        return module

    def unload(self, name: str) -> None:
        """Tell the panel to clean up, and forget the module."""
        self.moduleAboutToBeUnloaded(name)
        module = self._modules.pop(name)
        module.forget_representation()
        for attribute in (name.lower(), name + "Instance", name + "Widget"):
            vars(slicer.modules).pop(attribute, None)
        sys.modules.pop(name, None)

    def module(self, name: str) -> Any:
        """Return a module by its name, or None."""
        return self._modules.get(name) or self._core.get(name.lower())

    def modulesNames(self) -> list[str]:
        """Return the names of all modules."""
        return [*self._modules, *(module.name for module in self._core.values())]

    def loaded(self) -> list[str]:
        """Return the names of the scripted modules."""
        return list(self._modules)
