"""Maximum mean discrepancy: known answers."""

from __future__ import annotations

import pytest
import torch

from ActiveSuggestLib.models.mmd import inverse_multiquadric, squared_mmd


def draws(count, size, seed=0, shift=0.0):
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed)) + shift


@pytest.mark.parametrize("size", [1, 3, 200])
def test_a_sample_is_no_distance_from_itself(size):
    # Known answer 7.
    x = draws(33, size)
    assert squared_mmd(x, x).item() == 0.0
    assert squared_mmd(x, x.clone()).item() == 0.0


def test_it_is_the_plain_sum_over_pairs():
    x, y = draws(5, 3, 1), draws(7, 3, 2, 0.5)

    def mean(a, b):
        pairs = [2 * 3 / (2 * 3 + float(((p - q) ** 2).sum())) for p in a for q in b]
        return sum(pairs) / len(pairs)

    assert squared_mmd(x, y).item() == pytest.approx(mean(x, x) + mean(y, y) - 2 * mean(x, y))


def test_the_kernel_is_about_a_half_between_draws_of_the_prior_at_200_dimensions():
    k = inverse_multiquadric(draws(100, 200), draws(100, 200, 1))
    assert k.mean().item() == pytest.approx(0.5, abs=0.01)


def test_it_tells_distributions_apart_and_pulls_them_together():
    x, same, other = draws(400, 2), draws(400, 2, 1), draws(400, 2, 2, 1.0)
    assert squared_mmd(x, other) > 10 * squared_mmd(x, same) > 0
    moved = other.clone().requires_grad_()
    squared_mmd(moved, x).backward()
    assert (-moved.grad.mean(dim=0) < 0).all()
