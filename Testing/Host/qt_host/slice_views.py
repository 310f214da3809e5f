"""Slice views: real slice logics over the scene, and off-screen pictures of what they show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
import vtk

VIEWS = {"Red": ("Axial", "R"), "Green": ("Coronal", "G"), "Yellow": ("Sagittal", "Y")}
COLOURS = {"Red": (0.95, 0.29, 0.27), "Green": (0.43, 0.73, 0.29), "Yellow": (0.93, 0.83, 0.29)}
MANAGERS = (
    "vtkMRMLVolumeGlyphSliceDisplayableManager",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLScalarBarDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLMarkupsDisplayableManager",
)


def make_slice_logics(scene: Any, application_logic: Any) -> dict[str, Any]:
    """Return a vtkMRMLSliceLogic a view, with its slice and composite nodes in the scene."""
    logics = {}
    collection = vtk.vtkCollection()
    application_logic.SetSliceLogics(collection)
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene, True)
    for name, (orientation, label) in VIEWS.items():
        logic = slicer.vtkMRMLSliceLogic()
        logic.SetMRMLApplicationLogic(application_logic)
        logic.SetMRMLScene(scene)
        node = logic.AddSliceNode(name)
        node.SetOrientation(orientation)
        node.SetLayoutLabel(label)
        node.SetLayoutColor(*COLOURS[name])
        logic.ResizeSliceNode(400, 400)
        collection.AddItem(logic)
        logics[name] = logic
    return logics


def release_slice_logics(logics: dict[str, Any], application_logic: Any) -> None:
    """Let go of logics before their scene is dropped."""
    application_logic.GetSliceLogics().RemoveAllItems()
    for logic in logics.values():
        logic.SetMRMLScene(None)
    logics.clear()


def render(
    logic: Any, application_logic: Any, path: Path, size: tuple[int, int] = (400, 400)
) -> Path:
    """Render what a slice view shows to a PNG: volume layers and segmentations.

    ``size`` is width and height in pixels. The view keeps its centre and its millimetres
    across.
    """
    factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
    factory.SetMRMLApplicationLogic(application_logic)
    for manager in MANAGERS:
        if not factory.IsDisplayableManagerRegistered(manager):
            factory.RegisterDisplayableManager(manager)
    node = logic.GetSliceNode()
    before = node.GetDimensions()
    window = vtk.vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(0)
    window.SetSize(*size)
    renderer = vtk.vtkRenderer()
    renderer.GetActiveCamera().ParallelProjectionOn()
    window.AddRenderer(renderer)
    interactor = vtk.vtkRenderWindowInteractor()
    interactor.SetRenderWindow(window)
    logic.ResizeSliceNode(*size)
    mapper = vtk.vtkImageMapper()
    mapper.SetColorWindow(255)
    mapper.SetColorLevel(127.5)
    actor = vtk.vtkActor2D()
    actor.SetMapper(mapper)
    actor.GetProperty().SetDisplayLocationToBackground()
    connection = logic.GetImageDataConnection()
    if connection is not None:
        mapper.SetInputConnection(connection)
        # Before what the managers draw, or see-through segments are blended with black.
        renderer.AddViewProp(actor)
    group = slicer.vtkMRMLDisplayableManagerGroup()
    group.SetRenderer(renderer)
    group.Initialize(factory, renderer)
    group.SetMRMLDisplayableNode(node)
    window.Render()
    grab = vtk.vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.ReadFrontBufferOff()
    writer = vtk.vtkPNGWriter()
    path.parent.mkdir(parents=True, exist_ok=True)
    writer.SetFileName(str(path))
    writer.SetInputConnection(grab.GetOutputPort())
    writer.Write()
    group.SetMRMLDisplayableNode(None)
    renderer.RemoveAllViewProps()
    window.Finalize()
    logic.ResizeSliceNode(before[0], before[1])
    return path
