"""Random choice: the baseline that a strategy has to beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .base import PoolView, RankingStrategy, Scores


class RandomChoice(RankingStrategy):
    """Patients in random order, and a random volume or slice of each.

    Every patient has the same chance, however many volumes or slices there are of it. Others that
    give way to a fair draw for want of a model draw the same units.
    """

    name = "random"
    summary = "A fair draw: every patient has the same chance."
    needs_model = False

    def __init__(self, *, preset: str | None = None) -> None:
        del preset  # There is one way to be random.

    def score(self, pool: PoolView) -> Scores:
        """Score every unit by a random number; a patient's best unit decides its place."""
        values = patient_draw([u.patient for u in pool.units], pool.fair_rng)
        return Scores(
            values, [["Drawn at random, every patient with the same chance."]] * len(values)
        )


def patient_draw(
    patients: Sequence[str], rng: np.random.Generator, chances: np.ndarray | None = None
) -> np.ndarray:
    """Return a random score in [0, 2) a unit, (N,), every patient with the same chance.

    The best unit of each patient lies above 1, in the patients' random order, and the others
    below. ``chances`` (N,), positive, weight the units of a patient against each other: u^(1/w)
    with u uniform draws in proportion to w (Efraimidis and Spirakis, 2006).
    """
    names = sorted(set(patients))
    places = dict(zip(names, rng.permutation(len(names)), strict=True))
    within = rng.random(len(patients))
    if chances is not None:
        # The same order as u^(1/w), which underflows where w is small.
        keys = np.log(within) / chances
        within = np.argsort(np.argsort(keys)) / max(len(keys), 1)
    best: dict[str, float] = {}
    for patient, value in zip(patients, within, strict=True):
        best[patient] = max(best.get(patient, 0.0), float(value))
    return np.array(
        [
            1.0 + places[p] / len(names) if v == best[p] else v
            for p, v in zip(patients, within, strict=True)
        ]
    )
