"""Comparisons of strategies, on curves that are written down."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ActiveSuggestLib.simulating.arms import FULL
from ActiveSuggestLib.simulating.comparing import compare, comparison_rows, distances
from ActiveSuggestLib.simulating.curves import RoundRecord, SimulationResult
from ActiveSuggestLib.simulating.needs import needed, times_as_many

UNITS = (2, 4, 6)


def a_record(arm: str, seed: int, number: int, units: int, dice: float) -> RoundRecord:
    return RoundRecord(
        seed, arm, number, units, units, (), {"test": {"liver": dice}}, {}, {},
        labelled_foreground=10 * units,
        hausdorff95={"test": {"liver": 10 * (1 - dice)}},
        surface={"test": {"liver": 1 - dice}},
    )  # fmt: skip


def a_result(curves: dict[str, list[list[float]]], full: float | None = None) -> SimulationResult:
    """Return a result: strategy → a curve for each seed over ``UNITS``."""
    seeds = range(max(len(curve) for curve in curves.values()))
    records = [
        a_record(name, seed, number, UNITS[number], dice)
        for name, by_seed in curves.items()
        for seed, curve in enumerate(by_seed)
        for number, dice in enumerate(curve)
    ]
    if full is not None:
        records += [a_record(FULL, seed, 0, 2, 0.1) for seed in seeds]
        records += [a_record(FULL, seed, 1, 20, full) for seed in seeds]
    settings = {"strategies": list(curves), "seeds": list(seeds), "unit": "volume", "segments": []}
    return SimulationResult(Path("nowhere"), settings, tuple(records))


def test_areas_are_compared_seed_by_seed_with_each_reference() -> None:
    result = a_result(
        {
            "default": [[0.4, 0.6, 0.8], [0.5, 0.7, 0.9]],
            "random": [[0.4, 0.5, 0.6], [0.5, 0.6, 0.7]],
            "foreground-random": [[0.4, 0.6, 0.8], [0.5, 0.7, 0.9]],
        }
    )
    ours, random, _ = compare(result)
    assert random.area_test is None
    assert ours.difference is not None
    assert ours.difference.mean == pytest.approx(0.1)
    assert ours.difference.n == 2
    assert ours.last_test is not None
    assert ours.last_test.student.mean == pytest.approx(0.2)
    other = compare(result, "foreground-random")[0]
    assert other.difference is not None
    assert other.difference.mean == pytest.approx(0.0)
    assert other.area_test is not None
    assert other.area_test.p_student == 1.0


def test_only_seeds_that_both_have_are_paired_over_the_budget_that_both_have() -> None:
    result = a_result({"default": [[0.4, 0.8], [0.9, 0.9, 0.9]], "random": [[0.4, 0.6, 0.6]]})
    ours = compare(result)[0]
    assert ours.difference is not None
    assert ours.difference.n == 1
    assert ours.difference.mean == pytest.approx(0.1)  # 0.6 and 0.5 from 2 to 4
    assert ours.last_test is not None
    assert ours.last_test.student.mean == pytest.approx(0.2)


def test_an_arm_that_has_only_begun_is_not_compared() -> None:
    result = a_result({"default": [[0.4, 0.6], [0.5]], "random": [[0.4, 0.5], [0.5, 0.6]]})
    ours = compare(result)[0]
    assert ours.difference is not None
    assert ours.difference.n == 1
    only_begun = a_result({"default": [[0.4]], "random": [[0.4, 0.5]]})
    assert compare(only_begun)[0].area_test is None


def cold(result: SimulationResult) -> SimulationResult:
    """Return the same curves as those of arms that chose their own first labels."""
    records = tuple(replace(r, round=r.round + 1) for r in result.records)
    return replace(result, settings={**result.settings, "initial": 0}, records=records)


def test_arms_that_chose_their_first_labels_differ_from_those_on() -> None:
    shared = a_result({"default": [[0.5], [0.7]], "random": [[0.4], [0.5]]})
    assert compare(shared)[0].area_test is None
    ours = compare(cold(shared))[0]
    assert ours.difference is not None
    assert (ours.difference.n, ours.difference.mean) == (2, pytest.approx(0.15))
    assert ours.last_test is not None
    assert ours.last_test.student.mean == pytest.approx(0.15)


def test_first_labels_of_unequal_cost_are_compared_from_the_dearer_on() -> None:
    result = cold(a_result({"default": [[0.4, 0.6, 0.8]], "random": [[0.4, 0.5, 0.6]]}))
    records = [
        replace(r, labelled_units=4) if (r.strategy, r.round) == ("random", 1) else r
        for r in result.records
        if (r.strategy, r.round) != ("random", 2)
    ]
    ours, random = compare(replace(result, records=tuple(records)))
    assert ours.area == pytest.approx(0.7)  # From 4 to 6, where random begins at 0.4.
    assert random.area == pytest.approx(0.5)
    assert ours.difference is not None
    assert ours.difference.mean == pytest.approx(0.2)


def test_labels_needed_are_measured_against_each_seeds_own_full_data() -> None:
    result = a_result({"default": [[0.45, 0.63, 0.9]], "random": [[0.45, 0.54, 0.63]]}, full=0.7)
    found = needed(result, "default", 0.9)
    assert (found.mean_curve, found.reached, found.seeds) == (pytest.approx(4.0), 1, 1)
    assert needed(result, "random", 0.9).mean_curve == pytest.approx(6.0)
    assert needed(result, "random", 0.95).mean_curve == math.inf
    assert needed(a_result({"random": [[0.5, 0.6, 0.7]]}), "random", 0.9).seeds == 0


def test_how_many_times_the_labels_the_reference_needs_has_limits_over_the_seeds() -> None:
    rng = np.random.default_rng(0)
    shift = rng.normal(0, 0.02, 12)
    # The goal, 0.72, is reached with 3 and with 5 labels, whatever is easy for both.
    result = a_result(
        {
            "default": [[0.69 + s, 0.75 + s, 0.78] for s in shift],
            "random": [[0.6 + s, 0.69 + s, 0.75 + s] for s in shift],
            "never": [[0.1, 0.2, 0.3]] * 12,
        },
        full=0.8,
    )
    found = times_as_many(result, "default", "random", 0.9)
    assert found.mean == pytest.approx(5 / 3, rel=0.1)
    assert 1.2 < found.low < found.mean < found.high < 2.5
    assert found.n == 12
    assert times_as_many(result, "default", "random", 0.9) == found
    back = times_as_many(result, "random", "default", 0.9)
    assert back.mean == pytest.approx(1 / found.mean)
    assert times_as_many(result, "default", "never", 0.9).mean == math.inf
    assert times_as_many(result, "never", "random", 0.9).mean == 0
    assert math.isnan(times_as_many(result, "never", "never", 0.9).mean)
    same = times_as_many(result, "default", "default", 0.9)
    assert (same.mean, same.low, same.high) == (1, 1, 1)


def test_one_seed_has_no_limits_and_without_the_full_data_there_is_nothing() -> None:
    curves = {"default": [[0.7, 0.8, 0.9]], "random": [[0.6, 0.7, 0.8]]}
    one = times_as_many(a_result(curves, full=0.8), "default", "random", 1.0)
    assert (one.mean, one.n) == (pytest.approx(1.5), 1)
    assert math.isnan(one.low)
    assert times_as_many(a_result(curves), "default", "random", 0.9).n == 0


def test_the_table_has_a_row_for_each_strategy_and_reference() -> None:
    curves = {
        "default": [[0.4, 0.6, 0.7], [0.5, 0.66, 0.8]],
        "random": [[0.4, 0.5, 0.6], [0.5, 0.6, 0.7]],
        "foreground-random": [[0.4, 0.5, 0.7], [0.5, 0.6, 0.7]],
    }
    rows = comparison_rows(a_result(curves, full=0.75))
    assert [(r["strategy"], r["reference"]) for r in rows] == [
        (name, reference) for reference in ("random", "foreground-random") for name in curves
    ]
    first = rows[0]
    assert first["area_p_student"] < 0.1
    assert first["reference_needs_times_90%"] > 1
    assert first["reference_needs_times_90%_low"] <= first["reference_needs_times_90%"]
    assert first["foreground_efficiency"] > rows[1]["foreground_efficiency"]
    assert "area_difference" not in rows[1]


def test_distances_are_those_of_the_last_round() -> None:
    result = a_result({"random": [[0.5, 0.6, 0.7], [0.5, 0.6, 0.9]]})
    assert distances(result, "random") == (pytest.approx(2.0), pytest.approx(0.2))


def test_the_full_data_is_no_strategy(tmp_path: Path) -> None:
    result = replace(a_result({"random": [[0.5, 0.6, 0.7]]}, full=0.8), folder=tmp_path)
    full = result.full_data(0)
    assert full is not None
    assert full.mean == 0.8
    assert result.strategies == ("random",)
    assert result.last_budget == 6
    assert [c.strategy for c in result.comparisons()] == ["random"]
    result.save()
    assert (tmp_path / "comparisons.csv").read_text("utf-8").startswith("strategy,reference,seeds,")
