"""The unit furthest from all that is labelled (Sener and Savarese, ICLR 2018).

Greedy k-center: u* = argmax_u min_s ‖z_u − z_s‖ over all s labelled or picked, one pick after the
other; the largest distance from the pool to the chosen ones is at most twice the least possible
(Gonzalez, 1985). While nothing is labelled, the first pick is the one nearest to the pool's middle.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .base import Pick, PoolView, Scores
from .cover import Available
from .embedding_ranking import EmbeddingRanking, nearest_labelled


class KCenter(EmbeddingRanking):
    """Units that look least like anything labelled, and least like each other.

    ``preset="paper"`` lets slices without foreground take part.
    """

    name = "k-center"
    summary = "What looks least like anything that is labelled."

    def score(self, pool: PoolView) -> Scores:
        """Score every unit by its distance to the nearest labelled one."""
        embeddings = self._embeddings(pool)
        distance, words = nearest_labelled(pool, embeddings)
        if not np.isfinite(distance).all():
            distance = -distances_to(embeddings.candidates, embeddings.candidates.mean(axis=0))
        return Scores(distance, [[w] for w in words])

    def select(
        self, pool: PoolView, scores: Scores, allowed: np.ndarray, count: int
    ) -> Sequence[int | Pick]:
        """Return the greedy k centers."""
        embeddings = self._embeddings(pool)
        constraints = self._constraints(pool, allowed, count)
        values = np.asarray(scores.values, float)
        start = values if len(embeddings.labelled) else None
        middle = int(np.argmax(np.where(constraints.open([]), values, -np.inf)))
        picks, distances = farthest_points(
            embeddings.candidates, count, constraints.open, start=start, first=middle
        )
        return [
            Pick(
                index,
                (f"At distance {d:.3g} from all that is labelled or was picked before it.",)
                if np.isfinite(d)
                else ("In the middle of the pool.",),
            )
            for index, d in zip(picks, distances, strict=True)
        ]


def farthest_points(
    points: np.ndarray,
    count: int,
    available: Available,
    *,
    start: np.ndarray | None = None,
    first: int = 0,
) -> tuple[list[int], list[float]]:
    """Return ``count`` points, each furthest from those before it, and their distances then.

    ``points`` (N, E); ``start`` (N,) is the distance to what is chosen already. Without it
    ``first`` is picked first, at distance infinity. Ties go to the lowest index.
    """
    distance = np.full(len(points), np.inf) if start is None else np.array(start, float)
    picks: list[int] = []
    distances: list[float] = []
    while len(picks) < count:
        free = available(picks)
        if not free.any():
            break
        given = start is None and not picks
        index = first if given else int(np.argmax(np.where(free, distance, -np.inf)))
        picks.append(index)
        distances.append(float(distance[index]))
        distance = np.minimum(distance, distances_to(points, points[index]))
    return picks, distances


def distances_to(points: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return ‖z − place‖ of each point, (N,)."""
    return np.asarray(np.linalg.norm(points - place, axis=1))
