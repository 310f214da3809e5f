"""BALD with noise, so that a batch is not many times the same thing (Kirsch et al., 2023).

PowerBALD takes the k highest of β log s + ε, ε ~ Gumbel(0, 1) independent: a draw of k units
without replacement with probabilities proportional to s^β (Gumbel top-k). β = 0 is a random draw,
β → ∞ plain BALD.
"""

from __future__ import annotations

import numpy as np

from .base import PoolView, Scores
from .measures import BALD

SMALLEST = 1e-30


class PowerBALD(BALD):
    """Units drawn with a chance that grows with the samples' disagreement; ``beta`` sets how."""

    name = "power-bald"
    summary = "A draw that favours what the model's samples disagree about."

    def __init__(
        self, *, preset: str | None = None, samples: int | None = None, beta: float = 1.0
    ) -> None:
        super().__init__(preset=preset, samples=samples)
        self.beta = beta

    def score(self, pool: PoolView) -> Scores:
        """Score every unit by β log s + Gumbel noise."""
        plain = super().score(pool)
        values = power_scores(plain.values, self.beta, pool.rng)
        note = f"Drawn with a chance proportional to BALD to the power {self.beta:g}."
        return Scores(values, [[*r, note] for r in plain.reasons])


def power_scores(values: np.ndarray, beta: float, rng: np.random.Generator) -> np.ndarray:
    """Return β log s + Gumbel(0, 1), (N,); a score of zero is drawn last, and stays finite."""
    return beta * np.log(np.maximum(values, SMALLEST)) + rng.gumbel(size=len(values))
