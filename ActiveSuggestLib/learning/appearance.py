"""What the images of a pool look like, before anything is labelled or learnt.

A person waits for the first suggestion, so no more is read than ``MOST_VOXELS`` voxels, of patients
in random order; what is read is kept as miniatures, so that the next suggestion waits no more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..data.cases import CaseRow
from ..models.miniatures import miniatures
from ..progress import Cancel, Progress, no_progress
from .array_files import ArrayFiles
from .reading import kept_arrays
from .workbench import Workbench

MOST_VOXELS = 1_000_000_000


@dataclass(frozen=True)
class PoolAppearance:
    """The miniatures (S, C, 24, 24) of the image's slices by case.

    ``unusable`` are the cases that were tried and could not be read.
    """

    miniatures: dict[str, np.ndarray]
    unusable: frozenset[str]


def look_at(
    bench: Workbench,
    cases: Sequence[CaseRow],
    rng: np.random.Generator,
    *,
    progress: Progress = no_progress,
    cancel: Cancel | None = None,
) -> PoolAppearance:
    """Return the miniatures of ``cases``, or of as many of them as are quickly read.

    Raises:
        CancelledError: asked to stop; what was read so far is kept.
    """
    files = ArrayFiles(bench.project.folder / "cache" / "miniatures" / bench.plan.hash)
    chosen = [c for c in quickly_read(cases, rng) if not c.missing]
    found, unusable = kept_arrays(
        bench, chosen, files, miniatures, "looking at", progress=progress, cancel=cancel
    )
    files.prune_others()
    return PoolAppearance(found, frozenset(unusable))


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
