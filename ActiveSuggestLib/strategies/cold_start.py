"""What to label while no model is trained: the few units that together look like the whole pool.

Nothing but the images can tell yet. They are compared by what they look like
(``models.miniatures``), and a greedy maximum cover (``strategies.cover``) takes the units of which
the pool's others are the nearest neighbours in angle about the pool's mean. On the pools that we
measured, two labels chosen so teach a network as much as three drawn by lot or more; the typicality
of Hacohen et al. (ICML 2022) in an autoencoder's latents gave less, and took a training to find
(``Testing/Benchmarks/RESULTS.md``).

A cover by angles begins with what lies far out where many are. As one of several that is right, and
as the only one it is not: if a single unit is asked for and nothing is labelled, it is the most
average one.

Slices come from the middle half of each volume: nothing tells yet where the anatomy of interest is,
and a first model cannot be trained on empty ends. But one that has seen none paints the structures
on all of them, so the last of every ten come from there; more of them are better asked for by the
model. A pool of a few patients is a fair draw.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .base import SLICE, Appearance, Pick, PoolView, RankingStrategy, Scores, Unit
from .cover import best_cover, gains
from .diversity import Constraints
from .likeness import directions
from .random_choice import RandomChoice

PHASE = "Phase: cold start. No model is trained yet"
FEWEST_PATIENTS = 8
MIDDLE = 0.5
ENDS = 0.1
AT_AN_END = "Towards an end of its volume, where a model has to learn what is not there."
AVERAGE = "The first label of all: it looks most like the average of the pool."


class ColdStart(RankingStrategy):
    """The units that together look like the whole pool, or a fair draw where it is small."""

    name = "cold-start"
    summary = "A few that together look like the whole pool, while nothing is labelled."
    needs_model = False

    def __init__(self) -> None:
        self._look: Appearance | None = None

    def score(self, pool: PoolView) -> Scores:
        """Score every unit by the share of the pool's likeness that it alone would add."""
        patients = len({u.patient for u in (*pool.units, *pool.labelled)})
        if patients < FEWEST_PATIENTS:
            self._look = None
            drawn = RandomChoice().score(pool)
            text = (
                f"{PHASE}, and {patients} patients are too few to choose among by their looks, so "
                "this is a fair draw by patient."
            )
            return Scores(drawn.values, [[text]] * len(drawn.values))
        look = self._look = pool.appearance()
        points, audience, start = directions(look, pool.rng)
        values = np.zeros(len(pool.units))
        values[look.seen] = gains(points, audience, start) / max(len(audience), 1)
        phase = (
            f"{PHASE}, so what looks like many others of the pool comes first "
            f"({look.images} images were looked at)."
        )
        reasons = [
            [f"Looks like others of the pool: alone it adds {v:.1%} to what is covered.", phase]
            if seen
            else ["Not looked at: the pool is large, and a part of it stands for all.", phase]
            for v, seen in zip(values, look.seen, strict=True)
        ]
        return Scores(values, reasons)

    def select(
        self, pool: PoolView, scores: Scores, allowed: np.ndarray, count: int
    ) -> Sequence[int | Pick]:
        """Return units one after the other, each with what it adds to those before."""
        look = self._look
        if look is None or (allowed & look.seen).sum() < count:
            return super().select(pool, scores, allowed, count)
        among = allowed & look.seen
        inside = among
        if pool.kind == SLICE:
            middle = among & in_the_middle(pool.units)
            inside = middle if middle.sum() >= count else among
        if count == 1 and not len(pool.labelled):
            return [Pick(most_average(look, inside), (AVERAGE,))]
        constraints = Constraints(pool.units, pool.labelled, count, among=among, spread=True)
        points, audience, start = directions(look, pool.rng)
        rows = np.flatnonzero(look.seen)
        ends = among & ~inside
        from_inside = count - int(ENDS * count)

        def available(taken: Sequence[int]) -> np.ndarray:
            free = constraints.open(rows[list(taken)])
            wanted = free & (inside if len(taken) < from_inside else ends)
            # Volumes and pictures have no ends, and a pool may have too few of either.
            return (wanted if wanted.any() else free)[rows]

        cover = best_cover(points, audience, count, pool.rng, start=start, available=available)
        picks = []
        for place, (point, gain) in enumerate(zip(cover.picks, cover.gains, strict=True)):
            index = int(rows[point])
            end = () if inside[index] else (AT_AN_END,)
            picks.append(Pick(index, (_reason(place, gain / len(audience)), *end)))
        return picks


def in_the_middle(units: Sequence[Unit]) -> np.ndarray:
    """Return which slices lie in the middle half of their volume's open ones, (N,)."""
    places: dict[str, list[float]] = {}
    for unit in units:
        places.setdefault(unit.case, []).append(unit.position)
    ends = {case: (min(p), max(p)) for case, p in places.items()}
    inside = []
    for unit in units:
        low, high = ends[unit.case]
        margin = (1 - MIDDLE) / 2 * (high - low)
        inside.append(low + margin <= unit.position <= high - margin)
    return np.array(inside, bool)


def most_average(look: Appearance, among: np.ndarray) -> int:
    """Return which of ``among`` (N,), all of them seen, is nearest to the mean of what was seen.

    It has the least mean squared distance to them.
    """
    away = look.candidates - look.candidates[look.seen].mean(axis=0)
    away = np.einsum("nd,nd->n", away, away)
    return int(np.argmin(np.where(among, away, np.inf)))


def _reason(place: int, gain: float) -> str:
    if place == 0:
        return f"Of all, it looks most like the rest of the pool: it covers {gain:.1%} of it."
    return f"It looks like what those before it do not: it covers another {gain:.1%} of the pool."
