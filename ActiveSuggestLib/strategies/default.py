"""What a user gets who chooses nothing: predictive entropy, for each structure in turn.

After ClaSP PE (TMLR 2026), for whole volumes and slices. Per class c the score of a volume is
s_c = Σ_v PE_v p̄_cv / (Σ_v p̄_cv + m_c), with m_c the median of Σ_v p̄_cv over the volumes that show
the class: the entropy that lies in the predicted foreground of that class, for its size. The
paper's units are regions of one size and need no division; of whole volumes the sum alone would
always prefer the largest structure, and the mean alone a speck. It does not grow with the field of
view, and a small structure is not drowned by a large one.

A slice may show a structure barely or not at all, and what the model misses there is background to
it. So the entropy of the whole slice counts, and is shared among the classes as the entropy in
their predicted foreground is: s_c = PE · E_c / Σ_c' E_c' with E_c = Σ_v PE_v p̄_cv.

A few labels make a model whose highest uncertainty is for odd images. So the highest s_c only enter
a shortlist, half of the pool in round 1, a quarter in the next, and so on; of these the one is
picked that looks most like what no label resembles (``strategies.likeness``), as Yang et al.
(MICCAI 2017) do. Of a batch, 66 % is split over the foreground classes; the rest is picked by
predictive entropy alone, which can see a structure that the model misses wholly. Patients of whom
nothing is labelled come first, and in a batch no patient comes twice while others are left: the
most uncertain slices are neighbours in one volume, and teach the same.

The paper adds Gumbel noise to log s_c, with β from 1 to 100 exponentially over the rounds. Its
regions differ by orders of magnitude; whole images differ by little, and the noise of the first
rounds makes a draw by lot of it just where most is to be gained. On slices it did no good either,
nor did the highest s_c alone. See Testing/Benchmarks/RESULTS.md.

The round is the number of trainings on labels that the model had not had before, so that training
again on the same labels changes nothing. It is 0 while there is no model: the cold start, when
those come first that together look like the whole pool (``strategies.cold_start``). The reasons
name the phase.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .base import SLICE, Appearance, Pick, PoolView, RankingStrategy, Scores, StatisticsTable
from .cold_start import PHASE, ColdStart
from .diversity import Constraints
from .likeness import Likeness
from .random_choice import RandomChoice
from .representative import most_uncertain
from .uncertainty import enough_samples, pooled, relative, times_the_median, where

CLASS_SHARE = 0.66
ROUNDS = 10
LAST_POWER = 100.0
SMALLEST = 1e-30
# As an index it is the last of the measures, after those of the classes.
PLAIN = -1
LEAST_SHOWN = 0.5
# Of millions of slices, so that a pick takes a second at the most.
LONGEST_SHORTLIST = 10_000
COVER, DRAWN = "cover", "random"


class Default(RankingStrategy):
    """Uncertain in one of the structures, each in turn, and every patient once.

    ``samples`` is the number T of Monte-Carlo samples. ``preset="paper"`` adds the noise, next to
    none from the round ``rounds`` on, and sums the entropy, of a class and plain, over all voxels,
    which for the paper's regions of one size is its mean; for images of several sizes, the largest
    win. ``cold="random"`` begins with a fair draw by patient.
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
        self._look: Appearance | None = None

    def score(self, pool: PoolView) -> Scores:
        """Score every unit by its share of each class's entropy, without the noise."""
        if pool.round == 0 and self.cold is not None:
            return self.cold.score(pool)
        if pool.round == 0:
            drawn = RandomChoice().score(pool)
            note = f"{PHASE}, so this is a fair draw by patient."
            return Scores(drawn.values, [[note]] * len(drawn.values))
        table = self._gather(pool)
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
        if self.paper:
            power = noise_power(pool.round, self.rounds)
            values = [noisy_log(m, power, rng) for m in measures]
        likeness = None if self._look is None else Likeness(self._look, rng)
        constraints = Constraints(pool.units, pool.labelled, count, among=allowed, spread=True)
        picks: list[Pick] = []
        for slot in class_slots(count, len(measures) - 1, rng):
            free = constraints.open([p.index for p in picks])
            if not free.any():
                break
            among = 1 if likeness is None else shortlisted(int(free.sum()), pool.round)
            best = most_uncertain(np.where(free, values[slot], -np.inf), among)
            index = int(best[0])
            stands: tuple[str, ...] = ()
            if likeness is not None:
                added = likeness.gains(best)
                index = int(best[np.argmax(added)])
                likeness.take(index)
                stands = _stands(len(best), float(added.max()))
            picks.append(Pick(index, (_purpose(pool, measures, slot, index), *stands)))
        return picks

    def _gather(self, pool: PoolView) -> StatisticsTable:
        """Return the statistics of the candidates, and look at their images if that is needed."""
        samples = enough_samples(pool, self.samples)
        table = pool.statistics(samples)
        self._look = None
        if not self.paper:
            self._look = pool.appearance()
            # Those whose image has become unusable since are gone now.
            table = pool.statistics(samples)
        return table

    def _measures(self, pool: PoolView, table: StatisticsTable) -> list[np.ndarray]:
        """Return s_c of each foreground class, (N,) each, and the plain entropy as the last."""
        by_class = table.class_entropy()[:, 1:]
        if self.paper:
            return [*by_class.T, table.values("entropy", "sum")]
        if pool.kind == SLICE:
            plain = table.values("entropy", "mean")
            return [*shared_among_classes(plain, by_class).T, plain]
        by_class = for_their_size(by_class, table.class_mass()[:, 1:])
        return [*by_class.T, pooled(pool, table, "entropy")]

    def _reasons(
        self, pool: PoolView, table: StatisticsTable, measures: list[np.ndarray]
    ) -> list[list[str]]:
        phase = f"Phase: uncertainty by class, round {pool.round}"
        if self.paper:
            power = noise_power(pool.round, self.rounds)
            phase += f" (noise on the logarithm of the score: {1 / power:.2g})"
        phase += "."
        shares = np.stack([relative(m) for m in measures[:-1]], axis=1)
        strongest = shares.argmax(axis=1)
        times = [times_the_median(m) for m in measures]
        around = pool.kind == SLICE and not self.paper
        entropy = "Entropy for" if around else "Entropy in the predicted"
        return [
            [
                f"{entropy} {pool.segments[c]} is {times[c][i]}, in the whole {times[-1][i]}.",
                *place,
                phase,
            ]
            for i, (c, place) in enumerate(zip(strongest, where(pool, table), strict=True))
        ]


def shortlisted(open_units: int, round_: int) -> int:
    """Return how many of the open units compete for a pick: 1/2 in round 1, 1/4 in the next, …

    >>> [shortlisted(60, r) for r in (1, 2, 3, 10**6)]
    [30, 15, 7, 1]
    """
    return max(1, min(open_units >> min(round_, 62), LONGEST_SHORTLIST))


def _purpose(pool: PoolView, measures: Sequence[np.ndarray], slot: int, index: int) -> str:
    if slot == PLAIN:
        return "Picked for its uncertainty as a whole."
    times = times_the_median(measures[slot])[index]
    return f"Picked for {pool.segments[slot]}: uncertainty {times}."


def _stands(among: int, gain: float) -> tuple[str, ...]:
    if among == 1:
        return ()
    return (
        f"Of the {among} most uncertain, it stands for most of what no label resembles "
        f"(another {gain:.1%} of the pool).",
    )


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


def shared_among_classes(plain: np.ndarray, by_class: np.ndarray) -> np.ndarray:
    """Return PE · E_c / Σ_c E_c, (N, C), of the entropies ``plain`` (N,) and ``by_class`` (N, C).

    In equal shares where no class has any.

    >>> shared_among_classes(np.array([6.0, 4.0]), np.array([[2.0, 1.0], [0.0, 0.0]])).tolist()
    [[4.0, 2.0], [2.0, 2.0]]
    """
    total = by_class.sum(axis=1, keepdims=True)
    equal = np.full_like(by_class, 1 / max(by_class.shape[1], 1), dtype=float)
    return plain[:, None] * np.divide(by_class, total, out=equal, where=total > 0)


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
