"""Slice views: what they show, turned to the case's own slices, and given back as they were."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ActiveSuggestLib.data.geometry import Geometry

from .volumes import as_array, as_matrix

_PLANES = {"axial": "Axial", "sagittal": "Sagittal", "coronal": "Coronal"}
_PARALLEL = 0.9
"""The cosine from which a view counts as looking along an axis."""

_BACKGROUND, _FOREGROUND, _LABEL = range(3)
_LAYERS = (_BACKGROUND, _FOREGROUND, _LABEL)


@dataclass(frozen=True)
class _Before:
    """What one slice view was like before the case came."""

    composite: Any
    view: Any
    volumes: tuple[str | None, ...]
    foreground_opacity: float
    slice_to_ras: NDArray[np.float64] | None
    field_of_view: tuple[float, ...]
    origin: tuple[float, ...]


class SliceViews:
    """The slice views of a scene. Without an application logic they are turned but not fitted."""

    def __init__(self, scene: Any, application_logic: Any = None) -> None:
        self.scene = scene
        self.application_logic = application_logic
        self._before: list[_Before] = []

    def remember(self) -> None:
        """Note what the views show, unless it is noted already."""
        if self._before:
            return
        for composite in self._composites():
            view = self._view_of(composite)
            self._before.append(
                _Before(
                    composite=composite,
                    view=view,
                    volumes=tuple(_get_layer(composite, layer) for layer in _LAYERS),
                    foreground_opacity=composite.GetForegroundOpacity(),
                    slice_to_ras=None if view is None else as_array(view.GetSliceToRAS()),
                    field_of_view=() if view is None else tuple(view.GetFieldOfView()),
                    origin=() if view is None else tuple(view.GetXYZOrigin()),
                )
            )

    def show(self, volume: Any) -> None:
        """Show a volume alone in all slice views."""
        for composite in self._composites():
            changed = composite.StartModify()
            composite.SetBackgroundVolumeID(volume.GetID())
            composite.SetForegroundVolumeID(None)
            composite.SetLabelVolumeID(None)
            composite.EndModify(changed)

    def overlay(
        self, volume: Any | None, opacity: float, is_ours: Callable[[str | None], bool]
    ) -> None:
        """Put a volume over the views that show one of ours; ``None`` takes ours off again."""
        for composite in self._composites():
            if not is_ours(composite.GetBackgroundVolumeID()):
                continue
            current = composite.GetForegroundVolumeID()
            if current is not None and not is_ours(current):
                # The user chose another foreground meanwhile.
                continue
            changed = composite.StartModify()
            composite.SetForegroundVolumeID(None if volume is None else volume.GetID())
            composite.SetForegroundOpacity(opacity)
            composite.EndModify(changed)

    def give_back(self, is_ours: Callable[[str | None], bool]) -> None:
        """Show again what each view showed, except where the user chose something else since."""
        for before in self._before:
            if not self._is_present(before.composite):
                continue
            background = before.composite.GetBackgroundVolumeID()
            if background is None or is_ours(background):
                self._give_back_one(before, is_ours)
        self._before = []

    def forget(self) -> None:
        """Drop what was noted: the scene is another one."""
        self._before = []

    def turn_to(self, geometry: Geometry, ijk_to_world: NDArray[np.float64]) -> None:
        """Turn each view to the volume's own slices and fit it to the volume.

        A volume of a single slice is seen in every view.
        """
        matrix = as_matrix(ijk_to_world)
        for view in self._views():
            plane = _plane_of(view)
            if view.HasSliceOrientationPreset(_PLANES[plane]):
                view.SetOrientation(_PLANES[plane])
            # MRML counts a volume's axes x, y, z; arrays are z, y, x.
            view.RotateToAxes(matrix, 2 - geometry.plane_axis(plane))
            logic = self._logic_of(view)
            if logic is not None:
                logic.FitSliceToBackground()

    def go_to(self, point: NDArray[np.float64], normal: NDArray[np.float64]) -> None:
        """Move the views that look along ``normal`` to a point (world RAS, mm); no other moves."""
        views = self._views()
        along = [v for v in views if abs(_normal_of(v) @ normal) >= _PARALLEL]
        if not along and views:
            along = [max(views, key=lambda v: abs(_normal_of(v) @ normal))]
        for view in along:
            view.JumpSliceByOffsetting(*(float(n) for n in point))

    def centre_on(self, point: NDArray[np.float64]) -> None:
        """Centre every view on a point (world RAS, mm)."""
        for view in self._views():
            view.JumpSliceByCentering(*(float(n) for n in point))

    def depth(self, normal: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Return a point of the slice that is looked at along ``normal``, or ``None``."""
        views = [v for v in self._views() if abs(_normal_of(v) @ normal) >= _PARALLEL]
        shown = [v for v in views if v.IsMappedInLayout()] or views
        if not shown:
            return None
        view = max(shown, key=lambda v: round(abs(float(_normal_of(v) @ normal)), 3))
        return as_array(view.GetSliceToRAS())[:3, 3]

    def _give_back_one(self, before: _Before, is_ours: Callable[[str | None], bool]) -> None:
        composite = before.composite
        changed = composite.StartModify()
        for layer, volume in zip(_LAYERS, before.volumes, strict=True):
            current = _get_layer(composite, layer)
            if current is not None and not is_ours(current):
                continue
            there = volume is not None and self.scene.GetNodeByID(volume) is not None
            _set_layer(composite, layer, volume if there else None)
        composite.SetForegroundOpacity(before.foreground_opacity)
        composite.EndModify(changed)
        if before.slice_to_ras is not None and self._is_present(before.view):
            before.view.GetSliceToRAS().DeepCopy(as_matrix(before.slice_to_ras))
            before.view.SetFieldOfView(*before.field_of_view)
            before.view.SetXYZOrigin(*before.origin)
            before.view.UpdateMatrices()

    def _is_present(self, node: Any) -> bool:
        return node is not None and node.GetScene() is self.scene

    def _composites(self) -> list[Any]:
        return self._all("vtkMRMLSliceCompositeNode")

    def _views(self) -> list[Any]:
        return self._all("vtkMRMLSliceNode")

    def _all(self, class_name: str) -> list[Any]:
        return [
            self.scene.GetNthNodeByClass(i, class_name)
            for i in range(self.scene.GetNumberOfNodesByClass(class_name))
        ]

    def _view_of(self, composite: Any) -> Any:
        name = composite.GetLayoutName()
        return next((v for v in self._views() if v.GetLayoutName() == name), None)

    def _logic_of(self, view: Any) -> Any:
        if self.application_logic is None:
            return None
        return self.application_logic.GetSliceLogic(view)


def _plane_of(view: Any) -> str:
    """Return the plane that a view stands for: its own, or the one it is nearest to."""
    own = (view.GetDefaultOrientation() or "").lower()
    if own in _PLANES:
        return own
    nearest = int(np.argmax(np.abs(_normal_of(view))))
    return ("sagittal", "coronal", "axial")[nearest]


def _normal_of(view: Any) -> NDArray[np.float64]:
    normal = as_array(view.GetSliceToRAS())[:3, 2]
    return normal / np.linalg.norm(normal)


def _get_layer(composite: Any, layer: int) -> str | None:
    if layer == _BACKGROUND:
        return composite.GetBackgroundVolumeID()
    return (
        composite.GetForegroundVolumeID()
        if layer == _FOREGROUND
        else (composite.GetLabelVolumeID())
    )


def _set_layer(composite: Any, layer: int, volume: str | None) -> None:
    if layer == _BACKGROUND:
        composite.SetBackgroundVolumeID(volume)
    elif layer == _FOREGROUND:
        composite.SetForegroundVolumeID(volume)
    else:
        composite.SetLabelVolumeID(volume)


def world_matrix(volume: Any, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrix from a volume's voxels to the world, with the transforms it lies under.

    A transform that bends is left out: slices have no plane there.
    """
    above = None if volume is None else volume.GetParentTransformNode()
    if above is None or not above.IsTransformToWorldLinear():
        return matrix
    import vtk

    to_world = vtk.vtkMatrix4x4()
    above.GetMatrixTransformToWorld(to_world)
    world: NDArray[np.float64] = as_array(to_world) @ matrix
    return world
