"""Latents for the first suggestion of all, within a bounded time.

A person waits for it, so no more is read than ``MOST_VOXELS`` voxels, of patients in random order,
and the autoencoder is trained for ``MOST_SECONDS`` at most. It is one of its own: the strategies
that use latents later give theirs more time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..data.cases import CaseRow
from ..errors import ActiveSuggestError, CancelledError
from ..models.autoencoder import INFOVAE
from ..progress import Cancel, Progress, no_progress
from .latents import PoolLatents
from .workbench import Workbench

MOST_VOXELS = 1_000_000_000
MOST_SECONDS = 40.0


@dataclass(frozen=True)
class QuickLatents:
    """The latents (S, d) of the image's slices by case, or a ``note`` that says why none.

    ``unusable`` are the cases that were tried and could not be read.
    """

    latents: dict[str, np.ndarray] = field(default_factory=dict)
    dimensions: int = 0
    trained_on: int = 0
    unusable: frozenset[str] = frozenset()
    note: str = ""


def quick_latents(
    bench: Workbench,
    cases: Sequence[CaseRow],
    rng: np.random.Generator,
    *,
    progress: Progress = no_progress,
    cancel: Cancel | None = None,
) -> QuickLatents:
    """Return the latents of ``cases``, or of as many of them as are quickly read.

    Raises:
        CancelledError: asked to stop; what was read so far is kept.
    """
    chosen = quickly_read(cases, rng)
    try:
        store = PoolLatents(
            bench,
            INFOVAE,
            progress=progress,
            cancel=cancel,
            among={c.name for c in chosen},
            most_seconds=MOST_SECONDS,
        )
        found = store.of(chosen)
    except CancelledError:
        raise
    except ActiveSuggestError as error:
        # The first suggestion must not fail for want of an autoencoder.
        reason = error.message.rstrip(".")
        return QuickLatents(note=f"the images could not be compared ({reason})")
    unusable = frozenset(c.name for c in chosen) - set(found)
    return QuickLatents(found, store.plan.dimensions, len(found), unusable)


def quickly_read(
    cases: Sequence[CaseRow], rng: np.random.Generator, most: int = MOST_VOXELS
) -> list[CaseRow]:
    """Return the cases of patients in random order up to ``most`` voxels, one at least."""
    patients: dict[str, list[CaseRow]] = {}
    for case in cases:
        patients.setdefault(case.patient, []).append(case)
    names = sorted(patients)
    chosen: list[CaseRow] = []
    voxels = 0
    for index in rng.permutation(len(names)):
        own = patients[names[index]]
        size = sum(math.prod(c.geometry.shape) * c.channels for c in own if c.geometry)
        if chosen and voxels + size > most:
            break
        chosen.extend(own)
        voxels += size
    return sorted(chosen, key=lambda c: c.name)
