"""Paired tests, held against scipy's and against answers that are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ActiveSuggestLib.simulating.pairs import paired_test


def test_the_p_values_are_those_of_the_paired_t_and_signed_rank_tests() -> None:
    rng = np.random.default_rng(0)
    second = rng.normal(0.7, 0.1, 8)
    first = second + rng.normal(0.02, 0.02, 8)
    test = paired_test(first.tolist(), second.tolist())
    assert test.p_student == pytest.approx(stats.ttest_rel(first, second).pvalue)
    assert test.p_wilcoxon == pytest.approx(stats.wilcoxon(first, second).pvalue)
    assert test.student.mean == test.bootstrap.mean == pytest.approx(np.mean(first - second))
    assert test.student.low < test.bootstrap.low < test.student.mean


def test_what_the_pairs_share_does_not_blur_the_difference() -> None:
    shared = [0.2, 0.9, 0.4, 0.7, 0.5, 0.6]
    small = [0.011, 0.009, 0.010, 0.012, 0.008, 0.010]
    test = paired_test([a + b for a, b in zip(shared, small, strict=True)], shared)
    assert test.p_student < 1e-4
    assert test.p_wilcoxon == pytest.approx(2 / 2**6)


def test_equal_arms_do_not_differ_and_one_pair_proves_nothing() -> None:
    equal = paired_test([0.5, 0.6], [0.5, 0.6])
    assert (equal.p_student, equal.p_wilcoxon, equal.student.mean) == (1.0, 1.0, 0.0)
    always = paired_test([0.6, 0.7, 0.8], [0.5, 0.6, 0.7])
    assert always.p_student == 0.0
    single = paired_test([0.6], [0.5])
    assert single.student.mean == pytest.approx(0.1)
    assert math.isnan(single.p_student)
    assert math.isnan(single.student.low)


def test_values_without_a_partner_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be paired"):
        paired_test([0.5, 0.6], [0.5])
