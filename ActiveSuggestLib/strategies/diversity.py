"""Constraints on a batch: different patients, and a distance between slices of one volume."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .base import Unit

SLICE_GAP_MM = 5.0
VOLUME_SHARE = 1 / 3


class Constraints:
    """Which units a batch may still take; constraints give way one by one when none is left.

    First no patient is taken twice (for slices: no volume gives more than a third of the batch,
    and slices lie ``gap`` mm apart, from labelled ones too); then patients may repeat; then slices
    may lie close. ``among`` (N,) leaves units out altogether. With ``spread`` patients of whom
    nothing is labelled come before all others, and of those no patient is taken twice, slices or
    volumes.
    """

    def __init__(
        self,
        units: Sequence[Unit],
        labelled: Sequence[Unit],
        count: int,
        *,
        among: np.ndarray | None = None,
        gap: float = SLICE_GAP_MM,
        spread: bool = False,
    ) -> None:
        self.among = np.ones(len(units), bool) if among is None else np.asarray(among, bool)
        slices = bool(units) and units[0].slice is not None
        cap = max(1, math.ceil(count * VOLUME_SHARE)) if slices else 1
        self._levels = [(cap, gap, False), (count, gap, False), (count, 0.0, False)]
        if spread:
            self._levels[:0] = [(1, gap, True), (1, gap, False)]
        known = {u.patient for u in labelled}
        self._new = np.array([u.patient not in known for u in units], bool)
        self._slices = slices
        self._patient = _codes([u.patient for u in units])
        self._case = _codes([u.case for u in units])
        self._position = np.array([u.position for u in units])
        self._near_labelled = self._close_to_labelled(units, labelled, gap)

    def open(self, picked: Sequence[int] | np.ndarray) -> np.ndarray:
        """Return which units may follow those in ``picked``, (N,); none if all are taken."""
        free = self.among.copy()
        free[list(picked)] = False
        for most, gap, new in self._levels:
            full = np.bincount(self._patient[list(picked)], minlength=len(free)) >= most
            allowed = free & ~full[self._patient]
            if new:
                allowed &= self._new
            if self._slices and gap > 0:
                allowed &= ~self._near_labelled
                for index in picked:
                    same = self._case == self._case[index]
                    allowed &= ~(same & (np.abs(self._position - self._position[index]) < gap))
            if allowed.any():
                return allowed
        return free

    def _close_to_labelled(
        self, units: Sequence[Unit], labelled: Sequence[Unit], gap: float
    ) -> np.ndarray:
        near = np.zeros(len(units), bool)
        code = {u.case: c for u, c in zip(units, self._case, strict=True)}
        for unit in labelled:
            if unit.slice is not None and unit.case in code:
                same = self._case == code[unit.case]
                near |= same & (np.abs(self._position - unit.position) < gap)
        return near


def pick_diverse(
    order: Sequence[int],
    units: Sequence[Unit],
    labelled: Sequence[Unit],
    count: int,
    *,
    gap: float = SLICE_GAP_MM,
) -> list[int]:
    """Return the first ``count`` of ``order`` under the ``Constraints``.

    A batch is short only if the pool has fewer units.
    """
    among = np.zeros(len(units), bool)
    among[list(order)] = True
    constraints = Constraints(units, labelled, count, among=among, gap=gap)
    return first_open(np.asarray(order, int), constraints, count)


def first_open(
    order: np.ndarray, constraints: Constraints, count: int, *, before: Sequence[int] = ()
) -> list[int]:
    """Return ``count`` picks: ``before``, then each time the first of ``order`` that is open."""
    picked = list(before)
    while len(picked) < count:
        allowed = constraints.open(picked)[order]
        if not allowed.any():
            break
        picked.append(int(order[np.argmax(allowed)]))
    return picked


def _codes(names: Sequence[str]) -> np.ndarray:
    """Return a number a name, the same for the same name, (N,)."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], int)
