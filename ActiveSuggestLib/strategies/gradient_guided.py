"""Gradient-guided sampling (Dai et al.): from the newest labels, where the loss would rise.

The loss gradient of each image that was labelled last round moves it in the latent space of a VAE
of the pool; the unlabelled image nearest to where it arrives, and ahead of where it started
(cos ≥ τ), is picked, one an image. There is no inference over the pool.

The paper preset takes the literal step x + 10⁻³ g, which most pixels of a float32 image do not
notice, and the paper's VAE. The default's step is 2 % of the image's norm. τ cannot be recovered
from the paper; 0.707 is ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..models.latent_gradient import LITERAL, MODES, NORMALISED
from .base import Directions, PoolView, Scores, Unit
from .direction import TAU, Found, follow
from .diversity import pick_diverse
from .nearest import nearest_rows

AUTOENCODER = "vae"
# Picks that the patients' constraint may pass over.
SPARE = 4


@dataclass(frozen=True)
class _Round:
    latents: np.ndarray
    directions: Directions
    away: np.ndarray


class GradientGuided:
    """The unlabelled images that lie where the loss of the newest labelled ones rises.

    ``preset="paper"``: the literal step. ``mode`` is ``literal``, ``normalised`` or ``jvp``;
    ``tau`` bounds the cosine between the gradient's direction and the pick's.
    """

    name = "gradient-guided"
    summary = "What lies where the loss of the newest labelled images would rise."
    needs_model = True

    def __init__(
        self, *, preset: str | None = None, mode: str | None = None, tau: float = TAU
    ) -> None:
        self.paper = preset == "paper"
        self.mode = mode or (LITERAL if self.paper else NORMALISED)
        if self.mode not in MODES:
            raise TypeError(f"mode is one of {', '.join(MODES)}")
        self.tau = tau
        self._round: _Round | None = None

    @property
    def autoencoder(self) -> str:
        """The kind of autoencoder whose latents it needs."""
        return f"{AUTOENCODER}-paper" if self.paper else AUTOENCODER

    def score(self, pool: PoolView) -> Scores:
        """Score every unit by minus its distance to the nearest z'."""
        kind = self.autoencoder
        z = pool.latents(kind).candidates
        found = pool.directions(kind, self.mode)
        if not len(found.rows):
            # Not one labelled image can be read any more: the pool's own order, and no claim.
            self._round = _Round(z, found, np.zeros(len(z)))
            return Scores(np.zeros(len(z)), [["No labelled image gives a direction."]] * len(z))
        nearest = nearest_rows(z, found.ends)
        away = np.linalg.norm(z - found.ends[nearest], axis=1)
        self._round = _Round(z, found, away)
        picks = {f.row: f for f in follow(found.starts, found.ends, z, len(found.rows), self.tau)}
        reasons = []
        for row in range(len(z)):
            pick = picks.get(row)
            parent = int(found.rows[pick.parent if pick else nearest[row]])
            place = _called(pool.labelled[parent])
            reasons.append(
                self._why(pick, place)
                if pick
                else [f"It is {away[row]:.3g} from where the gradient of {place} leads."]
            )
        return Scores(-away, reasons)

    def select(self, pool: PoolView, scores: Scores, allowed: np.ndarray, count: int) -> list[int]:
        """Return one pick a parent, the highest loss first, patients kept apart."""
        del scores  # The picks follow directions, not distances alone.
        assert self._round is not None, "score comes before select"
        found = self._round.directions
        z, wanted = self._round.latents, SPARE * count
        picks = follow(found.starts, found.ends, z, wanted, self.tau, allowed)
        order = [pick.row for pick in picks]
        chosen = set(order)
        by_distance = np.argsort(self._round.away, kind="stable").tolist()
        order += [row for row in by_distance if allowed[row] and row not in chosen]
        return pick_diverse(order, pool.units, pool.labelled, count)

    def _why(self, pick: Found, place: str) -> list[str]:
        text = [
            f"It lies where the loss gradient of {place} leads "
            f"(distance {pick.distance:.3g}, cosine {pick.cosine:.2f})."
        ]
        if pick.bound is None:
            text.append("Nothing unlabelled lies ahead, so the nearest was taken.")
        elif pick.bound < self.tau:
            text.append(
                f"Nothing lies within the cosine bound {self.tau:g}; relaxed to {pick.bound:g}."
            )
        return text


def _called(unit: Unit) -> str:
    return unit.case if unit.slice is None else f"{unit.case}, slice {unit.slice}"
