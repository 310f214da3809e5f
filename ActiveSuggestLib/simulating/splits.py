"""Which cases test, which teach, and which are labelled at first: drawn by patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from ..errors import SplitError


@dataclass(frozen=True)
class Split:
    """Case names. No patient is in both ``test`` and ``pool``; ``initial`` is part of ``pool``."""

    test: tuple[str, ...]
    pool: tuple[str, ...]
    initial: tuple[str, ...]


def draw_split(
    patients: Mapping[str, str],
    *,
    seed: int,
    initial: int,
    test_cases: int | None = None,
    test_fraction: float = 0.3,
    pool_cases: int | None = None,
) -> Split:
    """Draw a split of cases (case → patient); the same arguments give the same split.

    Without ``test_cases`` the test set is ``test_fraction`` of the cases. ``pool_cases`` keeps
    a random part of what is left. The initial cases are of different patients while there are
    enough. Raises ``SplitError`` if the cases do not suffice.
    """
    rng = np.random.default_rng([seed, 101])
    groups: dict[str, list[str]] = {}
    for case in sorted(patients):
        groups.setdefault(patients[case], []).append(case)
    order = [groups[name] for name in rng.permutation(sorted(groups)).tolist()]
    wanted = max(1, round(test_fraction * len(patients))) if test_cases is None else test_cases
    test, rest = _take(order, wanted)
    pool = _take(rest, pool_cases)[0] if pool_cases is not None else rest
    if not test or sum(map(len, pool)) < initial + 1:
        raise SplitError(
            f"{len(patients)} labelled cases of {len(groups)} patients are too few for "
            f"{wanted} test cases, {initial} labelled at first and at least one to suggest.",
            remedy="Give more cases, or ask for fewer test or initial ones.",
        )
    return Split(
        test=tuple(sorted(chain.from_iterable(test))),
        pool=tuple(sorted(chain.from_iterable(pool))),
        initial=_one_a_patient(pool, initial, rng),
    )


def _take(groups: Sequence[list[str]], wanted: int) -> tuple[list[list[str]], list[list[str]]]:
    """Split groups into those that add up to at most ``wanted`` cases, and the rest."""
    taken: list[list[str]] = []
    left: list[list[str]] = []
    count = 0
    for group in groups:
        if count + len(group) <= wanted:
            taken.append(group)
            count += len(group)
        else:
            left.append(group)
    return taken, left


def _one_a_patient(
    groups: Sequence[list[str]], count: int, rng: np.random.Generator
) -> tuple[str, ...]:
    """Pick cases in turns, one of each patient a turn, in the groups' random order."""
    shuffled = [rng.permutation(sorted(group)).tolist() for group in groups]
    turns = max((len(group) for group in shuffled), default=0)
    picks = [group[turn] for turn in range(turns) for group in shuffled if turn < len(group)]
    return tuple(picks[:count])
