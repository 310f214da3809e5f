"""What a variance over T samples will come to, from its first few (a finite population's mean).

The variance of T samples is a mean of increments, U_T = Σ_{i=2..T} m_i / (T − 1) with
m_i = (p_i − μ_{i−1})(p_i − μ_i) (Welford), each of them an estimate of the same variance. All units
share their masks, and a mask does much the same to all: on hippocampus, 99 % of what the increments
of volumes differ by is the mask. So the units that were sampled to the end tell what the masks to
come will do to the others.

With few of them their mean is a control variate. With many, the others' increments are taken for
draws from the same distribution, a normal one around that mean with a few principal directions
(probabilistic PCA, Tipping and Bishop 1999), and what is missing is expected given what is known:
masks that disturb the ends of an organ are not those that disturb its middle.
"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtr

# How many increments the belief in a proportional slope is worth.
PROPORTIONAL = 4.0
# And the belief that a unit strays from the principal directions as far as others do.
ORDINARY = 4.0
MOST_DIRECTIONS = 8
UNITS_A_DIRECTION = 16
SMALLEST = 1e-30


class FinishedUnits:
    """The units with all ``total`` increments; of each only its part in two sums is kept."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.count = 0
        self._sum = np.zeros(total)
        self._products = np.zeros((total, total))
        self._principal: tuple[np.ndarray, float] | None = None

    def add(self, series: np.ndarray) -> None:
        """Take units' increments (total, U)."""
        self.count += series.shape[1]
        self._sum += series.sum(axis=1)
        self._products += series @ series.T
        self._principal = None

    def expect(self, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what the mean of units' increments will be, and its standard error, (U,).

        ``known`` (n, U) are their first n. Where nothing is finished, the masks tell nothing.
        """
        if not self.count:
            return expected_mean(known, np.ones(self.total), self.total)
        mean = self._sum / self.count
        directions = min(MOST_DIRECTIONS, self.count // UNITS_A_DIRECTION)
        if not directions:
            return expected_mean(known, mean, self.total)
        if self._principal is None:
            covariance = self._products / self.count - np.outer(mean, mean)
            loads, rest = principal_directions(covariance, directions)
            # The finished ones are no fair sample: they may all be large.
            self._principal = np.concatenate([mean[:, None], loads], axis=1), rest
        return expected_by_directions(known, mean, *self._principal)

    def chance(self, known: np.ndarray, bar: float) -> np.ndarray:
        """Return the chance that each unit's mean reaches ``bar``, (U,)."""
        expected, error = self.expect(known)
        return chance_to_reach(expected, error, bar, len(known))


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


def principal_directions(covariance: np.ndarray, count: int) -> tuple[np.ndarray, float]:
    """Return the first ``count`` directions of a covariance (T, T), and the variance of the rest.

    The directions (T, count) have the length of what they add to the rest's standard deviation.
    """
    values, vectors = np.linalg.eigh(covariance)
    rest = max(float(values[:-count].mean()), SMALLEST)
    return vectors[:, -count:] * np.sqrt(np.maximum(values[-count:] - rest, 0.0)), rest


def expected_by_directions(
    known: np.ndarray, mean: np.ndarray, loads: np.ndarray, rest: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the same for units of mean (T,) and covariance loads · loadsᵀ + rest · 1 over units.

    Those to come are expected given those that are known. The error grows with how far the unit
    itself strays from the directions ``loads`` (T, K).
    """
    count, (total, directions) = len(known), loads.shape
    if count >= total:
        return known.mean(axis=0), np.zeros(known.shape[1])
    seen = loads[:count]
    inner = seen.T @ seen + rest * np.eye(directions)
    away = known - mean[:count, None]
    weights = np.linalg.solve(inner, seen.T @ away)
    ahead = loads[count:].mean(axis=0)
    to_come = mean[count:].mean() + ahead @ weights
    strays = ((away - seen @ weights) ** 2).sum(axis=0) + ORDINARY * rest
    # What the weights take up of ``count`` values that stray by ``rest`` each, on average.
    taken_up = float(np.trace(np.linalg.solve(inner, seen.T @ seen)))
    noise = strays / (count - taken_up + ORDINARY)
    lever = float(ahead @ np.linalg.solve(inner, ahead)) + 1 / (total - count)
    part = (total - count) / total
    return (1 - part) * known.mean(axis=0) + part * to_come, part * np.sqrt(noise * lever)


def chance_to_reach(expected: np.ndarray, error: np.ndarray, bar: float, count: int) -> np.ndarray:
    """Return the chance that means told from ``count`` increments reach ``bar``, (U,).

    By Student's t with the degrees of freedom of a regression on one variable.
    """
    sure = error <= 1e-12 * abs(bar)
    chance = stdtr(max(1, count - 2), (expected - bar) / np.where(sure, 1.0, error))
    return np.where(sure, (expected >= bar).astype(float), chance)
