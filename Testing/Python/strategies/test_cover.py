"""Maximum cover against the definition and against every possible choice."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from ActiveSuggestLib.strategies import cover
from ActiveSuggestLib.strategies.cover import (
    covered_by,
    gains,
    lazy_greedy,
    plain_greedy,
    stochastic_greedy,
    unit_rows,
)


def directions(seed, count, size=4):
    return unit_rows(np.random.default_rng(seed).normal(size=(count, size)))


def total(members, pool):
    """F of a set by its definition."""
    if not len(members):
        return 0.0
    return float(np.maximum(members @ pool.T, 0).max(axis=0).sum())


@pytest.mark.parametrize("seed", range(10))
def test_greedy_reaches_its_share_of_the_best_of_all_choices(seed):
    # Known answer 5.
    pool = directions(seed, 12)
    best = max(total(pool[list(s)], pool) for s in itertools.combinations(range(12), 3))
    found = lazy_greedy(pool, pool, 3)
    assert total(pool[found.picks], pool) >= (1 - 1 / math.e) * best
    assert sum(found.gains) == pytest.approx(total(pool[found.picks], pool), rel=1e-5)


@pytest.mark.parametrize("seed", range(8))
def test_lazy_picks_what_plain_greedy_picks_with_fewer_evaluations(seed):
    pool = directions(seed, 300, 8)
    candidates = pool[:120]
    start = covered_by(pool[250:], pool) if seed % 2 else None
    plain = plain_greedy(candidates, pool, 15, start=start)
    lazy = lazy_greedy(candidates, pool, 15, start=start)
    assert lazy.picks == plain.picks
    assert lazy.gains == pytest.approx(plain.gains, rel=1e-4)
    assert lazy.evaluations < 0.7 * plain.evaluations


def test_the_block_size_changes_nothing(monkeypatch):
    pool = directions(0, 90, 6)
    whole = lazy_greedy(pool, pool, 10)
    for name, size in (("BLOCK_ROWS", 7), ("BLOCK_COLUMNS", 11), ("LAZY_ROWS", 3)):
        monkeypatch.setattr(cover, name, size)
    assert lazy_greedy(pool, pool, 10).picks == whole.picks
    members = pool[:20]
    assert covered_by(members, pool) == pytest.approx(
        np.maximum(members @ pool.T, 0).max(axis=0), abs=1e-6
    )


def test_a_duplicate_of_a_pick_gains_nothing():
    pool = directions(1, 30)
    found = lazy_greedy(np.concatenate([pool[:1], pool[:1]]), pool, 2)
    assert found.picks == [0, 1]
    assert found.gains[1] == 0.0


def test_ties_go_to_the_lowest_row():
    pool = directions(2, 40)
    twins = np.concatenate([pool, pool])
    assert max(lazy_greedy(twins, pool, 12).picks) < 40
    assert lazy_greedy(np.zeros((5, 4), np.float32), pool, 3).picks == [0, 1, 2]


def aliased(pool, count):
    """Greedy with the mistake of a published code: trying a candidate changes m."""
    m = np.zeros(len(pool))
    picks = []
    for _ in range(count):
        gained = np.full(len(pool), -1.0)
        for i in range(len(pool)):
            before = m.sum()
            np.maximum(m, pool[i] @ pool.T, out=m)
            gained[i] = m.sum() - before
        gained[picks] = -1.0
        picks.append(int(np.argmax(gained)))
    return picks


def by_definition(pool, count):
    picks = []
    for _ in range(count):
        left = [i for i in range(len(pool)) if i not in picks]
        worth = [round(total(pool[[*picks, i]], pool), 4) for i in left]
        picks.append(left[int(np.argmax(worth))])
    return picks


@pytest.mark.parametrize("seed", range(5))
def test_candidates_that_are_only_looked_at_do_not_change_the_cover(seed):
    pool = directions(seed, 25)
    start = covered_by(pool[:1], pool)
    kept = start.copy()
    picks = lazy_greedy(pool, pool, 4).picks
    lazy_greedy(pool, pool, 4, start=start)
    plain_greedy(pool, pool, 4, start=start)
    assert np.array_equal(start, kept)
    assert picks == by_definition(pool, 4)
    assert picks != aliased(pool, 4)


def test_what_is_labelled_covers_its_surroundings_already():
    # Three directions; the most frequent one is labelled.
    a, b, c = np.eye(3, dtype=np.float32)
    pool = np.stack([a] * 5 + [b] * 3 + [c] * 2)
    assert lazy_greedy(pool, pool, 3).picks == [0, 5, 8]
    start = covered_by(a[None], pool)
    assert lazy_greedy(pool, pool, 2, start=start).picks == [5, 8]
    assert gains(pool, pool, start).tolist() == [0.0] * 5 + [3.0] * 3 + [2.0] * 2


def test_opposite_directions_cover_nothing():
    pool = np.array([[1.0, 0.0], [-1.0, 0.0]], np.float32)
    assert gains(pool, pool, np.zeros(2, np.float32)).tolist() == [1.0, 1.0]


def test_only_what_is_available_is_picked():
    pool = directions(3, 30)
    groups = np.arange(30) // 10

    def other_group(picks):
        return ~np.isin(groups, groups[list(picks)])

    for greedy in (plain_greedy, lazy_greedy):
        picks = greedy(pool, pool, 5, available=other_group).picks
        assert sorted(groups[picks]) == [0, 1, 2]


def test_enough_cover_ends_it():
    pool = directions(4, 60, 3)
    found = lazy_greedy(pool, pool, 60, enough=0.9)
    assert total(pool[found.picks], pool) / 60 >= 0.9
    assert total(pool[found.picks[:-1]], pool) / 60 < 0.9


def test_stochastic_greedy_keeps_its_promise_and_looks_at_fewer():
    rng = np.random.default_rng(0)
    shares = []
    for seed in range(10):
        pool = directions(seed, 400, 6)
        best = plain_greedy(pool, pool, 20)
        found = stochastic_greedy(pool, pool, 20, rng, epsilon=0.1)
        assert len(set(found.picks)) == 20
        assert found.evaluations <= 20 * math.ceil(400 / 20 * math.log(10))
        shares.append(sum(found.gains) / sum(best.gains))
    assert np.mean(shares) >= 1 - 0.1


def test_an_empty_choice_is_empty():
    pool = directions(0, 5)
    for found in (lazy_greedy(pool, pool, 0), plain_greedy(pool[:0], pool, 2)):
        assert found.picks == []
    assert covered_by(pool[:0], pool).tolist() == [0.0] * 5
