"""Draws without a ranking: foreground-random, strided, and the constraints beneath them."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest

from ActiveSuggestLib.strategies.base import Unit, ranking
from ActiveSuggestLib.strategies.diversity import pick_diverse
from ActiveSuggestLib.strategies.foreground_random import ForegroundRandom, area_chances
from ActiveSuggestLib.strategies.random_choice import patient_draw
from ActiveSuggestLib.strategies.strided import Strided, farthest_first
from Testing.Python.strategies.pools import Pool, slices, statistics, volumes


def masses(*foreground):
    """Return (S, 2) masses with so much foreground in each slice."""
    return np.array([[100.0 - f, f] for f in foreground])


def test_what_shows_no_foreground_comes_after_all_that_does():
    cases = {
        "empty": statistics({}, slices=2, mass=masses(0, 0)),
        "full": statistics({}, slices=2, mass=masses(5, 5)),
        "some": statistics({}, slices=2, mass=masses(0, 1)),
    }
    for seed in range(20):
        scores = ForegroundRandom().score(Pool(cases, seed=seed))
        assert int(np.argmin(scores.values)) == 0
    assert "after all others" in scores.reasons[0][0]
    assert "2.50%" in scores.reasons[1][0] or "5.00%" in scores.reasons[1][0]


def test_the_foreground_draw_is_fair_by_patient():
    cases = {f"a{i}": statistics({}, slices=1, mass=masses(5)) for i in range(9)}
    cases["b"] = statistics({}, slices=1, mass=masses(5))
    units = [Unit(c, c[0]) for c in cases]
    first = [
        units[int(np.argmax(ForegroundRandom().score(Pool(cases, units, seed)).values))].patient
        for seed in range(400)
    ]
    assert first.count("b") / 400 == pytest.approx(0.5, abs=0.08)


def test_slices_are_drawn_from_anywhere_inside_and_border():
    area = np.array([0.0, 1.0, 4.0])
    chances = area_chances(area, (4, 1, 1))
    known = [0.0, (4 / 2 + 1 / 5 + 1 / 3) / 6, (4 / 2 + 4 / 5 + 2 / 3) / 6]
    assert chances == pytest.approx(known)
    assert chances.sum() == pytest.approx(1.0)


def test_a_larger_cut_through_the_structure_is_drawn_more_often():
    cases = {"a": statistics({}, slices=3, mass=masses(0, 1, 4))}
    units = slices("a", range(3))
    strategy = ForegroundRandom()
    first = Counter(
        int(np.argmax(strategy.score(Pool(cases, units, seed)).values)) for seed in range(2000)
    )
    chance = area_chances(np.array([0.0, 1.0, 4.0]), strategy.areas)[1]
    assert first[0] == 0
    assert first[1] / 2000 == pytest.approx(chance, abs=0.03)


def test_chances_too_small_to_tell_apart_by_powers_are_still_drawn_in_proportion():
    rng = np.random.default_rng(0)
    chances = np.array([1e-9, 3e-9])
    first = [int(np.argmax(patient_draw(["p", "p"], rng, chances))) for _ in range(2000)]
    assert np.mean(first) == pytest.approx(0.75, abs=0.04)


def test_farthest_first_halves_the_gaps():
    assert farthest_first(np.arange(9.0), np.empty(0), 4)[:5] == [4, 0, 8, 2, 6]


@pytest.mark.parametrize("seed", range(4))
def test_each_strided_point_is_furthest_from_those_before(seed):
    rng = np.random.default_rng(seed)
    places, taken = rng.random(12), rng.random(2)
    order = farthest_first(places, taken, 0)
    assert sorted(order) == list(range(12))
    for n, index in enumerate(order):
        before = [*taken, *places[order[:n]]]
        left = [i for i in range(12) if i not in order[:n]]
        gaps = {i: min(abs(places[i] - b) for b in before) for i in left}
        assert gaps[index] == pytest.approx(max(gaps.values()))


def test_strided_volumes_lie_far_from_labelled_ones_in_the_order_of_patients():
    units = volumes(*(f"p{i:02d}" for i in range(9)))
    pool = Pool({}, units[1:], labelled=[units[0]])
    order = ranking(Strided().score(pool).values)
    assert [pool.units[i].patient for i in order[:3]] == ["p08", "p04", "p02"]


def test_strided_slices_take_every_volume_before_one_twice_at_all_heights():
    units = [u for c in range(8) for u in slices(f"v{c}", range(40))]
    order = ranking(Strided().score(Pool({}, units)).values)
    first = [units[i] for i in order[:8]]
    assert len({u.case for u in first}) == 8
    heights = sorted(u.slice / 40 for u in first)
    gaps = [b - a for a, b in itertools.pairwise([0.0, *heights, 1.0])]
    assert max(gaps) < 0.25


def test_strided_slices_of_one_volume_lie_between_the_labelled_ones():
    units = slices("v", [i for i in range(21) if i not in (0, 20)])
    scores = Strided().score(Pool({}, units, labelled=slices("v", [0, 20])))
    best = ranking(scores.values)[0]
    assert units[best].slice == 10
    assert "10.0 mm" in scores.reasons[best][0]


def naive(order, units, labelled, count, gap):
    """Pick by the definition, one unit after the other."""
    picked = []
    cap = max(1, math.ceil(count / 3)) if units[0].slice is not None else 1
    for most, distance in ((cap, gap), (count, gap), (count, 0.0)):
        for index in order:
            unit = units[index]
            same = [units[i] for i in picked if units[i].patient == unit.patient]
            near = [*labelled, *(units[i] for i in picked)]
            close = unit.slice is not None and any(
                o.case == unit.case and abs(o.position - unit.position) < distance for o in near
            )
            if len(picked) < count and index not in picked and len(same) < most and not close:
                picked.append(index)
    return picked


@pytest.mark.parametrize("seed", range(20))
def test_the_constraints_are_those_of_the_definition(seed):
    rng = np.random.default_rng(seed)
    if seed % 2:
        units = volumes(*rng.choice(list("abcd"), 12))
        labelled = []
    else:
        units = [u for c in "abc" for u in slices(c, range(int(rng.integers(3, 12))), 2.0)]
        labelled = slices("a", [20], 0.5)
    order = [int(i) for i in rng.permutation(len(units))][: len(units) - 2]
    for count in (1, 3, 7, 40):
        found = pick_diverse(order, units, labelled, count)
        assert found == naive(order, units, labelled, count, 5.0)
