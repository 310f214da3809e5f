"""Gaussian fits of latents and their likelihoods, against known answers and the plain formulas."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from ActiveSuggestLib.strategies.likelihood import (
    BLOCK_VALUES,
    Fit,
    Moments,
    alive,
    fit_annotated,
    fit_pool,
    log_likelihood,
    usual,
)
from ActiveSuggestLib.strategies.normal_tail import sum_log_tails
from ActiveSuggestLib.strategies.representative import LatentFits


def toy(likelihood: str) -> LatentFits:
    """Figure 1 of the paper: pool N(0, 1), annotated N(−1, 1.5)."""
    pool = Moments(100, np.zeros(1), np.full(1, 100.0))
    annotated = Moments(100, np.full(1, -1.0), np.full(1, 100 * 1.5**2))
    return LatentFits(pool, annotated, likelihood)


@pytest.mark.parametrize(("likelihood", "peak"), [("tail", 0.1459), ("pdf", 0.8)])
def test_the_papers_toy_peaks_where_the_formulas_say(likelihood, peak):
    # Known answer 6.
    grid = np.linspace(-4, 4, 80_001)[:, None]
    best = grid[np.argmax(toy(likelihood).ratio(grid)), 0]
    assert best == pytest.approx(peak, abs=2e-4)


def test_the_fast_tail_agrees_with_the_exact_one():
    a = np.concatenate([np.linspace(0, 12, 5001), np.geomspace(12, 1e4, 500)])
    exact = np.log(2) + special.log_ndtr(-a)
    fast = sum_log_tails(a.astype(np.float32)[:, None])
    assert fast.dtype == np.float32
    assert np.allclose(fast, exact, rtol=5e-7, atol=2e-6)
    assert np.allclose(sum_log_tails(a[:, None]), exact, rtol=1e-15)


@pytest.mark.parametrize("precise", [np.float32, np.float64])
def test_forty_sigma_away_is_finite_and_in_order(precise):
    # Known answer 6.
    z = np.array([[0.0], [6.0], [40.0], [41.0], [-42.0]], precise)
    values = log_likelihood(z, Fit(np.zeros(1), np.ones(1)))
    assert np.isfinite(values).all()
    assert (np.diff(values) < 0).all()
    assert values[2] == pytest.approx(np.log(2) + stats.norm.logsf(40), rel=1e-6)


def test_the_tails_of_gaussian_latents_follow_a_gamma_law():
    # Known answer 6: −ℓ_pool ~ Gamma(d, 1).
    z = np.random.default_rng(0).normal(3.0, [0.1, 1, 7, 2], (4000, 4))
    pool = Moments.of(z)
    minus = -log_likelihood(z, fit_pool(pool, alive(pool.sigma)))
    assert stats.kstest(minus, stats.gamma(4).cdf).pvalue > 0.01
    assert 1 - usual(-minus, 4).mean() == pytest.approx(0.005, abs=0.004)


@pytest.mark.parametrize("likelihood", ["tail", "pdf"])
def test_scaling_and_shifting_a_dimension_changes_no_ratio(likelihood):
    # Known answer 6.
    rng = np.random.default_rng(1)
    z, annotated = rng.normal(size=(300, 6)), rng.normal(0.7, 0.8, (20, 6))
    scale, shift = rng.uniform(0.2, 5, 6) * [1, -1, 1, -1, 1, -1], rng.normal(size=6)

    def ratio(change):
        fits = LatentFits(Moments.of(change(z)), Moments.of(change(annotated)), likelihood)
        return fits.ratio(change(z))

    assert np.allclose(ratio(lambda x: x), ratio(lambda x: x * scale + shift), atol=1e-9)


def test_likelihoods_are_the_plain_formulas_in_any_number_of_blocks():
    rng = np.random.default_rng(2)
    z = rng.normal(1.0, 2.0, (3 * BLOCK_VALUES // 50 + 7, 50))
    mean, sigma = rng.normal(size=50), rng.uniform(0.5, 2, 50)
    fit = Fit(mean, 1 / sigma)
    plain = stats.norm(mean, sigma)
    tails = (np.log(2) + plain.logsf(mean + abs(z - mean))).sum(axis=1)
    assert np.allclose(log_likelihood(z, fit), tails)
    assert np.allclose(log_likelihood(z, fit, "pdf"), plain.logpdf(z).sum(axis=1))
    assert np.allclose(log_likelihood(z.astype(np.float32), fit), tails, rtol=1e-5)
    with pytest.raises(ValueError, match="erf"):
        log_likelihood(z, fit, "erf")


def test_moments_are_those_of_numpy_far_from_zero_too():
    z = np.random.default_rng(3).normal([100.0, -5.0, 0.0], [0.1, 3.0, 1.0], (200_000, 3))
    for precise, tolerance in ((np.float64, 1e-10), (np.float32, 1e-3)):
        moments = Moments.of(z.astype(precise))
        assert moments.count == 200_000
        assert np.allclose(moments.mean, z.mean(axis=0), atol=1e-5)
        assert np.allclose(moments.sigma, z.std(axis=0), rtol=tolerance)


def test_one_more_latent_gives_the_moments_of_all():
    z = np.random.default_rng(4).normal(2, 3, (40, 5))
    moments = Moments.of(z[:1])
    for row in z[1:]:
        moments = moments.with_one(row)
    assert moments.count == 40
    assert np.allclose(moments.mean, z.mean(axis=0))
    assert np.allclose(moments.sigma, z.std(axis=0))


def test_a_dead_dimension_counts_nothing():
    rng = np.random.default_rng(5)
    z, annotated = rng.normal(size=(200, 3)), rng.normal(1, 1, (10, 3))
    with_dead = np.column_stack([z, 1e-4 * rng.normal(size=200), np.full(200, 7.0)])
    dead_annotated = np.column_stack([annotated, np.full((10, 2), 9.0)])
    fits = LatentFits(Moments.of(with_dead), Moments.of(dead_annotated))
    assert fits.living.tolist() == [True] * 3 + [False] * 2
    expected = LatentFits(Moments.of(z), Moments.of(annotated)).ratio(z)
    assert np.allclose(fits.ratio(with_dead), expected)


def test_a_pool_of_equal_latents_has_no_dimension_and_no_difference():
    pool = Moments.of(np.ones((5, 3)))
    assert not alive(pool.sigma).any()
    assert LatentFits(pool, Moments.of(np.ones((1, 3)))).ratio(np.ones((5, 3))).tolist() == [0] * 5


def test_one_annotated_latent_has_half_the_deviation_of_the_pool():
    pool = Moments(10, np.zeros(2), np.array([10.0, 40.0]))
    fit = fit_annotated(Moments.of(np.ones((1, 2))), pool, np.ones(2, bool))
    assert np.allclose(1 / fit.precision, [0.5, 1.0])
