"""Monte-Carlo dropout: repeatable masks, and the known variance of a linear layer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from ActiveSuggestLib.models.samples import SampledDropout, dropout_mask, sampling


def test_a_mask_depends_on_its_key_alone():
    first = dropout_mask(3, 1, 7, 64, 0.5)
    dropout_mask(0, 0, 0, 64, 0.5)
    assert np.array_equal(first, dropout_mask(3, 1, 7, 64, 0.5))
    others = [dropout_mask(4, 1, 7, 64, 0.5), dropout_mask(3, 2, 7, 64, 0.5)]
    assert not any(np.array_equal(first, other) for other in others)


def test_masks_keep_the_expected_share_and_scale():
    masks = np.stack([dropout_mask(0, 0, t, 100, 0.3) for t in range(2000)])
    assert set(np.unique(masks)) == {np.float32(0.0), np.float32(1 / 0.7)}
    assert masks.mean() == pytest.approx(1.0, abs=0.01)


def test_a_linear_layer_has_the_variance_that_theory_gives():
    # Known answer 3: inverted dropout on the input x of w·x has Var = Σ w² x² p / (1 − p).
    p, features = 0.4, 12
    rng = np.random.default_rng(0)
    w, x = rng.normal(size=features), rng.normal(size=features)
    network = nn.Sequential(SampledDropout(p, 0), nn.Linear(features, 1, bias=False)).eval()
    network[1].weight.data = torch.tensor(w[None], dtype=torch.float32)
    count = 20_000
    batch = torch.tensor(x, dtype=torch.float32).repeat(count, 1)
    with torch.no_grad(), sampling(network, range(count), seed=1):
        variance = float(network(batch).var(unbiased=False))
    assert variance == pytest.approx(float((w**2 * x**2).sum() * p / (1 - p)), rel=0.03)


def test_without_dropout_every_sample_is_the_same():
    layer = SampledDropout(0.0, 0).eval()
    x = torch.randn(6, 4, 2, 2)
    with sampling(layer, range(3), seed=5):
        assert torch.equal(layer(x), x)


def test_evaluation_mode_drops_nothing_and_training_mode_does():
    layer = SampledDropout(0.5, 0)
    x = torch.ones(50, 40)
    assert torch.equal(layer.eval()(x), x)
    assert set(layer.train()(x).unique().tolist()) == {0.0, 2.0}


def test_a_network_in_training_mode_cannot_be_sampled():
    with pytest.raises(ValueError, match="evaluation mode"), sampling(nn.ReLU().train(), [0]):
        pass


def test_masks_are_forgotten_after_sampling_even_if_it_fails():
    layer = SampledDropout(0.5, 0).eval()
    with pytest.raises(RuntimeError), sampling(layer, [0]):
        raise RuntimeError("the device failed")
    x = torch.ones(3, 8)
    assert torch.equal(layer(x), x)
