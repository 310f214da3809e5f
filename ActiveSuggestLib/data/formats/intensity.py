"""Intensity: the statistics of an image that a plan is made from, and whether it looks like CT."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_SAMPLE = 500_000
_CT_AIR = -150.0
_CT_RANGE = (-10_000.0, 40_000.0)


def describe(array: NDArray[np.float32]) -> dict[str, Any]:
    """Return min, max, mean, std, percentiles .5, 50 and 99.5 and the share of voxels not zero.

    The array is (C, z, y, x). Percentiles come from half a million voxels at even steps.
    With several channels, ``channels`` holds the same numbers for each.
    """
    numbers = _statistics(array)
    if array.shape[0] > 1:
        numbers["channels"] = [_statistics(channel) for channel in array]
    return numbers


def looks_like_ct(array: NDArray[np.float32]) -> bool:
    """Whether the voxels look like Hounsfield units: whole numbers, and much of it below water."""
    low, high = float(array.min()), float(array.max())
    if array.shape[0] != 1 or low > _CT_AIR or low < _CT_RANGE[0] or high > _CT_RANGE[1]:
        return False
    sample = _sample(array)
    return bool((sample == np.rint(sample)).all() and (sample < _CT_AIR).mean() > 0.01)


def _statistics(array: NDArray[np.float32]) -> dict[str, Any]:
    sample = _sample(array)
    low, middle, high = np.percentile(sample, [0.5, 50, 99.5])
    # In double precision, block by block: a float64 copy of a large volume would not fit.
    flat = array.reshape(-1)
    mean = float(flat.mean(dtype=np.float64))
    blocks = (flat[i : i + (1 << 20)].astype(np.float64) for i in range(0, flat.size, 1 << 20))
    variance = sum(float(((block - mean) ** 2).sum()) for block in blocks) / flat.size
    return {
        "min": float(array.min()),
        "max": float(array.max()),
        "mean": mean,
        "std": float(np.sqrt(variance)),
        "p005": float(low),
        "p50": float(middle),
        "p995": float(high),
        "nonzero": float(np.count_nonzero(array) / array.size),
    }


def _sample(array: NDArray[np.float32]) -> NDArray[np.float32]:
    return array.reshape(-1)[:: max(1, array.size // _SAMPLE)]
