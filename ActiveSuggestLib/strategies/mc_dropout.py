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
from .base import PoolView, RankingStrategy, Scores, StatisticsTable
from .uncertainty import enough_samples, pooled, times_the_median, where

PAPER_SAMPLES = 5
PAPER_DROPOUT = 0.5
MEASURE = "variance"


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
            samples = enough_samples(pool, self.samples)
            count = samples.count
            table = pool.statistics(samples)
            values = pooled(pool, table, MEASURE)
        return Scores(values, self._reasons(pool, table, values, count))

    def _reasons(
        self, pool: PoolView, table: StatisticsTable, values: np.ndarray, count: int
    ) -> list[list[str]]:
        mean, foreground = (table.values(MEASURE, a) for a in ("mean", "foreground"))
        what = "Summed variance" if self.paper else "Uncertainty"
        times = times_the_median(values)
        return [
            [
                f"{what} under dropout is {times[i]} "
                f"(standard deviation {np.sqrt(foreground[i]):.3f} in the predicted foreground, "
                f"{np.sqrt(mean[i]):.3f} overall; {count} samples).",
                *place,
            ]
            for i, place in enumerate(where(pool, table))
        ]
