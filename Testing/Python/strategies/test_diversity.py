"""The constraints on a batch, and how they give way."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ActiveSuggestLib.strategies.base import Unit, ranking
from ActiveSuggestLib.strategies.diversity import Constraints, first_open, pick_diverse


def volumes(*patients):
    return [Unit(f"c{i}", p) for i, p in enumerate(patients)]


def slices(case, indices, spacing=1.0):
    return [Unit(case, case, i, i * spacing) for i in indices]


def test_a_patient_is_taken_once_while_others_are_left():
    units = volumes("a", "a", "b", "a", "c")
    assert pick_diverse(range(5), units, [], 3) == [0, 2, 4]
    assert pick_diverse(range(5), units, [], 5) == [0, 2, 4, 1, 3]


def test_a_batch_larger_than_the_pool_is_the_pool():
    assert pick_diverse(range(2), volumes("a", "b"), [], 9) == [0, 1]
    assert pick_diverse([], [], [], 3) == []


def test_slices_of_a_volume_lie_apart_also_from_labelled_ones():
    units = slices("a", range(30))
    picked = pick_diverse(range(30), units, slices("a", [14]), 3)
    places = [units[i].slice for i in picked]
    assert places == [0, 5, 19]


def test_the_gap_is_in_millimetres():
    thick = slices("a", range(10), spacing=8.0)
    assert pick_diverse(range(10), thick, [], 3) == [0, 1, 2]


def test_no_volume_gives_more_than_a_third_of_the_batch():
    units = slices("a", range(0, 60, 6)) + slices("b", range(0, 60, 6)) + slices("c", [0, 6])
    picked = pick_diverse(range(len(units)), units, [], 6)
    cases = [units[i].case for i in picked]
    assert [cases.count(c) for c in "abc"] == [2, 2, 2]


def test_a_spread_batch_has_new_patients_first_and_each_once():
    units = [u for case in "abcd" for u in slices(case, range(0, 18, 6))]
    labelled = slices("a", [40]) + slices("c", [40])

    def patients(count):
        constraints = Constraints(units, labelled, count, spread=True)
        picked = first_open(np.arange(len(units)), constraints, count)
        assert len(set(picked)) == count
        return [units[i].patient for i in picked]

    assert patients(2) == ["b", "d"]
    assert patients(4) == ["b", "d", "a", "c"]
    assert patients(8)[:4] == ["b", "d", "a", "c"]
    assert max(patients(8).count(p) for p in "abcd") == 3  # a third of the batch at most


def test_close_slices_are_better_than_a_short_batch():
    assert len(pick_diverse(range(4), slices("a", range(4)), [], 4)) == 4


@pytest.mark.parametrize("seed", range(5))
def test_ranking_is_by_value_and_then_by_place(seed):
    values = np.random.default_rng(seed).integers(0, 4, 20).astype(float)
    order = ranking(values)
    assert sorted(order) == list(range(20))
    for a, b in itertools.pairwise(order):
        assert values[a] > values[b] or (values[a] == values[b] and a < b)
