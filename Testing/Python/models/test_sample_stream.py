"""Samples drawn a few at a time: a prefix is a prefix, and the parts add up to the whole."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ActiveSuggestLib.models import windows
from ActiveSuggestLib.models.inference import Inference, Samples
from ActiveSuggestLib.models.memory import Limits
from ActiveSuggestLib.models.networks import SegmentationNetwork
from ActiveSuggestLib.models.plan import Normalisation, Plan
from ActiveSuggestLib.models.sample_stream import (
    SampleStream,
    slice_increments,
    volume_increments,
)
from ActiveSuggestLib.models.windows import slabs

SAMPLES = Samples(9, seed=3)


def a_plan(dimensions, patch=(16, 16, 16)):
    stride = (2,) * dimensions
    return Plan(
        plane="axial", dimensions=dimensions, channels=1, classes=3, spacing=(1.0, 1.0, 1.0),
        patch=patch if dimensions == 3 else (1, *patch[1:]), features=(4, 8, 8),
        strides=(stride, stride), dropout=0.5, normalisation=Normalisation("volume"),
        batch=2, samples=4, device_kind="cpu",
    )  # fmt: skip


@pytest.fixture(params=["one window", "windows", "slabs"])
def a_stream(request, monkeypatch):
    """Return a function that starts a stream; of one window, of several, or of several slabs."""
    dimensions = 2 if request.param == "slabs" else 3
    plan = a_plan(dimensions)
    shape = (14, 16, 15) if request.param == "one window" else (24, 40, 20)
    if request.param == "slabs":
        monkeypatch.setitem(windows.PATCH_VOXELS, ("cpu", 2), 10 * 16 * 20)
    torch.manual_seed(0)
    inference = Inference(SegmentationNetwork(plan.architecture), plan)
    volume = torch.randn(1, *shape, generator=torch.Generator().manual_seed(1))
    assert (len(slabs(shape, plan)) > 1) == (request.param == "slabs")

    def start(**limits):
        return SampleStream(inference, volume, SAMPLES, Limits("cpu", **limits))

    start.inference, start.volume = inference, volume
    return start


def silent(share):
    pass


def test_more_samples_begin_with_those_that_were_drawn(a_stream):
    few, many, at_once = a_stream(), a_stream(samples_at_once=3), a_stream()
    few.advance(4, silent)
    many.advance(2, silent)
    many.advance(4, silent)
    prefix = many.sums
    many.advance(9, silent)
    at_once.advance(9, silent)
    assert np.allclose(prefix, few.sums, atol=1e-7)
    assert np.allclose(many.sums[:3], few.sums, atol=1e-7)
    assert np.allclose(many.sums, at_once.sums, atol=1e-7)
    assert len(many.sums) == 8
    assert torch.allclose(many.result().maps.variance, at_once.result().maps.variance, atol=1e-6)


def test_all_samples_are_those_of_a_whole_sampling(a_stream):
    stream = a_stream()
    for upto in (3, 4, 9):
        stream.advance(upto, silent)
    found, whole = (
        stream.result(),
        a_stream.inference.sample(a_stream.volume, SAMPLES, Limits("cpu")),
    )
    assert torch.allclose(found.maps.mean, whole.maps.mean, atol=1e-5)
    assert torch.allclose(found.maps.variance, whole.maps.variance, atol=1e-6)
    assert torch.allclose(found.maps.expected_entropy, whole.maps.expected_entropy, atol=1e-5)
    assert np.allclose(found.slice_embeddings, whole.slice_embeddings, atol=1e-5)


def test_the_increments_add_up_to_the_variance(a_stream):
    stream = a_stream()
    stream.advance(9, silent)
    variance = stream.result().maps.variance
    sums = stream.sums
    assert (sums >= 0).all()
    plain = volume_increments(sums)[:, 1].sum() / 9
    assert plain == pytest.approx(float(variance.mean()), rel=1e-4)
    by_slice = slice_increments(sums, np.arange(sums.shape[1]))[..., 1].sum(axis=0) / 9
    assert by_slice == pytest.approx(variance.mean(dim=(1, 2)).numpy(), rel=1e-3)


def test_the_foreground_part_is_close_to_that_of_the_whole(a_stream):
    stream = a_stream()
    stream.advance(9, silent)
    maps = stream.result().maps
    weight = 1.0 - maps.mean[0]
    whole = float((weight * maps.variance).sum() / weight.sum())
    assert volume_increments(stream.sums)[:, 0].sum() / 9 == pytest.approx(whole, rel=0.1)


def test_an_interrupted_stream_says_that_it_is_broken(a_stream):
    stream = a_stream()
    stream.advance(3, silent)
    assert not stream.broken

    def stop(share):
        raise MemoryError

    with pytest.raises(MemoryError):
        stream.advance(6, stop)
    assert stream.broken
    assert stream.count == 3
