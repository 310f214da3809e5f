"""What strategies that rank by one uncertainty share: how a map becomes a score and a sentence.

A map is pooled over a unit in two ways (Σ w s / Σ w with w = 1 − p̄_background, and the plain mean),
each relative to the pool, and the two are averaged. The first does not shrink with the field of
view; the second still sees a structure that the model misses wholly.
"""

from __future__ import annotations

import numpy as np

from ..models.inference import Samples
from .base import SLICE, PoolView, RankingStrategy, Scores, StatisticsTable

FEWEST_SAMPLES = 20
NEXT_TO_NOTHING = 1e-4


class UncertaintyRanking(RankingStrategy):
    """Units by one measure of ``models.statistics.MEASURES``.

    ``preset="paper"`` takes the plain mean over all voxels, as the measure is defined; ``samples``
    sets the number T of Monte-Carlo samples.
    """

    measure = ""
    quantity = ""
    unit = ""

    def __init__(self, *, preset: str | None = None, samples: int | None = None) -> None:
        self.paper = preset == "paper"
        self.samples = samples

    def score(self, pool: PoolView) -> Scores:
        """Score every unit by its uncertainty."""
        samples = enough_samples(pool, self.samples)
        table = pool.statistics(samples)
        values = (
            table.values(self.measure, "mean") if self.paper else pooled(pool, table, self.measure)
        )
        return Scores(values, self._reasons(pool, table, values, samples.count))

    def _reasons(
        self, pool: PoolView, table: StatisticsTable, values: np.ndarray, count: int
    ) -> list[list[str]]:
        mean, foreground = (table.values(self.measure, a) for a in ("mean", "foreground"))
        times = times_the_median(values)
        return [
            [
                f"{self.quantity} is {times[i]} ({foreground[i]:.3g}{self.unit} in the predicted "
                f"foreground, {mean[i]:.3g} overall; {count} samples).",
                *place,
            ]
            for i, place in enumerate(where(pool, table))
        ]


def enough_samples(pool: PoolView, wanted: int | None = None) -> Samples:
    """Return the samples to draw: ``wanted``, or what the plan foresees and 20 at least."""
    return Samples(wanted or max(FEWEST_SAMPLES, pool.planned_samples))


def pooled(pool: PoolView, table: StatisticsTable, measure: str) -> np.ndarray:
    """Return ½ (foreground mean + mean), each relative to the pool's own mean, (N,).

    The foreground of a slice counts per area, Σ w s / |v|: a mean over the few foreground voxels
    of an end slice is all noise.
    """
    foreground = table.values(measure, "foreground")
    if pool.kind == SLICE:
        foreground = foreground * table.foreground_shares()
    return 0.5 * (relative(foreground) + relative(table.values(measure, "mean")))


def relative(values: np.ndarray) -> np.ndarray:
    """Return values in units of their mean; zeros stay zeros.

    >>> relative(np.array([1.0, 3.0]))
    array([0.5, 1.5])
    """
    mean = float(np.mean(values)) if len(values) else 0.0
    return values / mean if mean > 0 else np.zeros_like(values)


def times_the_median(values: np.ndarray) -> list[str]:
    """Return each value in words, relative to the pool.

    >>> times_the_median(np.array([1.0, 2.0, 3.0]))[2]
    "1.5 times the pool's median"
    """
    middle = float(np.median(values)) if len(values) else 0.0
    return [f"{v / middle:.1f} times the pool's median" if middle > 0 else "0" for v in values]


def where(pool: PoolView, table: StatisticsTable) -> list[list[str]]:
    """Return for each unit where its uncertainty lies, and whether the model finds anything."""
    worst, counts = table.worst_slices(), table.slice_counts()
    shares = table.foreground_shares()
    reasons = []
    for i in range(len(worst)):
        text = []
        if pool.kind != SLICE and counts[i] > 1:
            text.append(f"Most uncertain around slice {worst[i]}.")
        if shares[i] < NEXT_TO_NOTHING:
            text.append("The model finds next to nothing here.")
        reasons.append(text)
    return reasons
