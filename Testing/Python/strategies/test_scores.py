"""Scores of the strategies on pools with known statistics."""

from __future__ import annotations

import numpy as np
import pytest

from ActiveSuggestLib.models.statistics import AGGREGATORS, MEASURES
from ActiveSuggestLib.strategies.base import Unit
from ActiveSuggestLib.strategies.mc_dropout import MCDropout
from ActiveSuggestLib.strategies.random_choice import RandomChoice
from Testing.Python.strategies.pools import Pool, statistics


def test_the_default_is_the_mean_of_two_relative_variances():
    pool = Pool({
        "a": statistics({"foreground": 1.0, "mean": 3.0}),
        "b": statistics({"foreground": 3.0, "mean": 1.0}),
    })  # fmt: skip
    assert MCDropout().score(pool).values.tolist() == [1.0, 1.0]
    assert pool.asked[0].count == 20
    assert pool.asked[0].p is None


def test_a_missed_structure_still_counts_by_its_mean_over_all_voxels():
    pool = Pool({
        "seen": statistics({"foreground": 1.0, "mean": 1.0}),
        "missed": statistics({"foreground": 0.0, "mean": 9.0}),
    })  # fmt: skip
    values = MCDropout().score(pool).values
    assert values[1] > values[0] * 0.8


def test_the_paper_sums_and_takes_five_samples_at_a_half():
    pool = Pool({"a": statistics({"sum": 7.0}), "b": statistics({"sum": 9.0})})
    assert MCDropout(preset="paper").score(pool).values.tolist() == [7.0, 9.0]
    assert (pool.asked[0].count, pool.asked[0].p) == (5, 0.5)


def test_slices_are_scored_by_their_own_statistics():
    cases = {"a": statistics({"foreground": 1.0, "mean": 1.0})}
    units = [Unit("a", "a", i, float(i)) for i in range(3)]
    pool = Pool(cases, units)
    pool.kind = "slice"
    values = MCDropout().score(pool).values
    assert values[1] == pytest.approx(2 * values[0])


def test_a_slice_with_next_to_no_foreground_does_not_come_first_for_it():
    # The mean over a handful of foreground voxels is high, and says little.
    case = statistics({"foreground": 1.0, "mean": 1.0}, slices=2)
    case.slices[:] = case.slices[0]
    case.slices[1, MEASURES.index("variance"), AGGREGATORS.index("foreground")] = 3.0
    case.class_mass[:] = [[50, 50, 0], [99, 1, 0]]
    pool = Pool({"a": case}, [Unit("a", "a", i, float(i)) for i in range(2)])
    pool.kind = "slice"
    values = MCDropout().score(pool).values
    assert values[0] > values[1]


def test_a_pool_without_uncertainty_is_all_zeros_with_reasons():
    pool = Pool({"a": statistics({}), "b": statistics({})})
    scores = MCDropout().score(pool)
    assert scores.values.tolist() == [0.0, 0.0]
    assert len(scores.reasons) == 2


def test_random_gives_every_patient_the_same_chance():
    # One patient with nine volumes, one with one: each comes first half of the time.
    units = [Unit(f"a{i}", "a") for i in range(9)] + [Unit("b0", "b")]
    strategy = RandomChoice()
    first = []
    for seed in range(400):
        values = strategy.score(Pool({}, units, seed)).values
        first.append(units[int(np.argmax(values))].patient)
    assert first.count("b") / 400 == pytest.approx(0.5, abs=0.08)


def test_random_depends_on_the_seed_alone():
    units = [Unit(f"c{i}", f"c{i}") for i in range(6)]
    strategy = RandomChoice()
    one, same, other = (strategy.score(Pool({}, units, s)).values for s in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
