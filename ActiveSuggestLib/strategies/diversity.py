"""Constraints on a batch: different patients, and a distance between slices of one volume."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .base import Unit

SLICE_GAP_MM = 5.0
VOLUME_SHARE = 1 / 3


def pick_diverse(
    order: Sequence[int],
    units: Sequence[Unit],
    labelled: Sequence[Unit],
    count: int,
    *,
    gap: float = SLICE_GAP_MM,
) -> list[int]:
    """Return the first ``count`` of ``order`` under constraints that give way one by one.

    First no patient is taken twice (for slices: no volume gives more than a third of the batch,
    and slices lie ``gap`` mm apart, from labelled ones too); then patients may repeat; then slices
    may lie close. A batch is short only if the pool has fewer units.
    """
    picked: list[int] = []
    slices = bool(order) and units[order[0]].slice is not None
    cap = max(1, math.ceil(count * VOLUME_SHARE)) if slices else 1
    taken = [u for u in labelled if u.slice is not None]
    for most, distance in ((cap, gap), (count, gap), (count, 0.0)):
        patients = Counter(units[i].patient for i in picked)
        chosen = set(picked)
        for index in order:
            if len(picked) >= count:
                return picked
            unit = units[index]
            if index in chosen or patients[unit.patient] >= most:
                continue
            near = [*taken, *(units[i] for i in picked)]
            if unit.slice is not None and _is_near(unit, near, distance):
                continue
            picked.append(index)
            chosen.add(index)
            patients[unit.patient] += 1
    return picked


def _is_near(unit: Unit, others: Sequence[Unit], distance: float) -> bool:
    return any(
        other.case == unit.case and abs(other.position - unit.position) < distance
        for other in others
    )
