"""Surface distances of a simulation, where every case has to count with a finite number."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..metrics import surface_distances


def surface_agreement(
    prediction: np.ndarray, truth: np.ndarray, spacing: Sequence[float]
) -> tuple[float, float]:
    """Return the Hausdorff distance (95th percentile) and the mean surface distance, in mm.

    Masks are (z, y, x), ``spacing`` in the same order. Two empty masks are 0 mm apart. Where only
    one is empty both distances are the diagonal of the image, the farthest that there is: leaving
    such cases out would reward a model for finding nothing.
    """
    distances = surface_distances(prediction, truth, spacing)
    if distances.size == 0:
        return 0.0, 0.0
    if not np.isfinite(distances).all():
        diagonal = math.hypot(*(n * s for n, s in zip(truth.shape, spacing, strict=True)))
        return diagonal, diagonal
    return float(np.quantile(distances, 0.95)), float(distances.mean())
