"""What a variance will come to: exact where finished units tell all, and honest in its error."""

from __future__ import annotations

import numpy as np
import pytest

from ActiveSuggestLib.strategies.running_variance import (
    FinishedUnits,
    chance_to_reach,
    expected_by_directions,
    expected_mean,
    principal_directions,
)


def test_the_expected_mean_is_exact_where_the_control_explains_all():
    control = np.random.default_rng(0).uniform(1, 2, 50)
    known = np.stack([3 * control[:6], 0.5 * control[:6]], axis=1)
    expected, error = expected_mean(known, control, 50)
    assert expected == pytest.approx([3 * control.mean(), 0.5 * control.mean()])
    assert error == pytest.approx([0, 0], abs=1e-9)
    plain = known.mean(axis=0)
    assert abs(plain - expected).min() > 0.01


def test_many_increments_overrule_the_belief_in_proportions():
    control = np.random.default_rng(0).uniform(1, 2, 400)
    known = 5 - control[:300, None]
    expected, error = expected_mean(known, control, 400)
    assert expected == pytest.approx(5 - control.mean(), abs=3 * error[0])
    assert error[0] < 0.01


def test_the_standard_error_is_that_of_the_means_to_come():
    rng = np.random.default_rng(0)
    total, count, away, chances = 60, 10, [], []
    for _ in range(4000):
        control = rng.normal(5, 1, total)
        unit = 0.8 * control + rng.normal(1, 0.5, total)
        expected, error = expected_mean(unit[:count, None], control, total)
        away.append((unit.mean() - expected[0]) / error[0])
        chances.append(chance_to_reach(expected, error, unit.mean(), count)[0])
    # Student's t with 8 degrees of freedom: 90 % within 1.86, and the chances uniform.
    assert np.mean(np.abs(away) < 1.86) == pytest.approx(0.9, abs=0.02)
    assert np.mean(np.array(chances) < 0.1) == pytest.approx(0.1, abs=0.02)


def units_of_masks(rng, count, total=60, kinds=3, noise=0.0):
    """Return increments (total, count): each unit answers ``kinds`` properties of the masks."""
    masks = np.random.default_rng(7).normal(size=(total, kinds))
    answers = rng.normal(size=(kinds, count))
    return 5 + masks @ answers + noise * rng.normal(size=(total, count))


def test_what_is_missing_is_exact_where_a_few_directions_explain_all():
    rng = np.random.default_rng(0)
    finished = FinishedUnits(60)
    finished.add(units_of_masks(rng, 400))
    units = units_of_masks(rng, 20)
    expected, error = finished.expect(units[:12])
    assert expected == pytest.approx(units.mean(axis=0), abs=1e-6)
    assert error.max() < 1e-6
    # One control variate cannot: each unit answers to another mixture.
    by_mean, _ = expected_mean(units[:12], units_of_masks(rng, 400).mean(axis=1), 60)
    assert np.abs(by_mean - units.mean(axis=0)).max() > 0.1


def test_it_is_the_conditional_expectation_of_a_normal_distribution():
    rng = np.random.default_rng(1)
    loads, rest, mean = rng.normal(size=(10, 2)), 0.3, rng.normal(size=10)
    known = rng.normal(size=(4, 5))
    covariance = loads @ loads.T + rest * np.eye(10)
    gain = covariance[4:, :4] @ np.linalg.inv(covariance[:4, :4])
    missing = mean[4:, None] + gain @ (known - mean[:4, None])
    expected, _ = expected_by_directions(known, mean, loads, rest)
    assert expected == pytest.approx(np.concatenate([known, missing]).mean(axis=0))


def test_the_directions_give_the_covariance_back():
    rng = np.random.default_rng(2)
    loads = rng.normal(size=(12, 3))
    covariance = loads @ loads.T + 0.2 * np.eye(12)
    found, rest = principal_directions(covariance, 3)
    assert rest == pytest.approx(0.2)
    assert found @ found.T == pytest.approx(loads @ loads.T)


def test_the_error_by_directions_is_that_of_the_means_to_come():
    rng = np.random.default_rng(3)
    finished = FinishedUnits(60)
    finished.add(units_of_masks(rng, 2000, noise=0.5))
    units = units_of_masks(rng, 4000, noise=0.5)
    expected, error = finished.expect(units[:20])
    away = (units.mean(axis=0) - expected) / error
    # Student's t with 18 degrees of freedom: 90 % within 1.73.
    assert np.mean(np.abs(away) < 1.73) == pytest.approx(0.9, abs=0.03)
    assert np.std(units.mean(axis=0) - expected) < 0.8 * np.std(
        units.mean(axis=0) - units[:20].mean(axis=0)
    )
    chances = finished.chance(units[:20], 5.0)
    assert np.mean(units.mean(axis=0)[chances > 0.99] > 5) > 0.97


def test_few_finished_units_are_one_control_variate_and_none_tell_nothing():
    rng = np.random.default_rng(4)
    units, known = units_of_masks(rng, 10), units_of_masks(rng, 3)[:12]
    finished = FinishedUnits(60)
    plain, _ = finished.expect(known)
    assert plain == pytest.approx(known.mean(axis=0))
    finished.add(units)
    assert finished.expect(known)[0] == pytest.approx(
        expected_mean(known, units.mean(axis=1), 60)[0]
    )


def test_parts_of_the_finished_units_add_up():
    units = units_of_masks(np.random.default_rng(5), 100, noise=0.2)
    whole, parts = FinishedUnits(60), FinishedUnits(60)
    whole.add(units)
    for part in np.array_split(units, 7, axis=1):
        parts.add(part)
        parts.expect(units[:9])
    assert parts.expect(units[:9])[0] == pytest.approx(whole.expect(units[:9])[0])


def test_units_that_are_smaller_than_all_finished_ones_are_not_taken_for_as_large():
    rng = np.random.default_rng(6)
    masks = rng.gamma(0.6, size=60)
    shared = masks[:, None] + 0.02 * rng.normal(size=(60, 50))
    finished = FinishedUnits(60)
    finished.add(shared[:, :40] * rng.uniform(1.4, 1.5, 40))
    small = 0.5 * shared[:, 40:]
    expected, _ = finished.expect(small[:15])
    assert expected == pytest.approx(small.mean(axis=0), rel=0.05)
