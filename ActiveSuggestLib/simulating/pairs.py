"""Paired tests of a handful of repetitions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..metrics import Interval, bootstrap_interval, paired_difference

ROUNDING = 1e-12
"""What floating-point numbers near one cannot tell apart for sure."""


@dataclass(frozen=True)
class PairedTest:
    """How far two arms are apart over pairs that share everything else.

    ``student`` is the mean difference with its t interval, ``bootstrap`` the same with the
    percentile bootstrap; ``p_student`` and ``p_wilcoxon`` are two-sided. With five pairs the
    signed-rank test cannot come below 0.0625, however clear the difference: it speaks from six on.
    """

    student: Interval
    bootstrap: Interval
    p_student: float
    p_wilcoxon: float


def paired_test(first: Sequence[float], second: Sequence[float]) -> PairedTest:
    """Test first − second over pairs; below two pairs the p values are NaN.

    Raises ``ValueError`` if the numbers of values differ.
    """
    from scipy import stats

    student = paired_difference(first, second)
    difference = np.asarray(first, float) - np.asarray(second, float)
    bootstrap = bootstrap_interval(difference)
    if len(difference) < 2:
        return PairedTest(student, bootstrap, math.nan, math.nan)
    if np.abs(difference).max() < ROUNDING:
        return PairedTest(student, bootstrap, 1.0, 1.0)
    # A difference that is always the same has no spread, and a t statistic beyond all bounds.
    always = np.ptp(difference) < ROUNDING
    p_student = 0.0 if always else float(stats.ttest_1samp(difference, 0.0).pvalue)
    return PairedTest(student, bootstrap, p_student, float(stats.wilcoxon(difference).pvalue))
