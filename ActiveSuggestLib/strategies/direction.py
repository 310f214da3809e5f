"""Walk from labelled latents along a loss gradient, and take what lies there (Dai et al.).

Symbols: z the latent of a labelled image, z' where the gradient moves it, z_u those of the pool.
A pick is the z_u nearest to z' with cos∠(z' − z, z_u − z) ≥ τ (eqs. 5–6).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TAU = 0.707
RELAXED = (0.5, 0.0, None)
BLOCK_ROWS = 65_536


@dataclass(frozen=True)
class Found:
    """One pick: its row, whose direction it follows, and under which bound of the cosine.

    ``bound`` is τ, what it was relaxed to, or ``None`` where no bound could be kept;
    ``cosine`` is not a number where there is no direction.
    """

    row: int
    parent: int
    bound: float | None
    cosine: float
    distance: float


def follow(
    starts: np.ndarray,
    ends: np.ndarray,
    pool: np.ndarray,
    count: int,
    tau: float = TAU,
    allowed: np.ndarray | None = None,
) -> list[Found]:
    """Return up to ``count`` picks among the ``allowed`` of ``pool`` (N, d), none twice.

    ``starts`` and ``ends`` (m, d) are z and z' of the parents, the most important first: with
    fewer picks than parents the first ones choose, with more they take turns.
    """
    free = np.ones(len(pool), bool) if allowed is None else allowed.copy()
    found: list[Found] = []
    for turn in range(min(count, int(free.sum())) if len(starts) else 0):
        parent = turn % len(starts)
        pick = nearest_along(pool, free, starts[parent], ends[parent], tau)
        found.append(Found(pick.row, parent, pick.bound, pick.cosine, pick.distance))
        free[pick.row] = False
    return found


def nearest_along(
    pool: np.ndarray, free: np.ndarray, start: np.ndarray, end: np.ndarray, tau: float
) -> Found:
    """Return the free row nearest to ``end`` under the strictest bound that any row keeps.

    The bounds are τ, 0.5, 0 and none. A row at ``start`` has no direction and keeps none. Ties
    take the lowest row. In blocks: the memory beside the pool does not grow with it.
    """
    bounds = [tau, *(b for b in RELAXED if b is None or b < tau)]
    best: list[Found | None] = [None] * len(bounds)
    step = (end - start).astype(pool.dtype)
    length = float(np.linalg.norm(step))
    for first in range(0, len(pool), BLOCK_ROWS):
        part = slice(first, first + BLOCK_ROWS)
        off = pool[part] - start.astype(pool.dtype)
        along = off @ step
        squared = np.einsum("nd,nd->n", off, off)
        with np.errstate(divide="ignore", invalid="ignore"):
            cosine = along / (np.sqrt(squared) * length)
        away = np.where(free[part], squared - 2 * along, np.inf)
        for level, bound in enumerate(bounds):
            # Comparisons with what is not a number are false: no direction keeps no bound.
            among = away if bound is None else np.where(cosine >= bound, away, np.inf)
            row = int(np.argmin(among))
            known = best[level]
            if np.isfinite(among[row]) and (known is None or among[row] < known.distance):
                best[level] = Found(first + row, 0, bound, float(cosine[row]), float(among[row]))
    pick = next((b for b in best if b is not None), None)
    if pick is None:
        raise ValueError("no row is free")
    distance = float(np.linalg.norm(pool[pick.row] - end))
    return Found(pick.row, 0, pick.bound, pick.cosine, distance)
