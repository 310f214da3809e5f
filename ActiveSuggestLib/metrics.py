"""How well a segmentation agrees with the truth, and how sure a mean is.

Masks and label maps are (z, y, x); spacing is millimetres in the same order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .data.labels import UNKNOWN


@dataclass(frozen=True)
class Interval:
    """A mean of ``n`` values with its confidence limits (NaN where ``n`` is too small)."""

    mean: float
    low: float
    high: float
    n: int


def dice(prediction: np.ndarray, truth: np.ndarray, *, empty: float = 1.0) -> float:
    """Return the Dice coefficient 2|A ∩ B| / (|A| + |B|) of two masks of one shape.

    Two empty masks agree that there is nothing: they score ``empty``, by default 1.

    >>> dice(np.array([1, 1, 0, 0]), np.array([0, 1, 0, 0]))
    0.6666666666666666
    """
    prediction, truth = np.asarray(prediction, bool), np.asarray(truth, bool)
    total = int(prediction.sum()) + int(truth.sum())
    return empty if total == 0 else 2.0 * int((prediction & truth).sum()) / total


def segment_dice(
    prediction: np.ndarray,
    truth: np.ndarray,
    segments: Mapping[str, int],
    *,
    empty: float = 1.0,
) -> dict[str, float]:
    """Return the Dice of each segment (name → voxel value), in one pass over the voxels.

    Voxels that are ``UNKNOWN`` in the truth are left out.
    """
    known = truth != UNKNOWN
    pairs = np.bincount(
        truth[known].astype(np.int64) * 256 + prediction[known], minlength=65536
    ).reshape(256, 256)
    scores = {}
    for name, value in segments.items():
        total = int(pairs[value].sum() + pairs[:, value].sum())
        scores[name] = empty if total == 0 else 2.0 * int(pairs[value, value]) / total
    return scores


def mean_foreground_dice(
    prediction: np.ndarray,
    truth: np.ndarray,
    segments: Mapping[str, int],
    *,
    empty: float = 1.0,
) -> float:
    """Return the mean Dice over the segments; the background is no segment."""
    return _mean(list(segment_dice(prediction, truth, segments, empty=empty).values()))


def auc(scores: Sequence[float], positive: Sequence[bool]) -> float:
    """Return the area under the ROC curve: how often a positive is scored above a negative.

    Ties count half; NaN without a positive or without a negative.

    >>> auc([0.1, 0.4, 0.35, 0.8], [False, False, True, True])
    0.75
    """
    values, true = np.asarray(scores, float), np.asarray(positive, bool)
    high, low = values[true], np.sort(values[~true])
    if not (high.size and low.size):
        return math.nan
    below = np.searchsorted(low, high, "left") + np.searchsorted(low, high, "right")
    return float(below.mean() / (2 * low.size))


def one_vs_rest_auc(probability: np.ndarray, target: np.ndarray) -> float:
    """Return the mean AUC of the classes, each against all others.

    ``probability`` (N, C), ``target`` (N,) of class indices; classes that none or all of the
    images are of are left out, and NaN is returned if that leaves none.
    """
    each = [auc(p, target == c) for c, p in enumerate(np.asarray(probability, float).T)]
    return _mean(_finite(each))


def bootstrap_interval(
    values: Sequence[float], *, level: float = 0.95, resamples: int = 2000, seed: int = 0
) -> Interval:
    """Return the mean and its percentile-bootstrap interval; NaN values are left out.

    Below two values there is no interval.
    """
    kept = _finite(values)
    if kept.size < 2:
        return Interval(_mean(kept), math.nan, math.nan, int(kept.size))
    rng = np.random.default_rng(seed)
    means = kept[rng.integers(0, kept.size, (resamples, kept.size))].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(kept.mean()), float(low), float(high), int(kept.size))


def student_interval(values: Sequence[float], *, level: float = 0.95) -> Interval:
    """Return the mean and its t interval: honest for a handful of values, such as seeds."""
    # Not scipy.stats: it takes a second to load.
    from scipy.special import stdtrit

    kept = _finite(values)
    if kept.size < 2:
        return Interval(_mean(kept), math.nan, math.nan, int(kept.size))
    reach = float(stdtrit(kept.size - 1, (1 + level) / 2) * kept.std(ddof=1) / math.sqrt(kept.size))
    mean = float(kept.mean())
    return Interval(mean, mean - reach, mean + reach, int(kept.size))


def paired_difference(
    first: Sequence[float], second: Sequence[float], *, level: float = 0.95
) -> Interval:
    """Return the mean of first − second over pairs, with its t interval.

    Pairs share what is not under test: the seed, the test set, the first labels.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} values cannot be paired with {len(second)}")
    return student_interval(np.asarray(first, float) - np.asarray(second, float), level=level)


def area_under_budget(
    budget: Sequence[float],
    values: Sequence[float],
    *,
    low: float | None = None,
    high: float | None = None,
) -> float:
    """Return the mean height of a learning curve: its area over the budget's width.

    ``low`` and ``high`` cut out a part of the budget, between points by a line. A single point is
    its own height.

    >>> area_under_budget([2, 4, 8], [0.5, 0.7, 0.9])
    0.7333333333333334
    """
    x, y = np.asarray(budget, float), np.asarray(values, float)
    if x.size == 0:
        return math.nan
    first, last = x[0] if low is None else low, x[-1] if high is None else high
    if last <= first:
        return _mean(y) if low is None and high is None else float(np.interp(first, x, y))
    at = np.concatenate([[first], x[(x > first) & (x < last)], [last]])
    height = np.interp(at, x, y)
    return float(np.sum(np.diff(at) * (height[1:] + height[:-1]) / 2) / (last - first))


def surface_distances(
    prediction: np.ndarray, truth: np.ndarray, spacing: Sequence[float]
) -> np.ndarray:
    """Return the distances (mm) between two surfaces, both ways, as one list.

    Two empty masks give an empty list, one empty mask a single infinite distance.
    A surface voxel is one with a neighbour (by face) outside; beyond the array is outside. An axis
    with a single slice has no neighbours: the surface of a picture is its outline.
    """
    from scipy.ndimage import binary_erosion, generate_binary_structure
    from scipy.spatial import cKDTree

    prediction, truth = np.asarray(prediction, bool), np.asarray(truth, bool)
    if not prediction.any() or not truth.any():
        return np.array([np.inf] if prediction.any() or truth.any() else [])
    box = _bounding_box(prediction | truth)
    faces = generate_binary_structure(truth.ndim, 1)
    for axis, size in enumerate(truth.shape):
        if size == 1:
            faces.swapaxes(0, axis)[[0, 2]] = False
    points = []
    for mask in (prediction, truth):
        padded = np.pad(mask[box], 1)
        surface = padded & ~binary_erosion(padded, faces)
        points.append(np.argwhere(surface) * np.asarray(spacing, float))
    # A search tree of the surface points: a distance transform would pass over the whole volume.
    there, back = (cKDTree(b).query(a)[0] for a, b in (points, points[::-1]))
    return np.concatenate([there, back])


def hausdorff95(prediction: np.ndarray, truth: np.ndarray, spacing: Sequence[float]) -> float:
    """Return the 95th percentile of the surface distances of a whole volume, in mm.

    Two empty masks are 0 mm apart, one empty mask is infinitely far.
    """
    distances = surface_distances(prediction, truth, spacing)
    if distances.size == 0 or np.isinf(distances).any():
        return math.inf if distances.size else 0.0
    return float(np.quantile(distances, 0.95))


def mean_surface_distance(
    prediction: np.ndarray, truth: np.ndarray, spacing: Sequence[float]
) -> float:
    """Return the mean of the surface distances of a whole volume, in mm.

    Two empty masks are 0 mm apart, one empty mask is infinitely far.
    """
    distances = surface_distances(prediction, truth, spacing)
    return float(distances.mean()) if distances.size else 0.0


def _bounding_box(mask: np.ndarray) -> tuple[slice, ...]:
    ranges = []
    for axis in range(mask.ndim):
        others = tuple(a for a in range(mask.ndim) if a != axis)
        inside = np.flatnonzero(mask.any(axis=others))
        ranges.append(slice(int(inside[0]), int(inside[-1]) + 1))
    return tuple(ranges)


def _finite(values: Sequence[float] | np.ndarray) -> np.ndarray:
    array = np.asarray(values, float)
    return array[np.isfinite(array)]


def _mean(values: Sequence[float] | np.ndarray) -> float:
    kept = _finite(values)
    return float(kept.mean()) if kept.size else math.nan
