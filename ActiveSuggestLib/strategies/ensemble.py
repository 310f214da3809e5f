"""Suggestive annotation (Yang et al., MICCAI 2017): what an ensemble disagrees about, spread out.

Several networks are trained on bootstrap resamples of the labels. Of the K units whose prediction
varies most between them, a greedy choice takes the k that best cover all unlabelled units in the
ensemble's descriptors: F(S) = Σ_x max_{i∈S} cos(i, x), within 1 − 1/e of the best choice.

The paper preset keeps the paper's network, 2,000 steps a member with the best moment on 5 % of the
labels, the plain mean of the variance, cosines as they are, and a cover that ignores what is
labelled. The default trains networks of the pool's own plan within two minutes, pools the variance
over the predicted foreground and over everything in equal parts (as ``mc-dropout``), and measures
cosines about the pool's mean (features after a rectifier all point the same way), with a cover that
starts from what is labelled. K = 2k, as in the paper (16 and 8). Where K times the pool is more
than some hundred millions, the choice is the stochastic one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..models.ensemble import NETWORKS, PLANNED, SUGGESTIVE, EnsembleSpec
from .base import EnsembleView, Pick, PoolView, Scores, ranking
from .cover import best_cover, covered_by, unit_rows
from .diversity import Constraints, first_open, pick_diverse
from .mc_dropout import MEASURE
from .uncertainty import pooled, times_the_median, where

MEMBERS = 4
PAPER_STEPS = 2_000
PAPER_SECONDS = 3_600.0
SHORTLIST_FACTOR = 2


@dataclass(frozen=True)
class _Round:
    """What one scoring found, for the selection that follows it."""

    uncertainty: np.ndarray
    points: np.ndarray
    start: np.ndarray


class SuggestiveAnnotation:
    """Units that the ensemble disagrees about, and that together resemble the whole pool.

    ``preset="paper"``: the literal protocol. ``members`` is the number of networks, ``network`` is
    ``plan`` (the pool's own) or ``suggestive`` (the paper's), ``uncertain`` is K.
    """

    name = "ensemble"
    summary = "Where several networks contradict each other, spread over the whole pool."
    needs_model = True

    def __init__(
        self,
        *,
        preset: str | None = None,
        members: int = MEMBERS,
        network: str | None = None,
        uncertain: int | None = None,
    ) -> None:
        self.paper = preset == "paper"
        network = network or (SUGGESTIVE if self.paper else PLANNED)
        if network not in NETWORKS:
            raise TypeError(f"network is one of {', '.join(NETWORKS)}")
        if members < 2:
            raise TypeError("an ensemble has two members at least")
        self.spec = EnsembleSpec(network, members)
        if self.paper:
            self.spec = EnsembleSpec(network, members, PAPER_STEPS, PAPER_SECONDS, validated=True)
        self.uncertain = uncertain
        self._round: _Round | None = None

    def score(self, pool: PoolView) -> Scores:
        """Score every unit by the ensemble's disagreement."""
        found = pool.ensemble(self.spec, with_labelled=not self.paper)
        table = found.table
        values = table.values(MEASURE, "mean") if self.paper else pooled(pool, table, MEASURE)
        descriptors = table.embeddings().astype(np.float32)
        middle = 0.0 if self.paper else descriptors.mean(axis=0)
        points = unit_rows(descriptors - middle)
        start = np.zeros(len(points), np.float32)
        if len(found.labelled):
            start = covered_by(unit_rows(found.labelled - middle), points)
        self._round = _Round(values, points, start)
        return Scores(values, self._reasons(pool, found, values, start))

    def select(
        self, pool: PoolView, scores: Scores, allowed: np.ndarray, count: int
    ) -> Sequence[int | Pick]:
        """Return the ``count`` of the K most uncertain that cover the pool best."""
        assert self._round is not None, "score comes before select"
        values = np.asarray(scores.values, float)
        points, start = self._round.points, self._round.start
        order = [i for i in ranking(values) if allowed[i]]
        wanted = max(count, self.uncertain or SHORTLIST_FACTOR * count)
        shortlist = np.array(pick_diverse(order, pool.units, pool.labelled, wanted), int)
        among = np.zeros(len(values), bool)
        among[shortlist] = True
        constraints = Constraints(pool.units, pool.labelled, count, among=among)

        def available(picks: Sequence[int]) -> np.ndarray:
            return constraints.open(shortlist[list(picks)])[shortlist]

        candidates = points[shortlist]
        cover = best_cover(candidates, points, count, pool.rng, start=start, available=available)
        picked = [int(i) for i in shortlist[cover.picks]]
        among_words = f"of the {len(shortlist)} most uncertain"
        picks: list[int | Pick] = [
            Pick(i, (f"Adds {gain / len(points):.1%} of the pool to the cover, {among_words}.",))
            for i, gain in zip(picked, cover.gains, strict=True)
        ]
        rest = first_open(np.asarray(order), Constraints(
            pool.units, pool.labelled, count, among=allowed), count, before=picked,
        )  # fmt: skip
        return [*picks, *rest[len(picked) :]]

    def _reasons(
        self, pool: PoolView, found: EnsembleView, values: np.ndarray, start: np.ndarray
    ) -> list[list[str]]:
        mean, foreground = (found.table.values(MEASURE, a) for a in ("mean", "foreground"))
        times = times_the_median(values)
        reasons = []
        for i, place in enumerate(where(pool, found.table)):
            text = [
                f"The disagreement of {found.members} networks is {times[i]} (standard deviation "
                f"{np.sqrt(foreground[i]):.3f} in the predicted foreground, "
                f"{np.sqrt(mean[i]):.3f} overall; {found.training}).",
                *place,
            ]
            if len(found.labelled):
                text.append(f"What is labelled resembles it to {start[i]:.2f} (1 is alike).")
            reasons.append(text)
        return reasons
