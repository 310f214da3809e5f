"""What a label was worth: labels needed to reach a goal, and foreground efficiency."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

STEEPEST = 1e4


def labels_needed(budget: Sequence[float], curves: np.ndarray, goal: float) -> np.ndarray:
    """Return the budget at which each curve first reaches the goal, between points by a line.

    ``curves`` (R, L) over one ``budget`` (L,); infinite where a curve never does. (R,)

    >>> labels_needed([2, 4, 8], np.array([[0.5, 0.75, 1.0], [0.5, 0.6, 0.7]]), 0.875).tolist()
    [6.0, inf]
    """
    if not len(budget):
        return np.full(len(curves), math.inf)
    units = np.asarray(budget, float)
    there = curves >= goal
    after = there.argmax(axis=1)
    before = np.maximum(after - 1, 0)
    rows = np.arange(len(curves))
    low, high = curves[rows, before], curves[rows, after]
    rise = np.where(high > low, high - low, 1.0)
    step = np.where(after > 0, (goal - low) / rise, 0.0)
    found = units[before] + step * (units[after] - units[before])
    return np.where(there.any(axis=1), found, math.inf)


def foreground_efficiency(
    shares: Sequence[float], values: Sequence[float], first: float, reachable: float
) -> float:
    """Return γ of y(x) = c − (c − y₀) exp(−γ (x − x₀)), fitted by least squares.

    ``shares`` are the labelled shares x of the pool's foreground, ``values`` the Dice y; y₀ is
    ``first`` at the smallest share x₀, c the Dice that is ``reachable`` with all labels. A larger γ
    closes the gap with less to outline (foreground efficiency of nnActive, Lüth et al., TMLR 2025).
    NaN where there is no gap to close or nothing to fit.
    """
    from scipy.optimize import curve_fit

    x, y = np.asarray(shares, float), np.asarray(values, float)
    gap = reachable - first
    if gap <= 0 or len(x) < 2 or np.ptp(x) <= 0:
        return math.nan

    def model(share: np.ndarray, gamma: float) -> np.ndarray:
        return reachable - gap * np.exp(-gamma * (share - x.min()))

    (gamma,), _ = curve_fit(model, x, y, p0=[1.0 / np.ptp(x)], bounds=(0.0, STEEPEST))
    return float(gamma)
