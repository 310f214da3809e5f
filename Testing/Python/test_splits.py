"""Who tests, who teaches, who is labelled at first."""

from __future__ import annotations

import pytest

from ActiveSuggestLib.errors import SplitError
from ActiveSuggestLib.simulating.splits import draw_split


def patients(cases: int, scans: int) -> dict[str, str]:
    return {f"case-{n:03d}": f"patient-{n // scans}" for n in range(cases)}


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("scans", [1, 2, 5])
def test_no_patient_is_on_both_sides(seed: int, scans: int) -> None:
    known = patients(60, scans)
    split = draw_split(known, seed=seed, initial=3, test_fraction=0.3)
    assert not {known[c] for c in split.test} & {known[c] for c in split.pool}
    assert len(split.test) + len(split.pool) == 60
    assert set(split.initial) <= set(split.pool)
    assert 18 - scans < len(split.test) <= 18


def test_the_same_seed_gives_the_same_split_and_another_seed_another() -> None:
    known = patients(40, 2)
    first = draw_split(known, seed=1, initial=2)
    assert first == draw_split(dict(reversed(known.items())), seed=1, initial=2)
    assert first != draw_split(known, seed=2, initial=2)


def test_the_first_labels_are_of_different_patients_while_there_are_enough() -> None:
    known = patients(12, 4)
    split = draw_split(known, seed=0, initial=4, test_cases=4)
    assert len({known[c] for c in split.initial[:2]}) == 2
    assert len(set(split.initial)) == 4


def test_a_pool_can_be_cut_to_a_number_of_cases() -> None:
    split = draw_split(patients(260, 1), seed=0, initial=4, test_cases=40, pool_cases=60)
    assert (len(split.test), len(split.pool)) == (40, 60)


@pytest.mark.parametrize(("cases", "scans", "initial"), [(4, 1, 3), (10, 10, 1), (1, 1, 1)])
def test_too_few_cases_or_patients_are_named_with_a_way_out(
    cases: int, scans: int, initial: int
) -> None:
    with pytest.raises(SplitError, match="too few") as error:
        draw_split(patients(cases, scans), seed=0, initial=initial, test_fraction=0.5)
    assert "fewer" in error.value.remedy
