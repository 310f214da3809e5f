"""The nearest of some latents."""

from __future__ import annotations

import numpy as np

COMPARED_AT_ONCE = 4_000_000


def nearest_rows(z: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the row of ``others`` (M, d) nearest to each row of ``z`` (N, d), (N,).

    In blocks, so that no more than some millions of distances exist at once.
    """
    if not len(others):
        return np.zeros(len(z), int)
    half = 0.5 * np.einsum("md,md->m", others, others)
    rows = max(1, COMPARED_AT_ONCE // len(others))
    parts = [
        np.argmin(half - z[start : start + rows] @ others.T, axis=1)
        for start in range(0, len(z), rows)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, int)
