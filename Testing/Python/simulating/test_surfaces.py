"""Distances that always count."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ActiveSuggestLib.simulating.surfaces import surface_agreement


def test_a_missed_structure_counts_with_the_diagonal_of_the_image() -> None:
    nothing, something = np.zeros((2, 3, 4, 12), bool)
    something[1, 1, 1] = True
    diagonal = math.hypot(3 * 2.0, 4, 12)
    assert surface_agreement(nothing, something, (2.0, 1, 1)) == (diagonal, diagonal)
    assert surface_agreement(something, nothing, (2.0, 1, 1)) == (diagonal, diagonal)
    assert surface_agreement(nothing, nothing, (2.0, 1, 1)) == (0.0, 0.0)


def test_a_moved_square_is_as_far_as_it_moved() -> None:
    truth = np.zeros((1, 30, 30), bool)
    truth[0, 5:15, 5:15] = True
    hausdorff, mean = surface_agreement(np.roll(truth, 4, 2), truth, (8.0, 0.5, 0.5))
    assert hausdorff == pytest.approx(2.0)
    assert 0.0 < mean < 2.0
