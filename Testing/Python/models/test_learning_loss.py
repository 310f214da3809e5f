"""The predicted loss: pairs in their order, features of every scale, only what is labelled."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ActiveSuggestLib.data.labels import UNKNOWN
from ActiveSuggestLib.models.inference import Inference
from ActiveSuggestLib.models.learning_loss import (
    Scales,
    cross_checked,
    predict_losses,
    ranking_loss,
    right_pairs,
    slice_features,
    slice_losses,
    train_predictor,
)
from ActiveSuggestLib.models.memory import Limits
from ActiveSuggestLib.models.networks import SegmentationNetwork
from ActiveSuggestLib.models.plan import Normalisation, Plan

SCALES = Scales((3, 2))


def a_plan(dimensions):
    stride = (2,) * dimensions
    return Plan(
        plane="axial", dimensions=dimensions, channels=1, classes=3, spacing=(1.0, 1.0, 1.0),
        patch=(16, 16, 16) if dimensions == 3 else (1, 16, 16), features=(4, 8, 8),
        strides=(stride, stride), dropout=0.5, normalisation=Normalisation("volume"),
        batch=2, samples=4, device_kind="cpu",
    )  # fmt: skip


def test_a_pair_costs_what_the_paper_says():
    def of(predicted, loss):
        pair = [torch.tensor(v)[:, None] for v in (predicted, loss)]
        return float(ranking_loss(*pair, margin=0.5))

    assert of([1.0, 0.0], [3.0, 2.0]) == 0
    assert of([0.2, 0.0], [3.0, 2.0]) == pytest.approx(0.3)
    assert of([0.0, 1.0], [3.0, 2.0]) == pytest.approx(1.5)
    assert of([0.0, 9.0], [2.0, 2.0]) == 0


def a_task(seed, count=60, noise=0.0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 5))
    return x, np.exp(x[:, 0] - x[:, 4]) + noise * rng.normal(size=count)


def test_it_orders_what_it_was_not_shown_and_repeats():
    x, y = a_task(0, 200)
    learnt = train_predictor(x, y, SCALES, seed=1)
    other, truth = a_task(1)
    assert right_pairs(predict_losses(learnt, other), truth) > 0.9
    again = train_predictor(x, y, SCALES, seed=1)
    assert np.array_equal(predict_losses(again, other), predict_losses(learnt, other))


def test_the_cross_check_tells_what_can_be_learnt_from_what_cannot():
    tasks = [a_task(seed, 40) for seed in range(6)]
    features, losses = [t[0] for t in tasks], [t[1] for t in tasks]
    assert cross_checked(features, losses, SCALES, seed=0) > 0.85
    rng = np.random.default_rng(0)
    chance = [rng.permutation(y) for y in losses]
    assert cross_checked(features, chance, SCALES, seed=0) == pytest.approx(0.5, abs=0.1)
    assert np.isnan(cross_checked(features[:1], losses[:1], SCALES, seed=0))


def test_pairs_that_are_alike_count_half_and_equal_losses_not():
    assert right_pairs(np.array([1.0, 1.0]), np.array([0.0, 1.0])) == 0.5
    assert right_pairs(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 0
    assert np.isnan(right_pairs(np.array([1.0, 0.0]), np.array([1.0, 1.0])))


@pytest.mark.parametrize("dimensions", [2, 3])
def test_features_are_the_means_of_every_scale(dimensions):
    plan = a_plan(dimensions)
    torch.manual_seed(0)
    network = SegmentationNetwork(plan.architecture).eval()
    volume = torch.randn(1, 16, 16, 16)
    found, scales = slice_features(Inference(network, plan), volume, Limits("cpu"))
    assert scales.widths == (4, 8, 8)
    assert found.shape == (16, 20)
    with torch.no_grad():
        levels = network.encode(volume.movedim(1, 0) if dimensions == 2 else volume[None])
    first = levels[0].mean(dim=(-2, -1))
    if dimensions == 2:
        assert np.allclose(found[:, :4], first.numpy(), atol=1e-5)
        assert np.allclose(found[:, 12:], levels[2].mean(dim=(-2, -1)).numpy(), atol=1e-5)
    else:
        # Half as many slices: each lies between two of the image.
        pairs = found[:, :4].reshape(8, 2, 4).mean(axis=1)
        assert np.allclose(pairs[1:-1], first[0].T.numpy()[1:-1], atol=0.2)
        assert found[:, :4].mean(axis=0) == pytest.approx(first[0].mean(dim=1).numpy(), abs=0.05)


def test_windows_and_slabs_change_the_features_little():
    plan = a_plan(2)
    torch.manual_seed(0)
    inference = Inference(SegmentationNetwork(plan.architecture), plan)
    volume = torch.randn(1, 5, 40, 16)
    found, _ = slice_features(inference, volume, Limits("cpu"))
    alone, _ = slice_features(inference, volume[:, 2:3], Limits("cpu"))
    assert found[2] == pytest.approx(alone[0], abs=1e-5)


def test_the_loss_of_a_slice_is_that_of_its_labelled_pixels():
    probability = torch.tensor([0.9, 0.1]).reshape(2, 1, 1, 1).repeat(1, 3, 2, 2)
    target = torch.zeros(3, 2, 2, dtype=torch.uint8)
    target[1] = 1
    target[1, 0, 0] = UNKNOWN
    target[2] = UNKNOWN
    losses = slice_losses(probability, target)
    assert losses[:2] == pytest.approx([-np.log(0.9), -np.log(0.1)], rel=1e-5)
    assert np.isnan(losses[2])
