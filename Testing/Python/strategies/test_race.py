"""The race: the same top as all samples give, with a third of the passes."""

from __future__ import annotations

import numpy as np
import pytest

from ActiveSuggestLib.errors import UnknownStrategyError
from ActiveSuggestLib.strategies import registry
from ActiveSuggestLib.strategies.base import RaceView, Unit
from ActiveSuggestLib.strategies.race import RaceSpec, race

VOXELS, RANK = 40, 12


def increments(samples):
    """Return Welford's increments of samples (T, V): (T − 1, 1, 1)."""
    mean = np.zeros(samples.shape[1])
    found = []
    for count, p in enumerate(samples, 1):
        delta = p - mean
        mean = mean + delta / count
        found.append((delta * (p - mean)).mean())
    return np.array(found[1:])[:, None, None]


def a_pool(seed, volumes=150, samples=100, spread=0.4):
    """Return increments by case of volumes that answer the same masks, some more than others."""
    rng = np.random.default_rng(seed)
    masks = rng.normal(size=(samples, RANK))
    shared = rng.normal(size=(VOXELS, RANK))
    pool = {}
    for number in range(volumes):
        answer = 0.7 * shared + 0.3 * rng.normal(size=(VOXELS, RANK))
        scale = np.exp(spread * rng.normal() / 2)
        pool[f"c{number}"] = increments(scale * masks @ answer.T)
    return pool


def run(pool, spec):
    """Race a pool and return the result and the passes that were asked for."""
    asked = []

    def draw(case, upto):
        asked.append((case, upto))
        return pool[case][: upto - 1]

    return race(list(pool), draw, spec), asked


def top(values, count):
    return set(sorted(values, key=values.get, reverse=True)[:count])


def test_the_top_tenth_of_a_hundred_samples_at_a_third_of_the_passes():
    overlaps = []
    for seed in range(8):
        pool = a_pool(seed)
        result, _ = run(pool, RaceSpec())
        best = top({c: m.mean() for c, m in pool.items()}, 15)
        found = top({c: e[0] for c, e in result.estimates.items()}, 15)
        overlaps.append(len(best & found) / 15)
        assert result.places == 15
        assert result.passes <= 150 * 100 / 3
    assert np.mean(overlaps) >= 0.97
    assert min(overlaps) >= 0.9


def test_what_is_hopeless_is_not_sampled_again():
    pool = a_pool(0, volumes=20, spread=0.1)
    pool["c3"] = pool["c3"] / 100
    result, asked = run(pool, RaceSpec(top=2))
    assert [upto for case, upto in asked if case == "c3"] == [16]
    assert result.drawn["c3"] == 16
    assert result.confidence["c3"][0] > 0.999


def test_the_top_has_all_samples_and_its_estimates_are_exact():
    pool = a_pool(1)
    result, _ = run(pool, RaceSpec(top=5))
    for case in top({c: e[0] for c, e in result.estimates.items()}, 5):
        assert result.drawn[case] == 100
        assert result.confidence[case][0] == 0
    finished = [c for c, drawn in result.drawn.items() if drawn == 100]
    ratio = [result.estimates[c][0] / pool[c].mean() for c in finished]
    assert ratio == pytest.approx([ratio[0]] * len(finished))


def test_a_close_field_ends_at_the_budget_and_is_less_sure():
    pool = a_pool(2, volumes=60, spread=0.02)
    result, _ = run(pool, RaceSpec(top=6, share=0.25))
    assert result.passes <= 0.25 * 60 * 100
    unsure = [c for c in pool if result.drawn[c] < 100 and result.confidence[c][0] < 0.999]
    assert unsure


def test_the_budget_holds_the_first_samples_and_one_case_at_least():
    pool = a_pool(3, volumes=10)
    result, _ = run(pool, RaceSpec(top=5, share=0.01))
    assert sorted(result.drawn.values()) == [3] * 9 + [100]
    assert result.passes == 3 * 10 + 100


def test_the_tenth_of_many_units_in_few_cases():
    """Nearly every case holds one of the best: what remains of the passes goes where doubt is."""
    overlaps = []
    for seed in range(4):
        volumes, rng = a_pool(seed, spread=0.8), np.random.default_rng(seed)
        names = list(volumes)
        pool = {
            f"case {c}": np.concatenate(
                [rng.uniform(0.9, 1.1) * volumes[n] for n in names[c : c + 10]], axis=1
            )
            for c in range(0, 150, 10)
        }
        result, _ = run(pool, RaceSpec())
        assert result.passes <= 15 * 100 / 3
        whole, raced = (
            {(c, i): float(v) for c, row in found.items() for i, v in enumerate(row)}
            for found in ({c: m.mean(axis=0)[:, 0] for c, m in pool.items()}, result.estimates)
        )
        overlaps.append(len(top(whole, 15) & top(raced, 15)) / 15)
    assert np.mean(overlaps) >= 0.95


def test_with_no_doubt_left_out_all_are_sampled():
    pool = a_pool(4, volumes=12)
    result, _ = run(pool, RaceSpec(top=12, share=1.0))
    assert set(result.drawn.values()) == {100}


def test_all_units_of_a_case_must_be_hopeless():
    pool = a_pool(5, volumes=20, spread=0.1)
    pool["c7"] = np.concatenate([pool["c7"] / 100, 50 * pool["c7"]], axis=1)
    result, _ = run(pool, RaceSpec(top=1))
    assert result.drawn["c7"] == 100
    assert result.confidence["c7"][0] == 1
    assert result.confidence["c7"][1] == 0


def test_a_case_that_becomes_unusable_keeps_what_is_known():
    pool = a_pool(6, volumes=20)
    best = max(pool, key=lambda c: pool[c][:11].mean())
    pool[best] = pool[best][:20]
    pool["c1"] = pool["c1"][:9]
    result, _ = run(pool, RaceSpec(top=2, share=1.0))
    assert result.drawn[best] == 21
    assert result.drawn["c1"] == 10
    assert all(np.isfinite(e).all() for e in result.estimates.values())


class Pool:
    kind, planned_samples = "volume", 20

    def __init__(self):
        self.units = [Unit(c, c) for c in "abc"]
        self.labelled = []
        self.asked = []

    def race(self, spec):
        self.asked.append(spec)
        confidence = np.array([0.0, 0.9995, 0.6])
        drawn = np.array([spec.samples, 8, 12])
        return RaceView(Table(), np.array([3.0, 1.0, 2.0]), drawn, confidence, 1, 0.31)


class Table:
    def values(self, measure, aggregator):
        return np.array([0.04, 0.01, 0.01])

    def worst_slices(self):
        return np.zeros(3, int)

    def slice_counts(self):
        return np.ones(3, int)

    def foreground_shares(self):
        return np.ones(3)


def test_reasons_tell_where_and_how_sure_it_stopped():
    pool = Pool()
    scores = registry.make("mc-dropout", race=1).score(pool)
    assert pool.asked == [RaceSpec(1)]
    assert pool.asked[0].samples == 100
    assert list(scores.values) == [3, 1, 2]
    told = [r[1] for r in scores.reasons]
    assert told[0] == "All 100 samples were drawn; the race took 31% of all passes."
    assert told[1].startswith("Stopped after 8 of 100 samples: with 99.95% confidence")
    assert "not among the top 1" in told[1]
    assert "as the passes were used up: only 60% sure" in told[2]


@pytest.mark.parametrize(
    "options",
    [{"race": 0.1, "preset": "paper"}, {"race": -1}, {"race": 1, "confidence": 2},
     {"race": 1, "share": 0}],
)  # fmt: skip
def test_what_is_no_race_is_refused(options):
    with pytest.raises(UnknownStrategyError):
        registry.make("mc-dropout", **options)
