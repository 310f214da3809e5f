"""Segmentations: the project's segments as Slicer edits them, filled from a ``.seg.nrrd``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import slicer

from ActiveSuggestLib.data.label_formats import seg_nrrd
from ActiveSuggestLib.data.segments import Segment, default_color, name_key

from .labelmaps import Grid, Labelmap, Layer, place, translate
from .masks import BINARY, segments_of
from .nrrd_files import check_nrrd, damaged, read_layers

_STATUS = "Segmentation.Status"
_SURFACE = "Closed surface"


@dataclass(frozen=True)
class ReadSegment:
    """A segment of a file: its name, the layer it lies in, its value there, colour and tags."""

    name: str
    layer: int
    value: int
    color: tuple[float, float, float]
    tags: dict[str, str]


@dataclass(frozen=True)
class ReadSegments:
    """The segments of a file, and its layers on the image's grid."""

    segments: tuple[ReadSegment, ...] = ()
    layers: tuple[Layer, ...] = ()


def read_segments(path: Path, grid: Grid, case: str) -> ReadSegments:
    """Read a ``.seg.nrrd`` onto the grid of the case's image.

    Read here and not by Slicer's storage node: that takes ten times as long, and a file that was
    cut short ends Slicer. Raises ``CaseNotShownError``.
    """
    header = check_nrrd(path, case)
    keys = seg_nrrd.read_keys(path)
    stored = read_layers(header)
    named = seg_nrrd.named_segments(keys)
    if np.issubdtype(stored.dtype, np.floating) or (not named and stored[0].any()):
        raise damaged(path, case, "it has no named segments made of voxels")
    try:
        matrix = header.matrix()
    except (KeyError, ValueError) as error:
        raise damaged(path, case, "its position in space is missing") from error
    layers = tuple(place(Labelmap(layer, matrix), grid) for layer in stored)
    prefixes = [f"Segment{i}_" for i in _indices(keys)]
    found = [
        ReadSegment(
            name=segment.name,
            layer=segment.layer,
            value=segment.value,
            color=_color(keys.get(f"{prefix}Color", ""), segment.value),
            tags=_tags(keys.get(f"{prefix}Tags", "")),
        )
        for prefix, segment in zip(prefixes, named, strict=True)
        if segment.layer < len(layers)
    ]
    return ReadSegments(tuple(found), layers)


def _indices(keys: dict[str, str]) -> list[int]:
    found = (re.match(r"Segment(\d+)_Name$", key) for key in keys)
    return sorted({int(match.group(1)) for match in found if match})


def _color(text: str, value: int) -> tuple[float, float, float]:
    try:
        red, green, blue = (float(n) for n in text.split())
    except ValueError:
        return default_color(value)
    return (red, green, blue)


def _tags(text: str) -> dict[str, str]:
    pairs = (part.partition(":") for part in text.split("|"))
    return {name: value for name, colon, value in pairs if colon}


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
    empty = Labelmap(np.zeros((0, 0, 0), dtype=np.uint8), grid.matrix)
    labelmaps = [empty.to_vtk()] if not read.layers else []
    for index, layer in enumerate(read.layers):
        values = {
            found[name_key(s.name)].value: s.value
            for s in segments
            if name_key(s.name) in found and found[name_key(s.name)].layer == index
        }
        voxels = translate(layer.voxels, values)
        labelmaps.append((layer.labelmap(voxels, grid) if voxels.any() else empty).to_vtk())
    made = []
    for segment in segments:
        in_file = found.get(name_key(segment.name))
        tags = in_file.tags if in_file else {}
        made.append(_segment(segment, tags, labelmaps[in_file.layer if in_file else 0]))
    return made


def _segment(wanted: Segment, tags: dict[str, str], labelmap: Any) -> Any:
    segment = slicer.vtkSegment()
    # Of the file: the status, and whatever other extensions noted.
    for name, value in ({_STATUS: "inprogress"} | tags).items():
        segment.SetTag(name, value)
    if wanted.terminology:
        segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), wanted.terminology)
    segment.SetName(wanted.name)
    segment.SetColor(wanted.color)
    segment.SetLabelValue(wanted.value)
    # Else choosing a terminology in the Segment Editor would rename it, and names are what counts.
    segment.SetNameAutoGenerated(False)
    segment.SetColorAutoGenerated(False)
    segment.AddRepresentation(BINARY, labelmap)
    return segment


def _foreign_segments(read: ReadSegments, grid: Grid, segments: Sequence[Segment]) -> list[Any]:
    known = {name_key(s.name) for s in segments}
    made = []
    for foreign in read.segments:
        layer = read.layers[foreign.layer]
        voxels = translate(layer.voxels, {foreign.value: 1})
        if name_key(foreign.name) in known or not voxels.any():
            continue
        known.add(name_key(foreign.name))
        alone = Segment(foreign.name, 1, foreign.color)
        made.append(_segment(alone, foreign.tags, layer.labelmap(voxels, grid).to_vtk()))
    return made
