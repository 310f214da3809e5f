"""Labels needed, and foreground efficiency, on curves whose answers are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ActiveSuggestLib.simulating.efficiency import foreground_efficiency, labels_needed


def first_reached(budget: list[float], values: list[float], goal: float) -> float:
    found = labels_needed(budget, np.array([[0.0] * len(values), values]), goal)
    assert found[0] == math.inf
    return float(found[1])


def test_the_goal_is_read_between_two_points_and_where_it_is_first_reached() -> None:
    assert first_reached([2, 4, 8], [0.5, 0.7, 0.9], 0.7) == 4.0
    assert first_reached([2, 4, 8], [0.5, 0.7, 0.9], 0.85) == pytest.approx(7.0)
    assert first_reached([2, 4, 6, 8], [0.5, 0.8, 0.6, 0.9], 0.75) == pytest.approx(2 + 2 * 25 / 30)
    assert first_reached([2, 4], [0.5, 0.7], 0.4) == 2.0


def test_a_goal_that_is_never_reached_is_infinitely_far() -> None:
    assert first_reached([2, 4], [0.5, 0.7], 0.71) == math.inf
    assert first_reached([], [], 0.5) == math.inf
    # Not even between two points of a curve that stands still.
    assert first_reached([2, 4, 6], [0.5, 0.5, 0.5], 0.6) == math.inf


@pytest.mark.parametrize("gamma", [3.0, 40.0])
def test_the_efficiency_of_an_exponential_curve_is_its_rate(gamma: float) -> None:
    share = np.linspace(0.02, 0.2, 8)
    dice = 0.9 - 0.4 * np.exp(-gamma * (share - 0.02))
    found = foreground_efficiency(share.tolist(), dice.tolist(), 0.5, 0.9)
    assert found == pytest.approx(gamma, rel=1e-4)


def test_the_same_curve_with_half_the_foreground_is_twice_as_efficient() -> None:
    share, dice = [0.1, 0.2, 0.3, 0.4], [0.5, 0.7, 0.75, 0.8]
    once = foreground_efficiency(share, dice, 0.5, 0.9)
    twice = foreground_efficiency([s / 2 for s in share], dice, 0.5, 0.9)
    assert twice == pytest.approx(2 * once, rel=1e-4)


def test_without_a_gap_or_a_curve_there_is_no_efficiency() -> None:
    assert math.isnan(foreground_efficiency([0.1, 0.2], [0.9, 0.9], 0.9, 0.9))
    assert math.isnan(foreground_efficiency([0.1], [0.5], 0.5, 0.9))
