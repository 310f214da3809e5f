"""Rank by Monte-Carlo dropout variance (Rahimi et al.).

Score of a volume (eq. 1): U(x) = Σ_v V_v with V_v = (1/C) Σ_c Var_t p[t, c, v], the population
variance over T dropout samples. The sum grows with the number of voxels, so a larger field of
view looks more uncertain; and with masks shared over a volume its relative standard error is
about √(2/(T − 1)), 71 % at the paper's T = 5. The paper preset keeps both; the default takes
T ≥ 20, the same masks for every volume, and the mean over the predicted foreground together with
the mean over all voxels, each relative to the pool. The first does not shrink with the field of
view; the second still sees a structure that the model misses wholly.

With the option ``race`` the number of samples is adaptive (``strategies.race``): T = 100, drawn to
the end only where a unit can still be among the top k.
"""

from __future__ import annotations

import numpy as np

from ..models.inference import Samples
from .base import PoolView, RaceView, RankingStrategy, Scores, StatisticsTable
from .race import RaceSpec
from .uncertainty import enough_samples, pooled, times_the_median, where

PAPER_SAMPLES = 5
PAPER_DROPOUT = 0.5
MEASURE = "variance"


class MCDropout(RankingStrategy):
    """Volumes or slices whose prediction varies most under dropout.

    ``preset="paper"``: T = 5, p = 0.5, summed variance. ``samples`` sets T otherwise. ``race`` is
    the k of a race, or below 1 the share of the pool; ``confidence`` is how sure it must be that a
    unit is not among them before it stops, and ``share`` bounds the passes.
    """

    name = "mc-dropout"
    summary = "Where the model changes its mind when parts of it are switched off at random."

    def __init__(
        self,
        *,
        preset: str | None = None,
        samples: int | None = None,
        race: float | None = None,
        confidence: float = RaceSpec.confidence,
        share: float = RaceSpec.share,
    ) -> None:
        self.paper = preset == "paper"
        self.samples = samples
        self.race: RaceSpec | None = None
        if race is None:
            return
        if self.paper:
            raise TypeError("the paper draws all its samples of every volume; it has no race")
        if race <= 0 or not 0.5 <= confidence < 1 or not 0 < share <= 1:
            raise TypeError("race is positive, confidence in 0.5 … 1 and share in 0 … 1")
        self.race = RaceSpec(race, samples or RaceSpec.samples, confidence, share)

    def score(self, pool: PoolView) -> Scores:
        """Score every unit by its variance under dropout."""
        if self.race is not None:
            return self._raced(pool, pool.race(self.race), self.race)
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

    def _raced(self, pool: PoolView, found: RaceView, spec: RaceSpec) -> Scores:
        """Return the scores of a race, with how far each unit got."""
        mean, foreground = (found.table.values(MEASURE, a) for a in ("mean", "foreground"))
        times = times_the_median(found.values)
        reasons = [
            [
                f"Uncertainty under dropout is {times[i]} "
                f"(standard deviation {np.sqrt(foreground[i]):.3f} in the predicted foreground, "
                f"{np.sqrt(mean[i]):.3f} overall).",
                _how_far(found, i, spec),
                *place,
            ]
            for i, place in enumerate(where(pool, found.table))
        ]
        return Scores(found.values, reasons)

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


def _how_far(found: RaceView, index: int, spec: RaceSpec) -> str:
    drawn, confidence = int(found.drawn[index]), float(found.confidence[index])
    passes = f"the race took {found.share:.0%} of all passes"
    if drawn >= spec.samples:
        return f"All {drawn} samples were drawn; {passes}."
    stopped = f"Stopped after {drawn} of {spec.samples} samples"
    outside = f"it is not among the top {found.places}"
    if confidence >= spec.confidence:
        return f"{stopped}: with {min(confidence, 0.9999):.2%} confidence {outside}; {passes}."
    if confidence < 0.5:
        inside = f"it may be among the top {found.places} ({1 - confidence:.0%})"
        return f"{stopped} as the passes were used up: {inside}."
    return f"{stopped} as the passes were used up: only {confidence:.0%} sure that {outside}."
