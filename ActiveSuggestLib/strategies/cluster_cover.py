"""Representatives of clusters, and of these the ones that cover the pool (Zheng et al., AAAI 2019).

The baseline ClsMC of Dai et al. (MICCAI 2020): agglomerative clusters of the candidates; in each, a
greedy maximum cover until the mean similarity to the chosen ones is 0.9; of these representatives,
a greedy maximum cover of all candidates. Similarity is the cosine of embeddings about the pool's
mean (features after a rectifier all point the same way), and the cover starts from what is
labelled. The number of clusters is not given; 20 is ours.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .base import Embeddings, Pick, PoolView, Scores, ranking
from .clustering import agglomerate
from .cover import covered_by, gains, lazy_greedy, unit_rows
from .diversity import first_open
from .embedding_ranking import EmbeddingRanking, nearest_labelled

CLUSTERS = 20
ENOUGH = 0.9
MOST_CANDIDATES = 2000
MOST_REPRESENTATIVES = 200
BELOW = 1e-6


class ClusterCover(EmbeddingRanking):
    """Representatives of the pool's clusters that together cover the pool.

    ``clusters`` sets how many there are at most; ``preset="paper"`` ignores what is labelled.
    """

    name = "cluster-cover"
    summary = "Representatives of the pool's groups that together cover all of it."

    def __init__(self, *, preset: str | None = None, clusters: int = CLUSTERS) -> None:
        super().__init__(preset=preset)
        self.clusters = clusters

    def score(self, pool: PoolView) -> Scores:
        """Score representatives by their gain as a share of the pool, all others below zero."""
        embeddings = self._embeddings(pool)
        _, words = nearest_labelled(pool, embeddings)
        points, start = self._directions(embeddings)
        labels = agglomerate(points, self.clusters, pool.rng)
        stands = representatives(points, labels, pool.rng)
        values = np.zeros(len(points))
        reasons: list[list[str]] = [[] for _ in points]
        for label in np.unique(labels):
            members = np.flatnonzero(labels == label)
            chosen = np.array([i for i in stands if labels[i] == label])
            similarity = points[members] @ points[chosen].T
            values[members] = similarity.max(axis=1) - 1.0 - BELOW
            for member, row in zip(members, similarity, strict=True):
                of = pool.units[chosen[int(row.argmax())]]
                name = of.case if of.slice is None else f"{of.case}, slice {of.slice}"
                reasons[member] = [
                    f"In a cluster of {len(members)}; represented by {name} to {row.max():.2f}."
                ]
        values = np.minimum(values, -BELOW)
        values[stands] = gains(points[stands], points, start) / len(points)
        for index in stands:
            size = int((labels == labels[index]).sum())
            reasons[index] = [
                f"Represents a cluster of {size}; alone it adds {values[index]:.1%} of the pool "
                f"to what is covered ({start.mean():.1%})."
            ]
        return Scores(values, [[*r, w] for r, w in zip(reasons, words, strict=True)])

    def select(
        self, pool: PoolView, scores: Scores, allowed: np.ndarray, count: int
    ) -> Sequence[int | Pick]:
        """Return the representatives that cover the pool, then what they represent least."""
        points, start = self._directions(self._embeddings(pool))
        values = np.asarray(scores.values, float)
        constraints = self._constraints(pool, allowed, count)
        stands = np.flatnonzero(values >= 0)
        cover = lazy_greedy(
            points[stands],
            points,
            count,
            start=start,
            available=lambda picks: constraints.open(stands[list(picks)])[stands],
        )
        picked = [int(i) for i in stands[cover.picks]]
        reasons = [
            f"Adds {gain / len(points):.1%} of the pool to the cover." for gain in cover.gains
        ]
        picks = [Pick(i, (r,)) for i, r in zip(picked, reasons, strict=True)]
        everything = first_open(np.asarray(ranking(values)), constraints, count, before=picked)
        return [*picks, *everything[len(picked) :]]

    def _directions(self, embeddings: Embeddings) -> tuple[np.ndarray, np.ndarray]:
        """Return the candidates' directions from the pool's mean, and their cover at the start."""
        middle = embeddings.candidates.mean(axis=0)
        points = unit_rows(embeddings.candidates - middle)
        labelled = unit_rows(embeddings.labelled - middle)
        return points, covered_by(labelled[:0] if self.paper else labelled, points)


def representatives(
    points: np.ndarray, labels: np.ndarray, rng: np.random.Generator, enough: float = ENOUGH
) -> np.ndarray:
    """Return the members of each cluster that cover it to ``enough`` on average, sorted.

    ``points`` (N, E) of length 1. In a cluster of more than 2,000 so many are drawn as candidates,
    and at most 200 represent it, so that the time is bounded where nothing resembles anything.
    """
    chosen: list[int] = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        candidates = members
        if len(members) > MOST_CANDIDATES:
            candidates = np.sort(rng.choice(members, MOST_CANDIDATES, replace=False))
        most = min(len(candidates), MOST_REPRESENTATIVES)
        cover = lazy_greedy(points[candidates], points[members], most, enough=enough)
        # Embeddings in the middle of the pool have no direction, and then one stands for all.
        chosen.extend(int(candidates[i]) for i in cover.picks or [0])
    return np.array(sorted(chosen), int)
