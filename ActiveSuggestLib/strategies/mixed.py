"""Volumes and slices in one list, by expected gain for the effort of labelling (Settles, 2008).

What a unit can teach is the predictive entropy that lies in it, G = ½ Σ_v PE_v (2 − p̄_background):
half of it counts everywhere, so that a structure that is missed can be seen, and half in the
predicted foreground, as the ends of a volume look less certain than they are. G is taken times the
place that the strategy gives the unit among its own kind (1 for the first, 1/N for the last).
Slices nearer than 5 mm teach much the same, so those of a volume count h/5 mm each where they lie
h < 5 mm apart.

What it takes is at first counted in pixels: those that are expected to be wrong, Σ_v (1 − max_c p̄),
and what looking at a slice and opening a case cost. Once a project has timed enough labels, it is
seconds: a for a case and b for an average slice, fitted to them without negative parts; a slice
with more to correct takes more than the average one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.optimize import nnls

from .base import Pick, PoolView, Scores, Strategy, Unit, ranking
from .diversity import SLICE_GAP_MM, Constraints

# In pixels to correct; ours, and only until a project has measured.
LOOKING = 30.0
OPENING = 300.0
FEWEST_TIMINGS = 8
FEWEST_OF_A_KIND = 3
SMALLEST = 1e-9


@dataclass(frozen=True)
class LabelTime:
    """How long a person took for ``slices`` slices of one case; ``whole`` for a whole volume."""

    seconds: float
    slices: int
    whole: bool


@dataclass(frozen=True)
class Contents:
    """What lies in the slices that a unit would have one label, by sums over them, (N,) each.

    ``entropy`` in nats, those of neighbours counted once; ``wrong`` the pixels that are expected to
    be wrong on the network's grid; ``slices`` how many there are.
    """

    entropy: np.ndarray
    wrong: np.ndarray
    slices: np.ndarray


@dataclass(frozen=True)
class Effort:
    """What each unit takes, (N,), in ``unit``; ``words`` says where that is from."""

    values: np.ndarray
    unit: str
    words: str


class MixedPoolView(Protocol):
    """A pool of volumes and slices: the views of both kinds, and what lies in their units.

    ``units`` are those of ``volumes`` and then those of ``slices``. A pool in which no wholly
    unlabelled volume is left has no ``volumes``.
    """

    @property
    def volumes(self) -> PoolView | None:
        """The volumes that are not labelled at all."""
        ...

    @property
    def slices(self) -> PoolView:
        """The slices that are not labelled."""
        ...

    @property
    def units(self) -> Sequence[Unit]:
        """The candidates of both kinds."""
        ...

    def keep_common(self) -> None:
        """Leave out of both views what is unusable in one of them."""
        ...

    def contents(self) -> Contents:
        """Return what lies in each of ``units``."""
        ...

    def label_times(self) -> Sequence[LabelTime]:
        """Return how long people took for their labels so far."""
        ...


class Mixed:
    """The units of both kinds by expected gain for their effort; ``inner`` ranks each kind.

    ``inner`` are two strategies of one name, for volumes and for slices.
    """

    summary = "Volumes and slices in one list, by expected gain for the effort."

    def __init__(self, of_volumes: Strategy, of_slices: Strategy) -> None:
        self.name = of_slices.name
        self.needs_model = True
        self.inner = of_volumes, of_slices

    def score(self, pool: MixedPoolView) -> Scores:
        """Score every unit by its gain in nats a pixel to correct, or a minute."""
        found = self._inner_scores(pool)
        places = np.concatenate([_places(np.asarray(s.values, float)) for s in found])
        reasons = [list(r) for s in found for r in s.reasons]
        contents = pool.contents()
        effort = expected_effort(contents, pool.label_times())
        gain = places * contents.entropy
        values = gain / np.maximum(effort.values, SMALLEST)
        told = [
            [
                f"Expected gain {_number(gain[i])} nats for about {_number(effort.values[i])} "
                f"{effort.unit}, {_number(values[i])} each ({effort.words}).",
                *reasons[i],
            ]
            for i in range(len(values))
        ]
        return Scores(values, told)

    def select(
        self, pool: MixedPoolView, scores: Scores, allowed: np.ndarray, count: int
    ) -> Sequence[int | Pick]:
        """Return the best ``count``, patients apart; a volume and its slices exclude each other."""
        order = [i for i in ranking(np.asarray(scores.values)) if allowed[i]]
        return pick_mixed(order, pool.units, pool.slices.labelled, count)

    def _inner_scores(self, pool: MixedPoolView) -> list[Scores]:
        """Return the scores of volumes and of slices by the strategy itself."""
        views = [(self.inner[0], pool.volumes), (self.inner[1], pool.slices)]
        present = [(strategy, view) for strategy, view in views if view is not None]
        found = [strategy.score(view) for strategy, view in present]
        before = [list(view.units) for _, view in present]
        pool.keep_common()
        kept = []
        for scores, units, (_, view) in zip(found, before, present, strict=True):
            left = {(u.case, u.slice) for u in view.units}
            rows = [i for i, u in enumerate(units) if (u.case, u.slice) in left]
            kept.append(
                Scores(np.asarray(scores.values, float)[rows], [scores.reasons[i] for i in rows])
            )
        return kept


def expected_effort(contents: Contents, times: Sequence[LabelTime]) -> Effort:
    """Return what each unit takes: minutes if enough labels were timed, else pixels to correct."""
    pixels = LOOKING * contents.slices + contents.wrong
    measured = fitted_seconds(times)
    if measured is None:
        words = f"minutes once enough labels are timed, {len(times)} so far"
        return Effort(OPENING + pixels, "pixels to correct", words)
    a_case, a_slice = measured
    average = pixels.sum() / max(contents.slices.sum(), 1)
    seconds = a_case + a_slice * pixels / max(average, SMALLEST)
    words = f"by {len(times)} timed labels: {a_case:.0f} s a case and {a_slice:.1f} s a slice"
    return Effort(seconds / 60, "minutes", words)


def fitted_seconds(times: Sequence[LabelTime]) -> tuple[float, float] | None:
    """Return the seconds a case and a slice take, both ≥ 0, or ``None`` while too few are known.

    Least squares of seconds = a + b·slices, each label weighted by its number of slices to the
    power −½: long ones vary more.
    """
    whole = sum(t.whole for t in times)
    if len(times) < FEWEST_TIMINGS or min(whole, len(times) - whole) < FEWEST_OF_A_KIND:
        return None
    slices = np.array([max(1, t.slices) for t in times], float)
    weight = slices**-0.5
    matrix = np.stack([np.ones(len(times)), slices], axis=1) * weight[:, None]
    (a_case, a_slice), _ = nnls(matrix, weight * np.array([t.seconds for t in times]))
    return (float(a_case), float(a_slice)) if a_case + a_slice > 0 else None


def pick_mixed(
    order: Sequence[int], units: Sequence[Unit], labelled: Sequence[Unit], count: int
) -> list[int]:
    """Return the first ``count`` of ``order`` of different patients, then of the same.

    A volume and its slices exclude each other; slices of one volume lie ``SLICE_GAP_MM`` apart from
    each other and from the labelled ones, while others are left.
    """
    picked: list[int] = []
    rows = [i for i, u in enumerate(units) if u.slice is not None]
    local = {row: i for i, row in enumerate(rows)}
    among = np.zeros(len(rows), bool)
    among[[local[i] for i in order if i in local]] = True
    close = Constraints([units[i] for i in rows], labelled, count, among=among)
    free = close.open([])
    for patients_apart in (True, False):
        for row in order:
            if len(picked) == count:
                return picked
            if row in picked or (row in local and not free[local[row]]):
                continue
            if _excluded(units[row], [units[i] for i in picked], patients_apart):
                continue
            picked.append(row)
            free = close.open([local[i] for i in picked if i in local])
    return picked


def _excluded(unit: Unit, picked: Sequence[Unit], patients_apart: bool) -> bool:
    if patients_apart and any(p.patient == unit.patient for p in picked):
        return True
    same = [p for p in picked if p.case == unit.case]
    return any(unit.slice is None or p.slice is None for p in same)


def slice_worth(spacing: float) -> float:
    """Return what a slice of a stack counts whose slices lie ``spacing`` mm apart.

    >>> slice_worth(1.0), slice_worth(8.0)
    (0.2, 1.0)
    """
    return min(1.0, spacing / SLICE_GAP_MM) if spacing > 0 else 1.0


def _number(value: float) -> str:
    """Return a number as people write it: two or three digits, none behind the point if large."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def _places(values: np.ndarray) -> np.ndarray:
    """Return 1 for the highest value down to 1/N, equals alike, (N,)."""
    ordered = np.sort(values)
    return np.searchsorted(ordered, values, side="right") / max(len(values), 1)
