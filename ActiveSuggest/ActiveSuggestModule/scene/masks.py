"""Masks: what the segmentation in the scene says, in the voxels of the case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
from numpy.typing import NDArray

from ActiveSuggestLib.data.segments import Segment, name_key

from .errors import SegmentationUnusableError
from .labelmaps import Grid, Labelmap, Layer, place, translate

BINARY = "Binary labelmap"


@dataclass(frozen=True)
class Mask:
    """The edited segmentation as uint8 (z, y, x) of the project's segment values, 0 background.

    ``overlaps`` counts the voxels that more than one segment of the project claims (they go to the
    one that comes last in the project), ``unknown`` names segments with voxels that the project
    does not have, ``missing`` segments of the project that are no longer there (they count as
    empty), ``outside`` counts voxels painted outside the image. The array is not to be written to.
    """

    array: NDArray[np.uint8]
    overlaps: int = 0
    unknown: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    outside: int = 0


def read_mask(
    segmentation: Any, grid: Grid, segments: Sequence[Segment], case: str, to_image: Any = None
) -> Mask:
    """Return what a ``vtkSegmentation`` says, matched to ``segments`` by name.

    ``to_image`` is the transform from the segmentation's RAS to the image's, or ``None``.
    Raises ``SegmentationUnusableError``.
    """
    _check_source(segmentation, case)
    labelmaps: dict[int, Any] = {}
    values: dict[int, dict[int, str]] = {}
    names = []
    for _, segment in segments_of(segmentation):
        names.append(segment.GetName() or "")
        labelmap = segment.GetRepresentation(BINARY)
        if labelmap is not None:
            labelmaps[id(labelmap)] = labelmap
            values.setdefault(id(labelmap), {})[segment.GetLabelValue()] = names[-1]
    layers = [
        (place(Labelmap.of(image), grid, to_image), values[key]) for key, image in labelmaps.items()
    ]
    there = {name_key(name) for name in names}
    array, overlaps = _compose(layers, grid, segments)
    array.flags.writeable = False
    return Mask(
        array=array,
        overlaps=overlaps,
        unknown=_unknown(layers, segments),
        missing=tuple(s.name for s in segments if name_key(s.name) not in there),
        outside=sum(layer.outside for layer, _ in layers),
    )


def segments_of(segmentation: Any) -> list[tuple[str, Any]]:
    """Return the IDs and segments of a ``vtkSegmentation`` in its order."""
    return [
        (segmentation.GetNthSegmentID(i), segmentation.GetNthSegment(i))
        for i in range(segmentation.GetNumberOfSegments())
    ]


def _check_source(segmentation: Any, case: str) -> None:
    if segmentation is None:
        raise SegmentationUnusableError(
            "The segmentation is empty of any content.",
            case=case,
            remedy="Open the case again.",
        )
    source = segmentation.GetSourceRepresentationName()
    if source != BINARY and segmentation.GetNumberOfSegments():
        raise SegmentationUnusableError(
            f"The segmentation's source representation is {source}, not voxels.",
            case=case,
            remedy="In the Segmentations module, under Representations, make Binary labelmap the "
            "source, and save again.",
        )


def _compose(
    layers: Sequence[tuple[Layer, dict[int, str]]], grid: Grid, segments: Sequence[Segment]
) -> tuple[NDArray[np.uint8], int]:
    """Put all layers together; where two claim a voxel, the project's later segment has it."""
    known = {name_key(s.name): s.value for s in segments}
    rank = np.zeros(256, dtype=np.uint8)
    for place_in_project, segment in enumerate(segments, start=1):
        rank[segment.value] = place_in_project
    array = np.zeros(grid.shape, dtype=np.uint8)
    overlapping: list[tuple[Any, NDArray[np.bool_]]] = []
    is_first = True
    for layer, names in layers:
        wanted = {v: known[name_key(n)] for v, n in names.items() if name_key(n) in known}
        if not wanted or not layer.voxels.size:
            continue
        found = translate(layer.voxels, wanted)
        if is_first:
            array[layer.box] = found
            is_first = False
            continue
        below = array[layer.box]
        both = (below != 0) & (found != 0) & (below != found)
        if both.any():
            overlapping.append((layer.box, both))
        array[layer.box] = np.where(rank[found] > rank[below], found, below)
    return array, _count_union(overlapping, grid)


def _count_union(parts: list[tuple[Any, NDArray[np.bool_]]], grid: Grid) -> int:
    if len(parts) < 2:
        return sum(int(np.count_nonzero(both)) for _, both in parts)
    whole = np.zeros(grid.shape, dtype=bool)
    for box, both in parts:
        whole[box] |= both
    return int(np.count_nonzero(whole))


def _unknown(
    layers: Sequence[tuple[Layer, dict[int, str]]], segments: Sequence[Segment]
) -> tuple[str, ...]:
    known = {name_key(s.name) for s in segments}
    return tuple(
        name
        for layer, names in layers
        for value, name in names.items()
        if name_key(name) not in known and (layer.voxels == value).any()
    )


def transform_between(segmentation_node: Any, volume: Any) -> Any:
    """Return the transform from a segmentation's RAS to a volume's, or ``None`` if they share one.

    ``volume`` may be ``None``: the image then lies where it lay, without a transform.
    """
    above = segmentation_node.GetParentTransformNode()
    image_above = None if volume is None else volume.GetParentTransformNode()
    if above is image_above:
        return None
    import vtk

    transform = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(above, image_above, transform)
    return transform
