"""The first suggestions of all: one of each group, or a fair draw that says why."""

from __future__ import annotations

import numpy as np

from ActiveSuggestLib.strategies.base import ColdLatents, Unit
from ActiveSuggestLib.strategies.cold_start import ColdStart, in_the_middle

GROUPS = np.repeat(np.arange(4), [20, 10, 8, 7])


def latents(groups, seed=0):
    """Return a point a unit, (N, 3): groups lie far apart."""
    rng = np.random.default_rng(seed)
    centres = 10 * np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    return centres[groups] + rng.normal(0, 0.5, (len(groups), 3))


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

    def cold_latents(self):
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
    return ColdLatents(z, np.ones(len(z), bool), rows, len(z))


def test_it_takes_one_of_each_group_and_says_so():
    z = latents(GROUPS)
    rows, picks, scores = suggest(Pool(everything(z), volumes(45)), 4)
    assert sorted(GROUPS[rows]) == [0, 1, 2, 3]
    assert picks[0].reasons == ("The most typical of a group of 20, none of them labelled.",)
    assert scores.reasons[0][-1] == (
        "Phase: cold start. No model is trained yet, so the most typical of each group comes "
        "first (by an autoencoder of 45 images)."
    )


def test_a_group_that_has_a_label_waits():
    z = latents(GROUPS)
    pool = Pool(everything(z, labelled=[z[0]]), volumes(45), [Unit("l", "l")])
    rows, _, _ = suggest(pool, 3)
    assert 0 not in GROUPS[rows]


def test_what_was_not_encoded_is_not_suggested_while_there_is_other():
    z = latents(GROUPS)
    encoded = GROUPS != 0
    found = ColdLatents(z * encoded[:, None], encoded, np.zeros((0, 3)), 25)
    rows, _, scores = suggest(Pool(found, volumes(45)), 3)
    assert sorted(GROUPS[rows]) == [1, 2, 3]
    assert "Not looked at" in scores.reasons[0][0]
    only = GROUPS == 0
    rows, _, _ = suggest(Pool(found, volumes(45)), 3, allowed=only)
    assert len(rows) == 3
    assert all(only[rows])


def test_a_small_pool_is_a_fair_draw_and_costs_nothing():
    pool = Pool(None, volumes(19))
    rows, _, scores = suggest(pool, 3)
    assert len(set(rows)) == 3
    assert pool.asked == 0
    assert scores.reasons[0] == [
        "Phase: cold start. No model is trained yet, and 19 patients are too few to tell groups "
        "apart, so this is a fair draw by patient."
    ]


def test_without_latents_it_is_a_fair_draw_that_says_why():
    pool = Pool(ColdLatents.none(30, "the images could not be compared (x)"), volumes(30))
    rows, _, scores = suggest(pool, 3)
    assert len(set(rows)) == 3
    assert "could not be compared (x), so this is a fair draw by patient." in scores.reasons[0][0]


def test_slices_come_from_the_middle_half_of_different_volumes():
    units = [Unit(f"c{i}", f"p{i}", s, 6.0 * s) for i in range(24) for s in range(12)]
    z = np.random.default_rng(0).normal(size=(len(units), 3))
    # The ends resemble each other most of all.
    for row, unit in enumerate(units):
        if unit.slice in (0, 1, 10, 11):
            z[row] = 5 + 0.001 * z[row]
    rows, _, _ = suggest(Pool(everything(z), units), 6)
    assert len(rows) == 6
    assert all(3 <= units[i].slice <= 8 for i in rows)
    assert max(np.bincount([int(units[i].patient[1:]) for i in rows])) <= 2


def test_the_middle_half_of_a_single_slice_is_that_slice():
    assert in_the_middle([Unit("a", "a", 4, 8.0)]).tolist() == [True]
    line = [Unit("a", "a", s, float(s)) for s in range(9)]
    assert in_the_middle(line).tolist() == [False, False, *[True] * 5, False, False]
