"""What to label while no model is trained: the most typical of each group (TypiClust).

Groups and typicality (Hacohen et al., ICML 2022) are those of the pool's autoencoder latents, which
need no label. Slices of the middle half of each volume take part: nothing tells yet where the
anatomy of interest is, and the empty ends of volumes resemble each other most of all. Where there
are no latents, it is a fair draw by patient, and the reasons say why.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .base import SLICE, ColdLatents, Pick, PoolView, RankingStrategy, Scores, Unit
from .clustering import k_means
from .diversity import Constraints
from .random_choice import RandomChoice
from .typicality import MOST_CLUSTERS, typical_of_clusters, typicality

PHASE = "Phase: cold start. No model is trained yet"
# TypiClust passes over groups of five and fewer, so a smaller pool has none.
FEWEST_PATIENTS = 20
MIDDLE = 0.5


class ColdStart(RankingStrategy):
    """The most typical unit of each group of the pool, or a fair draw."""

    name = "cold-start"
    summary = "The most typical of each group while nothing is labelled."
    needs_model = False

    def __init__(self) -> None:
        self._latents: ColdLatents | None = None

    def score(self, pool: PoolView) -> Scores:
        """Score every unit by its typicality in the latents, or at random where there are none."""
        found = self._latents = self._look(pool)
        if found.note:
            drawn = RandomChoice().score(pool)
            text = f"{PHASE}, and {found.note}, so this is a fair draw by patient."
            return Scores(drawn.values, [[text]] * len(drawn.values))
        rows = np.flatnonzero(found.encoded)
        values = np.zeros(len(pool.units))
        values[rows] = typicality(found.candidates[rows], found.candidates[rows])
        middle = float(np.median(values[rows]))
        phase = (
            f"{PHASE}, so the most typical of each group comes first "
            f"(by an autoencoder of {found.trained_on} images)."
        )
        reasons = [
            [f"Typicality {v:.3g} in the pool (median {middle:.3g}).", phase]
            if seen
            else ["Not looked at: the pool is large, and a part of it stands for all.", phase]
            for v, seen in zip(values, found.encoded, strict=True)
        ]
        return Scores(values, reasons)

    def select(
        self, pool: PoolView, scores: Scores, allowed: np.ndarray, count: int
    ) -> Sequence[int | Pick]:
        """Return the most typical unit of one group after the other."""
        found = self._latents
        assert found is not None, "score comes before select"
        among = allowed & found.encoded if not found.note else np.zeros(len(allowed), bool)
        if pool.kind == SLICE and (among & in_the_middle(pool.units)).sum() >= count:
            among &= in_the_middle(pool.units)
        rows = np.flatnonzero(found.encoded)
        if found.note or among.sum() < count:
            return super().select(pool, scores, allowed, count)
        constraints = Constraints(pool.units, pool.labelled, count, among=among)
        points = np.concatenate([found.candidates[rows], found.labelled]).astype(float)
        groups = min(len(found.labelled) + count, MOST_CLUSTERS, len(points))
        clusters = k_means(points, groups, pool.rng)
        picks = typical_of_clusters(
            points,
            clusters,
            len(rows),
            count,
            lambda taken: constraints.open(rows[list(taken)])[rows],
            pool.rng,
        )
        sizes = np.bincount(clusters)
        return [
            Pick(int(rows[i]), (_reason(before, int(sizes[clusters[i]])),)) for i, before in picks
        ]

    def _look(self, pool: PoolView) -> ColdLatents:
        patients = len({u.patient for u in pool.units})
        if patients < FEWEST_PATIENTS:
            note = f"{patients} patients are too few to tell groups apart"
            return ColdLatents.none(len(pool.units), note)
        return pool.cold_latents()


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


def _reason(before: int, size: int) -> str:
    done = "none of them labelled" if before == 0 else f"{before} of them labelled or picked"
    return f"The most typical of a group of {size}, {done}."
