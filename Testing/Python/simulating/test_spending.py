"""Budgets in cases, slices and pixels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ActiveSuggestLib.data.geometry import Geometry
from ActiveSuggestLib.data.project import Project, create_project
from ActiveSuggestLib.simulating.spending import (
    Spent,
    affordable,
    most_units,
    slice_pixels,
    spent,
    unit_cost,
)
from Testing.Python.simulation_pools import SEGMENTS, SHAPE, a_volume, write_pool

FLAT = Geometry((20, 16, 12), (1.0, 1.0, 1.0))


@pytest.fixture
def a_project(tmp_path: Path) -> Iterator[Project]:
    pool = write_pool(tmp_path / "pool", 3)
    project = create_project(tmp_path / "project", pool / "images", segments=SEGMENTS)
    with project:
        yield project


def foreground(case: str) -> np.ndarray:
    return np.count_nonzero(a_volume(int(case[-2:]))[1], axis=(1, 2))


def test_nothing_labelled_has_cost_nothing(a_project: Project) -> None:
    assert spent(a_project, foreground) == Spent(0, 0, 0, 0)


def test_whole_volumes_and_single_slices_are_counted_in_every_currency(a_project: Project) -> None:
    assert a_project.plane == "axial"
    a_project.save_label("case-00", a_volume(0)[1])
    a_project.save_label("case-01", a_volume(1)[1], slices=[5, 6])
    slices, area = SHAPE[0] + 2, SHAPE[1] * SHAPE[2]
    inside = int(foreground("case-00").sum() + foreground("case-01")[[5, 6]].sum())
    assert spent(a_project, foreground) == Spent(2, slices, slices * area, inside)


@pytest.mark.parametrize(
    ("index", "currency", "cost"),
    [
        (None, "volume", 1),
        (None, "slice", 12),
        (None, "pixel", 12 * 16 * 20),
        (3, "slice", 1),
        (3, "pixel", 16 * 20),
    ],
)
def test_a_unit_costs_what_it_reveals(index: int | None, currency: str, cost: int) -> None:
    assert unit_cost(FLAT, "axial", index, currency) == cost


def test_the_pixels_of_a_slice_follow_the_plane() -> None:
    assert slice_pixels(FLAT, "axial") == 16 * 20
    assert slice_pixels(FLAT, "sagittal") == 12 * 16


def test_the_budget_pays_for_the_best_units_in_turn_but_always_for_one() -> None:
    assert affordable([3, 3, 3], 6) == 2
    assert affordable([3, 3, 3], 5) == 1
    assert affordable([9, 1, 1], 5) == 1
    assert affordable([], 5) == 0
    assert most_units([9, 1, 1], 5) == 2
    assert most_units([], 5) == 1
