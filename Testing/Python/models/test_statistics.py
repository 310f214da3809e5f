"""Streamed statistics against their definitions, and the known answers on them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ActiveSuggestLib.models.statistics import (
    AGGREGATORS,
    MEASURES,
    StreamedStatistics,
    aggregate,
    entropy,
    summarise,
)


def some_samples(count=7, classes=3, shape=(4, 5, 6), seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, classes, *shape, generator=generator).mul(2).softmax(dim=1)


def streamed(samples, sizes):
    statistics = StreamedStatistics()
    for chunk in samples.split(sizes):
        statistics.add(chunk)
    return statistics.maps()


def test_streaming_gives_the_statistics_of_the_whole():
    p = some_samples()
    maps = streamed(p, [1, 3, 1, 2])
    exact = p.double()
    assert torch.allclose(maps.mean, p.mean(0), atol=1e-6)
    variance = exact.var(dim=0, unbiased=False).mean(dim=0).float()
    assert torch.allclose(maps.variance, variance, atol=1e-6)
    expected = -(exact * exact.log()).sum(dim=1).mean(dim=0).float()
    assert torch.allclose(maps.expected_entropy, expected, atol=1e-5)


@pytest.mark.parametrize("sizes", [[7], [1] * 7, [2, 2, 3], [5, 2]])
def test_the_chunks_and_the_order_of_samples_do_not_matter(sizes):
    p = some_samples()
    whole = streamed(p, [7])
    other = streamed(p[torch.randperm(7, generator=torch.Generator().manual_seed(1))], sizes)
    for name in MEASURES:
        assert torch.allclose(whole.measure(name), other.measure(name), atol=1e-6)


def test_equal_samples_have_no_variance_and_no_bald():
    # Known answers 1 and 2: without spread V ≡ 0 and BALD ≡ 0.
    maps = streamed(some_samples(count=1).repeat(6, 1, 1, 1, 1), [2, 2, 2])
    assert float(maps.variance.abs().max()) == 0.0
    assert float(maps.measure("bald").max()) < 1e-6


def test_two_opposite_members_have_a_bald_of_log_two():
    # Known answer 2.
    p = torch.tensor([[1.0, 0.0], [0.0, 1.0]])[..., None]
    maps = streamed(p, [1, 1])
    assert float(maps.measure("bald")) == pytest.approx(math.log(2))
    assert float(maps.variance) == pytest.approx(0.25)


def test_bald_lies_between_zero_and_the_predictive_entropy():
    maps = streamed(some_samples(count=12, seed=3), [5, 5, 2])
    bald = maps.measure("bald")
    assert (bald >= 0).all()
    assert (bald <= entropy(maps.mean) + 1e-6).all()


def test_the_variance_stays_positive_where_the_naive_formula_fails():
    p = torch.full((4, 2, 1000), 0.5)
    p[:, 0] += torch.tensor([1e-4, -1e-4, 1e-4, -1e-4])[:, None]
    p[:, 1] = 1 - p[:, 0]
    maps = streamed(p, [1, 1, 1, 1])
    assert torch.allclose(maps.variance, torch.tensor(1e-8), rtol=0.01)


def test_tiling_a_volume_doubles_the_sum_and_keeps_the_mean():
    # Known answer 4.
    voxels = torch.rand(1000, generator=torch.Generator().manual_seed(0))
    weight = torch.rand(1000, generator=torch.Generator().manual_seed(1))
    twice, weights = voxels.repeat(2), weight.repeat(2)
    once = {a: float(aggregate(voxels, weight, a)) for a in AGGREGATORS}
    tiled = {a: float(aggregate(twice, weights, a)) for a in AGGREGATORS}
    assert tiled["sum"] == pytest.approx(2 * once["sum"], rel=1e-5)
    for name in ("mean", "foreground", "top"):
        assert tiled[name] == pytest.approx(once[name], rel=1e-5)


def test_the_foreground_aggregator_ignores_the_field_of_view():
    voxels, weight = torch.rand(100), torch.ones(100)
    padded = torch.cat([voxels, torch.zeros(900)])
    weights = torch.cat([weight, torch.zeros(900)])
    once = float(aggregate(voxels, weight, "foreground"))
    assert float(aggregate(padded, weights, "foreground")) == pytest.approx(once, rel=1e-5)
    assert float(aggregate(padded, weights, "mean")) == pytest.approx(once / 10, rel=1e-5)


def test_a_case_is_summarised_by_volume_and_by_slice():
    p = some_samples(count=4, shape=(6, 5, 4))
    maps = streamed(p, [4])
    slices = np.arange(6)[::-1]
    statistics = summarise(maps, np.zeros(8), np.arange(6 * 8).reshape(6, 8), slices)
    assert statistics.slices.shape == (6, len(MEASURES), len(AGGREGATORS))
    by_hand = maps.measure("entropy").mean(dim=(1, 2)).numpy()[::-1]
    assert np.allclose(statistics.slice_values("entropy", "mean"), by_hand, atol=1e-6)
    assert statistics.value("variance", "sum") == pytest.approx(
        float(maps.variance.sum()), rel=1e-5
    )
    assert statistics.slice_embeddings[0, 0] == 40
    assert np.allclose(statistics.class_mass.sum(axis=1), 20, atol=1e-4)
    share = float((1 - maps.mean[0]).mean())
    assert statistics.foreground_share == pytest.approx(share, rel=1e-4)
    pe = maps.measure("entropy")
    assert np.allclose(
        statistics.class_entropy[0], (pe * maps.mean)[:, 5].sum(dim=(1, 2)).numpy(), rtol=1e-4
    )
