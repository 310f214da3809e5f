"""Typical units of clusters without labels (TypiClust; Hacohen et al., ICML 2022).

k-means to min(|L| + k, 500) clusters of all normalised embeddings, labelled and not. Then k times:
of the clusters with more than 5 members, the one with the fewest labels, the largest of those; in
it the most typical candidate, with the highest 1 / (mean distance to its 20 nearest neighbours in
the cluster). A pick counts as a label of its cluster. Small clusters come when no other is left.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .base import Pick, PoolView, Scores
from .clustering import k_means
from .cover import Available, unit_rows
from .embedding_ranking import EmbeddingRanking, nearest_labelled
from .neighbours import mean_neighbour_distance

NEIGHBOURS = 20
MOST_CLUSTERS = 500
SMALL = 5
REFERENCE = 20_000
SMALLEST = 1e-6


class Typicality(EmbeddingRanking):
    """The most typical unit of each part of the pool that has no label yet.

    ``preset="paper"`` lets slices without foreground take part.
    """

    name = "typicality"
    summary = "The most typical of each group that has no label yet."

    def score(self, pool: PoolView) -> Scores:
        """Score every unit by its typicality in the whole pool."""
        embeddings = self._embeddings(pool)
        points = unit_rows(embeddings.candidates)
        values = typicality(points, _reference(points, pool.rng))
        _, words = nearest_labelled(pool, embeddings)
        middle = float(np.median(values))
        return Scores(
            values,
            [
                [f"Typicality {v:.3g} in the pool (median {middle:.3g}).", w]
                for v, w in zip(values, words, strict=True)
            ],
        )

    def select(
        self, pool: PoolView, scores: Scores, allowed: np.ndarray, count: int
    ) -> Sequence[int | Pick]:
        """Return the most typical unit of one cluster after the other."""
        del scores  # The clusters depend on the size of the batch.
        embeddings = self._embeddings(pool)
        constraints = self._constraints(pool, allowed, count)
        candidates, labelled = unit_rows(embeddings.candidates), unit_rows(embeddings.labelled)
        everything = np.concatenate([candidates, labelled])
        number = min(len(labelled) + count, MOST_CLUSTERS, len(everything))
        clusters = k_means(everything, number, pool.rng)
        picks = typical_of_clusters(
            everything, clusters, len(candidates), count, constraints.open, pool.rng
        )
        sizes = np.bincount(clusters)
        return [Pick(i, (_reason(before, sizes[clusters[i]]),)) for i, before in picks]


def typicality(points: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return 1 / (mean distance to the 20 nearest of ``reference``), (N,).

    With fewer than 40 in the reference, the nearer half of them, as the authors' code does.
    """
    count = min(NEIGHBOURS, len(reference) // 2)
    if count == 0:
        return np.zeros(len(points))
    distance = mean_neighbour_distance(points, reference, count)
    return 1.0 / np.maximum(distance, SMALLEST)


def typical_of_clusters(
    points: np.ndarray,
    clusters: np.ndarray,
    candidates: int,
    count: int,
    available: Available,
    rng: np.random.Generator,
) -> list[tuple[int, int]]:
    """Return ``count`` picks and how many labels their clusters had before.

    ``points`` (N + M, E) are the candidates first, then the labelled; ``clusters`` (N + M,).
    """
    sizes = np.bincount(clusters)
    labels = np.bincount(clusters[candidates:], minlength=len(sizes))
    own = clusters[:candidates]
    typical: dict[int, np.ndarray] = {}
    picks: list[tuple[int, int]] = []
    while len(picks) < count:
        free = available([i for i, _ in picks])
        open_clusters = np.unique(own[free])
        if not len(open_clusters):
            break
        cluster = min(open_clusters, key=lambda c: (sizes[c] <= SMALL, labels[c], -sizes[c], c))
        members = np.flatnonzero(own == cluster)
        if cluster not in typical:
            inside = points[clusters == cluster]
            typical[cluster] = typicality(points[members], _reference(inside, rng))
        best = int(np.argmax(np.where(free[members], typical[cluster], -np.inf)))
        picks.append((int(members[best]), int(labels[cluster])))
        labels[cluster] += 1
    return picks


def _reference(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the points, or so many of them drawn at random that all distances stay affordable."""
    if len(points) <= REFERENCE:
        return points
    return points[np.sort(rng.choice(len(points), REFERENCE, replace=False))]


def _reason(labels: int, size: int) -> str:
    before = "none of them labelled" if labels == 0 else f"{labels} of them labelled or picked"
    return f"The most typical of a cluster of {size}, {before}."
