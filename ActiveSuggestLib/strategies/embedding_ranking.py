"""What strategies share that look at the network's bottleneck embeddings.

An embedding does not depend on the dropout samples, so one sample is enough. For slices, those
without predicted foreground come last: the empty ends of volumes look like nothing else, and would
be all that a diverse choice takes.
"""

from __future__ import annotations

import numpy as np

from ..models.inference import Samples
from .base import SLICE, Embeddings, PoolView, RankingStrategy
from .diversity import Constraints
from .neighbours import nearest
from .uncertainty import NEXT_TO_NOTHING

ONE_SAMPLE = Samples(1)


class EmbeddingRanking(RankingStrategy):
    """A strategy over ``PoolView.embeddings``."""

    def __init__(self, *, preset: str | None = None) -> None:
        self.paper = preset == "paper"

    def _embeddings(self, pool: PoolView) -> Embeddings:
        return pool.embeddings(ONE_SAMPLE)

    def _constraints(self, pool: PoolView, allowed: np.ndarray, count: int) -> Constraints:
        """Return what a batch may take: for slices those with foreground while they suffice."""
        among = allowed
        if pool.kind == SLICE and not self.paper:
            seen = pool.statistics(ONE_SAMPLE).foreground_shares() >= NEXT_TO_NOTHING
            among = allowed & seen if (allowed & seen).sum() >= count else allowed
        return Constraints(pool.units, pool.labelled, count, among=among)


def nearest_labelled(pool: PoolView, embeddings: Embeddings) -> tuple[np.ndarray, list[str]]:
    """Return the distance of each candidate to the nearest labelled unit, (N,), and in words.

    While nothing is labelled, the distance is infinite.
    """
    if not len(embeddings.labelled):
        count = len(embeddings.candidates)
        return np.full(count, np.inf), ["Nothing is labelled to compare it with."] * count
    distance, index = nearest(embeddings.candidates, embeddings.labelled)
    middle = float(np.median(distance)) if len(distance) else 0.0
    words = []
    for d, i in zip(distance, index, strict=True):
        unit = pool.labelled[i]
        name = unit.case if unit.slice is None else f"{unit.case}, slice {unit.slice}"
        words.append(
            f"Nearest labelled: {name}, at distance {d:.3g} (the pool's median is {middle:.3g})."
        )
    return distance.astype(float), words
