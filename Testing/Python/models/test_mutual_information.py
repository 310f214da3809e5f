"""Normalised mutual information: 1 for a picture with itself, nothing for what is unrelated."""

from __future__ import annotations

import torch

from ActiveSuggestLib.models.mutual_information import normalised_mutual_information


def noise(seed, size=96):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand((2, 1, size, size), generator=generator) * 2 - 1


def test_a_picture_tells_all_of_itself():
    x = noise(0)
    assert torch.allclose(normalised_mutual_information(x, x), torch.ones(2))
    assert torch.allclose(normalised_mutual_information(x, -x), torch.ones(2), atol=1e-5)


def test_unrelated_pictures_tell_next_to_nothing():
    found = normalised_mutual_information(noise(0), noise(1))
    assert (found >= 0).all()
    assert (found < 0.02).all()


def test_it_is_symmetric_and_falls_with_noise():
    x, disturbance = noise(0), noise(2)
    values = [
        float(normalised_mutual_information(x, (x + s * disturbance).clamp(-1, 1)).mean())
        for s in (0.0, 0.1, 0.3, 1.0)
    ]
    assert values == sorted(values, reverse=True)
    y = (x + 0.3 * disturbance).clamp(-1, 1)
    there, back = normalised_mutual_information(x, y), normalised_mutual_information(y, x)
    assert torch.allclose(there, back, atol=1e-6)


def test_hard_bins_give_the_textbooks_value():
    x = torch.tensor([-1.0, -1.0, 1.0, 1.0]).reshape(1, 1, 2, 2)
    y = torch.tensor([-1.0, 1.0, 1.0, 1.0]).reshape(1, 1, 2, 2)
    p = torch.tensor([[0.25, 0.25], [0.0, 0.5]])
    outer = p.sum(1, keepdim=True) * p.sum(0, keepdim=True)
    information = (torch.special.xlogy(p, p / outer)).sum()
    entropies = sum(-torch.special.xlogy(q, q).sum() for q in (p.sum(0), p.sum(1)))
    found = normalised_mutual_information(x, y, bins=2)
    assert torch.allclose(found, 2 * information / entropies, atol=1e-4)


def test_a_blank_picture_tells_nothing_and_a_gradient_passes():
    x = noise(0)
    assert (normalised_mutual_information(x, torch.zeros_like(x)) < 1e-5).all()
    y = (0.5 * x + 0.5 * noise(3)).requires_grad_()
    normalised_mutual_information(x, y).sum().backward()
    assert torch.isfinite(y.grad).all()
    assert y.grad.abs().sum() > 0
