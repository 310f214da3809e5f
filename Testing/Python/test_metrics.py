"""Agreement of masks, and the intervals of means."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ActiveSuggestLib.metrics import (
    UNKNOWN,
    area_under_budget,
    auc,
    bootstrap_interval,
    dice,
    hausdorff95,
    mean_foreground_dice,
    mean_surface_distance,
    one_vs_rest_auc,
    paired_difference,
    segment_dice,
    student_interval,
    surface_distances,
)

SEGMENTS = {"liver": 1, "spleen": 7}


def a_box(low: int, high: int, size: int = 20) -> np.ndarray:
    mask = np.zeros((size, size, size), np.uint8)
    mask[low:high, low:high, low:high] = 1
    return mask


def test_equal_masks_have_dice_one_and_disjoint_masks_zero() -> None:
    assert dice(a_box(2, 8), a_box(2, 8)) == 1.0
    assert dice(a_box(2, 8), a_box(9, 12)) == 0.0


def test_dice_is_twice_the_overlap_over_the_sum_of_sizes() -> None:
    assert dice(np.array([1, 1, 1, 0]), np.array([0, 0, 1, 1])) == pytest.approx(2 / 5)


def test_two_empty_masks_agree_and_the_score_of_that_can_be_chosen() -> None:
    nothing = np.zeros((3, 3, 3))
    assert dice(nothing, nothing) == 1.0
    assert math.isnan(dice(nothing, nothing, empty=math.nan))
    assert dice(nothing, a_box(0, 1, 3)) == 0.0


def test_segment_dice_equals_the_dice_of_each_mask() -> None:
    rng = np.random.default_rng(0)
    prediction, truth = rng.choice(np.array([0, 1, 7], np.uint8), (2, 9, 8, 7))
    scores = segment_dice(prediction, truth, SEGMENTS)
    for name, value in SEGMENTS.items():
        assert scores[name] == pytest.approx(dice(prediction == value, truth == value))
    assert mean_foreground_dice(prediction, truth, SEGMENTS) == pytest.approx(
        np.mean(list(scores.values()))
    )


def test_unknown_voxels_count_for_nothing() -> None:
    truth = np.array([1, 1, UNKNOWN, UNKNOWN, 0], np.uint8)
    prediction = np.array([1, 1, 1, 7, 0], np.uint8)
    assert segment_dice(prediction, truth, SEGMENTS) == {"liver": 1.0, "spleen": 1.0}


def test_absent_segments_left_out_do_not_change_the_mean() -> None:
    truth = np.array([1, 1, 0, 0], np.uint8)
    prediction = np.array([1, 0, 0, 0], np.uint8)
    mean = mean_foreground_dice(prediction, truth, SEGMENTS, empty=math.nan)
    assert mean == pytest.approx(2 / 3)


def test_the_bootstrap_interval_holds_the_mean_and_narrows_with_more_cases() -> None:
    rng = np.random.default_rng(1)
    few, many = rng.normal(0.8, 0.1, 10), rng.normal(0.8, 0.1, 1000)
    a, b = bootstrap_interval(few), bootstrap_interval(many)
    assert a.low < a.mean < a.high
    assert b.high - b.low < (a.high - a.low) / 3
    assert bootstrap_interval(few) == a


def test_the_bootstrap_interval_covers_the_true_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    held = 0
    for run in range(200):
        interval = bootstrap_interval(rng.normal(0.0, 1.0, 40), resamples=400, seed=run)
        held += interval.low <= 0.0 <= interval.high
    assert 0.88 <= held / 200 <= 0.99


@pytest.mark.parametrize("interval", [bootstrap_interval, student_interval])
def test_one_value_has_no_interval_and_nan_values_are_left_out(interval) -> None:
    one = interval([0.5, math.nan])
    assert (one.mean, one.n) == (0.5, 1)
    assert math.isnan(one.low)
    assert math.isnan(interval([]).mean)


def test_pairing_removes_what_the_pairs_share() -> None:
    rng = np.random.default_rng(3)
    shared = rng.normal(0.0, 1.0, 12)
    difference = paired_difference(shared + 0.1 + rng.normal(0, 0.01, 12), shared)
    assert 0.08 < difference.low < difference.mean < difference.high < 0.12


def test_unequal_lists_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="paired"):
        paired_difference([1.0], [1.0, 2.0])


def test_the_t_interval_of_two_values_is_the_textbook_one() -> None:
    interval = student_interval([0.0, 1.0])
    assert interval.high - interval.mean == pytest.approx(12.706 * 0.70711 / math.sqrt(2), rel=1e-3)


def test_the_area_under_a_flat_curve_is_its_height_whatever_the_steps() -> None:
    assert area_under_budget([1, 2, 10], [0.7, 0.7, 0.7]) == pytest.approx(0.7)
    assert area_under_budget([0, 10], [0.0, 1.0]) == pytest.approx(0.5)
    assert area_under_budget([4], [0.3]) == 0.3
    assert math.isnan(area_under_budget([], []))


def test_equal_masks_are_no_distance_apart() -> None:
    assert hausdorff95(a_box(3, 9), a_box(3, 9), (1, 1, 1)) == 0.0
    assert mean_surface_distance(a_box(3, 9), a_box(3, 9), (1, 1, 1)) == 0.0


def test_a_plane_moved_by_two_slices_is_two_spacings_away() -> None:
    first, second = np.zeros((2, 12, 6, 6), bool)
    first[3], second[5] = True, True
    assert np.allclose(surface_distances(first, second, (2.5, 1, 1)), 5.0)
    assert hausdorff95(first, second, (2.5, 1, 1)) == pytest.approx(5.0)


def test_the_hausdorff_95_forgives_a_stray_voxel_that_the_maximum_does_not() -> None:
    truth = a_box(4, 16, 40)
    prediction = truth.copy()
    prediction[38, 38, 38] = 1
    assert surface_distances(prediction, truth, (1, 1, 1)).max() > 30
    assert hausdorff95(prediction, truth, (1, 1, 1)) == 0.0


def test_a_missing_structure_is_infinitely_far_and_two_missing_ones_agree() -> None:
    nothing = np.zeros((20, 20, 20), bool)
    for distance in (hausdorff95, mean_surface_distance):
        assert distance(nothing, a_box(2, 5), (1, 1, 1)) == math.inf
        assert distance(nothing, nothing, (1, 1, 1)) == 0.0


def test_the_surface_of_a_picture_is_its_outline() -> None:
    truth = np.zeros((1, 30, 30), bool)
    truth[0, 5:25, 5:25] = True
    smaller = np.zeros_like(truth)
    smaller[0, 7:23, 7:23] = True
    distances = surface_distances(smaller, truth, (5.0, 1.0, 1.0))
    assert len(distances) == 4 * 19 + 4 * 15  # not every pixel within
    assert distances.min() == 2.0
    volume = surface_distances(np.repeat(smaller, 3, 0), np.repeat(truth, 3, 0), (5.0, 1.0, 1.0))
    assert volume.min() == 0.0  # the ends of a volume are surface


def test_an_area_can_be_cut_out_of_a_curve() -> None:
    budget, values = [2, 4, 8], [0.5, 0.7, 0.9]
    assert area_under_budget(budget, values, low=2, high=4) == pytest.approx(0.6)
    assert area_under_budget(budget, values, low=4, high=6) == pytest.approx(0.75)
    assert area_under_budget(budget, values, low=6, high=6) == pytest.approx(0.8)


def test_auc_counts_the_pairs_in_order_and_ties_half() -> None:
    rng = np.random.default_rng(0)
    scores, positive = rng.integers(0, 8, 60).astype(float), rng.random(60) < 0.4
    pairs = [(a > b) + 0.5 * (a == b) for a in scores[positive] for b in scores[~positive]]
    assert auc(scores, positive) == pytest.approx(np.mean(pairs))
    assert auc(np.exp(scores), positive) == auc(scores, positive)
    assert math.isnan(auc([1.0, 2.0], [True, True]))


def test_each_class_is_held_against_the_rest_and_absent_ones_are_left_out() -> None:
    probability = np.array([[0.8, 0.2, 0.0], [0.6, 0.4, 0.0], [0.7, 0.3, 0.0], [0.1, 0.9, 0.0]])
    target = np.array([0, 0, 1, 1])
    assert one_vs_rest_auc(probability, target) == pytest.approx(0.75)
    assert math.isnan(one_vs_rest_auc(probability, np.zeros(4, int)))
