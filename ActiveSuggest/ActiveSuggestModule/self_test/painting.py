"""Painting into a segmentation as the Segment Editor's effects do, without a mouse."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from vtk.util.numpy_support import numpy_to_vtk


def paint(segmentation: Any, volume: Any, segment: str, mask: NDArray[np.bool_]) -> None:
    """Make ``mask`` (z, y, x; in the volume's voxels) all that a segment of this name holds."""
    identifier = segmentation.GetSegmentation().GetSegmentIdBySegmentName(segment)
    if not identifier:
        raise AssertionError(f"the segmentation has no segment “{segment}”")
    done = slicer.vtkSlicerSegmentationsModuleLogic.SetBinaryLabelmapToSegment(
        _labelmap(volume, mask), segmentation, identifier
    )
    if not done:
        raise AssertionError(f"“{segment}” could not be painted")


def box(shape: tuple[int, ...], centre: tuple[int, ...], radius: int) -> NDArray[np.bool_]:
    """Return a box in a volume of a shape (z, y, x)."""
    mask = np.zeros(shape, dtype=bool)
    mask[tuple(slice(max(0, c - radius), c + radius + 1) for c in centre)] = True
    return mask


def _labelmap(volume: Any, mask: NDArray[np.bool_]) -> Any:
    values = numpy_to_vtk(mask.astype(np.uint8).ravel(), deep=True)
    values.SetName("ImageScalars")
    depth, height, width = mask.shape
    labelmap = slicer.vtkOrientedImageData()
    labelmap.SetDimensions(width, height, depth)
    labelmap.GetPointData().SetScalars(values)
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    labelmap.SetImageToWorldMatrix(matrix)
    return labelmap
