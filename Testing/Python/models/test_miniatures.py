"""Miniatures and their principal components: known answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ActiveSuggestLib.models.miniatures import (
    COMPONENTS,
    SIDE,
    miniatures,
    of_volumes,
    principal_components,
)
from ActiveSuggestLib.models.orientation import Orientation
from ActiveSuggestLib.models.preparing import Prepared


def prepared(array, flips=(False, False, False)):
    return Prepared(
        torch.as_tensor(array, dtype=torch.float32), Orientation((0, 1, 2), flips), array.shape[1:]
    )


def test_a_miniature_is_the_mean_of_its_part_and_keeps_brightness():
    array = np.zeros((1, 2, 48, 72))
    array[0, 1, :2, :3] = 2.0
    small = miniatures(prepared(array))
    assert small.shape == (2, 1, SIDE, SIDE)
    assert small[1, 0, 0, 0] == pytest.approx(2)
    assert small[0].max() == 0
    assert miniatures(prepared(array + 100)).max() == pytest.approx(5)


def test_slices_come_in_the_order_of_the_image():
    array = np.arange(6.0)[None, :, None, None] * np.ones((1, 6, 30, 30)) * 0.1
    kept = miniatures(prepared(array))[:, 0, 0, 0]
    turned = miniatures(prepared(array, (True, False, False)))[:, 0, 0, 0]
    assert kept == pytest.approx(np.arange(6) * 0.1)
    assert turned == pytest.approx(kept[::-1])


def test_a_volume_is_eight_blocks_a_side_whatever_its_slices():
    flat = np.full((5, 2, SIDE, SIDE), 3.0, np.float32)
    many = np.arange(16.0)[:, None, None, None] * np.ones((16, 2, SIDE, SIDE))
    rows = of_volumes([flat, many])
    assert rows.shape == (2, 2 * 8**3)
    assert rows[0] == pytest.approx(3)
    blocks = rows[1].reshape(8, 2, 8, 8)
    assert blocks[:, 0, 0, 0] == pytest.approx(0.5 + 2 * np.arange(8))


def test_pictures_keep_every_pixel_and_among_volumes_are_volumes():
    picture = np.random.default_rng(0).normal(size=(1, 1, SIDE, SIDE))
    assert of_volumes([picture, picture])[0] == pytest.approx(picture.ravel())
    assert of_volumes([picture, np.repeat(picture, 4, axis=0)]).shape == (2, 512)


def test_components_are_half_whitened_and_turn_with_the_data():
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.normal(size=(12, 12)))[0][:3]
    spread = np.array([9.0, 4.0, 1.0])
    plain = rng.normal(size=(4000, 3))
    plain = (plain - plain.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(plain.T))).T
    rows = 7 + plain * spread @ axes
    found = principal_components(rows, rng)
    assert found.shape == (4000, 3)
    assert found.std(axis=0) == pytest.approx(np.sqrt(spread), rel=0.02)
    assert abs(np.corrcoef(found[:, 0], plain[:, 0])[0, 1]) > 0.99


def test_components_are_few_and_those_of_a_sample_for_a_large_pool(monkeypatch):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(100, 50))
    assert principal_components(rows, rng).shape == (100, COMPONENTS)
    assert principal_components(rows[:5], rng).shape == (5, 4)
    assert principal_components(np.ones((4, 9)), rng).shape == (4, 0)
    monkeypatch.setattr("ActiveSuggestLib.models.miniatures.MOST_ROWS", 10)
    assert principal_components(rows, rng).shape == (100, 9)
