"""The paper's network: its scales, its descriptor, and logits of either sign."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ActiveSuggestLib.models.device import GIBIBYTE, Device
from ActiveSuggestLib.models.plan import Fingerprint, make_plan
from ActiveSuggestLib.models.suggestive_network import (
    Bottleneck,
    SuggestiveNetwork,
    _to_full_size,
    suggestive_plan,
)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return SuggestiveNetwork(2, 3)


def test_a_picture_gives_logits_of_its_size_and_a_descriptor_of_1024(network):
    x = torch.randn(4, 2, 64, 96)
    features = network.encode(x)
    assert [tuple(f.shape[1:]) for f in features] == [
        (32, 64, 96), (256, 32, 48), (512, 16, 24), (1024, 8, 12), (1024, 4, 6), (1024, 2, 3),
    ]  # fmt: skip
    assert network.embedding_size == 1024
    assert network.decode(features).shape == (4, 3, 64, 96)
    assert network.decode(features, 2).shape == (8, 3, 64, 96)


def test_logits_can_be_negative(network):
    # A public port has a rectifier after the last convolution.
    assert float(network(torch.randn(4, 2, 64, 64)).detach().min()) < 0
    assert isinstance(list(network.modules())[-1], nn.Conv2d)


def test_two_bottlenecks_a_stage_with_the_papers_widths(network):
    blocks = [m for m in network.modules() if isinstance(m, Bottleneck)]
    assert [b.inner[0].out_channels for b in blocks] == [
        n for n in (64, 128, 256, 256, 256) for _ in range(2)
    ]
    sides = [[m.kernel_size[0] for m in b.inner if isinstance(m, nn.Conv2d)] for b in blocks]
    assert sides == [[1, 3, 1]] * 10


@pytest.mark.parametrize("factor", [2, 8, 32])
def test_the_way_back_to_full_size_begins_as_bilinear_interpolation(factor):
    up = _to_full_size(factor)
    x = torch.linspace(0, 1, 6).expand(1, 16, 6, 6).contiguous()
    whole = up(x)
    assert whole.shape == (1, 16, 6 * factor, 6 * factor)
    exact = nn.functional.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
    inner = slice(factor, -factor)
    assert torch.allclose(whole[..., inner, inner], exact[..., inner, inner], atol=1e-5)


def test_its_plan_has_whole_strides_and_batches_that_batch_norm_can_bear():
    pool = Fingerprint(9, 1, "MR", (1.0, 1.0, 1.0), (30, 50, 70), 0.0, 1.0, 0.0, 1.0, 1.0)
    cpu = Device("cpu", 8 * GIBIBYTE, 1, "a CPU")
    plan = suggestive_plan(make_plan(pool, cpu, classes=2, plane="axial", dimensions=2))
    assert plan.patch == (1, 64, 96)
    assert plan.window_divisor == (1, 32, 32)
    assert plan.batch >= 4
    solid = make_plan(pool, cpu, classes=2, plane="axial", dimensions=3)
    with pytest.raises(ValueError, match="2D"):
        suggestive_plan(solid)
