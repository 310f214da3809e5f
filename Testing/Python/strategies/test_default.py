"""The recommended schedule: classes in turn, noise that fades, a cold start that says so."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from ActiveSuggestLib.models.statistics import SampleMaps, summarise
from ActiveSuggestLib.strategies.base import Appearance, Unit
from ActiveSuggestLib.strategies.default import (
    PLAIN,
    Default,
    class_slots,
    for_their_size,
    noise_power,
    noisy_log,
)
from Testing.Python.strategies.pools import Pool, statistics


def by_class(ball, core, whole=1.0, mass=None):
    """Return the statistics of a case with so much entropy in each structure."""
    values = {"foreground": whole, "mean": whole, "sum": whole}
    return statistics(
        values,
        slices=1,
        measure="entropy",
        class_entropy=np.array([[0.0, ball, core]]),
        mass=None if mass is None else [mass],
    )


def late(cases, **options):
    pool = Pool(cases, **options)
    pool.round = 10**6
    return pool


def chosen(pool, count, strategy=None):
    strategy = strategy or Default()
    allowed = np.ones(len(pool.units), bool)
    return strategy.select(pool, strategy.score(pool), allowed, count)


def test_each_structure_gets_its_own_most_uncertain_case():
    cases = {
        "for-ball": by_class(90.0, 0.1),
        "for-core": by_class(30.0, 0.9),
        "nothing": by_class(1.0, 0.01),
        "blurred": by_class(1.0, 0.01, whole=50.0),
    }
    names = list(cases)
    for seed in range(10):
        first_for = {}
        for pick in chosen(late(cases, seed=seed), 3):
            purpose = pick.reasons[0].removeprefix("Picked for ").split(":")[0]
            first_for.setdefault(purpose, names[pick.index])
        assert first_for.pop("its uncertainty as a whole.") == "blurred"
        assert first_for
        assert all(name == f"for-{purpose}" for purpose, name in first_for.items())


def test_a_slice_counts_with_all_its_entropy_shared_among_the_structures():
    cases = {
        # What the model misses of the ball is background to it: little entropy lies in the ball.
        "missed": by_class(0.2, 0.01, whole=9.0),
        "seen": by_class(5.0, 0.1, whole=6.0),
        "core": by_class(0.3, 0.6, whole=3.0),
    }
    units = [Unit(c, c, 0) for c in cases]
    first_for = {}
    for seed in range(20):
        pick = chosen(late(cases, units=units, seed=seed), 1)[0]
        purpose = pick.reasons[0].removeprefix("Picked for ").split(":")[0]
        first_for.setdefault(purpose, set()).add(units[pick.index].case)
    assert first_for == {
        "ball": {"missed"},
        "core": {"core"},
        "its uncertainty as a whole.": {"missed"},
    }
    reason = Default().score(late(cases, units=units)).reasons[0][0]
    assert reason.startswith("Entropy for ball is ")


def test_a_young_model_only_makes_the_shortlist_of_what_looks_like_the_pool():
    entropy = [9.0, 8.0, 7.0, 6.0, 1.0, 1.0, 1.0, 1.0]
    cases = {f"c{i}": by_class(e, e, whole=e) for i, e in enumerate(entropy)}
    looks = np.zeros((8, 2))
    looks[:] = [1.0, 0.0]
    looks[0] = [0.0, 5.0]  # the most uncertain looks like nothing else
    looks[3:] = [[-3.0, 0.1 * i] for i in range(5)]

    def first(round_, units=None):
        pool = Pool(cases, units)
        pool.round, pool.looks = round_, looks
        return chosen(pool, 1)[0]

    for units in (None, [Unit(c, c, 0) for c in cases]):
        assert first(1, units).index == 3
        assert (
            "Of the 4 most uncertain, it stands for most of what no label resembles"
            in first(1, units).reasons[1]
        )
        assert first(7, units).index == 0
        assert len(first(7, units).reasons) == 1


def test_two_thirds_of_the_picks_are_for_classes_however_small_the_batch():
    rng = np.random.default_rng(0)
    for count in (1, 3, 10):
        slots = [s for _ in range(3000) for s in class_slots(count, 3, rng)]
        shares = Counter(slots)
        assert 1 - shares[PLAIN] / len(slots) == pytest.approx(0.66, abs=0.02)
        assert all(shares[c] / len(slots) == pytest.approx(0.22, abs=0.02) for c in range(3))


def test_no_class_is_served_twice_before_all_are_served():
    for seed in range(20):
        slots = class_slots(10, 3, np.random.default_rng(seed))
        counts = Counter(s for s in slots if s != PLAIN)
        assert max(counts.values()) - min(counts[c] for c in range(3)) <= 1
        assert len(slots) == 10
    assert class_slots(2, 0, np.random.default_rng(0)) == [PLAIN] * 2


def test_the_noise_fades_from_one_to_a_hundredth_exponentially():
    powers = [noise_power(r, 10) for r in range(1, 11)]
    assert powers[0] == 1.0
    assert powers[-1] == pytest.approx(100.0)
    ratios = np.array(powers[1:]) / np.array(powers[:-1])
    assert ratios == pytest.approx(ratios[0])
    assert noise_power(10**6, 10) == 100.0
    assert noise_power(1, 1) == 1.0


@pytest.mark.parametrize("power", [1.0, 3.0])
def test_a_draw_is_in_proportion_to_the_score_to_the_power(power):
    rng = np.random.default_rng(0)
    scores = np.array([1.0, 2.0, 3.0])
    first = [int(np.argmax(noisy_log(scores, power, rng))) for _ in range(8000)]
    assert np.bincount(first) / 8000 == pytest.approx(
        scores**power / (scores**power).sum(), abs=0.02
    )


def test_early_rounds_vary_in_the_paper_and_late_ones_do_not():
    cases = {f"c{i}": by_class(10.0 + i, 10.0 + i, 10.0 + i) for i in range(8)}

    def firsts(round_, preset=None, units=None):
        found = set()
        for seed in range(30):
            pool = Pool(cases, units, seed=seed)
            pool.round = round_
            found.add(chosen(pool, 1, Default(preset=preset))[0].index)
        return found

    assert len(firsts(1, "paper")) >= 5
    assert firsts(100, "paper") <= {6, 7}
    assert firsts(1) <= {4, 5, 6, 7}


def test_a_cold_start_is_a_fair_draw_that_says_so():
    units = [Unit(f"a{i}", "a") for i in range(5)] + [Unit("b", "b")]
    first = []
    for seed in range(300):
        pool = Pool({}, units, seed)
        pool.round = 0
        scores = Default(cold="random").score(pool)
        first.append(units[chosen(pool, 1, Default(cold="random"))[0]].patient)
    assert first.count("b") / 300 == pytest.approx(0.5, abs=0.1)
    assert "cold start" in scores.reasons[0][0]
    assert pool.asked == []


def test_a_cold_start_looks_like_the_pool_unless_chosen_otherwise():
    units = [Unit(f"c{i:02d}", f"p{i:02d}") for i in range(24)]
    pool = Pool({}, units)
    pool.round = 0
    z = np.zeros((24, 2))
    z[:12] = np.random.default_rng(0).normal(0, 0.1, (12, 2))
    z[12:] = np.random.default_rng(1).normal(5, 0.1, (12, 2))
    pool.appearance = lambda: Appearance(z, np.ones(24, bool), np.zeros((0, 2)), 24)
    picks = chosen(pool, 2)
    assert {p.index < 12 for p in picks} == {True, False}
    assert "looks most like the rest of the pool" in picks[0].reasons[0]
    with pytest.raises(TypeError, match="cold is"):
        Default(cold="frozen")


def test_a_large_structure_does_not_win_by_its_size():
    usual = [1000.0, 100.0, 100.0]
    cases = {f"usual-{i}": by_class(50.0, 50.0, mass=usual) for i in range(6)}
    # Ten times the ball with the same uncertainty in it; an unsure ball of usual size.
    cases["large"] = by_class(500.0, 50.0, mass=[1000.0, 1000.0, 100.0])
    cases["unsure"] = by_class(150.0, 50.0, mass=usual)
    cases["speck"] = by_class(0.6, 50.0, mass=[1000.0, 0.6, 100.0])
    names = list(cases)
    table = Pool(cases).statistics(None)
    scores = for_their_size(table.class_entropy()[:, 1:], table.class_mass()[:, 1:])[:, 0]
    by_name = dict(zip(names, scores / scores[0], strict=True))
    assert by_name["large"] == pytest.approx(500 / 1100 / 0.25)
    assert by_name["large"] < 2
    assert by_name["unsure"] == pytest.approx(3)
    assert by_name["speck"] < 0.1
    picks = [p for seed in range(5) for p in chosen(late(cases, seed=seed), 6)]
    for_ball = [names[p.index] for p in picks if "Picked for ball" in p.reasons[0]]
    assert for_ball.count("unsure") == 5
    assert "speck" not in for_ball


def test_patients_differ():
    cases = {f"c{i}": by_class(10.0 + i, 1.0 + i) for i in range(9)}
    units = [Unit(c, f"p{int(c[1:]) // 3}") for c in cases]
    picks = chosen(late(cases, units=units), 3)
    assert len({units[p.index].patient for p in picks}) == 3


def test_reasons_name_the_phase_and_the_class():
    pool = Pool({"a": by_class(3.0, 0.1), "b": by_class(1.0, 0.3), "c": by_class(1.0, 0.1)})
    pool.round = 4
    reasons = Default().score(pool).reasons
    assert "predicted ball is 3.0 times the pool's median" in reasons[0][0]
    assert "predicted core is 3.0 times the pool's median" in reasons[1][0]
    assert "round 4" in reasons[0][-1]
    assert "noise" not in reasons[0][-1]
    assert "noise" in Default(preset="paper").score(pool).reasons[0][-1]


def test_the_score_of_a_class_does_not_grow_with_the_field_of_view():
    torch.manual_seed(0)
    small = torch.softmax(torch.randn(3, 2, 4, 4), dim=0)
    large = torch.zeros(3, 2, 8, 8)
    large[0] = 1.0
    large[:, :, 2:6, 2:6] = small

    def entropy(mean):
        zero = torch.zeros(mean.shape[1:])
        none = np.zeros(1)
        return summarise(SampleMaps(mean, zero, zero), none, np.zeros((2, 1)), np.arange(2))

    own, padded = entropy(small), entropy(large)
    assert padded.class_entropy == pytest.approx(own.class_entropy, rel=1e-5)
    assert padded.value("entropy", "mean") == pytest.approx(own.value("entropy", "mean") / 4)


def test_the_paper_sums_the_plain_entropy():
    cases = {"a": by_class(1.0, 1.0, 2.0), "b": by_class(1.0, 1.0, 4.0)}
    values = Default(preset="paper").score(Pool(cases)).values
    assert values == pytest.approx([0.66 + 0.34 * 2 / 3, 0.66 + 0.34 * 4 / 3])
