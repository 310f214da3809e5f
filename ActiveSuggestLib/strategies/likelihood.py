"""Diagonal Gaussian fits of latents, and how likely a latent is under them (Ozdemir et al.).

Symbols: z (N, d) latents; μ, σ (d,) of a fit, population deviation. Everything runs in blocks that
fit a processor's cache, so the memory beside z is a few MB whatever N is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from scipy import special

from .normal_tail import sum_log_tails

LIKELIHOODS = ("tail", "pdf")
BLOCK_VALUES = 131_072
DEAD_SHARE = 0.01
FLOOR_SHARE = 0.5
GUARD_QUANTILE = 0.995
T = TypeVar("T")


@dataclass(frozen=True)
class Moments:
    """How many latents there are, their mean (d,) and M2 = Σ (z − mean)², (d,); float64."""

    count: int
    mean: np.ndarray
    m2: np.ndarray

    @classmethod
    def of(cls, z: np.ndarray) -> Moments:
        """Return the moments of the rows of ``z`` (N, d)."""
        total = cls(0, np.zeros(z.shape[1]), np.zeros(z.shape[1]))
        for part in _by_blocks(_block_moments, z):
            total = total.with_others(part)
        return total

    def with_others(self, others: Moments) -> Moments:
        """Return the moments of both sets together, in O(d) (Chan, Golub and LeVeque 1983)."""
        if not others.count:
            return self
        count = self.count + others.count
        delta = others.mean - self.mean
        mean = self.mean + delta * (others.count / count)
        m2 = self.m2 + others.m2 + delta**2 * (self.count * others.count / count)
        return Moments(count, mean, m2)

    def with_one(self, z: np.ndarray) -> Moments:
        """Return the moments with one latent (d,) more, in O(d)."""
        return self.with_others(Moments(1, np.asarray(z, float), np.zeros(len(z))))

    @property
    def sigma(self) -> np.ndarray:
        """The population deviation, (d,)."""
        return np.sqrt(self.m2 / max(1, self.count))


@dataclass(frozen=True)
class Fit:
    """A diagonal Gaussian: μ and 1/σ, (d,); 1/σ is 0 in a dimension that does not count."""

    mean: np.ndarray
    precision: np.ndarray

    @property
    def dimensions(self) -> int:
        """How many dimensions count."""
        return int(np.count_nonzero(self.precision))


def alive(sigma: np.ndarray) -> np.ndarray:
    """Return which dimensions carry anything, (d,): those over 1 % of the largest deviation.

    Latents have one scale, that of the autoencoder's prior. A dimension that hardly varies is
    noise, and a ratio of two such deviations would decide everything.
    """
    return sigma > max(DEAD_SHARE * float(sigma.max(initial=0.0)), np.finfo(np.float32).tiny)


def fit_pool(pool: Moments, living: np.ndarray) -> Fit:
    """Return the Gaussian of the whole pool over the ``living`` dimensions."""
    return _fit(pool.mean, pool.sigma, living)


def fit_annotated(annotated: Moments, pool: Moments, living: np.ndarray) -> Fit:
    """Return the Gaussian of the annotated, its σ at least half of the pool's in each dimension.

    The deviation of a few latents is far too small, or 0 for one, and would make every latent
    that is not among them infinitely novel.
    """
    return _fit(annotated.mean, np.maximum(annotated.sigma, FLOOR_SHARE * pool.sigma), living)


def log_likelihood(z: np.ndarray, fit: Fit, likelihood: str = "tail") -> np.ndarray:
    """Return ℓ(z) in nats, (N,).

    ``tail``: Σ_j log 2Φ(−|z_j − μ_j|/σ_j) (eqs. 7–8, with the printed |x − μ| read as |z − μ|).
    ``pdf``: Σ_j log N(z_j; μ_j, σ_j), to compare with.
    """
    if likelihood not in LIKELIHOODS:
        raise ValueError(f"no likelihood is called {likelihood}; there are {LIKELIHOODS}")
    precise = np.float64 if z.dtype == np.float64 else np.float32
    mean, precision = fit.mean.astype(precise), fit.precision.astype(precise)
    counted = fit.precision[fit.precision > 0]
    constant = float(np.log(counted).sum() - 0.5 * len(counted) * np.log(2 * np.pi))

    def of_block(block: np.ndarray) -> np.ndarray:
        a = (block - mean).astype(precise, copy=False)
        a *= precision
        if likelihood == "pdf":
            return constant - 0.5 * np.einsum("nd,nd->n", a, a)
        return sum_log_tails(np.abs(a, out=a))

    parts = list(_by_blocks(of_block, z))
    return np.concatenate(parts).astype(float) if parts else np.zeros(0)


def usual(tail: np.ndarray, dimensions: int) -> np.ndarray:
    """Return which latents are not outliers of the pool, (N,), from their ``tail`` ℓ_pool.

    For Gaussian z every 2Φ(−a) is uniform, so −ℓ_pool follows Gamma(d, 1); what lies beyond its
    99.5 % quantile is an outlier, which a narrow annotated set makes look most valuable.
    """
    return -tail <= special.gammaincinv(max(1, dimensions), GUARD_QUANTILE)


def _fit(mean: np.ndarray, sigma: np.ndarray, living: np.ndarray) -> Fit:
    return Fit(mean, np.where(living, 1.0 / np.where(living, sigma, 1.0), 0.0))


def _block_moments(block: np.ndarray) -> Moments:
    mean = block.mean(axis=0)
    off = block - mean
    # The rounding of a float32 mean is put right by the residual's own mean.
    rest = off.mean(axis=0, dtype=float)
    m2 = np.einsum("nd,nd->d", off, off).astype(float) - len(block) * rest**2
    return Moments(len(block), mean.astype(float) + rest, np.maximum(m2, 0.0))


def _by_blocks(function: Callable[[np.ndarray], T], z: np.ndarray) -> Iterator[T]:
    """Yield ``function`` of consecutive blocks of rows, in order, on as many threads as torch."""
    rows = max(1, BLOCK_VALUES // max(1, z.shape[1]))
    blocks = [z[start : start + rows] for start in range(0, len(z), rows)]
    if len(blocks) == 1:
        yield function(blocks[0])
        return
    with ThreadPoolExecutor(torch.get_num_threads()) as threads:
        yield from threads.map(function, blocks)
