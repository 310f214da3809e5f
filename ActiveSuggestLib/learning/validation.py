"""Which cases the model is judged on; they are never trained on."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np

from ..data.cases import CaseRow

SHARE = 0.2
FEWEST = 3
MOST = 20
FEWEST_PATIENTS = 4


def validation_cases(
    labelled: Sequence[CaseRow],
    fixed: Sequence[str],
    trained_before: Collection[str],
    *,
    seed: int,
) -> tuple[str, ...]:
    """Return the validation cases: all labelled cases of the chosen patients.

    They are fixed at the first training that has ``FEWEST_PATIENTS`` labelled patients: a fifth
    of the patients, at least ``FEWEST`` once there are enough, at most ``MOST``. A project that is
    trained after every label starts below that; then patients that were never trained on are added,
    never more than a quarter of all, until there are ``FEWEST``. From there on nothing changes.
    ``trained_before`` names every case that any model was trained on: they never count.
    """
    patient_of = {c.name: c.patient for c in labelled}
    everyone = sorted(set(patient_of.values()))
    fixed_patients = {patient_of[c] for c in fixed if c in patient_of}
    if len(fixed) and (len(fixed_patients) >= FEWEST or len(everyone) < FEWEST_PATIENTS):
        return tuple(fixed)
    if len(everyone) < FEWEST_PATIENTS:
        return ()
    spent = {patient_of[c] for c in trained_before if c in patient_of}
    free = [p for p in everyone if p not in spent and p not in fixed_patients]
    if fixed:
        wanted = min(FEWEST, len(everyone) // 4)
    else:
        most = max(1, len(everyone) // 4)
        wanted = min(most, MOST, max(FEWEST, math.ceil(SHARE * len(everyone))))
    more = max(0, wanted - len(fixed_patients))
    order = np.random.default_rng([seed, len(everyone)]).permutation(len(free))
    chosen = fixed_patients | {free[i] for i in order[:more]}
    added = sorted(c for c, p in patient_of.items() if p in chosen and c not in fixed)
    return (*fixed, *added)
