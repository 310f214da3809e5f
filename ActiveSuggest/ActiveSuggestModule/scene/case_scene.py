"""One case in Slicer's scene: shown, edited, read back, and taken away without a trace."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray

from ActiveSuggestLib.data.geometry import Geometry
from ActiveSuggestLib.data.segments import Segment

from .case_files import CaseFiles
from .errors import CaseNotShownError, NoCaseShownError, SegmentationUnusableError
from .labelmaps import Grid
from .masks import BINARY, Mask, read_mask, segments_of, transform_between
from .overlay import DEFAULT_OPACITY, make_colors, style
from .ownership import OwnNodes
from .places import Place, find_places
from .segmentations import ReadSegments, fill, read_segments
from .views import SliceViews, world_matrix
from .volumes import geometry_of, ijk_to_ras, read_volume, show_window, voxels_of

_log = logging.getLogger(__name__)

_FIRST = 1.0
"""The priority to hear of a removal before Slicer's tree, which empties a segmentation then."""

_FILL = 0.25
_CONTOUR = 2


@dataclass(frozen=True)
class ShownCase:
    """The nodes of the case in the scene; ``uncertainty`` is ``None`` where there is none.

    ``volume`` is the first channel, ``channels`` are all of them.
    """

    case: str
    files: CaseFiles
    volume: Any
    segmentation: Any
    uncertainty: Any | None = None
    channels: tuple[Any, ...] = ()


@dataclass
class _Kept:
    """What is needed to read the edits back, also after the nodes have left the scene."""

    shown: ShownCase
    segments: tuple[Segment, ...]
    geometry: Geometry
    grid: Grid
    baseline: Mask | None = None
    mask: Mask | None = None
    mask_state: tuple[Any, ...] = ()
    seen_state: tuple[Any, ...] = ()
    edits: int = 0
    last_mask: Mask | None = None
    places: list[Place] | None = None


class CaseScene:
    """Puts one case at a time into a scene; touches no node but its own.

    In Slicer: ``CaseScene(slicer.mrmlScene, slicer.app.applicationLogic())``. Without
    ``application_logic`` the slice views are turned, but not fitted to the image.

    ``on_lost`` is called with a sentence after the user deleted the case's nodes or closed the
    scene; ``shown`` is ``None`` by then, and ``mask`` still answers until the next ``show`` or
    ``close``, so that edits can be saved.
    """

    def __init__(self, scene: Any, application_logic: Any = None) -> None:
        self.scene = scene
        self.application_logic = application_logic
        self.shown: ShownCase | None = None
        self.on_lost: Callable[[str], None] | None = None
        self._own = OwnNodes(scene)
        self._views = SliceViews(scene, application_logic)
        self._kept: _Kept | None = None
        self._observations: list[int] = []
        self._is_losing = False
        self._overlay_visible = True
        self._overlay_opacity = DEFAULT_OPACITY

    # Showing ----------------------------------------------------------------------------

    def show(self, files: CaseFiles, segments: Sequence[Segment]) -> ShownCase:
        """Put a case into the scene in the place of the one before, and turn the views to it.

        Nothing changes if a file cannot be read. Raises ``CaseNotShownError``.
        """
        if not files.images:
            raise CaseNotShownError(
                f"Case {files.case} has no image to show.",
                case=files.case,
                remedy="Rescan the image folder.",
            )
        # All files first: what cannot be read must not cost the case that is shown.
        channels = [read_volume(image.path, files.case) for image in files.images]
        grid = _grid_of(channels[0])
        read = _read_or_empty(files.segmentation, grid, files.case)
        heat = (
            None if files.uncertainty is None else _read_heat(files.uncertainty, grid, files.case)
        )
        self._unobserve()
        self.shown = None
        self._views.remember()
        self._own.remove_all()
        volumes = self._add_volumes(channels, files)
        node = self._add_segmentation(read, grid, segments, volumes[0], files.case)
        shown = ShownCase(files.case, files, volumes[0], node, None, tuple(volumes))
        self._kept = _Kept(shown, tuple(segments), geometry_of(volumes[0]), grid)
        self._views.show(volumes[0])
        self._views.turn_to(self._kept.geometry, grid.matrix)
        self._become(shown)
        if heat is not None:
            self._add_heat(heat)
        self._set_baseline()
        if files.slice is not None:
            self.go_to_slice(files.slice)
        self._observe()
        assert self.shown is not None
        return self.shown

    def close(self) -> None:
        """Take the case out of the scene; the views show again what they showed before."""
        self._unobserve()
        self.shown = None
        self._views.give_back(self._own.holds_id)
        leaving, self._kept = self._own, None
        if self._is_losing:
            # Slicer's tree may be in the middle of removing a folder with everything in it.
            self._own = OwnNodes(self.scene)
            _later(leaving.remove_all)
        else:
            leaving.remove_all()

    def replace_segmentation(self, path: Path | None, source: str) -> None:
        """Put the segments of another file into the shown segmentation; ``None`` empties it.

        Raises ``CaseNotShownError`` or ``NoCaseShownError``.
        """
        kept = self._here()
        read = _read_or_empty(path, kept.grid, kept.shown.case)
        _fill(kept.shown.segmentation, read, kept.grid, kept.segments)
        files = replace(kept.shown.files, segmentation=path, source=source)
        self._become(replace(kept.shown, files=files))
        self._set_baseline()

    def set_uncertainty(self, path: Path | None) -> None:
        """Show another uncertainty map, or none. Raises what ``replace_segmentation`` raises."""
        kept = self._here()
        heat = None if path is None else _read_heat(path, kept.grid, kept.shown.case)
        before = kept.shown.uncertainty
        if before is not None:
            self._become(replace(kept.shown, uncertainty=None))
            self._own.remove(before)
        kept.places = None
        files = replace(kept.shown.files, uncertainty=path)
        self._become(replace(kept.shown, files=files))
        if heat is not None:
            self._add_heat(heat)

    def set_overlay(self, *, visible: bool, opacity: float) -> None:
        """Show or hide the uncertainty in the slice views, ``opacity`` from 0 to 1."""
        self._overlay_visible = visible
        self._overlay_opacity = float(min(max(opacity, 0.0), 1.0))
        self._apply_overlay()

    # Looking ----------------------------------------------------------------------------

    def go_to_slice(self, index: int) -> None:
        """Turn the slice views to a slice of the project's plane, counted from 0.

        Views that look along another axis stay. An index beyond the volume is brought into it.
        Raises ``NoCaseShownError``.
        """
        kept = self._here()
        axis = kept.geometry.plane_axis(kept.shown.files.plane)
        at = [(n - 1) / 2 for n in kept.grid.shape]
        at[axis] = min(max(int(index), 0), kept.grid.shape[axis] - 1)
        matrix = self._world(kept)
        point = matrix @ np.array([*at[::-1], 1.0])
        self._views.go_to(point[:3], _unit(matrix[:3, 2 - axis]))

    def go_to_place(self, place: Place) -> None:
        """Centre all slice views on an uncertain place. Raises ``NoCaseShownError``."""
        kept = self._here()
        to_world = self._world(kept) @ np.linalg.inv(kept.grid.matrix)
        self._views.centre_on((to_world @ np.array([*place.position_ras, 1.0]))[:3])

    def places(self) -> list[Place]:
        """Return the uncertain places, the most uncertain first; empty without an uncertainty."""
        kept = self._kept
        if kept is None or self.shown is None or self.shown.uncertainty is None:
            return []
        if kept.places is None:
            heat = voxels_of(self.shown.uncertainty.GetImageData())
            kept.places = find_places(heat, kept.geometry, self.shown.files.plane)
        return list(kept.places)

    def current_slice(self) -> int | None:
        """Return the slice of the project's plane that is looked at, or ``None``.

        ``None`` as well where no view looks along that axis, or beyond the image.
        """
        if self.shown is None or self._kept is None:
            return None
        kept = self._kept
        axis = kept.geometry.plane_axis(kept.shown.files.plane)
        matrix = self._world(kept)
        point = self._views.depth(_unit(matrix[:3, 2 - axis]))
        if point is None:
            return None
        index = round(float((np.linalg.inv(matrix) @ np.array([*point, 1.0]))[2 - axis]))
        return index if 0 <= index < kept.grid.shape[axis] else None

    # Reading back -----------------------------------------------------------------------

    def mask(self) -> Mask:
        """Return what the segmentation says, matched to the project's segments by name.

        What counts is what the person sees: a segmentation of another extent or resolution, or
        under a transform, is read where it lies over the image. Hidden segments count as well.
        Raises ``NoCaseShownError`` or ``SegmentationUnusableError``.
        """
        kept = self._kept_or_raise()
        if kept.last_mask is not None:
            return kept.last_mask
        state = self._state(kept)
        if kept.mask is None or kept.mask_state != state:
            volume = self._volume_in_scene(kept)
            node = kept.shown.segmentation
            kept.mask = read_mask(
                node.GetSegmentation(),
                self._grid_now(kept, volume),
                kept.segments,
                kept.shown.case,
                transform_between(node, volume) if node.GetScene() is self.scene else None,
            )
            kept.mask_state = state
        return kept.mask

    def changed_slices(self) -> tuple[int, ...]:
        """Return the slices of the project's plane that differ from what was shown.

        Raises what ``mask`` raises.
        """
        kept = self._kept_or_raise()
        now = self.mask()
        if kept.baseline is None or now is kept.baseline:
            return ()
        axis = kept.geometry.plane_axis(kept.shown.files.plane)
        differ = now.array != kept.baseline.array
        others = tuple(other for other in range(3) if other != axis)
        return tuple(int(n) for n in np.flatnonzero(differ.any(axis=others)))

    def modified_time(self) -> int:
        """Return a number that grows with each edit of the segmentation; 0 if none is shown.

        Edits between two calls count as one. Colours, visibility and other representations are
        no edits; names, order of values and transforms are.
        """
        kept = self._kept
        if kept is None:
            return 0
        if kept.last_mask is not None:
            return kept.edits
        state = self._state(kept)
        if state != kept.seen_state:
            kept.seen_state = state
            kept.edits += 1
        return kept.edits

    def geometry_of_shown(self) -> Geometry:
        """Return the voxel grid of the shown case. Raises ``NoCaseShownError``."""
        return self._kept_or_raise().geometry

    # Nodes ------------------------------------------------------------------------------

    def _add_volumes(self, channels: Sequence[Any], files: CaseFiles) -> list[Any]:
        for index, (volume, image) in enumerate(zip(channels, files.images, strict=True)):
            is_first = index == 0
            name = files.case if is_first else _channel_name(files.case, image.name)
            has_colors = volume.IsA("vtkMRMLVectorVolumeNode")
            if has_colors:
                display = slicer.vtkMRMLVectorVolumeDisplayNode()
            else:
                display = slicer.vtkMRMLScalarVolumeDisplayNode()
                window = image.window or (files.window if is_first else None)
                show_window(display, voxels_of(volume.GetImageData()), window, files.modality)
            self._own.add(display, files.case, f"{name} display")
            if not has_colors:
                display.SetDefaultColorMap()
            volume.SetAndObserveDisplayNodeID(display.GetID())
            self._own.add(volume, files.case, name, in_tree=True)
        return list(channels)

    def _add_segmentation(
        self, read: ReadSegments, grid: Grid, segments: Sequence[Segment], volume: Any, case: str
    ) -> Any:
        node = slicer.vtkMRMLSegmentationNode()
        self._own.add(node, case, f"{case} segmentation", in_tree=True)
        node.CreateDefaultDisplayNodes()
        display = self._own.adopt(node.GetDisplayNode(), case)
        # A proposal is judged by its contour against the image; Slicer's own fill hides much.
        display.SetOpacity2DFill(_FILL)
        display.SetSliceIntersectionThickness(_CONTOUR)
        node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
        _fill(node, read, grid, segments)
        return node

    def _add_heat(self, heat: Any) -> None:
        kept = self._here()
        case = kept.shown.case
        colors = self._own.add(make_colors(), case, f"{case} uncertainty colours")
        display = slicer.vtkMRMLScalarVolumeDisplayNode()
        display.AutoWindowLevelOff()
        self._own.add(display, case, f"{case} uncertainty display")
        style(display, colors, voxels_of(heat.GetImageData()))
        heat.SetAndObserveDisplayNodeID(display.GetID())
        self._own.add(heat, case, f"{case} uncertainty", in_tree=True)
        self._become(replace(kept.shown, uncertainty=heat))
        self._apply_overlay()

    def _apply_overlay(self) -> None:
        if self.shown is None:
            return
        heat = self.shown.uncertainty
        visible = self._overlay_visible and heat is not None
        self._views.overlay(
            heat if visible else None, self._overlay_opacity if visible else 0.0, self._own.holds_id
        )

    def _become(self, shown: ShownCase) -> None:
        self.shown = shown
        if self._kept is not None:
            self._kept.shown = shown

    # What is there ----------------------------------------------------------------------

    def _kept_or_raise(self) -> _Kept:
        if self._kept is None:
            raise NoCaseShownError("No case is open.", remedy="Open one from the list.")
        return self._kept

    def _here(self) -> _Kept:
        kept = self._kept_or_raise()
        if self.shown is None:
            raise NoCaseShownError(
                f"Case {kept.shown.case} is no longer in the scene.",
                case=kept.shown.case,
                remedy="Open it again.",
            )
        return kept

    def _set_baseline(self) -> None:
        kept = self._kept_or_raise()
        kept.mask = None
        kept.baseline = self.mask()
        self.modified_time()

    def _volume_in_scene(self, kept: _Kept) -> Any | None:
        volume = kept.shown.volume
        return volume if volume.GetScene() is self.scene else None

    def _grid_now(self, kept: _Kept, volume: Any | None) -> Grid:
        if volume is None:
            return kept.grid
        image = volume.GetImageData()
        shape = None if image is None else tuple(image.GetDimensions())[::-1]
        if shape != kept.grid.shape:
            raise SegmentationUnusableError(
                f"The image of case {kept.shown.case} in the scene was replaced by another one"
                " (cropped or resampled).",
                case=kept.shown.case,
                remedy="Undo that, or open the case again and work on copies of its image.",
            )
        return Grid(kept.grid.shape, ijk_to_ras(volume))

    def _world(self, kept: _Kept) -> NDArray[np.float64]:
        volume = self._volume_in_scene(kept)
        matrix = kept.grid.matrix if volume is None else ijk_to_ras(volume)
        return world_matrix(volume, matrix)

    def _state(self, kept: _Kept) -> tuple[Any, ...]:
        """Return what ``mask`` depends on, cheap to compare."""
        node = kept.shown.segmentation
        segmentation = node.GetSegmentation()
        state: list[Any] = []
        if segmentation is not None:
            state.append(segmentation.GetSourceRepresentationName())
            for identifier, segment in segments_of(segmentation):
                labelmap = segment.GetRepresentation(BINARY)
                time = None if labelmap is None else labelmap.GetMTime()
                state.append((identifier, segment.GetName(), segment.GetLabelValue(), time))
        state.append(_transforms_above(node))
        volume = self._volume_in_scene(kept)
        if volume is not None:
            image = volume.GetImageData()
            size = None if image is None else image.GetDimensions()
            state += [_transforms_above(volume), ijk_to_ras(volume).tobytes(), size]
        return tuple(state)

    # What the user does to the scene ----------------------------------------------------

    def _observe(self) -> None:
        me = weakref.ref(self)

        # The scene must neither keep a forgotten CaseScene alive nor wake a dying one.
        @vtk.calldata_type(vtk.VTK_OBJECT)
        def before_node_is_removed(_scene: Any, _event: str, node: Any) -> None:
            here = me()
            if here is not None:
                _guarded(here._before_node_is_removed, node)

        def before_scene_closes(*_: Any) -> None:
            here = me()
            if here is not None:
                _guarded(here._keep_mask)

        @vtk.calldata_type(vtk.VTK_OBJECT)
        def on_node_removed(_scene: Any, _event: str, node: Any) -> None:
            here = me()
            if here is not None:
                _guarded(here._on_node_removed, node)

        def on_scene_closed(*_: Any) -> None:
            here = me()
            if here is not None:
                _guarded(here._on_scene_closed)

        scene = slicer.vtkMRMLScene
        for event, callback, priority in (
            (scene.NodeAboutToBeRemovedEvent, before_node_is_removed, _FIRST),
            (scene.StartCloseEvent, before_scene_closes, _FIRST),
            (scene.NodeRemovedEvent, on_node_removed, 0.0),
            (scene.EndCloseEvent, on_scene_closed, 0.0),
        ):
            self._observations.append(self.scene.AddObserver(event, callback, priority))

    def _unobserve(self) -> None:
        for tag in self._observations:
            self.scene.RemoveObserver(tag)
        self._observations = []

    def _before_node_is_removed(self, node: Any) -> None:
        shown = self.shown
        if shown is not None and (node is shown.segmentation or node is shown.volume):
            self._keep_mask()

    def _keep_mask(self) -> None:
        """Read the mask for the last time."""
        kept = self._kept
        if kept is None or kept.last_mask is not None:
            return
        self.modified_time()
        try:
            kept.last_mask = self.mask()
        except SegmentationUnusableError as error:
            _log.warning("%s", error)

    def _on_node_removed(self, node: Any) -> None:
        if self.shown is None or self.scene.IsClosing():
            return
        if node is self.shown.uncertainty:
            # Only a help to look at: the case stays open.
            if self._kept is not None:
                self._kept.places = None
            self._become(replace(self.shown, uncertainty=None))
        elif node is self.shown.segmentation:
            self._lose(f"The segmentation of case {self.shown.case} was deleted.")
        elif node is self.shown.volume:
            self._lose(f"The image of case {self.shown.case} was deleted.")

    def _on_scene_closed(self) -> None:
        if self.shown is None:
            return
        case = self.shown.case
        self._own.forget()
        self._views.forget()
        self._lose(f"The scene was closed, and case {case} with it.")

    def _lose(self, sentence: str) -> None:
        self._unobserve()
        self.shown = None
        if self.on_lost is None:
            return
        self._is_losing = True
        try:
            self.on_lost(sentence)
        finally:
            self._is_losing = False


def _fill(node: Any, read: ReadSegments, grid: Grid, segments: Sequence[Segment]) -> None:
    changed = node.StartModify()
    try:
        fill(node.GetSegmentation(), read, grid, segments)
    finally:
        node.EndModify(changed)


def _later(work: Callable[[], None]) -> None:
    """Do something when Slicer is back in its event loop; at once where there is none."""
    try:
        import qt
    except ImportError:
        work()
        return
    qt.QTimer.singleShot(0, lambda: _guarded(work))


def _guarded(callback: Callable[..., None], *arguments: Any) -> None:
    # VTK would print what an observer raises, and go on in the middle of it.
    try:
        callback(*arguments)
    except Exception:
        _log.exception("The scene changed, and the case could not follow.")


def _grid_of(volume: Any) -> Grid:
    x, y, z = volume.GetImageData().GetDimensions()
    return Grid((z, y, x), ijk_to_ras(volume))


def _read_or_empty(path: Path | None, grid: Grid, case: str) -> ReadSegments:
    return ReadSegments() if path is None else read_segments(path, grid, case)


def _read_heat(path: Path, grid: Grid, case: str) -> Any:
    heat = read_volume(path, case)
    found = _grid_of(heat)
    if found.shape != grid.shape or not np.allclose(found.matrix, grid.matrix, atol=1e-3):
        raise CaseNotShownError(
            f"{path.name} does not lie on the grid of the image of case {case}.",
            case=case,
            path=path,
            remedy="Open the case again: the map is then made anew.",
        )
    return heat


def _channel_name(case: str, name: str) -> str:
    return name if name.startswith(case) and name != case else f"{case} {name}"


def _transforms_above(node: Any) -> tuple[Any, ...]:
    found = []
    above = node.GetParentTransformNode()
    while above is not None:
        found.append((above.GetID(), above.GetMTime(), above.GetTransformToParent().GetMTime()))
        above = above.GetParentTransformNode()
    return tuple(found)


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    unit: NDArray[np.float64] = vector / np.linalg.norm(vector)
    return unit
