"""Segmentations: the project's segments as Slicer edits them, filled from a ``.seg.nrrd``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from numpy.typing import NDArray

from ActiveSuggestLib.data.segments import Segment, name_key

from .errors import CaseNotShownError
from .labelmaps import Grid, make_labelmap, place, translate
from .masks import BINARY, segments_of
from .nrrd_files import check_nrrd

_CLASSES = (
    "vtkMRMLSegmentationNode",
    "vtkMRMLSegmentationDisplayNode",
    "vtkMRMLSegmentationStorageNode",
)
_STATUS = "Segmentation.Status"
_SURFACE = "Closed surface"


@dataclass(frozen=True)
class ReadSegment:
    """A segment of a file: its name, the layer it lies in, its value there, its ``vtkSegment``."""

    name: str
    layer: int
    value: int
    segment: Any


@dataclass(frozen=True)
class ReadSegments:
    """The segments of a file and their layers, each uint8 or wider (z, y, x) on the image's grid.

    ``parts`` are the boxes of the grid that the layers cover.
    """

    segments: tuple[ReadSegment, ...] = ()
    layers: tuple[NDArray[Any], ...] = ()
    parts: tuple[Any, ...] = ()


def read_segments(path: Path, grid: Grid, case: str) -> ReadSegments:
    """Read a ``.seg.nrrd`` as Slicer does, onto the grid of the case's image.

    Raises ``CaseNotShownError``.
    """
    check_nrrd(path, case)
    scratch, node = _scratch()
    storage = scratch.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
    storage.SetFileName(str(path))
    if not storage.ReadData(node, True):
        raise CaseNotShownError(
            f"{path.name} could not be read as a segmentation.",
            case=case,
            path=path,
            remedy="It may be damaged or cut short: choose an earlier version of the label, or "
            "open the case without it.",
        )
    segmentation = node.GetSegmentation()
    labelmaps: list[Any] = []
    found = []
    for _, segment in segments_of(segmentation):
        labelmap = segment.GetRepresentation(BINARY)
        if labelmap is None:
            continue
        if not any(labelmap is known for known in labelmaps):
            labelmaps.append(labelmap)
        layer = next(i for i, known in enumerate(labelmaps) if known is labelmap)
        name = segment.GetName() or ""
        found.append(ReadSegment(name, layer, segment.GetLabelValue(), segment))
    placed = [place(labelmap, grid) for labelmap in labelmaps]
    layers = tuple(np.array(layer.voxels) for layer in placed)
    return ReadSegments(tuple(found), layers, tuple(layer.box for layer in placed))


def _scratch() -> tuple[Any, Any]:
    # The reader makes a display node for what it reads, which needs a scene: not the user's.
    scene = slicer.vtkMRMLScene()
    for name in _CLASSES:
        if not scene.GetTagByClassName(name):
            scene.RegisterNodeClass(getattr(slicer, name)())
    return scene, scene.AddNewNodeByClass("vtkMRMLSegmentationNode")


def fill(segmentation: Any, read: ReadSegments, grid: Grid, segments: Sequence[Segment]) -> None:
    """Give a ``vtkSegmentation`` the project's segments, with the voxels of ``read``.

    Each has the project's name, colour, terminology and value. Segments of one layer of the file
    share a labelmap, as when Slicer reads it; a segment that the file lacks is empty. Segments
    that the project does not have follow behind, each with its own labelmap, so that nothing is
    lost unseen. Segments that were there and are no longer wanted go.
    """
    segmentation.SetSourceRepresentationName(BINARY)
    had_surface = segmentation.ContainsRepresentation(_SURFACE)
    wanted = _project_segments(read, grid, segments) + _foreign_segments(read, grid, segments)
    there = {name_key(s.GetName() or ""): (i, s) for i, s in segments_of(segmentation)}
    kept = []
    for segment in wanted:
        identifier, before = there.get(name_key(segment.GetName()), ("", None))
        if before is None:
            base = f"Segment_{segment.GetLabelValue()}"
            identifier = segmentation.GenerateUniqueSegmentID(base)
            segmentation.AddSegment(segment, identifier)
        else:
            _take_over(before, segment)
        kept.append(identifier)
    # Last, when no labelmap is shared with them any more: separating a shared one is slow.
    for identifier, _ in segments_of(segmentation):
        if identifier not in kept:
            segmentation.RemoveSegment(identifier)
    for labelmap in {id(m): m for m in (s.GetRepresentation(BINARY) for s in wanted)}.values():
        # Tells everyone who looks at the voxels, once the segments are all in place.
        labelmap.Modified()
    if had_surface:
        segmentation.CreateRepresentation(_SURFACE, True)


def _take_over(before: Any, segment: Any) -> None:
    # What was made by conversion from the voxels that go now.
    before.RemoveAllRepresentations(BINARY)
    before.AddRepresentation(BINARY, segment.GetRepresentation(BINARY))
    before.DeepCopyMetadata(segment)


def _project_segments(read: ReadSegments, grid: Grid, segments: Sequence[Segment]) -> list[Any]:
    found = {name_key(s.name): s for s in reversed(read.segments)}
    labelmaps: dict[int, Any] = {}
    for layer in range(max(1, len(read.layers))):
        values = {
            found[name_key(s.name)].value: s.value
            for s in segments
            if name_key(s.name) in found and found[name_key(s.name)].layer == layer
        }
        whole = np.zeros(grid.shape, dtype=np.uint8)
        if values:
            whole[read.parts[layer]] = translate(read.layers[layer], values)
        labelmaps[layer] = make_labelmap(whole, grid)
    made = []
    for segment in segments:
        in_file = found.get(name_key(segment.name))
        made.append(_segment(segment, in_file, labelmaps[in_file.layer if in_file else 0]))
    return made


def _segment(wanted: Segment, in_file: ReadSegment | None, labelmap: Any) -> Any:
    segment = slicer.vtkSegment()
    if in_file is not None:
        # Its tags: the status and whatever other extensions noted.
        segment.DeepCopyMetadata(in_file.segment)
    segment.SetName(wanted.name)
    segment.SetColor(wanted.color)
    segment.SetLabelValue(wanted.value)
    # Else choosing a terminology in the Segment Editor would rename it, and names are what counts.
    segment.SetNameAutoGenerated(False)
    segment.SetColorAutoGenerated(False)
    if wanted.terminology:
        segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), wanted.terminology)
    if not segment.HasTag(_STATUS):
        segment.SetTag(_STATUS, "inprogress")
    segment.AddRepresentation(BINARY, labelmap)
    return segment


def _foreign_segments(read: ReadSegments, grid: Grid, segments: Sequence[Segment]) -> list[Any]:
    known = {name_key(s.name) for s in segments}
    made = []
    for foreign in read.segments:
        if name_key(foreign.name) in known:
            continue
        voxels = translate(read.layers[foreign.layer], {foreign.value: 1})
        if not voxels.any():
            continue
        known.add(name_key(foreign.name))
        whole = np.zeros(grid.shape, dtype=np.uint8)
        whole[read.parts[foreign.layer]] = voxels
        segment = slicer.vtkSegment()
        segment.DeepCopyMetadata(foreign.segment)
        segment.SetLabelValue(1)
        segment.AddRepresentation(BINARY, make_labelmap(whole, grid))
        made.append(segment)
    return made
