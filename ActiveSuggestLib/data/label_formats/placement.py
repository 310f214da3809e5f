"""Placement: bringing a label onto the image's grid exactly, or refusing.

Two grids are the same voxels in another order when one maps to the other by permuting, flipping
and shifting axes by whole voxels. Nothing is ever interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import LabelGeometryError
from ..geometry import Geometry

TOLERANCE = 0.05
"""How far, in voxels, a corner may stray: writers round positions to single precision."""


@dataclass(frozen=True)
class Placement:
    """Image axis i takes label axis ``axes[i]`` (array order), flipped or not, at ``start[i]``."""

    axes: tuple[int, ...]
    flips: tuple[bool, ...]
    start: tuple[int, ...]

    def cut(
        self, array: NDArray[Any], shape: tuple[int, ...]
    ) -> tuple[NDArray[Any], tuple[slice, ...]]:
        """Return the part of ``array`` (z, y, x) that lies on a grid of ``shape``, and where."""
        turned = np.transpose(array, self.axes)
        turned = turned[tuple(slice(None, None, -1) if f else slice(None) for f in self.flips)]
        source, target = [], []
        for begin, length, room in zip(self.start, turned.shape, shape, strict=True):
            first = min(max(begin, 0), room)
            last = max(min(begin + length, room), first)
            target.append(slice(first, last))
            source.append(slice(first - begin, last - begin))
        return turned[tuple(source)], tuple(target)

    def index(self, axis: int, index: int, length: int) -> tuple[int, int]:
        """Return the image's axis and index of slice ``index`` on the label's ``axis``."""
        image_axis = self.axes.index(axis)
        turned = length - 1 - index if self.flips[image_axis] else index
        return image_axis, self.start[image_axis] + turned


def placement(label: Geometry, image: Geometry) -> Placement | None:
    """Return how the label's voxels lie on the image's grid, or ``None`` if they lie between."""
    try:
        to_image = np.linalg.solve(image.matrix, label.matrix)
    except np.linalg.LinAlgError:
        return None
    linear = np.rint(to_image[:3, :3])
    offset = np.rint(to_image[:3, 3])
    if not (np.abs(linear).sum(axis=0) == 1).all() or not (np.abs(linear).sum(axis=1) == 1).all():
        return None
    drift = np.abs(to_image[:3, :3] - linear) @ (np.array(label.size) - 1.0)
    if (drift + np.abs(to_image[:3, 3] - offset) > TOLERANCE).any():
        return None
    axes, flips, start = [], [], []
    for image_axis in (2, 1, 0):
        label_axis = int(np.abs(linear[image_axis]).argmax())
        flipped = bool(linear[image_axis, label_axis] < 0)
        length = label.size[label_axis]
        axes.append(2 - label_axis)
        flips.append(flipped)
        start.append(int(offset[image_axis]) - (length - 1 if flipped else 0))
    return Placement(tuple(axes), tuple(flips), tuple(start))


def is_picture(geometry: Geometry) -> bool:
    """Whether the grid is that of a picture, whose millimetres mean nothing."""
    identity = np.allclose(geometry.direction, np.eye(3).ravel())
    plain = geometry.spacing == (1.0, 1.0, 1.0) and not any(geometry.origin)
    return geometry.size[2] == 1 and plain and identity


def find_placement(
    label: Geometry,
    image: Geometry,
    *,
    may_be_smaller: bool,
    by_size: bool = False,
    case: str | None = None,
    path: Any = None,
) -> Placement:
    """Return how the label's grid lies on the image's; raises ``LabelGeometryError``.

    ``may_be_smaller``: the file may hold a part of the grid. ``by_size``: pictures have no
    position, so their size alone has to agree.
    """
    same = Placement((0, 1, 2), (False, False, False), (0, 0, 0))
    pictures = by_size or (is_picture(image) and label.size[2] == 1)
    found = same if pictures and label.size == image.size else placement(label, image)
    if found is None or (
        not may_be_smaller
        and (any(found.start) or tuple(label.shape[a] for a in found.axes) != image.shape)
    ):
        raise LabelGeometryError(
            f"The label does not lie on the image's grid: {image.difference(label)}.",
            case=case,
            path=path,
            remedy="Resample it onto the image (in Slicer: set the image as the segmentation's "
            "source volume and export it as a labelmap), with nearest neighbours.",
        )
    return found


def cut_to(
    array: NDArray[Any],
    found: Placement,
    image: Geometry,
    *,
    case: str | None = None,
    path: Any = None,
) -> tuple[NDArray[Any], tuple[slice, ...]]:
    """Return ``Placement.cut``; raises ``LabelGeometryError`` if labelled voxels are left out."""
    kept, target = found.cut(array, image.shape)
    lost = int(np.count_nonzero(array)) - int(np.count_nonzero(kept))
    if lost:
        raise LabelGeometryError(
            f"{lost} labelled voxels lie outside the image.",
            case=case,
            path=path,
            remedy="Make sure that the label belongs to this image.",
        )
    return kept, target
