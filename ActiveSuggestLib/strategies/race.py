"""A race for the top k: sampling stops where a unit can no longer reach it (Maron and Moore 1994).

The variance of T samples is a mean of increments, U_T = Σ_{i=2..T} m_i / (T − 1) with
m_i = (p_i − μ_{i−1})(p_i − μ_i) (Welford), each of them an estimate of the same variance. All
volumes share their masks: on hippocampus, 99 % of what increments differ by is the mask, not the
volume. So the mean increments of the finished volumes are a control variate for the others, and
what N increments of a unit will come to is known from n much more precisely than from n alone.

A first few samples are drawn of every case. Then, the most promising first, a case is sampled until
all T are drawn or each of its units reaches the k-th best of the finished ones with no more than
1 − confidence. The passes are bounded: what the budget leaves unsampled keeps its first estimate,
and its lower confidence is told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import stdtr

FIRST = 8
STEP = 4
FEWEST = 3
# The opening takes at most this part of the budget.
OPENING_PART = 3
# How many increments the belief in a proportional slope is worth.
PROPORTIONAL = 4.0
SMALLEST = 1e-30

Draw = Callable[[str, int], np.ndarray]
"""From a case and a number of samples t to its units' increments in A parts, (t − 1, U, A).

Fewer than asked for end the sampling of the case.
The parts count alike, each relative to its mean over the pool.
"""


@dataclass(frozen=True)
class RaceSpec:
    """For the highest ``top`` units (below 1: that share of them) of ``samples`` T.

    ``share`` of the passes of a whole sampling are spent at most, unless the first samples and k
    finished cases take more. ``confidence`` is that of a single look; there are many.
    """

    top: float = 0.1
    samples: int = 100
    confidence: float = 0.999
    share: float = 1 / 3
    first: int = FIRST

    @property
    def opening(self) -> int:
        """The samples that every case gets: ``first``, or less where T is small."""
        fitting = max(FEWEST, int(self.share * self.samples / OPENING_PART))
        return min(self.first, fitting, self.samples)

    def places(self, units: int) -> int:
        """Return k."""
        return min(units, max(1, round(self.top * units if self.top < 1 else self.top)))


@dataclass
class RaceResult:
    """How the race ended for each case.

    ``estimates`` and ``confidence`` (U,) hold for its units: what the mean of all increments is
    expected to be, and how sure it is that the unit does not reach the top k (0 for those in it, 1
    for finished ones outside). ``drawn`` is how many samples the estimate rests on, ``passes`` what
    was spent.
    """

    places: int
    estimates: dict[str, np.ndarray] = field(default_factory=dict)
    confidence: dict[str, np.ndarray] = field(default_factory=dict)
    drawn: dict[str, int] = field(default_factory=dict)
    passes: int = 0


def expected_mean(
    known: np.ndarray, control: np.ndarray, total: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return what each unit's mean over ``total`` increments will be, and its standard error, (U,).

    ``known`` (n, U) are the increments so far. ``control`` (total,) is known for all of them: the
    regression estimator x̄ + b (F̄ − f̄) of a finite population (Cochran 1977, section 7). A few
    increments say little about the slope b, so it is drawn towards x̄ / f̄, the ratio estimator's:
    a harsh mask raises all variances in proportion.
    """
    count = len(known)
    mean = known.mean(axis=0)
    if count >= total:
        return mean, np.zeros(len(mean))
    so_far = control[:count]
    away = so_far - so_far.mean()
    spread = float(away @ away)
    prior = PROPORTIONAL * float(control.var())
    proportional = mean / so_far.mean() if so_far.mean() > 0 else np.zeros(len(mean))
    slope = (away @ known + prior * proportional) / max(spread + prior, SMALLEST)
    ahead = float(control.mean() - so_far.mean())
    rest = known - mean - away[:, None] * slope
    variance = (rest**2).sum(axis=0) / max(1, count - 2)
    lever = ahead**2 / max(spread + prior, SMALLEST)
    return mean + slope * ahead, np.sqrt(variance * (1 / count - 1 / total + lever))


def chance_to_reach(known: np.ndarray, control: np.ndarray, bar: float, total: int) -> np.ndarray:
    """Return the chance that each unit's mean over ``total`` increments reaches ``bar``, (U,)."""
    expected, error = expected_mean(known, control, total)
    sure = error <= 1e-12 * abs(bar)
    freedom = max(1, len(known) - 2)
    chance = stdtr(freedom, (expected - bar) / np.where(sure, 1.0, error))
    return np.where(sure, (expected >= bar).astype(float), chance)


def race(cases: Sequence[str], draw: Draw, spec: RaceSpec) -> RaceResult:
    """Race the units of ``cases`` for the top k and tell how it ended.

    The result depends on what ``draw`` returns and on ``spec`` alone.
    """
    if not cases:
        return RaceResult(0)
    total = spec.samples
    first = spec.opening
    drawn = {case: draw(case, first) for case in cases}
    weights = _weights([m.mean(axis=0) for m in drawn.values()])
    series = {case: increments @ weights for case, increments in drawn.items()}
    units = sum(s.shape[1] for s in series.values())
    result = RaceResult(spec.places(units), passes=first * len(cases))
    field_ = _Field(result.places, total - 1)
    order = sorted(cases, key=lambda c: -float(series[c].mean(axis=0).max()))
    budget = max(
        spec.share * total * len(cases), result.passes + total * _cases_for(series, field_)
    )
    for case in order:
        bar = field_.bar()
        taken = first
        # A volume that is taken up again begins anew: to keep all maps would take the whole memory.
        spent = 0
        while taken < total:
            if bar is not None:
                chance = chance_to_reach(series[case], field_.control(), bar, total - 1)
                if (chance < 1 - spec.confidence).all():
                    break
            after = total if bar is None else min(total, taken + STEP)
            if result.passes + after > budget:
                break
            series[case] = draw(case, after) @ weights
            taken = spent = len(series[case]) + 1
            if taken < after:
                break  # The image has become unusable since.
        result.passes += spent
        result.drawn[case] = taken
        result.estimates[case] = series[case].mean(axis=0)
        if taken == total:
            field_.finish(series[case])
    bar = field_.bar()
    for case in cases:
        known = series[case]
        if bar is None:
            result.confidence[case] = np.zeros(known.shape[1])
            continue
        control = field_.control()
        result.confidence[case] = 1.0 - chance_to_reach(known, control, bar, total - 1)
        # The masks of the first samples may be harsher than the rest, for all units alike.
        result.estimates[case] = expected_mean(known, control, total - 1)[0]
    return result


class _Field:
    """The finished units: the k-th best of them, and what a sample gives on average."""

    def __init__(self, places: int, total: int) -> None:
        self.places = places
        self._best = np.empty(0)
        self._sum = np.zeros(total)
        self._count = 0

    def finish(self, series: np.ndarray) -> None:
        both = np.concatenate([self._best, series.mean(axis=0)])
        self._best = -np.sort(-both)[: self.places]
        self._sum += series.sum(axis=1)
        self._count += series.shape[1]

    def bar(self) -> float | None:
        """Return the k-th best mean, or ``None`` while fewer are finished."""
        return float(self._best[-1]) if len(self._best) >= self.places else None

    def control(self) -> np.ndarray:
        """Return the mean increments of the finished units, (T − 1,)."""
        return self._sum / max(1, self._count)


def _cases_for(series: dict[str, np.ndarray], field_: _Field) -> int:
    """Return how many cases hold k units."""
    sizes = [s.shape[1] for s in series.values()]
    return int(np.searchsorted(np.cumsum(sizes), field_.places) + 1)


def _weights(means: Sequence[np.ndarray]) -> np.ndarray:
    """Return what each part counts, (A,): they count alike, relative to the pool's mean."""
    everything = np.concatenate(means)
    parts = everything.shape[1]
    pool = everything.mean(axis=0)
    return np.where(pool > 0, 1.0 / np.where(pool > 0, pool, 1.0), 0.0) / parts
