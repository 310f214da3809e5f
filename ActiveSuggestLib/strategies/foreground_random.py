"""Random choice among what holds predicted foreground: the baseline that is hard to beat.

nnActive (Lüth et al., TMLR 2025) draws its regions from three areas of the structures: anywhere,
inside, and on the border, in the proportions 4:1:1 or 1:1:1 (its 33 % and 66 % foreground). Volumes
with predicted foreground are drawn with equal chances. A slice of such a volume is drawn from the
areas: anywhere is every slice that shows foreground, inside weights a slice by the predicted area
A of its structures, and border by √A, as a shape's outline grows with the root of its area.
"""

from __future__ import annotations

import numpy as np

from ..models.inference import Samples
from .base import SLICE, PoolView, RankingStrategy, Scores
from .random_choice import patient_draw
from .uncertainty import NEXT_TO_NOTHING

ONE_SAMPLE = Samples(1)
AREAS = (1.0, 1.0, 1.0)
PAPER_AREAS = (4.0, 1.0, 1.0)


class ForegroundRandom(RankingStrategy):
    """A fair draw among the patients in whom the model finds something.

    ``preset="paper"`` weights the areas 4:1:1 instead of 1:1:1.
    """

    name = "foreground-random"
    summary = "A fair draw among what the model finds something in."

    def __init__(self, *, preset: str | None = None) -> None:
        self.areas = PAPER_AREAS if preset == "paper" else AREAS

    def score(self, pool: PoolView) -> Scores:
        """Score every unit by a random number, those without foreground below all others."""
        table = pool.statistics(ONE_SAMPLE)
        shares = table.foreground_shares()
        seen = shares >= NEXT_TO_NOTHING
        chances = seen.astype(float)
        if pool.kind == SLICE:
            area = table.class_mass()[:, 1:].sum(axis=1)
            chances = area_chances(np.where(seen, area, 0.0), self.areas)
        values = np.empty(len(seen))
        values[seen] = 2.0 + patient_draw(
            [u.patient for u, s in zip(pool.units, seen, strict=True) if s],
            pool.rng,
            chances[seen],
        )
        values[~seen] = pool.rng.random(int((~seen).sum()))
        return Scores(
            values,
            [
                [f"Drawn at random among units with predicted foreground ({share:.2%} of this)."]
                if found
                else ["The model finds next to nothing here, so it comes after all others."]
                for share, found in zip(shares, seen, strict=True)
            ],
        )


def area_chances(area: np.ndarray, weights: tuple[float, float, float]) -> np.ndarray:
    """Return the chance of each slice, (N,), to be drawn from anywhere, inside or border.

    ``area`` (N,) is the predicted area of the structures, 0 where there is nothing.

    >>> area_chances(np.array([0.0, 1.0, 4.0]), (0, 1, 0)).tolist()
    [0.0, 0.2, 0.8]
    """
    parts = ((area > 0).astype(float), area, np.sqrt(area))
    total = sum(w * p / max(float(p.sum()), 1e-12) for w, p in zip(weights, parts, strict=True))
    return np.asarray(total) / sum(weights)
