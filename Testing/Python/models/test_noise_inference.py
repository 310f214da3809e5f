"""Both parts of the uncertainty of a volume, however the work is cut."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ActiveSuggestLib.errors import CancelledError
from ActiveSuggestLib.models.heteroscedastic import (
    HeteroscedasticNetwork,
    dropout_samples,
    uncertainty_parts,
)
from ActiveSuggestLib.models.inference import Inference, Samples
from ActiveSuggestLib.models.memory import Limits
from ActiveSuggestLib.models.noise_inference import NoiseInference, summarise_parts
from ActiveSuggestLib.models.plan import Normalisation, Plan
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


def a_network(plan):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return HeteroscedasticNetwork(plan.architecture).eval()


def a_volume(shape):
    return torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))


def test_a_single_window_gives_the_parts_of_looped_passes():
    plan = a_plan()
    network, volume = a_network(plan), a_volume((13, 16, 15))
    parts, _ = NoiseInference(network, plan).parts(volume, Samples(5, seed=9), Limits("cpu"))
    tiling = tile(volume.shape[1:], plan)
    with torch.no_grad():
        padded = tiling.pad(volume)[None]
        exact = uncertainty_parts(dropout_samples(network, padded, count=5, seed=9))
    assert torch.allclose(parts.epistemic, tiling.crop(exact.epistemic)[0], atol=1e-5)
    assert torch.allclose(parts.aleatoric, tiling.crop(exact.aleatoric)[0], rtol=1e-4)
    assert float(parts.epistemic.max()) > 1e-4


@pytest.mark.parametrize("dimensions", [2, 3])
def test_neither_chunks_of_samples_nor_slabs_matter(dimensions):
    plan = a_plan(dimensions)
    inference, volume = NoiseInference(a_network(plan), plan), a_volume((24, 40, 20))
    results = [
        inference.parts(volume, Samples(6), Limits("cpu", samples_at_once=k))[0] for k in (1, 4)
    ]
    assert torch.allclose(results[0].epistemic, results[1].epistemic, atol=1e-5)
    assert torch.allclose(results[0].aleatoric, results[1].aleatoric, rtol=1e-4)
    assert results[0].total.shape == (24, 40, 20)


def test_the_probabilities_are_those_of_the_segmentation_in_it():
    plan = a_plan()
    network, volume = a_network(plan), a_volume((16, 16, 16))
    _, result = NoiseInference(network, plan).parts(volume, Samples(4), Limits("cpu"))
    plain = Inference(network.segmentation, plan).sample(volume, Samples(4), Limits("cpu"))
    assert torch.allclose(result.maps.mean, plain.maps.mean, atol=1e-5)
    assert torch.allclose(result.maps.variance, plain.maps.variance, atol=1e-6)
    assert np.allclose(result.embedding, plain.embedding, atol=1e-5)


def test_without_dropout_only_noise_is_left():
    plan = a_plan(dropout=0.0)
    inference = NoiseInference(a_network(plan), plan)
    parts, _ = inference.parts(a_volume((16, 16, 16)), Samples(3), Limits("cpu"))
    assert float(parts.epistemic.max()) < 1e-9
    assert float(parts.aleatoric.min()) > 0


def test_numbers_of_slices_are_pooled_from_the_maps():
    plan = a_plan(2)
    network, volume = a_network(plan), a_volume((3, 16, 16))
    parts, result = NoiseInference(network, plan).parts(volume, Samples(4), Limits("cpu"))
    found = summarise_parts(parts, result, np.array([2, 2, 0]))
    weight = 1 - result.maps.mean[0]
    for name, voxels in (("epistemic", parts.epistemic), ("aleatoric", parts.aleatoric)):
        assert np.allclose(found.value(name, "mean"), voxels.mean())
        by_slice = (weight * voxels).sum(dim=(1, 2)) / weight.sum(dim=(1, 2))
        assert np.allclose(found.slice_values(name, "foreground"), by_slice[[2, 2, 0]])
    both = found.value("epistemic", "mean") + found.value("aleatoric", "mean")
    assert np.isclose(found.value("total", "mean"), both)
    assert found.value("entropy", "mean") > 0


def test_a_cancel_stops_it():
    plan, cancel = a_plan(), Cancel()
    cancel.cancel()
    with pytest.raises(CancelledError):
        NoiseInference(a_network(plan), plan).parts(
            a_volume((16, 16, 16)), Samples(3), Limits("cpu"), cancel=cancel
        )
