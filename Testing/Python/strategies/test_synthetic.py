"""The score of synthetic variations, and its two parts in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ActiveSuggestLib.errors import UnknownStrategyError
from ActiveSuggestLib.strategies import registry
from ActiveSuggestLib.strategies.base import ClassView, SyntheticView
from Testing.Python.strategies import pools

VIEW = SyntheticView(
    epistemic=np.array([1.0, 3.0, 2.0]),
    aleatoric=np.array([3.0, 1.0, 1.0]),
    epistemic_foreground=np.array([2.0, 6.0, 2.0]),
    aleatoric_foreground=np.array([6.0, 6.0, 1.0]),
    foreground=np.array([0.5, 0.1, 0.1]),
    counts=np.array([8, 8, 8]),
    unseen=np.array([False, False, True]),
    worst_slices=np.array([4, 5, 6]),
    slice_counts=np.array([9, 1, 9]),
    samples=20,
    training="GAN trained",
)


class Pool(pools.Pool):
    def __init__(self, view, units=None):
        super().__init__({}, units or pools.volumes("a", "b", "c"))
        self.view = view

    def synthetics(self, spec):
        self.asked.append(spec)
        return self.view


def test_volumes_are_ranked_by_the_sum_of_both_parts_inside_and_everywhere():
    scores = registry.make("synthetic").score(Pool(VIEW))
    inside, everywhere = np.array([8.0, 12.0, 3.0]), np.array([4.0, 4.0, 3.0])
    expected = 0.5 * (inside / inside.mean() + everywhere / everywhere.mean())
    assert np.allclose(scores.values, expected)


def test_the_inside_of_a_slice_counts_by_its_area():
    pool = Pool(VIEW, pools.slices("a", range(3)))
    values = registry.make("synthetic").score(pool).values
    inside, everywhere = np.array([4.0, 1.2, 0.3]), np.array([4.0, 4.0, 3.0])
    expected = 0.5 * (inside / inside.mean() + everywhere / everywhere.mean())
    assert np.allclose(values, expected)


def test_reasons_give_both_parts_and_which_is_more():
    first, second, third = registry.make("synthetic").score(Pool(VIEW)).reasons
    assert "Mostly what is blurred in the image: epistemic 1, aleatoric 3" in first[1]
    assert "in the predicted structures 2 and 6; 20 samples, GAN trained" in first[1]
    assert "Mostly what it has not learnt: epistemic 3, aleatoric 1" in second[1]
    assert "of 8 synthetic variations is" in second[0]
    assert first[2] == "Most uncertain around slice 4."
    assert len(second) == 2
    assert "finds nothing here" in third[-1]


def test_the_paper_takes_the_plain_mean_and_owns_up_to_its_leak():
    pool = Pool(VIEW)
    scores = registry.make("synthetic", preset="paper").score(pool)
    assert np.array_equal(scores.values, [4.0, 4.0, 3.0])
    assert all("the paper's leak" in r[-1] for r in scores.reasons)
    assert (pool.asked[0].per_image, pool.asked[0].truth, pool.asked[0].paper) == (200, True, True)


def test_options_reach_the_pool():
    pool = Pool(VIEW)
    registry.make("synthetic", per_image=3, samples=5, seconds=7.0).score(pool)
    spec = pool.asked[0]
    assert (spec.per_image, spec.samples, spec.seconds, spec.truth) == (3, 5, 7.0, False)
    for wrong in ({"per_image": 0}, {"samples": 1}):
        with pytest.raises(UnknownStrategyError, match="at least"):
            registry.make("synthetic", **wrong)


def test_without_a_model_the_papers_protocol_draws_and_says_so():
    scores = registry.make("synthetic", preset="paper").score(Pool(None))
    assert all("this is a fair draw" in r[0] for r in scores.reasons)
    assert len(set(scores.values)) == 3


def test_nothing_uncertain_at_all_is_no_division_by_zero():
    nothing = np.zeros(3)
    parts = ("epistemic", "aleatoric", "epistemic_foreground", "aleatoric_foreground")
    view = replace(VIEW, **dict.fromkeys(parts, nothing))
    scores = registry.make("synthetic").score(Pool(view))
    assert np.array_equal(scores.values, nothing)


class Classes(pools.Pool):
    def class_uncertainty(self, *, samples):
        self.asked.append(samples)
        return ClassView(
            np.array([1.0, 0.25]), np.array([0.5, 3.0]), np.array([[0.4, 0.6], [0.5, 0.5]]),
            ("normal", "nodule"), trained_on=20, auc=0.8, held_out=14,
        )  # fmt: skip


def test_with_the_target_class_the_score_is_the_uncertainty_of_the_class():
    pool = Classes({}, pools.volumes("a", "b"))
    strategy = registry.make("synthetic", target="class", samples=30)
    assert strategy.target == "class"
    assert strategy.needs_model
    scores = strategy.score(pool)
    assert scores.values.tolist() == [1.5, 3.25]
    assert scores.reasons[0][0].startswith("It may be nodule (60%)")
    registry.make("synthetic", target="class").score(pool)
    assert pool.asked == [30, 50]


@pytest.mark.parametrize(
    "wrong",
    [{"target": "classes"}, {"target": "class", "per_image": 3}, {"target": "class", "samples": 1}],
)
def test_a_target_that_cannot_be_is_said(wrong):
    with pytest.raises(UnknownStrategyError, match="cannot be made so"):
        registry.make("synthetic", **wrong)
    with pytest.raises(UnknownStrategyError, match="no synthetic is made"):
        registry.make("synthetic", preset="paper", target="class")
