"""The labels a strategy needs for a share of what all labels of the pool give."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..metrics import Interval
from .efficiency import labels_needed

if TYPE_CHECKING:
    from .curves import SimulationResult

GOALS = (0.90, 0.95)
"""Shares of the full-data Dice that are worth knowing the price of."""
RESAMPLES = 2000


@dataclass(frozen=True)
class Needed:
    """The labels that reach a ``share`` of the full-data Dice, of the seed's own full-data arm.

    ``mean_curve`` is read from the mean curve over the seeds, infinite where it does not get there;
    ``reached`` of ``seeds`` single curves do.
    """

    share: float
    mean_curve: float
    reached: int
    seeds: int


def needed(result: SimulationResult, name: str, share: float) -> Needed:
    """Return with how many labels a strategy reached a share of what all labels gave."""
    curves = _relative_curves(result, name)
    if not curves:
        return Needed(share, math.nan, 0, 0)
    units, heights = _together(list(curves.values()))
    mean_curve = labels_needed(units, heights.mean(axis=0)[None], share)[0]
    reached = sum(bool(np.any(own >= share)) for _, own in curves.values())
    return Needed(share, float(mean_curve), reached, len(curves))


def times_as_many(result: SimulationResult, name: str, reference: str, share: float) -> Interval:
    """Return how many times the labels of a strategy the reference needs for a share.

    Both are read from the mean curves over the seeds that have both arms and the full data. The
    limits are the percentiles of ``RESAMPLES`` bootstraps over these seeds, drawn in pairs (Efron &
    Tibshirani, 1993), at 95 %. Infinite where only the reference does not get there, 0 where only
    the strategy does not, NaN where neither does. A single seed has no limits.
    """
    ours, theirs = _relative_curves(result, name), _relative_curves(result, reference)
    seeds = [seed for seed in ours if seed in theirs]
    if not seeds:
        return Interval(math.nan, math.nan, math.nan, 0)
    sides = [_together([curves[seed] for seed in seeds]) for curves in (ours, theirs)]

    def times(drawn: np.ndarray) -> np.ndarray:
        """Return the ratio of each row of seeds (R, S)."""
        first, second = (
            labels_needed(units, heights[drawn].mean(axis=1), share) for units, heights in sides
        )
        both_far = np.isinf(first) & np.isinf(second)
        return np.where(both_far, math.nan, second / np.where(both_far, 1.0, first))

    mean = float(times(np.arange(len(seeds))[None])[0])
    if len(seeds) < 2:
        return Interval(mean, math.nan, math.nan, len(seeds))
    draws = np.random.default_rng(0).integers(0, len(seeds), (RESAMPLES, len(seeds)))
    found = np.sort(times(draws))
    found = found[~np.isnan(found)]
    if not len(found):
        return Interval(mean, math.nan, math.nan, len(seeds))
    # Of the sorted ones themselves: between a finite and an infinite one there is nothing.
    low, high = (float(found[round(q * (len(found) - 1))]) for q in (0.025, 0.975))
    return Interval(mean, low, high, len(seeds))


def _relative_curves(
    result: SimulationResult, name: str
) -> dict[int, tuple[list[float], np.ndarray]]:
    """Return seed → budgets and Dice as a share of what all labels of the seed gave.

    Relative to each seed's own, so that an easy test set does not count for more.
    """
    found = {}
    for seed in result.seeds:
        full, rows = result.full_data(seed), result.arm(name, seed)
        if full is not None and rows:
            units = [float(r.labelled_units) for r in rows]
            found[seed] = units, np.array([r.mean for r in rows]) / full.mean
    return found


def _together(curves: list[tuple[list[float], np.ndarray]]) -> tuple[list[float], np.ndarray]:
    """Return the mean budgets (L,) and the curves (S, L), as long as the shortest of them."""
    length = min(len(heights) for _, heights in curves)
    units = np.mean([units[:length] for units, _ in curves], axis=0)
    return units.tolist(), np.stack([heights[:length] for _, heights in curves])
