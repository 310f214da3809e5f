"""Gradient-guided sampling on planted latents and directions."""

from __future__ import annotations

import numpy as np
import pytest

from ActiveSuggestLib.errors import UnknownStrategyError
from ActiveSuggestLib.strategies import registry
from ActiveSuggestLib.strategies.base import Directions, Latents, Unit
from ActiveSuggestLib.strategies.gradient_guided import GradientGuided


class Pool:
    """Unlabelled latents, and directions of the labelled ones; asking for statistics fails."""

    kind = "volume"

    def __init__(self, latents, starts, ends, units=None):
        self.rows = np.asarray(latents, np.float32)
        starts, ends = (np.asarray(a, np.float32).reshape(-1, 2) for a in (starts, ends))
        self.found = Directions(np.arange(len(starts)), starts, ends, np.ones(len(starts)))
        self.units = units or [Unit(f"c{i}", f"c{i}") for i in range(len(self.rows))]
        self.labelled = [Unit(f"l{i}", f"l{i}") for i in range(len(starts))]
        self.asked = []

    def latents(self, kind):
        return Latents(self.rows, self.found.starts)

    def directions(self, kind, mode):
        self.asked.append((kind, mode))
        return self.found


def suggest(pool, count, allowed=None, **options):
    strategy = GradientGuided(**options)
    scores = strategy.score(pool)
    free = np.ones(len(pool.units), bool) if allowed is None else allowed
    return strategy.select(pool, scores, free, count), scores


AROUND = [[1, 0], [-0.2, 0], [0, 1], [3, 0], [0, -0.2], [0, 3]]


def test_each_labelled_image_gives_the_nearest_ahead_of_it():
    pool = Pool(AROUND, [[0, 0], [0, 0]], [[0.1, 0], [0, 0.1]])
    picks, scores = suggest(pool, 2)
    assert picks == [0, 2]
    assert "l0" in scores.reasons[0][0]
    assert "l1" in scores.reasons[2][0]
    assert "cosine 1.00" in scores.reasons[0][0]
    assert suggest(pool, 4)[0] == [0, 2, 3, 5]


def test_fewer_picks_follow_the_highest_loss_and_taken_ones_are_left_out():
    pool = Pool(AROUND, [[0, 0], [0, 0]], [[0.1, 0], [0, 0.1]])
    assert suggest(pool, 1)[0] == [0]
    assert suggest(pool, 1, np.arange(6) != 0)[0] == [3]


def test_a_relaxed_bound_is_told():
    pool = Pool([[1, 1.5], [-3, 0]], [[0, 0]], [[0.1, 0]])
    assert "relaxed to 0.5" in suggest(pool, 1)[1].reasons[0][1]
    behind = Pool([[-1, 0], [-3, 0]], [[0, 0]], [[0.1, 0]])
    assert "Nothing unlabelled lies ahead" in suggest(behind, 1)[1].reasons[0][1]


def test_patients_are_kept_apart_while_others_are_left():
    units = [Unit(f"c{i}", "p0" if i in (0, 3) else f"c{i}") for i in range(6)]
    pool = Pool(AROUND, [[0, 0]], [[0.1, 0]], units)
    picks, _ = suggest(pool, 2)
    assert picks[0] == 0
    assert units[picks[1]].patient != "p0"
    assert sorted(suggest(pool, 9)[0]) == list(range(6))


def test_scores_fall_with_the_distance_from_the_moved_latent():
    pool = Pool(AROUND, [[0, 0]], [[0.1, 0]])
    expected = -np.linalg.norm(pool.rows - [0.1, 0], axis=1)
    assert np.allclose(suggest(pool, 1)[1].values, expected, atol=1e-6)


def test_without_any_direction_a_batch_still_comes_and_says_why():
    picks, scores = suggest(Pool(AROUND, [], []), 3)
    assert len(set(picks)) == 3
    assert "No labelled image" in scores.reasons[0][0]


def test_the_paper_takes_the_literal_step_and_its_own_autoencoder():
    for options, asked in (
        ({"preset": "paper"}, ("vae-paper", "literal")),
        ({}, ("vae", "normalised")),
        ({"mode": "jvp"}, ("vae", "jvp")),
    ):
        pool = Pool(AROUND, [[0, 0]], [[0.1, 0]])
        suggest(pool, 1, **options)
        assert pool.asked == [asked]
    with pytest.raises(UnknownStrategyError, match="literal"):
        registry.make("gradient-guided", mode="steep")
