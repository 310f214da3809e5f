"""Random choice: the baseline that a strategy has to beat."""

from __future__ import annotations

import numpy as np

from .base import PoolView, RankingStrategy, Scores


class RandomChoice(RankingStrategy):
    """Patients in random order, and a random volume or slice of each.

    Every patient has the same chance, however many volumes or slices there are of it.
    """

    name = "random"
    summary = "A fair draw: every patient has the same chance."
    needs_model = False

    def __init__(self, *, preset: str | None = None) -> None:
        del preset  # There is one way to be random.

    def score(self, pool: PoolView) -> Scores:
        """Score every unit by a random number; a patient's best unit decides its place."""
        patients = sorted({u.patient for u in pool.units})
        places = dict(zip(patients, pool.rng.permutation(len(patients)), strict=True))
        within = pool.rng.random(len(pool.units))
        best: dict[str, float] = {}
        for unit, value in zip(pool.units, within, strict=True):
            best[unit.patient] = max(best.get(unit.patient, 0.0), float(value))
        # The best unit of each patient lies above 1, in the patient's order; the others below.
        values = np.array(
            [
                1.0 + places[u.patient] / len(patients) if v == best[u.patient] else v
                for u, v in zip(pool.units, within, strict=True)
            ]
        )
        return Scores(
            values, [["Drawn at random, every patient with the same chance."]] * len(values)
        )
