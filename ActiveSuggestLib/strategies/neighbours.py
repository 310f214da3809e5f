"""Distances between many embeddings, in blocks, so that no N × N matrix is ever kept."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

BLOCK_BYTES = 32 * 1024**2


def nearest(points: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance to and the index of the nearest of ``others``, (N,) each.

    ``points`` (N, E), ``others`` (M, E) with M ≥ 1; ties go to the lowest index.

    >>> nearest(np.array([[0.0], [9.0]]), np.array([[1.0], [7.0]]))[0].tolist()
    [1.0, 2.0]
    """
    distance = np.empty(len(points), np.float32)
    index = np.empty(len(points), int)
    for rows, block in _squared_blocks(points, others):
        index[rows] = block.argmin(axis=1)
        distance[rows] = np.sqrt(block[np.arange(len(block)), index[rows]])
    return distance, index


def mean_neighbour_distance(points: np.ndarray, others: np.ndarray, count: int) -> np.ndarray:
    """Return the mean distance of each point to its ``count`` nearest ``others``, (N,).

    An embedding is no neighbour of itself: the nearest of ``others`` is left out, which is the
    point itself where ``others`` holds it. ``others`` (M, E), count < M.
    """
    mean = np.empty(len(points), np.float32)
    for rows, block in _squared_blocks(points, others):
        near = np.partition(block, count, axis=1)[:, : count + 1]
        near = np.sqrt(near)
        mean[rows] = (near.sum(axis=1) - near.min(axis=1)) / count
    return mean


def _squared_blocks(points: np.ndarray, others: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield rows and their squared distances to all others, float32 and never negative."""
    # |a|² + |b|² − 2ab loses what both have in common, so that is taken off first.
    middle = others.mean(axis=0, dtype=np.float64)
    a, b = (np.asarray(x - middle, np.float32) for x in (points, others))
    lengths = np.einsum("ne,ne->n", b, b)
    size = max(1, BLOCK_BYTES // (4 * max(len(b), 1)))
    for first in range(0, len(a), size):
        part = a[first : first + size]
        block = part @ b.T
        block *= -2.0
        block += lengths
        block += np.einsum("ne,ne->n", part, part)[:, None]
        yield slice(first, first + len(part)), np.maximum(block, 0, out=block)
