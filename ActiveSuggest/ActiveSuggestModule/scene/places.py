"""Uncertain places: where in the volume the model is least sure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ActiveSuggestLib.data.geometry import Geometry

MOST_PLACES = 30
_BLOCK = 3.0
_APART = 12.0
_APART_OF_SIZE = 0.08
_LEAST_OF_BEST = 0.2


@dataclass(frozen=True)
class Place:
    """A place to look at: its slice along the project's plane, position (RAS, mm), uncertainty.

    ``uncertainty`` is the mean around the place, in the unit of the map (nats).
    """

    slice: int
    position_ras: tuple[float, float, float]
    uncertainty: float


def find_places(
    uncertainty: NDArray[Any], geometry: Geometry, plane: str, count: int = MOST_PLACES
) -> list[Place]:
    """Return where ``uncertainty`` (z, y, x) is highest, the most uncertain first.

    Averaged over blocks of about 3 mm and their neighbours, so that single voxels do not count;
    what lies outside the volume counts as certain, since a network that sees zeros beyond the
    edge is unsure there without reason. Places keep a distance of 12 mm, less in small volumes,
    and the list ends at a fifth of the first one's uncertainty.
    """
    spacing = np.array(geometry.array_spacing)
    shape = np.array(uncertainty.shape)
    block = np.clip(np.rint(_BLOCK / spacing), 1, shape).astype(int)
    coarse = _block_means(uncertainty, block)
    around = _mean_with_neighbours(coarse)
    extent = float(np.linalg.norm(shape * spacing))
    apart = min(_APART, max(_APART_OF_SIZE * extent, 2 * _BLOCK))
    axis = geometry.plane_axis(plane)
    to_ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ geometry.matrix
    places = []
    for at in _peaks(around, coarse, block * spacing, apart, count):
        voxel = _highest_in_block(uncertainty, at, block)
        x, y, z, _ = to_ras @ np.array([*voxel[::-1], 1.0])
        places.append(Place(voxel[axis], (float(x), float(y), float(z)), float(around[at])))
    return places


def _block_means(array: NDArray[Any], block: NDArray[np.int64]) -> NDArray[np.float32]:
    means = array
    # Rows are added whole; the axis within a row comes last, when little is left of it.
    for axis in (1, 0, 2):
        means = _sums(means, axis, int(block[axis]))
    # A block cut off by the edge counts as if it went on with certain voxels.
    return (means / np.float32(np.prod(block))).astype(np.float32, copy=False)


def _sums(array: NDArray[Any], axis: int, width: int) -> NDArray[np.float32]:
    every = [slice(None)] * 3
    every[axis] = slice(0, None, width)
    sums = array[tuple(every)].astype(np.float32)
    for start in range(1, width):
        every[axis] = slice(start, None, width)
        part = array[tuple(every)]
        some = [slice(None)] * 3
        some[axis] = slice(0, part.shape[axis])
        sums[tuple(some)] += part
    return sums


def _mean_with_neighbours(coarse: NDArray[np.float32]) -> NDArray[np.float32]:
    padded = np.pad(coarse, 1)
    for axis in range(3):
        n = padded.shape[axis]
        first, middle, last = (
            np.take(padded, range(start, n - 2 + start), axis=axis) for start in range(3)
        )
        # A block counts as much as both its neighbours, so that a peak is its highest block.
        padded = (first + 2 * middle + last) * np.float32(0.25 if coarse.shape[axis] > 1 else 0.5)
    return padded


def _peaks(
    around: NDArray[np.float32],
    coarse: NDArray[np.float32],
    step: NDArray[np.float64],
    apart: float,
    count: int,
) -> list[tuple[int, int, int]]:
    if not around.size or around.max() <= 0:
        return []
    values = around.reshape(-1)
    least = _LEAST_OF_BEST * values.max()
    # Not what is only beside something uncertain.
    candidates = np.flatnonzero((values >= least) & (coarse.reshape(-1) >= least))
    candidates = candidates[np.argsort(-values[candidates], kind="stable")]
    where = np.stack(np.unravel_index(candidates, around.shape), axis=1)
    points = where * step
    free = np.ones(len(points), dtype=bool)
    found: list[tuple[int, int, int]] = []
    while len(found) < count and free.any():
        best = int(np.argmax(free))
        z, y, x = (int(n) for n in where[best])
        found.append((z, y, x))
        free &= ((points - points[best]) ** 2).sum(axis=1) >= apart**2
    return found


def _highest_in_block(
    array: NDArray[Any], at: tuple[int, int, int], block: NDArray[np.int64]
) -> tuple[int, int, int]:
    start = np.array(at) * block
    part = array[tuple(slice(int(a), int(a + n)) for a, n in zip(start, block, strict=True))]
    z, y, x = np.unravel_index(int(np.argmax(part)), part.shape)
    return (int(start[0] + z), int(start[1] + y), int(start[2] + x))
