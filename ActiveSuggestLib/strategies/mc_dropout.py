"""Rank by Monte-Carlo dropout variance (Rahimi et al.).

Score of a volume (eq. 1): U(x) = Σ_v V_v with V_v = (1/C) Σ_c Var_t p[t, c, v], the population
variance over T dropout samples. The sum grows with the number of voxels, so a larger field of
view looks more uncertain; and with masks shared over a volume its relative standard error is
about √(2/(T − 1)), 71 % at the paper's T = 5. The paper preset keeps both; the default takes
T ≥ 20, the same masks for every volume, and the mean over the predicted foreground together with
the mean over all voxels, each relative to the pool. The first does not shrink with the field of
view; the second still sees a structure that the model misses wholly.
"""

from __future__ import annotations

import numpy as np

from ..models.inference import Samples
from .base import SLICE, PoolView, RankingStrategy, Scores, StatisticsTable

PAPER_SAMPLES = 5
PAPER_DROPOUT = 0.5
FEWEST_SAMPLES = 20
MEASURE = "variance"
NEXT_TO_NOTHING = 1e-4


class MCDropout(RankingStrategy):
    """Volumes or slices whose prediction varies most under dropout.

    ``preset="paper"``: T = 5, p = 0.5, summed variance. ``samples`` sets T otherwise.
    """

    name = "mc-dropout"
    summary = "Where the model changes its mind when parts of it are switched off at random."

    def __init__(self, *, preset: str | None = None, samples: int | None = None) -> None:
        self.paper = preset == "paper"
        self.samples = samples

    def score(self, pool: PoolView) -> Scores:
        """Score every unit by its variance under dropout."""
        if self.paper:
            count = self.samples or PAPER_SAMPLES
            table = pool.statistics(Samples(count, p=PAPER_DROPOUT))
            values = table.values(MEASURE, "sum")
        else:
            count = self.samples or max(FEWEST_SAMPLES, pool.planned_samples)
            table = pool.statistics(Samples(count))
            foreground = table.values(MEASURE, "foreground")
            if pool.kind == SLICE:
                # Per area: a mean over the few foreground voxels of an end slice is all noise.
                foreground = foreground * table.foreground_shares()
            values = 0.5 * (relative(foreground) + relative(table.values(MEASURE, "mean")))
        return Scores(values, self._reasons(pool, table, values, count))

    def _reasons(
        self, pool: PoolView, table: StatisticsTable, values: np.ndarray, count: int
    ) -> list[list[str]]:
        if len(values) == 0:
            return []
        middle = float(np.median(values))
        mean, foreground = (table.values(MEASURE, a) for a in ("mean", "foreground"))
        worst, counts = table.worst_slices(), table.slice_counts()
        shares = table.foreground_shares()
        reasons = []
        for i in range(len(values)):
            times = f"{values[i] / middle:.1f} times the pool's median" if middle > 0 else "0"
            what = "Summed variance" if self.paper else "Uncertainty"
            text = [
                f"{what} under dropout is {times} "
                f"(standard deviation {np.sqrt(foreground[i]):.3f} in the predicted foreground, "
                f"{np.sqrt(mean[i]):.3f} overall; {count} samples)."
            ]
            if pool.kind != SLICE and counts[i] > 1:
                text.append(f"Most uncertain around slice {worst[i]}.")
            if shares[i] < NEXT_TO_NOTHING:
                text.append("The model finds next to nothing here.")
            reasons.append(text)
        return reasons


def relative(values: np.ndarray) -> np.ndarray:
    """Return values in units of their mean; zeros stay zeros.

    >>> relative(np.array([1.0, 3.0]))
    array([0.5, 1.5])
    """
    mean = float(np.mean(values)) if len(values) else 0.0
    return values / mean if mean > 0 else np.zeros_like(values)
