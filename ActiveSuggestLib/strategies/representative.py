"""Pick what is likely in the pool and unlikely among the annotated: r = ℓ_pool − ℓ_annotated.

Ozdemir et al. take the k highest r at once, which picks near-duplicates. Our extension fits the
annotated Gaussian anew after each pick, as if the pick were labelled, at O(d) for the fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .likelihood import Moments, alive, fit_annotated, fit_pool, log_likelihood, usual


@dataclass(frozen=True)
class Representatives:
    """The picks as rows of the candidates, best first, and each one's r when it was picked."""

    picks: list[int]
    ratios: list[float]


@dataclass(frozen=True)
class LatentFits:
    """The fits of a round: the whole pool's and the annotated's moments, and the likelihood."""

    pool: Moments
    annotated: Moments
    likelihood: str = "tail"

    @property
    def living(self) -> np.ndarray:
        """Which dimensions count, (d,)."""
        return alive(self.pool.sigma)

    def of_pool(self, z: np.ndarray) -> np.ndarray:
        """Return ℓ_pool, (N,)."""
        return log_likelihood(z, fit_pool(self.pool, self.living), self.likelihood)

    def of_annotated(self, z: np.ndarray, annotated: Moments) -> np.ndarray:
        """Return ℓ_annotated, (N,); 0 while nothing is annotated, so that r is ℓ_pool."""
        if not annotated.count:
            return np.zeros(len(z))
        fit = fit_annotated(annotated, self.pool, self.living)
        return log_likelihood(z, fit, self.likelihood)

    def ratio(self, z: np.ndarray) -> np.ndarray:
        """Return r = ℓ_pool − ℓ_annotated in nats, (N,)."""
        return self.of_pool(z) - self.of_annotated(z, self.annotated)

    def usual(self, z: np.ndarray) -> np.ndarray:
        """Return which latents are no outliers of the pool, (N,)."""
        fit = fit_pool(self.pool, self.living)
        return usual(log_likelihood(z, fit, "tail"), fit.dimensions)


def most_uncertain(uncertainty: np.ndarray, count: int) -> np.ndarray:
    """Return the rows of the ``count`` highest values, highest first, ties by row."""
    if count < len(uncertainty):
        least = np.partition(uncertainty, len(uncertainty) - count)[len(uncertainty) - count]
        rows = np.flatnonzero(uncertainty >= least)
    else:
        rows = np.arange(len(uncertainty))
    return rows[np.argsort(-uncertainty[rows], kind="stable")][:count]


def pick_representatives(
    z: np.ndarray, fits: LatentFits, count: int, *, refit: bool = True, guard: bool = True
) -> Representatives:
    """Return up to ``count`` rows of ``z`` (N, d) with the highest r; ties take the lowest row.

    ``guard`` leaves the pool's outliers for last, the least unusual first; ``refit`` counts each
    pick as annotated before the next.
    """
    left = np.ones(len(z), bool)
    fair = fits.usual(z) if guard else left.copy()
    in_pool = fits.of_pool(z)
    annotated = fits.annotated
    ratio = in_pool - fits.of_annotated(z, annotated)
    picks: list[int] = []
    ratios: list[float] = []
    while len(picks) < min(count, len(z)):
        among = left & fair
        worth = np.where(among, ratio, -np.inf) if among.any() else np.where(left, in_pool, -np.inf)
        best = int(np.argmax(worth))
        picks.append(best)
        ratios.append(float(ratio[best]))
        left[best] = False
        if refit and len(picks) < count:
            annotated = annotated.with_one(z[best])
            ratio = in_pool - fits.of_annotated(z, annotated)
    return Representatives(picks, ratios)
