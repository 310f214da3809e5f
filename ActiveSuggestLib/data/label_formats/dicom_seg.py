"""DICOM segmentation objects as labels: binary ones and label maps, matched by segment label."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ActiveSuggestError, LabelGeometryError, UnreadableLabelError
from ..formats.dicom import first_item, functional_group, number_in, numbers_in, read_header
from ..geometry import Geometry
from ..segments import Segment
from .compose import Composer
from .placement import cut_to, find_placement


def read_dicom_seg(
    path: Path, segments: tuple[Segment, ...], geometry: Geometry | None, *, case: str | None = None
) -> tuple[NDArray[np.uint8], Geometry]:
    """Return voxels of the project's values and their grid (the image's, if it is given).

    Supported: SEGMENTATION TYPE BINARY and LABELMAP with per-frame functional groups.
    Raises ``UnreadableLabelError``, ``UnknownSegmentError``, ``OverlappingSegmentsError`` and
    ``LabelGeometryError``.
    """
    try:
        header = read_header(path, voxels=True)
        kind = str(header.get("SegmentationType", ""))
    except ActiveSuggestError as error:
        raise UnreadableLabelError(
            error.message, case=case, path=path, remedy=error.remedy
        ) from error
    if "SegmentSequence" not in header or kind not in {"BINARY", "LABELMAP"}:
        what = f"a segmentation of type {kind}" if kind else "no segmentation"
        raise UnreadableLabelError(
            f"{path.name} is DICOM, but {what}.",
            case=case,
            path=path,
            remedy="Binary segmentations and label maps can be read: export it so (in Slicer: "
            "File, Save as .seg.nrrd).",
        )
    names = {int(s.SegmentNumber): str(s.SegmentLabel) for s in header.SegmentSequence}
    try:
        voxels = np.reshape(header.pixel_array, (-1, int(header.Rows), int(header.Columns)))
    except Exception as error:
        # pydicom's decoders raise whatever they trip over.
        raise UnreadableLabelError(
            f"The voxels of {path.name} cannot be read: {error}.",
            case=case,
            path=path,
            remedy="It may be damaged or cut short: copy or export it again.",
        ) from error
    grids = _frame_grids(header, path, case)
    target = geometry or _own_grid(grids)
    composer = Composer(target.shape, segments)
    # What a label map holds where nothing was looked at.
    padding = header.get("PixelPaddingValue") if kind == "LABELMAP" else None
    padding = 0 if padding is None else int(padding)
    for number, (frame, grid) in enumerate(zip(voxels, grids, strict=True)):
        found = find_placement(
            _with_step(grid, target), target, may_be_smaller=True, case=case, path=path
        )
        for value in np.unique(frame[(frame != 0) & (frame != padding)]):
            segment = int(value) if kind == "LABELMAP" else _segment_number(header, number)
            mask, where = cut_to((frame == value)[None], found, target, case=case, path=path)
            composer.add(names.get(segment, f"segment {segment}"), mask, where)
    return composer.finish(case=case, path=path), target


def _frame_grids(header: Any, path: Path, case: str | None) -> list[Geometry]:
    shared = first_item(header.get("SharedFunctionalGroupsSequence"))
    grids = []
    for frame in header.get("PerFrameFunctionalGroupsSequence") or []:
        position = numbers_in(
            functional_group("PlanePositionSequence", frame, shared).get("ImagePositionPatient"), 3
        )
        axes = numbers_in(
            functional_group("PlaneOrientationSequence", frame, shared).get(
                "ImageOrientationPatient"
            ),
            6,
        )
        measures = functional_group("PixelMeasuresSequence", frame, shared)
        spacing = numbers_in(measures.get("PixelSpacing"), 2)
        if position is None or axes is None or spacing is None:
            raise LabelGeometryError(
                f"A frame of {path.name} does not say where it lies.",
                case=case,
                path=path,
                remedy="Export the segmentation again, with plane positions.",
            )
        step = (
            number_in(measures.get("SpacingBetweenSlices"))
            or number_in(measures.get("SliceThickness"))
            or 1.0
        )
        across, down = np.reshape(axes, (2, 3))
        direction = np.column_stack([across, down, np.cross(across, down)])
        x, y, z = position
        grids.append(
            Geometry(
                size=(int(header.Columns), int(header.Rows), 1),
                spacing=(spacing[1], spacing[0], step),
                origin=(x, y, z),
                direction=tuple(float(c) for c in direction.ravel()),
            )
        )
    if not grids:
        raise LabelGeometryError(
            f"{path.name} does not say where its frames lie.",
            case=case,
            path=path,
            remedy="Export the segmentation again, with plane positions.",
        )
    return grids


def _with_step(grid: Geometry, target: Geometry) -> Geometry:
    """A single frame has no step of its own: give it that of the grid it is put on."""
    normal = np.reshape(grid.direction, (3, 3))[:, 2]
    nearest = int(np.abs(normal @ np.reshape(target.direction, (3, 3))).argmax())
    x, y, _ = grid.spacing
    return Geometry(grid.size, (x, y, target.spacing[nearest]), grid.origin, grid.direction)


def _own_grid(grids: list[Geometry]) -> Geometry:
    first = grids[0]
    normal = np.reshape(first.direction, (3, 3))[:, 2]
    heights = sorted({round(float(np.dot(g.origin, normal)), 3) for g in grids})
    steps = np.diff(heights)
    step = float(steps.min()) if len(steps) else first.spacing[2]
    lowest = min(grids, key=lambda g: float(np.dot(g.origin, normal)))
    count = round((heights[-1] - heights[0]) / step) + 1
    x, y, _ = first.size
    return Geometry(
        size=(x, y, count),
        spacing=(first.spacing[0], first.spacing[1], step),
        origin=lowest.origin,
        direction=first.direction,
    )


def _segment_number(header: Any, frame: int) -> int:
    shared = first_item(header.get("SharedFunctionalGroupsSequence"))
    group = header.PerFrameFunctionalGroupsSequence[frame]
    return int(
        functional_group("SegmentIdentificationSequence", group, shared).get(
            "ReferencedSegmentNumber", 1
        )
    )
