"""The closed boundary of a region of a picture: found, moved, and filled again."""

from __future__ import annotations

import numpy as np
from scipy import interpolate, ndimage

POINTS = 100
FILLED_POINTS = 400
SMOOTHING = 0.15

# The eight neighbours of a pixel, clockwise from the east as seen with rows running down.
_AROUND = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))


def boundary(region: np.ndarray, points: int = POINTS) -> np.ndarray | None:
    """Return the outer boundary of the largest part of a region as (points, 2) rows, columns.

    ``region`` is bool (H, W). The points lie evenly on the outer edges of the boundary pixels and
    go around once, the region's inside to the right hand as seen with rows running down. ``None``
    for a region too small to have a shape (fewer than nine boundary pixels).
    """
    parts, count = ndimage.label(region, structure=np.ones((3, 3)))
    if count == 0:
        return None
    sizes = np.bincount(parts.ravel())[1:]
    traced = _trace(parts == 1 + int(sizes.argmax())).astype(float)
    if len(traced) < 9:
        return None
    even = _evenly(traced, points)
    # The trace runs through the middles of the pixels, the region ends half a pixel further out.
    return even + 0.5 * outward(even)


def outward(curve: np.ndarray) -> np.ndarray:
    """Return the unit normals (N, 2) of a closed curve (N, 2) that point out of it."""
    along = np.roll(curve, -2, axis=0) - np.roll(curve, 2, axis=0)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    normal = normal / np.where(length > 0, length, 1.0)
    return normal if _area(curve) > 0 else -normal


def refit(curve: np.ndarray, smoothing: float = SMOOTHING) -> np.ndarray:
    """Return a closed cubic B-spline through about the points of ``curve`` (N, 2), densely.

    ``smoothing`` is how far in pixels the spline may pass by a point, in the root mean square.
    The first and the last point of the result are the same.
    """
    closed = np.concatenate([curve, curve[:1]])
    spline, _ = interpolate.splprep(closed.T, s=len(curve) * smoothing**2, per=1)
    dense = interpolate.splev(np.linspace(0.0, 1.0, FILLED_POINTS + 1), spline)
    return np.stack(dense, axis=1)


def fill(curve: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return the pixels of (H, W) whose middles lie inside a closed curve (N, 2), bool.

    Where the curve crosses itself what it goes around in any way is inside.
    """
    start, end = curve, np.roll(curve, -1, axis=0)
    rows = np.arange(shape[0], dtype=float)[:, None]
    low, high = np.minimum(start[:, 0], end[:, 0]), np.maximum(start[:, 0], end[:, 0])
    crossed = (low <= rows) & (rows < high)
    inside = np.zeros(shape, bool)
    columns = np.arange(shape[1], dtype=float)
    for row in np.flatnonzero(crossed.any(axis=1)):
        own = crossed[row]
        share = (row - start[own, 0]) / (end[own, 0] - start[own, 0])
        where = np.sort(start[own, 1] + share * (end[own, 1] - start[own, 1]))
        inside[row] = np.searchsorted(where, columns) % 2 == 1
    return ndimage.binary_fill_holes(inside)


def _area(curve: np.ndarray) -> float:
    row, column = curve.T
    return 0.5 * float(np.sum(column * np.roll(row, -1) - np.roll(column, -1) * row))


def _evenly(curve: np.ndarray, points: int) -> np.ndarray:
    closed = np.concatenate([curve, curve[:1]])
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    wanted = np.linspace(0.0, length[-1], points, endpoint=False)
    return np.stack([np.interp(wanted, length, axis) for axis in closed.T], axis=1)


def _trace(region: np.ndarray) -> np.ndarray:
    """Return the boundary pixels of one connected region in order (Moore's neighbour tracing)."""
    padded = np.pad(region, 1)
    first = tuple(int(i) for i in np.argwhere(padded)[0])
    traced, here, looking = [first], first, 6  # Came from the west: begin with the north-west.
    second = None
    while True:
        for turn in range(8):
            direction = (looking + turn) % 8
            step = _AROUND[direction]
            there = (here[0] + step[0], here[1] + step[1])
            if padded[there]:
                break
        else:
            break  # A single pixel.
        if second is None:
            second = there
        elif here == first and there == second:
            break  # Around once: about to go the first step again.
        traced.append(there)
        here, looking = there, (direction + 6) % 8
    if len(traced) > 1 and traced[-1] == first:
        traced.pop()
    return np.array(traced) - 1
