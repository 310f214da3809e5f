"""From the image's grid to the network's and back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ActiveSuggestLib.data.geometry import Geometry
from ActiveSuggestLib.data.images import Image
from ActiveSuggestLib.data.labels import UNKNOWN
from ActiveSuggestLib.models.plan import Normalisation, Plan
from ActiveSuggestLib.models.preparing import (
    normalise,
    prepare,
    prepare_label,
    resample,
    restore,
    restore_labels,
)

PLAN = Plan(
    plane="axial", dimensions=3, channels=1, classes=3, spacing=(2.0, 1.0, 1.0),
    patch=(16, 16, 16), features=(4, 8), strides=((2, 2, 2),), dropout=0.5,
    normalisation=Normalisation("volume"), batch=2, samples=4, device_kind="cpu",
)  # fmt: skip
FLIPPED = (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, -1.0)


def an_image(shape=(8, 10, 12), spacing=(1.0, 1.0, 2.0), direction=FLIPPED, channels=1):
    z, y, x = shape
    array = np.random.default_rng(0).normal(size=(channels, *shape)).astype(np.float32)
    return Image(array, Geometry((x, y, z), spacing, (0.0, 0.0, 0.0), direction))


def test_an_image_on_the_plans_grid_is_only_turned_and_scaled():
    image = an_image()
    prepared = prepare(image, PLAN)
    assert prepared.shape == (8, 10, 12)
    turned = image.array[0, ::-1, :, ::-1]
    assert np.corrcoef(prepared.array[0].numpy().ravel(), turned.ravel())[0, 1] > 0.99
    assert np.allclose(restore(prepared.array, prepared)[0, ::-1, :, ::-1], prepared.array[0])


def test_another_spacing_is_resampled_and_comes_back_to_the_images_shape():
    image = an_image((9, 20, 21), (0.5, 0.5, 1.0))
    prepared = prepare(image, PLAN)
    assert prepared.shape == (4, 10, 10)
    assert restore(prepared.array, prepared).shape == (1, 9, 20, 21)


def test_a_2d_plan_keeps_every_slice():
    flat = replace(PLAN, dimensions=2, patch=(1, 16, 16), strides=((2, 2),))
    prepared = prepare(an_image((7, 20, 20), (0.5, 0.5, 9.0)), flat)
    assert prepared.shape == (7, 10, 10)


def test_image_slices_follow_flips_and_resampling():
    image = an_image((9, 10, 12), (1.0, 1.0, 1.0))
    prepared = prepare(image, PLAN)
    assert prepared.shape[0] == 4
    indices = prepared.image_slices()
    assert len(indices) == 9
    assert indices[0] == 3  # the first slice of a flipped image is the last of the prepared
    assert indices[-1] == 0


def test_a_block_comes_back_where_it_was():
    label = np.zeros((16, 20, 20), np.uint8)
    label[4:12, 5:15, 6:16] = 2
    geometry = Geometry((20, 20, 16), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), FLIPPED)
    target = prepare_label(label, geometry, PLAN)
    assert target.shape == (8, 20, 20)
    one_hot = torch.nn.functional.one_hot(target.long(), 3).movedim(-1, 0).float()
    prepared = prepare(Image(label[None].astype(np.float32), geometry), PLAN)
    back = restore_labels(one_hot, prepared)
    agreement = 2 * ((back == 2) & (label == 2)).sum() / ((back == 2).sum() + (label == 2).sum())
    assert agreement > 0.97


def test_unknown_slices_stay_unknown():
    label = np.full((8, 10, 12), UNKNOWN, np.uint8)
    label[2], label[2, 3:6, 3:6] = 0, 1
    geometry = an_image().geometry
    target = prepare_label(label, geometry, PLAN)
    assert (target[5] != UNKNOWN).all()  # flipped: slice 2 of 8 is slice 5
    assert int((target[5] == 1).sum()) == 9
    assert (target[[0, 1, 2, 3, 4, 6, 7]] == UNKNOWN).all()


@pytest.mark.parametrize("index", range(8))
def test_a_single_labelled_slice_never_falls_between_two_prepared_ones(index):
    label = np.full((8, 10, 12), UNKNOWN, np.uint8)
    label[index], label[index, 3:6, 3:6] = 0, 1
    geometry = Geometry((12, 10, 8), (1.0, 1.0, 1.0))  # the plan's slices are 2 mm thick
    target = prepare_label(label, geometry, PLAN)
    assert target.shape == (4, 10, 12)
    known = target != UNKNOWN
    assert known.any(dim=(1, 2)).tolist() == [i == index // 2 for i in range(4)]
    assert int((target == 1).sum()) == 9


def test_wildly_different_scales_become_alike():
    # As in a real pool: the same anatomy stored as 0…255 and as 0…1.7 million.
    image = np.random.default_rng(1).gamma(2.0, size=(6, 7, 8)).astype(np.float32)
    scheme = Normalisation("volume")
    small, large = normalise(image * 20, scheme), normalise(image * 2e5, scheme)
    assert np.allclose(small, large, atol=1e-4)
    assert abs(float(small.mean())) < 0.01
    assert float(small.std()) == pytest.approx(1.0, abs=0.01)


def test_one_hot_voxel_does_not_squash_the_rest():
    image = np.random.default_rng(1).normal(size=(10, 20, 20)).astype(np.float32)
    spiked = image.copy()
    spiked[0, 0, 0] = 1e9
    scheme = Normalisation("volume")
    inner = normalise(spiked, scheme)[1:]
    assert float(np.std(inner)) > 0.9


def test_hounsfield_units_keep_their_meaning():
    scheme = Normalisation("fixed", -1000.0, 1000.0, 0.0, 500.0)
    values = np.array([[[-3000.0, 0.0, 500.0, 4000.0]]], np.float32)
    assert normalise(values, scheme).ravel().tolist() == [-2.0, 0.0, 1.0, 2.0]


def test_downsampling_averages_and_keeps_the_mean():
    array = torch.rand(1, 8, 8, 8)
    assert float(resample(array, (4, 4, 4)).mean()) == pytest.approx(float(array.mean()), rel=1e-5)


def test_a_tiny_class_is_not_lost_to_a_large_one_by_its_number():
    label = np.zeros((4, 4, 4), np.uint8)
    label[:, :, 2:] = 1
    geometry = Geometry((4, 4, 4), (0.5, 1.0, 2.0))
    target = prepare_label(label, geometry, PLAN)
    assert target.shape == (4, 4, 2)
    assert (target[..., 1] == 1).all()
    assert (target[..., 0] == 0).all()
