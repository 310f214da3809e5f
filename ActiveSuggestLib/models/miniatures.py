"""Miniatures of images, and the few numbers in which the images of a pool differ most."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from torch.nn import functional

from .preparing import Prepared

SIDE = 24
DEPTH = 8
FARTHEST = 5.0
COMPONENTS = 30
# The components of a large pool are those of this many images.
MOST_ROWS = 4000
NOTHING = 1e-6


def miniatures(prepared: Prepared) -> np.ndarray:
    """Return each slice of the *image*, in its order, as float32 (S, C, 24, 24).

    Means over parts of the slice; brightness as the volume was normalised, so that slices of a
    volume keep their differences.
    """
    slices = prepared.array.clamp(-FARTHEST, FARTHEST).movedim(0, 1)
    small = functional.adaptive_avg_pool2d(slices, (SIDE, SIDE))
    return small.numpy()[prepared.image_slices()]


def of_volumes(volumes: Sequence[np.ndarray]) -> np.ndarray:
    """Return a row a volume of their miniatures (S, C, 24, 24): 8 × 8 × 8 means a channel, (N, D).

    Pictures, which have one slice each, keep all their 24 × 24.
    """
    if all(len(slices) == 1 for slices in volumes):
        return np.stack([slices.ravel() for slices in volumes])
    return np.stack([_blocks(slices) for slices in volumes])


def _blocks(slices: np.ndarray) -> np.ndarray:
    # Every part has one slice at least, and all parts together are the whole volume.
    edges = np.linspace(0, len(slices), DEPTH + 1)
    parts = [slices[int(a) : max(int(a) + 1, int(b))].mean(axis=0) for a, b in pairwise(edges)]
    part = SIDE // DEPTH
    blocks = np.stack(parts).reshape(DEPTH, -1, DEPTH, part, DEPTH, part)
    return blocks.mean(axis=(3, 5)).ravel()


def principal_components(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the rows (N, D) in their first ``COMPONENTS`` principal components, float32 (N, d).

    Each component is divided by the square root of its deviation: the strongest, such as contrast,
    would otherwise decide alone which images look alike, and the weakest, which are noise, would
    count as much as any if they were divided by the whole. d is smaller where there are fewer rows
    or differences.
    """
    sample = rows
    if len(rows) > MOST_ROWS:
        sample = rows[np.sort(rng.choice(len(rows), MOST_ROWS, replace=False))]
    middle = sample.mean(axis=0)
    _, deviations, directions = np.linalg.svd(
        (sample - middle).astype(np.float64), full_matrices=False
    )
    deviations = deviations / np.sqrt(max(len(sample), 1))
    kept = min(COMPONENTS, int((deviations > NOTHING).sum()))
    scaled = directions[:kept] / np.sqrt(deviations[:kept, None])
    return ((rows - middle) @ scaled.T).astype(np.float32)
