"""Entropy, margin, least confidence, BALD, PowerBALD and stochastic batches."""

from __future__ import annotations

import numpy as np
import pytest

from ActiveSuggestLib.strategies import registry
from ActiveSuggestLib.strategies.base import Scores
from ActiveSuggestLib.strategies.diversity import Constraints
from ActiveSuggestLib.strategies.power_bald import power_scores
from ActiveSuggestLib.strategies.stochastic_batches import StochasticBatches, random_batches
from Testing.Python.strategies.pools import Pool, statistics, volumes

MEASURE_OF = {
    "entropy": "entropy",
    "margin": "margin",
    "least-confidence": "least_confidence",
    "bald": "bald",
}


@pytest.mark.parametrize("name", MEASURE_OF)
def test_each_uncertainty_reads_its_own_measure(name):
    pool = Pool({
        "calm": statistics({"foreground": 1.0, "mean": 1.0}, measure=MEASURE_OF[name]),
        "unsure": statistics({"foreground": 3.0, "mean": 3.0}, measure=MEASURE_OF[name]),
    })  # fmt: skip
    scores = registry.make(name).score(pool)
    assert scores.values.tolist() == [0.5, 1.5]
    assert "1.5 times the pool's median (3" in scores.reasons[1][0]
    for other in set(MEASURE_OF) - {name}:
        assert registry.make(other).score(pool).values.tolist() == [0.0, 0.0]


def test_the_paper_preset_is_the_mean_over_all_voxels():
    pool = Pool({"a": statistics({"foreground": 9.0, "mean": 2.0}, measure="entropy")})
    assert registry.make("entropy", preset="paper").score(pool).values.tolist() == [2.0]


def test_an_empty_prediction_is_named():
    nothing = np.array([[9.0, 0.0, 0.0]] * 3)
    pool = Pool({"a": statistics({"mean": 1.0}, measure="entropy", mass=nothing)})
    assert "next to nothing" in registry.make("entropy").score(pool).reasons[0][-1]


def test_power_bald_draws_in_proportion_to_the_score():
    # Gumbel-max: argmax of log s + Gumbel(0, 1) falls on i with probability s_i / Σ s.
    rng = np.random.default_rng(0)
    score = np.array([1.0, 2.0, 5.0])
    first = [int(np.argmax(power_scores(score, 1.0, rng))) for _ in range(8000)]
    shares = np.bincount(first) / 8000
    assert shares == pytest.approx(score / 8, abs=0.02)


def test_power_bald_with_a_large_power_is_bald_and_with_none_a_random_draw():
    score = np.array([1.0, 2.0, 5.0])
    rng = np.random.default_rng(0)
    sharp = {int(np.argmax(power_scores(score, 200.0, rng))) for _ in range(50)}
    flat = [int(np.argmax(power_scores(score, 0.0, rng))) for _ in range(3000)]
    assert sharp == {2}
    assert np.bincount(flat) / 3000 == pytest.approx([1 / 3] * 3, abs=0.04)


def test_power_bald_without_any_disagreement_still_ranks():
    pool = Pool({"a": statistics({}), "b": statistics({})})
    assert np.isfinite(registry.make("power-bald").score(pool).values).all()


class Given:
    """A pool of units without statistics."""

    kind = "volume"
    labelled = ()

    def __init__(self, units, seed=0):
        self.units = units
        self.rng = np.random.default_rng(seed)


def test_the_best_random_batch_has_the_highest_mean_of_all_that_were_drawn():
    units = volumes(*"abcdefgh")
    values = np.random.default_rng(1).random(8)
    constraints = Constraints(units, (), 3)
    drawn = random_batches(constraints, 3, 20, np.random.default_rng(5))
    best = max(float(values[b].mean()) for b in drawn)
    strategy = StochasticBatches(groups=20)
    picks = strategy.select(Given(units, 5), Scores(values, [[]] * 8), np.ones(8, bool), 3)
    chosen = [p.index for p in picks]
    assert values[chosen].mean() == pytest.approx(best)
    assert values[chosen].tolist() == sorted(values[chosen], reverse=True)
    assert f"{best:.3g}" in picks[0].reasons[0]


def test_with_many_batches_the_best_one_is_the_plain_ranking():
    units = volumes(*"abcdef")
    values = np.arange(6.0)
    strategy = StochasticBatches(groups=500)
    picks = strategy.select(Given(units), Scores(values, [[]] * 6), np.ones(6, bool), 2)
    assert [p.index for p in picks] == [5, 4]


def test_a_random_batch_keeps_patients_apart_and_leaves_out_what_is_taken():
    units = volumes(*"aaabbbccc")
    among = np.ones(9, bool)
    among[0] = False
    for batch in random_batches(
        Constraints(units, (), 3, among=among), 3, 30, np.random.default_rng(0)
    ):
        assert len({units[i].patient for i in batch}) == 3
        assert 0 not in batch


def test_stochastic_batches_wrap_any_strategy_with_its_options():
    strategy = registry.make("stochastic-batches", of="bald", samples=7)
    pool = Pool({"a": statistics({"mean": 1.0, "foreground": 1.0}, measure="bald")})
    assert strategy.score(pool).values.tolist() == [1.0]
    assert pool.asked[0].count == 7
    assert not registry.make("stochastic-batches", of="random").needs_model
