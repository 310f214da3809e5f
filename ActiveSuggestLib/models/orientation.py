"""The order of axes that the models work in: the labelling plane's normal first.

Volumes of one pool are often stored along different axes. Prepared arrays always lie as
(slice, row, column) of the project's plane, each axis pointing to superior, posterior or left,
so the network sees one anatomy and a slice index means one thing. Only whole axes are permuted
and flipped: nothing is interpolated and the way back is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..data.geometry import Geometry

# Anatomical axes as (world axis in LPS) for (slice, row, column) of each plane.
_PLANES = {"axial": (2, 1, 0), "coronal": (1, 2, 0), "sagittal": (0, 2, 1)}


@dataclass(frozen=True)
class Orientation:
    """How an image array (…, z, y, x) becomes (…, slice, row, column)."""

    axes: tuple[int, int, int]
    flips: tuple[bool, bool, bool]

    def apply(self, array: np.ndarray) -> np.ndarray:
        """Return a view of ``array`` in the models' order; leading axes stay."""
        lead = array.ndim - 3
        array = array.transpose(*range(lead), *(lead + a for a in self.axes))
        return array[(..., *(slice(None, None, -1 if f else None) for f in self.flips))]

    def invert(self, array: np.ndarray) -> np.ndarray:
        """Return a view of ``array`` in the image's order; the inverse of ``apply``."""
        lead = array.ndim - 3
        array = array[(..., *(slice(None, None, -1 if f else None) for f in self.flips))]
        inverse = np.argsort(self.axes)
        return array.transpose(*range(lead), *(lead + int(a) for a in inverse))

    def slice_indices(self, count: int) -> np.ndarray:
        """Return the image's slice index of each of the models' ``count`` slices."""
        indices = np.arange(count)
        return indices[::-1] if self.flips[0] else indices


def orientation_of(geometry: Geometry, plane: str) -> Orientation:
    """Return the orientation of an image for the slices of ``plane``."""
    direction = np.asarray(geometry.direction, dtype=float).reshape(3, 3)[:, ::-1]
    world = _PLANES[plane]
    first = geometry.plane_axis(plane)
    rest = [axis for axis in range(3) if axis != first]
    straight = abs(direction[world[1], rest[0]]) + abs(direction[world[2], rest[1]])
    crossed = abs(direction[world[1], rest[1]]) + abs(direction[world[2], rest[0]])
    second, third = rest if straight >= crossed else rest[::-1]
    axes = (first, second, third)
    flips = tuple(bool(direction[w, a] < 0) for w, a in zip(world, axes, strict=True))
    return Orientation(axes, (flips[0], flips[1], flips[2]))
