"""Picks along a direction, against planted grids and brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ActiveSuggestLib.strategies import direction
from ActiveSuggestLib.strategies.direction import follow, nearest_along

GRID = np.array(list(itertools.product(range(-3, 4), repeat=2)), float)


def row_of(*place):
    return int(np.flatnonzero((place == GRID).all(axis=1))[0])


def everything_free():
    return np.ones(len(GRID), bool)


def test_on_a_planted_grid_the_pick_is_ahead_and_nearest():
    # Known answer 9.
    pick = nearest_along(GRID, everything_free(), np.zeros(2), np.array([0.3, 0.0]), 0.707)
    assert pick.row == row_of(1, 0)
    assert (pick.bound, pick.cosine) == (0.707, 1.0)
    assert pick.distance == pytest.approx(0.7)
    diagonal = nearest_along(GRID, everything_free(), np.zeros(2), np.array([0.2, 0.2]), 0.9)
    assert diagonal.row == row_of(1, 1)


def test_without_the_angle_a_nearer_one_behind_would_have_been_taken():
    pool = np.array([[-0.1, 0.0], [2.0, 0.1]])
    start, end = np.zeros(2), np.array([0.1, 0.0])
    assert nearest_along(pool, np.ones(2, bool), start, end, 0.707).row == 1
    assert np.linalg.norm(pool - end, axis=1).argmin() == 0


@pytest.mark.parametrize(
    ("place", "bound"), [((1, 0.9), 0.707), ((1, 1.5), 0.5), ((1, 9), 0.0), ((-1, 0), None)]
)
def test_the_bound_gives_way_step_by_step_and_says_so(place, bound):
    pool = np.array([[-5.0, 0.0], place])
    found = nearest_along(pool, np.ones(2, bool), np.zeros(2), np.array([1.0, 0.0]), 0.707)
    assert (found.row, found.bound) == (1, bound)


def test_a_bound_is_only_ever_relaxed():
    pool = np.array([[1.0, 4.0]])
    found = nearest_along(pool, np.ones(1, bool), np.zeros(2), np.array([1.0, 0.0]), 0.1)
    assert found.bound == 0.1


def test_without_a_direction_the_nearest_is_taken_under_no_bound():
    found = nearest_along(GRID, everything_free(), np.array([0.2, 0]), np.array([0.2, 0]), 0.5)
    assert (found.row, found.bound) == (row_of(0, 0), None)
    assert np.isnan(found.cosine)


@pytest.mark.parametrize("seed", range(8))
def test_it_agrees_with_brute_force_in_any_number_of_blocks(seed, monkeypatch):
    monkeypatch.setattr(direction, "BLOCK_ROWS", 7)
    rng = np.random.default_rng(seed)
    pool, start, end = rng.normal(size=(50, 3)), rng.normal(size=3), rng.normal(size=3)
    free = rng.random(50) < 0.3
    found = nearest_along(pool, free, start, end, 0.9)
    away = np.linalg.norm(pool - end, axis=1)
    off = pool - start
    cosine = off @ (end - start) / np.linalg.norm(off, axis=1) / np.linalg.norm(end - start)
    for bound in (0.9, 0.5, 0.0, -2.0):
        ahead = np.flatnonzero(free & (cosine >= bound))
        if len(ahead):
            break
    assert found.row == ahead[np.argmin(away[ahead])]
    assert found.bound == (bound if bound >= 0 else None)
    assert found.cosine == pytest.approx(cosine[found.row])
    assert found.distance == pytest.approx(away[found.row])


def test_as_many_come_out_as_go_in_and_none_twice():
    # Known answer 9.
    starts = np.zeros((5, 2))
    found = follow(starts, starts + np.array([0.4, 0.1]), GRID, 5)
    assert [f.parent for f in found] == [0, 1, 2, 3, 4]
    assert len({f.row for f in found}) == 5
    assert [f.parent for f in follow(starts[:2], starts[:2] + 1, GRID, 5)] == [0, 1, 0, 1, 0]
    assert [f.parent for f in follow(starts, starts + 1, GRID, 2)] == [0, 1]
    assert len(follow(starts, starts + 1, GRID, 99)) == len(GRID)
    assert follow(starts[:0], starts[:0], GRID, 3) == []


def test_when_nothing_is_free_it_says_so():
    with pytest.raises(ValueError, match="free"):
        nearest_along(GRID, np.zeros(len(GRID), bool), np.zeros(2), np.ones(2), 0.5)
