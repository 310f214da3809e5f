"""Sampling over windows: exact, repeatable, and independent of how the work is cut."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ActiveSuggestLib.errors import CancelledError
from ActiveSuggestLib.models.inference import Inference, Samples
from ActiveSuggestLib.models.memory import Limits
from ActiveSuggestLib.models.networks import SegmentationNetwork
from ActiveSuggestLib.models.plan import Normalisation, Plan
from ActiveSuggestLib.models.samples import sampling
from ActiveSuggestLib.models.windows import tile
from ActiveSuggestLib.progress import Cancel


def a_plan(dimensions=3, patch=(16, 16, 16), dropout=0.5):
    stride = (2,) * dimensions
    return Plan(
        plane="axial", dimensions=dimensions, channels=1, classes=3, spacing=(1.0, 1.0, 1.0),
        patch=patch if dimensions == 3 else (1, *patch[1:]), features=(4, 8, 8),
        strides=(stride, stride), dropout=dropout, normalisation=Normalisation("volume"),
        batch=2, samples=4, device_kind="cpu",
    )  # fmt: skip


def a_network(plan, seed=0):
    torch.manual_seed(seed)
    return SegmentationNetwork(plan.architecture).eval()


def a_volume(shape, seed=0):
    return torch.randn(1, *shape, generator=torch.Generator().manual_seed(seed))


def test_a_single_window_gives_the_statistics_of_looped_passes():
    plan = a_plan()
    network, volume = a_network(plan), a_volume((13, 16, 15))
    result = Inference(network, plan).sample(volume, Samples(5, seed=9), Limits("cpu"))
    tiling = tile(volume.shape[1:], plan)
    looped = []
    with torch.no_grad():
        for t in range(5):
            with sampling(network, [t], seed=9):
                looped.append(tiling.crop(network(tiling.pad(volume)[None]).softmax(1)[0]))
    p = torch.stack(looped)
    assert torch.allclose(result.maps.mean, p.mean(0), atol=1e-5)
    variance = p.var(dim=0, unbiased=False).mean(0)
    assert torch.allclose(result.maps.variance, variance, atol=1e-6)
    assert float(variance.max()) > 1e-4


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_number_of_samples_at_once_does_not_matter(dimensions):
    plan = a_plan(dimensions)
    inference, volume = Inference(a_network(plan), plan), a_volume((24, 40, 20))
    results = [
        inference.sample(volume, Samples(6), Limits("cpu", samples_at_once=k)) for k in (1, 4, 6)
    ]
    for other in results[1:]:
        assert torch.allclose(results[0].maps.variance, other.maps.variance, atol=1e-6)
        assert torch.allclose(results[0].maps.mean, other.maps.mean, atol=1e-5)
        assert np.allclose(results[0].embedding, other.embedding, atol=1e-5)


def test_the_variance_is_that_of_the_blended_samples():
    # Blending the windows' variances instead would be another, larger number.
    plan = a_plan()
    network, volume = a_network(plan), a_volume((16, 16, 40))
    tiling = tile(volume.shape[1:], plan)
    assert len(tiling.windows) > 1
    weight, samples = tiling.importance(), []
    with torch.no_grad():
        for t in range(4):
            total, norm = torch.zeros(3, *tiling.padded), torch.zeros(tiling.padded)
            with sampling(network, [t], seed=0):
                for window in tiling.windows:
                    x = tiling.pad(volume)[(slice(None), *window)]
                    total[(..., *window)] += network(x[None]).softmax(1)[0] * weight
                    norm[window] += weight
            samples.append(tiling.crop(total / norm))
    p = torch.stack(samples)
    result = Inference(network, plan).sample(volume, Samples(4), Limits("cpu"))
    assert torch.allclose(result.maps.variance, p.var(dim=0, unbiased=False).mean(0), atol=1e-6)


def test_probabilities_sum_to_one_everywhere_whatever_the_windows():
    for dimensions in (2, 3):
        plan = a_plan(dimensions)
        inference = Inference(a_network(plan), plan)
        for shape in ((1, 7, 5), (30, 50, 17), (3, 16, 16)):
            p = inference.probability(a_volume(shape), Limits("cpu"))
            assert p.shape == (3, *shape)
            assert torch.allclose(p.sum(dim=0), torch.ones(shape), atol=1e-5)


def test_no_dropout_gives_no_variance():
    # Known answer 1.
    plan = a_plan(dropout=0.0)
    result = Inference(a_network(plan), plan).sample(
        a_volume((16, 30, 40)), Samples(5), Limits("cpu")
    )
    assert float(result.maps.variance.max()) < 1e-10
    assert float(result.maps.measure("bald").max()) < 1e-5


def test_two_runs_and_another_volume_between_them_agree():
    plan = a_plan()
    inference, volume = Inference(a_network(plan), plan), a_volume((16, 16, 16))
    first = inference.sample(volume, Samples(3), Limits("cpu"))
    inference.sample(a_volume((16, 16, 16), seed=2), Samples(3), Limits("cpu"))
    again = inference.sample(volume, Samples(3), Limits("cpu"))
    assert torch.equal(first.maps.variance, again.maps.variance)


def test_sampling_leaves_the_network_as_it_was():
    plan = a_plan()
    network = a_network(plan)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    Inference(network, plan).sample(a_volume((16, 16, 16)), Samples(3), Limits("cpu"))
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    assert not network.training


def test_a_network_that_is_being_trained_can_still_be_trained_after_a_look_at_it():
    plan = a_plan()
    network, volume = a_network(plan), a_volume((16, 16, 16))
    p = Inference(network, plan).probability(volume, Limits("cpu"))
    # An inference tensor among the weights or features would fail in the next backward pass.
    assert not p.is_inference()
    assert not any(w.is_inference() for w in network.parameters())
    network.train()
    (network(volume[None]) * p).sum().backward()


def test_smaller_windows_for_little_memory_still_cover_the_volume():
    plan = a_plan()
    volume = a_volume((16, 24, 24))
    whole = tile(volume.shape[1:], plan)
    cut = tile(volume.shape[1:], plan, halvings=1)
    assert len(cut.windows) > len(whole.windows)
    p = Inference(a_network(plan), plan).probability(volume, Limits("cpu", halvings=2))
    assert torch.allclose(p.sum(dim=0), torch.ones(16, 24, 24), atol=1e-5)


def test_slices_have_embeddings_in_their_order():
    plan = a_plan(2)
    volume = torch.cat([a_volume((1, 16, 16), seed=s) for s in range(5)], dim=1)
    inference = Inference(a_network(plan), plan)
    whole = inference.sample(volume, Samples(2), Limits("cpu"))
    alone = inference.sample(volume[:, 3:4], Samples(2), Limits("cpu"))
    assert whole.slice_embeddings.shape == (5, 8)
    assert np.allclose(whole.slice_embeddings[3], alone.slice_embeddings[0], atol=1e-5)


def test_a_cancel_stops_between_windows():
    plan = a_plan()
    cancel = Cancel()
    seen = []

    def progress(done, total, message="", **data):
        seen.append(done)
        if len(seen) == 3:
            cancel.cancel()

    inference = Inference(a_network(plan), plan)
    with pytest.raises(CancelledError):
        inference.sample(
            a_volume((48, 48, 48)), Samples(4), Limits("cpu"), progress=progress, cancel=cancel
        )
    assert len(seen) == 3
    assert seen == sorted(seen)
