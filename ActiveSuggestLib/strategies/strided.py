"""Evenly spaced volumes and slices: no model, no chance, and hard to beat.

Volumes: every n-th case by patient, for any n: the next one is the one furthest, along the sorted
patients, from all that are labelled or taken (the farthest-first order of a line, which halves the
gaps one after the other). Slices: the volumes in that order, one slice of each before a second of
any; the next slice of a volume is the one furthest from its labelled and taken ones. A volume of
which nothing is labelled begins at a height that steps by the golden section from one volume to
the next (a low-discrepancy sequence), so that few slices of many volumes cover the anatomy too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .base import SLICE, PoolView, RankingStrategy, Scores, Unit

GOLDEN = (math.sqrt(5) - 1) / 2


class Strided(RankingStrategy):
    """Every n-th case by patient, and evenly spaced slices."""

    name = "strided"
    summary = "Evenly spaced through the pool: every n-th case, slices at all heights."
    needs_model = False

    def __init__(self, *, preset: str | None = None) -> None:
        del preset  # There is one way to stride.

    def score(self, pool: PoolView) -> Scores:
        """Score every unit by its place in the evenly spaced order, the first highest."""
        cases = case_order(pool.units, pool.labelled)
        if pool.kind == SLICE:
            order, reasons = _slices(pool.units, pool.labelled, cases)
        else:
            order = [members[0] for members in cases]
            keys = sorted((u.patient, u.case) for u in pool.units)
            place = {case: i for i, (_, case) in enumerate(keys, start=1)}
            reasons = [
                [f"Evenly spaced: number {place[u.case]} of {len(keys)} in the patients' order."]
                for u in pool.units
            ]
        values = np.empty(len(order))
        values[order] = np.arange(len(order), 0, -1)
        return Scores(values, reasons)


def farthest_first(positions: np.ndarray, taken: np.ndarray, first: int) -> list[int]:
    """Return the order of points on a line in which each is furthest from those before it.

    ``positions`` (N,) and ``taken`` (M,) in one unit; ``first`` begins where nothing is taken. Ties
    go to the lowest index.

    >>> farthest_first(np.arange(5.0), np.empty(0), 2)
    [2, 0, 4, 1, 3]
    """
    distance = np.full(len(positions), np.inf)
    for place in taken:
        distance = np.minimum(distance, np.abs(positions - place))
    order: list[int] = []
    for _ in range(len(positions)):
        index = int(np.argmax(distance)) if order or len(taken) else first
        order.append(index)
        distance = np.minimum(distance, np.abs(positions - positions[index]))
        distance[index] = -1.0
    return order


def case_order(units: Sequence[Unit], labelled: Sequence[Unit]) -> list[list[int]]:
    """Return the units of each case, cases with the evenly spaced one first.

    Cases stand on a line in the order of patient and name; the labelled ones count as taken.
    """
    members: dict[tuple[str, str], list[int]] = {}
    for index, unit in enumerate(units):
        members.setdefault((unit.patient, unit.case), []).append(index)
    done = {(u.patient, u.case) for u in labelled} - set(members)
    line = sorted([*members, *done])
    place = {key: float(i) for i, key in enumerate(line)}
    keys = sorted(members)
    positions = np.array([place[k] for k in keys])
    taken = np.array([place[k] for k in sorted(done)])
    return [members[keys[i]] for i in farthest_first(positions, taken, len(keys) // 2)]


def _slices(
    units: Sequence[Unit], labelled: Sequence[Unit], cases: list[list[int]]
) -> tuple[list[int], list[list[str]]]:
    """Return the order of the slices and a reason for each."""
    done: dict[str, list[float]] = {}
    for unit in labelled:
        done.setdefault(unit.case, []).append(unit.position)
    ranked: list[tuple[int, int, int]] = []
    reasons: list[list[str]] = [[] for _ in units]
    for number, members in enumerate(cases):
        positions = np.array([units[i].position for i in members])
        taken = np.array(done.get(units[members[0]].case, []))
        start = int((0.5 + number * GOLDEN) % 1.0 * len(members))
        # What is labelled already counts as an earlier turn of the volume.
        for turn, local in enumerate(farthest_first(positions, taken, start), start=len(taken)):
            ranked.append((turn, number, members[local]))
            reasons[members[local]] = [_place(positions, local, taken)]
    return [index for *_, index in sorted(ranked)], reasons


def _place(positions: np.ndarray, index: int, taken: np.ndarray) -> str:
    extent = float(np.ptp(positions))
    height = (positions[index] - positions.min()) / extent if extent > 0 else 0.5
    near = (
        f"{np.abs(taken - positions[index]).min():.1f} mm from the nearest labelled slice"
        if len(taken)
        else "no slice of this volume is labelled"
    )
    return f"Evenly spaced: at {height:.0%} of the volume; {near}."
