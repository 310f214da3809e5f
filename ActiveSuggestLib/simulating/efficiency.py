"""What a label was worth: labels needed to reach a goal, and foreground efficiency."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

STEEPEST = 1e4


def labels_needed(budget: Sequence[float], values: Sequence[float], goal: float) -> float:
    """Return the budget at which a curve first reaches the goal, between points by a line.

    Infinite if it never does.

    >>> labels_needed([2, 4, 8], [0.5, 0.75, 1.0], 0.875)
    6.0
    """
    for i, value in enumerate(values):
        if value < goal:
            continue
        if i == 0:
            return float(budget[0])
        step = (goal - values[i - 1]) / (value - values[i - 1])
        return float(budget[i - 1] + step * (budget[i] - budget[i - 1]))
    return math.inf


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
