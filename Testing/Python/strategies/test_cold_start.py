"""The first suggestions of all: what together looks like the pool, or a fair draw that says why."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ActiveSuggestLib.strategies.base import Appearance, Unit
from ActiveSuggestLib.strategies.cold_start import ColdStart, in_the_middle
from ActiveSuggestLib.strategies.likeness import directions

GROUPS = np.repeat(np.arange(4), [20, 10, 8, 7])


def looks(groups, seed=0):
    """Return a point a unit, (N, 3): groups lie in directions of their own about their mean."""
    rng = np.random.default_rng(seed)
    corners = 10.0 * np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    return corners[groups] + rng.normal(0, 0.5, (len(groups), 3))


class Pool:
    kind, round = "volume", 0

    def __init__(self, found, units, labelled=()):
        self.found, self.units, self.labelled = found, units, list(labelled)
        self.kind = "volume" if units[0].slice is None else "slice"
        self.asked = 0

    @property
    def rng(self):
        return np.random.default_rng(1)

    fair_rng = rng

    def appearance(self):
        self.asked += 1
        return self.found


def volumes(count):
    return [Unit(f"c{i:02d}", f"p{i:02d}") for i in range(count)]


def suggest(pool, count, allowed=None):
    strategy = ColdStart()
    scores = strategy.score(pool)
    free = np.ones(len(pool.units), bool) if allowed is None else allowed
    picks = strategy.select(pool, scores, free, count)
    return [getattr(p, "index", p) for p in picks], picks, scores


def everything(z, labelled=()):
    rows = np.asarray(labelled, float).reshape(-1, z.shape[1])
    return Appearance(z, np.ones(len(z), bool), rows, len(z))


def test_it_takes_one_of_each_group_the_largest_first_and_says_so():
    rows, picks, scores = suggest(Pool(everything(looks(GROUPS)), volumes(45)), 4)
    assert sorted(GROUPS[rows]) == [0, 1, 2, 3]
    assert "looks most like the rest of the pool: it covers" in picks[0].reasons[0]
    assert "looks like what those before it do not: it covers another" in picks[1].reasons[0]
    assert scores.reasons[0][-1] == (
        "Phase: cold start. No model is trained yet, so what looks like many others of the pool "
        "comes first (45 images were looked at)."
    )


def test_the_pair_is_nearly_the_best_of_all_pairs():
    z = np.random.default_rng(3).normal(size=(14, 5))
    pool = Pool(everything(z), volumes(14))
    rows, _, _ = suggest(pool, 2)
    points, audience, _ = directions(pool.found, pool.rng)
    similar = np.maximum(points @ audience.T, 0)
    worth = {p: similar[list(p)].max(axis=0).sum() for p in itertools.combinations(range(14), 2)}
    assert worth[tuple(sorted(rows))] >= (1 - 1 / np.e) * max(worth.values())
    assert worth[tuple(sorted(rows))] > np.mean(list(worth.values()))


def test_a_single_first_label_is_the_most_average_and_no_later_one_is():
    z = np.concatenate([looks(GROUPS), [[0.3, 0.1, 0.2]]])
    rows, picks, _ = suggest(Pool(everything(z), volumes(46)), 1)
    distances = ((z[:, None] - z[None]) ** 2).sum(axis=2).mean(axis=1)
    assert rows == [int(distances.argmin())] == [45]
    assert "the average of the pool" in picks[0].reasons[0]
    rows, _, _ = suggest(Pool(everything(z), volumes(46)), 1, allowed=np.arange(46) < 20)
    assert rows == [int(distances[:20].argmin())]
    labelled = Pool(everything(z[:45], labelled=[z[0]]), volumes(45), [Unit("l", "l")])
    rows, picks, _ = suggest(labelled, 1)
    assert GROUPS[rows[0]] != 0
    assert "average" not in picks[0].reasons[0]


def test_a_group_that_has_a_label_waits():
    z = looks(GROUPS)
    pool = Pool(everything(z, labelled=[z[0]]), volumes(45), [Unit("l", "l")])
    rows, _, scores = suggest(pool, 3)
    assert 0 not in GROUPS[rows]
    assert scores.values[GROUPS == 0].max() < scores.values[GROUPS != 0].min()


def test_what_was_not_seen_is_not_suggested_while_there_is_other():
    z = looks(GROUPS)
    seen = GROUPS != 0
    found = Appearance(z * seen[:, None], seen, np.zeros((0, 3)), 25)
    rows, _, scores = suggest(Pool(found, volumes(45)), 3)
    assert sorted(GROUPS[rows]) == [1, 2, 3]
    assert "Not looked at" in scores.reasons[0][0]
    only = GROUPS == 0
    rows, _, _ = suggest(Pool(found, volumes(45)), 3, allowed=only)
    assert len(rows) == 3
    assert all(only[rows])


def test_a_small_pool_is_a_fair_draw_and_costs_nothing():
    pool = Pool(None, volumes(7))
    rows, _, scores = suggest(pool, 3)
    assert len(set(rows)) == 3
    assert pool.asked == 0
    assert scores.reasons[0] == [
        "Phase: cold start. No model is trained yet, and 7 patients are too few to choose among by "
        "their looks, so this is a fair draw by patient."
    ]


def test_images_that_all_look_the_same_are_taken_all_the_same():
    rows, _, scores = suggest(Pool(everything(np.ones((12, 2))), volumes(12)), 3)
    assert len(set(rows)) == 3
    assert scores.values == pytest.approx(0)


def slice_pool(volumes):
    """Return a pool of twelve slices a volume, of which the ends resemble each other most."""
    units = [Unit(f"c{i}", f"p{i}", s, 6.0 * s) for i in range(volumes) for s in range(12)]
    z = np.random.default_rng(0).normal(size=(len(units), 3))
    for row, unit in enumerate(units):
        if unit.slice in (0, 1, 10, 11):
            z[row] = 5 + 0.001 * z[row]
    return Pool(everything(z), units)


def test_slices_come_from_the_middle_half_of_different_volumes_and_the_last_from_the_ends():
    pool = slice_pool(24)
    rows, picks, _ = suggest(pool, 20)
    middle = [3 <= pool.units[i].slice <= 8 for i in rows]
    assert middle == [True] * 18 + [False] * 2
    assert len({pool.units[i].patient for i in rows}) == 20
    told = ["Towards an end of its volume" in " ".join(p.reasons) for p in picks]
    assert told == [not inside for inside in middle]


def test_a_few_slices_all_come_from_the_middle():
    pool = slice_pool(24)
    for count in (2, 9):
        rows, _, _ = suggest(pool, count)
        assert all(3 <= pool.units[i].slice <= 8 for i in rows)


def test_where_there_is_no_end_left_the_middle_serves_and_the_other_way_round():
    pool = slice_pool(12)
    for places in (range(4, 8), (0, 1, 10, 11)):
        allowed = np.array([u.slice in places for u in pool.units])
        rows, _, _ = suggest(pool, 12, allowed=allowed)
        assert len(set(rows)) == 12
        assert all(allowed[rows])


def test_the_middle_half_of_a_single_slice_is_that_slice():
    assert in_the_middle([Unit("a", "a", 4, 8.0)]).tolist() == [True]
    line = [Unit("a", "a", s, float(s)) for s in range(9)]
    assert in_the_middle(line).tolist() == [False, False, *[True] * 5, False, False]
