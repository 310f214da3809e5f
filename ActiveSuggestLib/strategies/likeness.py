"""How much of a pool looks like a few of its units."""

from __future__ import annotations

import numpy as np

from .base import Appearance
from .cover import covered_by, gains, unit_rows

# As an audience, so many stand for a pool of millions of slices.
MOST_COVERED = 20_000


def directions(
    look: Appearance, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the seen candidates as rows of length 1, those to be covered, and their cover so far.

    Angles are taken about the mean of what was seen. The candidates stand for themselves, at most
    ``MOST_COVERED`` of them; covered they are by what is labelled.
    """
    seen = look.candidates[look.seen]
    middle = np.concatenate([seen, look.labelled]).mean(axis=0) if len(seen) else 0.0
    points = unit_rows(seen - middle)
    audience = points
    if len(points) > MOST_COVERED:
        audience = points[np.sort(rng.choice(len(points), MOST_COVERED, replace=False))]
    return points, audience, covered_by(unit_rows(look.labelled - middle), audience)


class Likeness:
    """The cover of a pool that grows by one pick after the other.

    What was not seen covers nothing.
    """

    def __init__(self, look: Appearance, rng: np.random.Generator) -> None:
        self._points, self._audience, self._cover = directions(look, rng)
        self._place = np.full(len(look.seen), -1)
        self._place[look.seen] = np.arange(len(self._points))

    def gains(self, units: np.ndarray) -> np.ndarray:
        """Return what each of ``units`` (K,) would add to the cover, as a share of it, (K,)."""
        places = self._place[units]
        found = np.zeros(len(units))
        seen = places >= 0
        if seen.any():
            added = gains(self._points[places[seen]], self._audience, self._cover)
            found[seen] = added / max(len(self._audience), 1)
        return found

    def take(self, unit: int) -> None:
        """Count a unit as labelled."""
        place = self._place[unit]
        if place >= 0:
            own = covered_by(self._points[place][None], self._audience)
            self._cover = np.maximum(self._cover, own)
