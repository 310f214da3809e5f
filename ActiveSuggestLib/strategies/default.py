"""What a user gets who chooses nothing: class-stratified noisy predictive entropy.

ClaSP PE (TMLR 2026), for whole volumes and slices. Per class c the score of a unit is
s_c = Σ_v PE_v p̄_cv / (Σ_v p̄_cv + m_c), with m_c the median of Σ_v p̄_cv over the units that show the
class: the entropy that lies in the predicted foreground of that class, for its size. The paper's
units are regions of one size and need no division; of whole volumes the sum alone would always
prefer the largest structure, and the mean alone a speck. It does not grow with the field of view,
and a small structure is not drowned by a large one. Picks are the highest s_c, for slices the
highest of log s_c + Gumbel(0, 1/β). Of a batch, 66 % is split over the foreground classes; the rest
is picked by predictive entropy alone, which can see a structure that the model misses wholly. No
patient comes twice while others are left.

The noise is the paper's, β from 1 to 100 exponentially over the rounds: while the model knows
little, its uncertainty is little more than a hint. Slices differ by orders of magnitude, as the
paper's regions do, and without noise the first picks are where the model paints structures into
background. Whole images differ by little: the logarithm of a class's entropy has a deviation of 0.1
to 0.3 on the pools we looked at and the noise of the first round 1.3, which makes a draw by lot of
it just where most is to be gained. See Testing/Benchmarks/RESULTS.md.

The round is the number of trainings on labels that the model had not had before, so that training
again on the same labels changes nothing. It is 0 while there is no model: the cold start, when
those come first that together look like the whole pool (``strategies.cold_start``). The reasons
name the phase.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .base import SLICE, Pick, PoolView, RankingStrategy, Scores, StatisticsTable
from .cold_start import PHASE, ColdStart
from .diversity import Constraints
from .random_choice import RandomChoice
from .uncertainty import enough_samples, pooled, relative, times_the_median, where

CLASS_SHARE = 0.66
ROUNDS = 10
LAST_POWER = 100.0
SMALLEST = 1e-30
# As an index it is the last of the measures, after those of the classes.
PLAIN = -1
LEAST_SHOWN = 0.5
COVER, DRAWN = "cover", "random"


class Default(RankingStrategy):
    """Uncertain in one of the structures, for slices a little by chance, and every patient once.

    ``rounds`` is the round from which there is next to no noise, ``samples`` the number T of
    Monte-Carlo samples. ``preset="paper"`` has the noise for volumes too, and sums the entropy, of
    a class and plain, over all voxels, which for the paper's regions of one size is its mean; for
    images of several sizes, the largest win. ``cold="random"`` begins with a fair draw by patient.
    """

    name = "default"
    summary = "Uncertain in the predicted structures, each of them in turn; all patients differ."
    needs_model = False

    def __init__(
        self,
        *,
        preset: str | None = None,
        samples: int | None = None,
        rounds: int = ROUNDS,
        cold: str = COVER,
    ) -> None:
        if cold not in (COVER, DRAWN):
            raise TypeError(f"cold is {COVER} or {DRAWN}")
        self.paper = preset == "paper"
        self.samples = samples
        self.rounds = rounds
        self.cold = ColdStart() if cold == COVER else None

    def score(self, pool: PoolView) -> Scores:
        """Score every unit by its share of each class's entropy, without the noise."""
        if pool.round == 0 and self.cold is not None:
            return self.cold.score(pool)
        if pool.round == 0:
            drawn = RandomChoice().score(pool)
            note = f"{PHASE}, so this is a fair draw by patient."
            return Scores(drawn.values, [[note]] * len(drawn.values))
        table = pool.statistics(enough_samples(pool, self.samples))
        measures = self._measures(pool, table)
        shares = np.stack([relative(m) for m in measures], axis=1)
        values = CLASS_SHARE * shares[:, :-1].mean(axis=1) + (1 - CLASS_SHARE) * shares[:, -1]
        return Scores(values, self._reasons(pool, table, measures))

    def select(
        self, pool: PoolView, scores: Scores, allowed: np.ndarray, count: int
    ) -> Sequence[int | Pick]:
        """Return two thirds of the batch by class, and the rest by entropy alone."""
        if pool.round == 0 and self.cold is not None:
            return self.cold.select(pool, scores, allowed, count)
        if pool.round == 0:
            return super().select(pool, scores, allowed, count)
        measures = self._measures(pool, pool.statistics(enough_samples(pool, self.samples)))
        rng = pool.rng
        values = measures
        if self._noisy(pool):
            power = noise_power(pool.round, self.rounds)
            values = [noisy_log(m, power, rng) for m in measures]
        constraints = Constraints(pool.units, pool.labelled, count, among=allowed)
        picked: list[int] = []
        reasons: list[str] = []
        for slot in class_slots(count, len(measures) - 1, rng):
            free = constraints.open(picked)
            if not free.any():
                break
            picked.append(int(np.argmax(np.where(free, values[slot], -np.inf))))
            reasons.append(
                "Picked for its uncertainty as a whole."
                if slot == PLAIN
                else f"Picked for {pool.segments[slot]}: its entropy there is "
                f"{times_the_median(measures[slot])[picked[-1]]}."
            )
        return [Pick(index, (reason,)) for index, reason in zip(picked, reasons, strict=True)]

    def _noisy(self, pool: PoolView) -> bool:
        return self.paper or pool.kind == SLICE

    def _measures(self, pool: PoolView, table: StatisticsTable) -> list[np.ndarray]:
        """Return s_c of each foreground class, (N,) each, and the plain entropy as the last."""
        by_class = table.class_entropy()[:, 1:]
        if not self.paper:
            by_class = for_their_size(by_class, table.class_mass()[:, 1:])
        plain = table.values("entropy", "sum") if self.paper else pooled(pool, table, "entropy")
        return [*by_class.T, plain]

    def _reasons(
        self, pool: PoolView, table: StatisticsTable, measures: list[np.ndarray]
    ) -> list[list[str]]:
        phase = f"Phase: uncertainty by class, round {pool.round}"
        if self._noisy(pool):
            power = noise_power(pool.round, self.rounds)
            phase += f" (noise on the logarithm of the score: {1 / power:.2g})"
        phase += "."
        shares = np.stack([relative(m) for m in measures[:-1]], axis=1)
        strongest = shares.argmax(axis=1)
        times = [times_the_median(m) for m in measures]
        return [
            [
                f"Entropy in the predicted {pool.segments[c]} is {times[c][i]}, "
                f"in the whole {times[-1][i]}.",
                *place,
                phase,
            ]
            for i, (c, place) in enumerate(zip(strongest, where(pool, table), strict=True))
        ]


def for_their_size(entropy: np.ndarray, mass: np.ndarray) -> np.ndarray:
    """Return Σ PE p̄_c / (Σ p̄_c + m_c), (N, C), of the sums ``entropy`` and ``mass`` (N, C).

    m_c is the median mass of the units that show class c (at least ``LEAST_SHOWN`` voxels): twice
    the structure with the same uncertainty in it scores 4/3, not twice; a speck scores next to
    nothing.
    """
    usual = np.array(
        [np.median(m[m >= LEAST_SHOWN]) if (m >= LEAST_SHOWN).any() else 1.0 for m in mass.T]
    )
    return entropy / (mass + usual)


def noise_power(round_: int, rounds: int = ROUNDS) -> float:
    """Return β of a round from 1 on: 1 in the first, 100 from the last of ``rounds`` on.

    >>> [round(noise_power(r, 3), 6) for r in (1, 2, 3, 4)]
    [1.0, 10.0, 100.0, 100.0]
    """
    share = min(1.0, (round_ - 1) / max(rounds - 1, 1))
    return float(LAST_POWER**share)


def noisy_log(scores: np.ndarray, power: float, rng: np.random.Generator) -> np.ndarray:
    """Return log s + Gumbel(0, 1/β), (N,): its argmax is a draw in proportion to s^β."""
    return np.log(np.maximum(scores, SMALLEST)) + rng.gumbel(scale=1 / power, size=len(scores))


def class_slots(count: int, classes: int, rng: np.random.Generator) -> list[int]:
    """Return for each of ``count`` picks the class it is made for, or ``PLAIN``.

    66 % of the picks are for classes, on average over many batches however small they are. All
    classes come equally often within one pick, in random order, and the plain picks come last.
    """
    if classes == 0:
        return [PLAIN] * count
    for_classes = min(count, int(CLASS_SHARE * count + rng.random()))
    turns = -(-for_classes // classes)
    slots = [int(c) for _ in range(turns) for c in rng.permutation(classes)]
    return slots[:for_classes] + [PLAIN] * (count - for_classes)
