"""A fresh MRML scene with what Slicer's start puts into it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import slicer
import vtk

from .slice_views import make_slice_logics, release_slice_logics

LOGICS = {
    "colors": "vtkSlicerColorLogic",
    "markups": "vtkSlicerMarkupsLogic",
    "segmentations": "vtkSlicerSegmentationsModuleLogic",
    "subjecthierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "tables": "vtkSlicerTablesLogic",
    "terminologies": "vtkSlicerTerminologiesModuleLogic",
    "volumes": "vtkSlicerVolumesLogic",
}
NAMES = {
    "colors": "Colors", "markups": "Markups", "segmentations": "Segmentations",
    "subjecthierarchy": "SubjectHierarchy", "tables": "Tables",
    "terminologies": "Terminologies", "volumes": "Volumes",
}  # fmt: skip


@dataclass
class Scene:
    """The scene, its application logic, module logics and slice logics."""

    scene: Any
    application_logic: Any
    module_logics: dict[str, Any] = field(default_factory=dict)
    slice_logics: dict[str, Any] = field(default_factory=dict)

    def close(self) -> None:
        """Let go of everything in an order that VTK survives."""
        with quiet_logging():
            self._close()

    def _close(self) -> None:
        release_slice_logics(self.slice_logics, self.application_logic)
        self.scene.Clear(1)
        for logic in self.module_logics.values():
            logic.SetMRMLScene(None)
        self.application_logic.SetMRMLScene(None)
        # A scene that dies while Python collects garbage would call observers that are garbage.
        self.scene.RemoveAllObservers()


@contextmanager
def quiet_logging() -> Iterator[None]:
    """Leave out VTK's words on what slicer-core does not bring, such as terminology files."""
    verbosity = vtk.vtkLogger.GetCurrentVerbosityCutoff()
    vtk.vtkLogger.SetStderrVerbosity(vtk.vtkLogger.VERBOSITY_OFF)
    try:
        yield
    finally:
        vtk.vtkLogger.SetStderrVerbosity(verbosity)


def new_scene() -> Scene:
    """Return an empty scene as Slicer has it after its start: views, colours, crosshair."""
    with quiet_logging():
        return _new_scene()


def _new_scene() -> Scene:
    scene = slicer.vtkMRMLScene()
    crosshair = slicer.vtkMRMLCrosshairNode()
    crosshair.SetCrosshairName("default")
    scene.AddNode(crosshair)
    application_logic = slicer.vtkSlicerApplicationLogic()
    application_logic.SetMRMLScene(scene)
    color_logic = application_logic.GetColorLogic()
    color_logic.SetMRMLScene(scene)
    color_logic.AddDefaultColorNodes()
    world = Scene(scene, application_logic)
    for name, class_name in LOGICS.items():
        logic = getattr(slicer, class_name)()
        logic.SetMRMLScene(scene)
        logic.SetMRMLApplicationLogic(application_logic)
        application_logic.SetModuleLogic(NAMES[name], logic)
        world.module_logics[name] = logic
    for kind, tag in (
        ("vtkMRMLSelectionNode", "Singleton"),
        ("vtkMRMLInteractionNode", "Singleton"),
    ):
        if scene.GetFirstNodeByClass(kind) is None:
            node = scene.CreateNodeByClass(kind)
            node.SetSingletonTag(tag)
            scene.AddNode(node)
            node.UnRegister(None)
    world.slice_logics = make_slice_logics(scene, application_logic)
    return world


def core_modules(world: Scene) -> dict[str, Any]:
    """Return stand-ins for ``slicer.modules.volumes`` and the like: name and ``logic()``."""
    return {
        name: SimpleNamespace(name=NAMES[name], logic=lambda kept=logic: kept)
        for name, logic in world.module_logics.items()
    }
