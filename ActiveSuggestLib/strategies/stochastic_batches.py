"""Score random groups, not units: an add-on to any uncertainty (Gaillochet et al., MedIA 2023).

Q batches are drawn at random; the one with the highest mean uncertainty is labelled. Each batch is
as diverse as a random draw, while the highest single scores tend to be many times the same thing.
Here the batches are drawn under the constraints of every suggestion, and Q = 100 (the more
batches, the nearer to the plain ranking; the value is ours).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import registry
from .base import Pick, PoolView, RankingStrategy, Scores, ranking
from .diversity import Constraints, first_open

GROUPS = 100


class StochasticBatches(RankingStrategy):
    """The most uncertain of ``groups`` random batches.

    ``of`` names the strategy whose scores are averaged; further options are that strategy's.
    """

    name = "stochastic-batches"
    summary = "The most uncertain of many random batches; of=NAME chooses the uncertainty."

    def __init__(
        self,
        *,
        of: str = "entropy",
        groups: int = GROUPS,
        preset: str | None = None,
        **options: Any,
    ) -> None:
        self.inner = registry.make(of, preset=preset, **options)
        self.groups = max(1, groups)
        self.needs_model = self.inner.needs_model
        self.autoencoder: str | None = getattr(self.inner, "autoencoder", None)

    def score(self, pool: PoolView) -> Scores:
        """Score every unit as ``of`` does."""
        return self.inner.score(pool)

    def select(
        self, pool: PoolView, scores: Scores, allowed: np.ndarray, count: int
    ) -> Sequence[int | Pick]:
        """Return the best of the random batches, its highest scores first."""
        constraints = Constraints(pool.units, pool.labelled, count, among=allowed)
        values = np.asarray(scores.values, float)
        batches = random_batches(constraints, count, self.groups, pool.rng)
        means = np.array([values[batch].mean() if batch else -np.inf for batch in batches])
        best = batches[int(np.argmax(means))]
        reason = (
            f"Part of the best of {self.groups} random batches of {len(best)}: mean score "
            f"{means.max():.3g}, on average {means.mean():.3g}."
        )
        return [Pick(best[i], (reason,)) for i in ranking(values[best])]


def random_batches(
    constraints: Constraints, count: int, groups: int, rng: np.random.Generator
) -> list[list[int]]:
    """Return ``groups`` random batches of ``count`` units, each under the constraints."""
    indices = np.flatnonzero(constraints.among)
    return [first_open(rng.permutation(indices), constraints, count) for _ in range(groups)]
