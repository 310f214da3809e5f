"""Augmentation: MONAI's results for the same parameters, and the distribution that is promised."""

from __future__ import annotations

import dataclasses
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from monai.transforms import AdjustContrast, AffineGrid, Resample, ScaleIntensity, ShiftIntensity

from ActiveSuggestLib.data.labels import UNKNOWN
from ActiveSuggestLib.models.augmentation import Changes, _affine, changed, draw_changes
from ActiveSuggestLib.models.batches import Batches, LabelledCase
from ActiveSuggestLib.models.plan import Normalisation, Plan

PATCHES = [(24, 40), (12, 20, 28)]


def no_changes(pictures=1, channels=1):
    return Changes({}, np.ones((pictures, channels)), np.zeros((pictures, channels)), {}, {})


def some_pictures(patch, pictures=1, channels=1):
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(pictures, channels, *patch, generator=generator)
    labels = torch.randint(0, 5, (pictures, *patch), generator=generator).to(torch.uint8)
    return images, labels


def only_moved(matrix, pictures=1, channels=1):
    return dataclasses.replace(no_changes(pictures, channels), affine={0: np.asarray(matrix)})


@pytest.mark.parametrize("patch", PATCHES)
def test_a_drawn_affine_gives_the_picture_that_monai_gives(patch):
    images, labels = some_pictures(patch, channels=2)
    axes = len(patch)
    rng = np.random.default_rng(3)
    for _ in range(5):
        matrix = draw_changes(rng, 40, 2, patch).affine
        matrix = next(iter(matrix.values()))
        square = np.vstack([matrix, [*[0.0] * axes, 1.0]])
        grid, _ = AffineGrid(affine=torch.from_numpy(square))(spatial_size=patch)
        resample = Resample(padding_mode="zeros")
        image, label = changed(images, labels, only_moved(matrix, channels=2))
        expected = resample(images[0], grid=grid, mode="bilinear")
        assert torch.allclose(image[0], expected.as_tensor(), atol=1e-3)
        known = resample(labels[0, None].float() + 1, grid=grid, mode="nearest")[0].as_tensor()
        wrapped = torch.where(known < 0.5, UNKNOWN, known - 1).to(torch.uint8)
        # Where a voxel lies half way between two, the last bit of the coordinate decides.
        assert (label[0] != wrapped).float().mean() < 1e-3


@pytest.mark.parametrize("patch", PATCHES)
def test_the_drawn_affine_is_the_product_of_monais_parameters(patch):
    axes = len(patch)
    angles = [0.2] if axes == 2 else [0.2, -0.1, 0.05]
    shift, scale = np.linspace(-0.08, 0.08, axes), np.linspace(0.9, 1.1, axes)
    given = iter([angles, shift, scale])

    class Given:
        def uniform(self, *_):
            return np.asarray(next(given))

    matrix = _affine(Given(), patch)
    _, expected = AffineGrid(
        rotate_params=angles, translate_params=(shift * patch).tolist(), scale_params=scale.tolist()
    )(spatial_size=patch)
    assert np.allclose(matrix, expected[:axes].numpy(), atol=1e-6)


def test_a_rotation_keeps_lengths_in_a_patch_that_is_not_square():
    labels = torch.zeros(1, 48, 96, dtype=torch.uint8)
    labels[0, 22:26, 28:68] = 1
    images = labels[:, None].float()
    angle = math.radians(30)
    cos, sin = math.cos(angle), math.sin(angle)
    image, _ = changed(images, labels, only_moved([[cos, -sin, 0.0], [sin, cos, 0.0]]))
    y, x = np.mgrid[:48, :96]
    weight = image[0, 0].numpy()
    weight = weight / weight.sum()
    places = np.stack([y.ravel(), x.ravel()])
    spread = np.cov(places, aweights=weight.ravel(), bias=True)
    long, short = np.sqrt(np.linalg.eigvalsh(spread))[::-1] * math.sqrt(12)
    assert (long, short) == (pytest.approx(40, abs=0.7), pytest.approx(4, abs=0.7))
    assert abs(math.degrees(math.atan2(spread[0, 1], spread[1, 1]))) > 20


@pytest.mark.parametrize("patch", PATCHES)
def test_what_is_turned_in_from_outside_is_zero_and_unknown(patch):
    images, labels = some_pictures(patch)
    labels[0, ..., -1] = UNKNOWN
    matrix = np.eye(len(patch), len(patch) + 1)
    matrix[0, -1] = -3.0
    image, label = changed(images, labels, only_moved(matrix))
    assert (label[0, :3] == UNKNOWN).all()
    assert (image[0, 0, :3] == 0).all()
    assert torch.equal(label[0, 3:], labels[0, :-3])
    assert torch.allclose(image[0, 0, 3:], images[0, 0, :-3], atol=1e-4)


def test_every_label_value_survives():
    labels = torch.arange(256, dtype=torch.uint8).view(1, 16, 16)
    images = torch.zeros(1, 1, 16, 16)
    _, label = changed(images, labels, only_moved(np.eye(2, 3)))
    assert torch.equal(label, labels)


@pytest.mark.parametrize("patch", PATCHES)
def test_intensities_change_as_monai_changes_them(patch):
    images, labels = some_pictures(patch, pictures=3, channels=2)
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((2, *patch)).astype(np.float32)
    changes = Changes(
        affine={},
        factor=np.array([[1.0, 1.0], [1.2, 0.9], [1.0, 1.0]]),
        offset=np.array([[0.0, 0.0], [0.1, -0.2], [0.0, 0.0]]),
        gamma={1: 1.4},
        noise={2: noise},
    )
    image, label = changed(images, labels, changes)
    scaled = [ScaleIntensity(None, None, f)(c) for f, c in zip((0.2, -0.1), images[1], strict=True)]
    shifted = [ShiftIntensity(o)(c) for o, c in zip((0.1, -0.2), scaled, strict=True)]
    expected = AdjustContrast(1.4)(torch.stack(shifted)).as_tensor()
    assert torch.allclose(image[1], expected, atol=1e-5)
    assert torch.equal(image[0], images[0])
    assert torch.allclose(image[2], images[2] + torch.from_numpy(noise), atol=1e-6)
    assert torch.equal(label, labels)


def test_an_even_picture_stays_finite():
    images, labels = torch.full((1, 1, 8, 8), 2.0), torch.zeros(1, 8, 8, dtype=torch.uint8)
    image, _ = changed(images, labels, dataclasses.replace(no_changes(), gamma={0: 0.8}))
    assert torch.allclose(image, images)


def test_pictures_that_are_left_alone_and_the_input_keep_every_bit():
    images, labels = some_pictures((24, 40), pictures=2)
    before = images.clone(), labels.clone()
    matrix = [[0.9, 0.1, 2.0], [-0.1, 1.1, -1.0]]
    image, label = changed(images, labels, only_moved(matrix, pictures=2))
    assert torch.equal(images, before[0])
    assert torch.equal(labels, before[1])
    assert torch.equal(image[1], images[1])
    assert torch.equal(label[1], labels[1])
    assert not torch.equal(image[0], images[0])


def test_changes_come_as_often_and_as_large_as_promised():
    count, patch = 4000, (10, 20)
    drawn = draw_changes(np.random.default_rng(0), count, 1, patch)
    shares = [
        len(drawn.affine), np.sum(drawn.factor != 1), np.sum(drawn.offset != 0),
        len(drawn.gamma), len(drawn.noise),
    ]  # fmt: skip
    assert np.array(shares) / count == pytest.approx([0.8, 0.5, 0.5, 0.2, 0.2], abs=0.03)
    linear = np.stack(list(drawn.affine.values()))
    scale = np.linalg.norm(linear[:, :, :2], axis=1)
    angle = np.degrees(np.arctan2(linear[:, 1, 0], linear[:, 0, 0]))
    turned_back = np.linalg.solve(linear[:, :, :2] / scale[:, None, :], linear[:, :, 2:])[..., 0]
    gamma = np.array(list(drawn.gamma.values()))
    for values, low, high in [
        (scale, 0.85, 1.15), (angle, -12, 12), (turned_back[:, 0], -0.8, 0.8),
        (turned_back[:, 1], -1.6, 1.6), (gamma, 0.75, 1.5),
        (drawn.factor[drawn.factor != 1], 0.8, 1.2), (drawn.offset[drawn.offset != 0], -0.2, 0.2),
    ]:  # fmt: skip
        span = high - low
        assert low - 1e-6 <= values.min() < low + 0.03 * span
        assert high - 0.03 * span < values.max() <= high + 1e-6
        assert values.mean() == pytest.approx((low + high) / 2, abs=0.03 * span)
    deviation = [float(np.std(noise)) for noise in drawn.noise.values()]
    assert np.mean(deviation) == pytest.approx(0.05, abs=0.005)
    assert max(deviation) < 0.12


@pytest.mark.parametrize("dimensions", [2, 3])
def test_threads_draw_the_batches_that_one_thread_draws(dimensions):
    plan = Plan(
        plane="axial", dimensions=dimensions, channels=1, classes=2, spacing=(1.0, 1.0, 1.0),
        patch=(16, 16, 24) if dimensions == 3 else (1, 16, 24), features=(4, 8),
        strides=((2,) * dimensions,), dropout=0.2, normalisation=Normalisation("volume"),
        batch=2, samples=4, device_kind="cpu",
    )  # fmt: skip
    image, label = some_pictures((20, 20, 30))
    case = LabelledCase.of("a", image[0].numpy(), label[0].numpy(), is_new=True, label_hash="")
    batches = Batches([case], plan, seed=5)
    alone = [batches.draw(i, 3) for i in range(8)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda i: batches.draw(i, 3), range(8)))
    for one, other in zip(alone, together, strict=True):
        assert torch.equal(one[0], other[0])
        assert torch.equal(one[1], other[1])
        assert one[0].shape == (3, 1, *plan.patch[3 - dimensions :])
