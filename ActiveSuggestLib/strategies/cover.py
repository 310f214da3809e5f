"""Maximum cover of a pool by a few of its members (Yang et al., MICCAI 2017, section 2.3).

A member i covers x by f(i, x) = max(0, cos(i, x)), a set S by f(S, x) = max_{i∈S} f(i, x), and
F(S) = Σ_x f(S, x) over the pool. F is monotone and submodular, so the greedy choice reaches
1 − 1/e of the best (Nemhauser et al., 1978). The lazy choice (Minoux, 1978) makes the same picks
with fewer evaluations: a gain never grows, so an old one is a bound. The stochastic choice
(Mirzasoleiman et al., AAAI 2015) looks at (K/k) ln(1/ε) candidates a step and keeps 1 − 1/e − ε in
expectation.

Similarities are made in blocks and never kept: memory is that of the descriptors and a block.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

BLOCK_COLUMNS = 8192
BLOCK_ROWS = 256
LAZY_ROWS = 16
# Above so many similarities the greedy choice looks at a sample of the candidates.
MOST_SIMILARITIES = 400_000_000
# What float32 cannot tell apart: gains this near to the best are ties, and a gain of so little a
# member of the pool is none.
TIE = 1e-5
NOTHING = 2e-7

Available = Callable[[Sequence[int]], np.ndarray]
"""From the picks so far to the candidates that may follow, (K,)."""


@dataclass(frozen=True)
class Cover:
    """The picked rows of the candidates, what each added to F, and the gains computed."""

    picks: list[int]
    gains: list[float]
    evaluations: int


def unit_rows(descriptors: np.ndarray) -> np.ndarray:
    """Return rows of length 1, float32 (N, E); a row of zeros is similar to nothing and stays.

    >>> unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]])).round(6).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    rows = np.ascontiguousarray(descriptors, np.float32)
    length = np.sqrt(np.einsum("ne,ne->n", rows, rows))
    return rows / np.where(length > 0, length, 1)[:, None]


def covered_by(members: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """Return m_x = f(members, x) of each x of the pool, float32 (N,); zeros without members.

    ``members`` (M, E) and ``pool`` (N, E) have rows of length 1.
    """
    cover = np.zeros(len(pool), np.float32)
    for rows in _blocks(len(members), BLOCK_ROWS):
        for columns in _blocks(len(pool), BLOCK_COLUMNS):
            best = (members[rows] @ pool[columns].T).max(axis=0)
            np.maximum(cover[columns], best, out=cover[columns])
    return cover


def gains(candidates: np.ndarray, pool: np.ndarray, cover: np.ndarray) -> np.ndarray:
    """Return g_i = Σ_x max(0, cos(i, x) − m_x) of each candidate, float64 (K,).

    ``candidates`` (K, E) and ``pool`` (N, E) have rows of length 1, ``cover`` is m, (N,), m ≥ 0.
    """
    found = np.zeros(len(candidates))
    for rows in _blocks(len(candidates), BLOCK_ROWS):
        for columns in _blocks(len(pool), BLOCK_COLUMNS):
            more = candidates[rows] @ pool[columns].T
            more -= cover[columns]
            np.maximum(more, 0, out=more)
            found[rows] += more.sum(axis=1)
    found[found < NOTHING * len(pool)] = 0.0
    return found


def plain_greedy(
    candidates: np.ndarray,
    pool: np.ndarray,
    count: int,
    *,
    start: np.ndarray | None = None,
    available: Available | None = None,
) -> Cover:
    """Pick ``count`` candidates, each with the highest gain of all; ties to the lowest row.

    ``start`` (N,) is the cover by what is labelled already (``covered_by``), none without it.
    """
    growing = _Growing(candidates, pool, start, available)
    for _ in range(count):
        rows = np.flatnonzero(growing.open())
        if not len(rows):
            break
        growing.take_best(rows, growing.gains(rows))
    return growing.result()


def lazy_greedy(
    candidates: np.ndarray,
    pool: np.ndarray,
    count: int,
    *,
    start: np.ndarray | None = None,
    available: Available | None = None,
    enough: float = math.inf,
) -> Cover:
    """Pick as ``plain_greedy`` does, with fewer evaluations.

    With ``enough`` it stops before ``count`` once the mean cover of the pool, F / N, is that high
    or nothing adds to it.
    """
    growing = _Growing(candidates, pool, start, available)
    everyone = np.arange(len(candidates))
    bounds = growing.gains(everyone) if count else np.zeros(0)
    current = np.ones(len(candidates), bool)
    while len(growing.picks) < count and growing.cover.mean() < enough:
        free = growing.open()
        if not free.any():
            break
        size = LAZY_ROWS
        while True:
            known = bounds[free & current]
            best = known.max() if len(known) else -math.inf
            doubtful = np.flatnonzero(free & ~current & (bounds >= best * (1 - TIE)))
            if not len(doubtful):
                break
            # A few at a time, as reading the pool costs as much as a handful of products; then more
            # and more, as large products are faster where the bounds turn out to be loose.
            next_ones = doubtful[np.argsort(-bounds[doubtful], kind="stable")[:size]]
            size *= 2
            bounds[next_ones] = growing.gains(next_ones)
            current[next_ones] = True
        rows = np.flatnonzero(free & current)
        if enough < math.inf and bounds[rows].max() == 0:
            break
        growing.take_best(rows, bounds[rows])
        current[:] = False
    return growing.result()


def stochastic_greedy(
    candidates: np.ndarray,
    pool: np.ndarray,
    count: int,
    rng: np.random.Generator,
    *,
    epsilon: float = 0.1,
    start: np.ndarray | None = None,
    available: Available | None = None,
) -> Cover:
    """Pick ``count`` candidates, each the best of (K/k) ln(1/ε) that are drawn at random."""
    growing = _Growing(candidates, pool, start, available)
    size = math.ceil(len(candidates) / max(count, 1) * math.log(1 / epsilon))
    for _ in range(count):
        rows = np.flatnonzero(growing.open())
        if not len(rows):
            break
        drawn = np.sort(rng.choice(rows, min(size, len(rows)), replace=False))
        growing.take_best(drawn, growing.gains(drawn))
    return growing.result()


def best_cover(
    candidates: np.ndarray,
    pool: np.ndarray,
    count: int,
    rng: np.random.Generator,
    *,
    start: np.ndarray | None = None,
    available: Available | None = None,
) -> Cover:
    """Pick by ``lazy_greedy``, or by ``stochastic_greedy`` where that would take too long."""
    if len(candidates) * len(pool) <= MOST_SIMILARITIES:
        return lazy_greedy(candidates, pool, count, start=start, available=available)
    return stochastic_greedy(candidates, pool, count, rng, start=start, available=available)


class _Growing:
    """A cover that grows by one pick after the other."""

    def __init__(
        self,
        candidates: np.ndarray,
        pool: np.ndarray,
        start: np.ndarray | None,
        available: Available | None,
    ) -> None:
        self.candidates = candidates
        self.pool = pool
        # A copy: candidates that are only looked at must never change m, nor the caller's array.
        self.cover = np.zeros(len(pool), np.float32) if start is None else start.astype(np.float32)
        self.available = available
        self.picks: list[int] = []
        self.added: list[float] = []
        self.evaluations = 0

    def open(self) -> np.ndarray:
        free = np.ones(len(self.candidates), bool)
        if self.available is not None:
            free &= self.available(self.picks)
        free[self.picks] = False
        return free

    def gains(self, rows: np.ndarray) -> np.ndarray:
        self.evaluations += len(rows)
        return gains(self.candidates[rows], self.pool, self.cover)

    def take_best(self, rows: np.ndarray, found: np.ndarray) -> None:
        place = int(np.argmax(found >= found.max() * (1 - TIE)))
        self.picks.append(int(rows[place]))
        self.added.append(float(found[place]))
        own = self.candidates[self.picks[-1]][None]
        self.cover = np.maximum(self.cover, covered_by(own, self.pool))

    def result(self) -> Cover:
        return Cover(self.picks, self.added, self.evaluations)


def _blocks(length: int, size: int) -> list[slice]:
    return [slice(first, min(first + size, length)) for first in range(0, length, size)]
