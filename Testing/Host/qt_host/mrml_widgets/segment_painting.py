"""Voxels into a segment of a real segmentation, as a brush puts them there."""

from __future__ import annotations

from typing import Any

import numpy as np

Box = tuple[tuple[int, int], tuple[int, int]]


def paint_box(
    segmentation_node: Any,
    volume_node: Any,
    segment_name: str,
    slice_index: int,
    box: Box,
    *,
    erase: bool = False,
) -> int:
    """Set or clear a box of one slice in a segment; return the segment's voxels after it.

    ``slice_index`` counts the volume's k axis; ``box`` is rows and columns, ends exclusive.
    Painting takes the voxels from all other segments. Raises KeyError for an unknown segment.
    """
    import slicer

    segmentation = segmentation_node.GetSegmentation()
    identifier = segmentation.GetSegmentIdBySegmentName(segment_name)
    if not identifier:
        raise KeyError(f"there is no segment {segment_name}")
    (row0, row1), (column0, column1) = box
    place = (slice_index, slice(row0, row1), slice(column0, column1))
    after = 0
    others = [
        segmentation.GetNthSegmentID(index) for index in range(segmentation.GetNumberOfSegments())
    ]
    for other in others:
        if other != identifier and erase:
            continue
        mask = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation_node, other, volume_node)
        if mask is None:
            depth = volume_node.GetImageData().GetDimensions()[::-1]
            mask = np.zeros(depth, np.uint8)
        changed = mask.copy()
        changed[place] = 1 if other == identifier and not erase else 0
        if other == identifier:
            after = int((changed > 0).sum())
        if not np.array_equal(mask, changed):
            slicer.util.updateSegmentBinaryLabelmapFromArray(
                changed, segmentation_node, other, volume_node
            )
    return after
