"""Monte-Carlo dropout whose masks depend on seed, layer and sample only.

A mask drops whole feature channels and is drawn by a counter-based generator keyed
(seed, layer, sample). It does not depend on the batch, the window, the order of the work or the
volume. So batched and looped sampling agree, runs repeat, a window's neighbour sees the same
network, and all volumes of a pool share their random numbers, which cancels most of the
sampling noise when volumes are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn


def dropout_mask(seed: int, layer: int, sample: int, channels: int, p: float) -> np.ndarray:
    """Return the mask of one layer and sample: float32 (channels,), 0 or 1/(1 − p)."""
    key = np.array([np.uint64(seed & (2**64 - 1)), np.uint64((layer << 40) + sample)])
    keep = np.random.Generator(np.random.Philox(key=key)).random(channels) >= p
    return (keep / (1.0 - p)).astype(np.float32)


class SampledDropout(nn.Module):
    """Channel dropout: random while training, off in evaluation, repeatable while sampling.

    While sampling K masks the batch is sample-major: K groups of equal size, one mask a group.
    """

    def __init__(self, p: float, layer: int) -> None:
        super().__init__()
        if not 0.0 <= p < 1.0:
            raise ValueError(f"a dropout probability lies in [0, 1), not {p}")
        self.p = p
        self.layer = layer
        self._samples: tuple[int, Sequence[int], float] | None = None
        self._own: torch.Generator | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Drop channels of ``x``, shape (B, C, …)."""
        if self._samples is not None:
            return x * self._mask(x)
        if self.training and self.p > 0.0:
            own = self._own if self._own is not None and self._own.device == x.device else None
            return _drop_channels(x, self.p, own)
        return x

    def _mask(self, x: torch.Tensor) -> torch.Tensor:
        assert self._samples is not None
        seed, samples, p = self._samples
        if len(x) % len(samples):
            raise ValueError(f"a batch of {len(x)} cannot hold {len(samples)} samples")
        masks = np.stack([dropout_mask(seed, self.layer, t, x.shape[1], p) for t in samples])
        mask = torch.from_numpy(masks).to(x.device, x.dtype)
        mask = mask.repeat_interleave(len(x) // len(samples), dim=0)
        return mask.reshape(mask.shape + (1,) * (x.ndim - 2))


def _drop_channels(
    x: torch.Tensor, p: float, generator: torch.Generator | None = None
) -> torch.Tensor:
    keep = torch.rand(x.shape[:2], device=x.device, generator=generator) >= p
    return x * (keep.to(x.dtype) / (1.0 - p)).reshape(keep.shape + (1,) * (x.ndim - 2))


def dropout_layers(network: nn.Module) -> list[SampledDropout]:
    """Return the sampled dropout layers of a network, in their order."""
    return [m for m in network.modules() if isinstance(m, SampledDropout)]


def own_random_numbers(network: nn.Module, seed: int, device: str) -> None:
    """Let the dropout of ``network`` draw from a generator of its own while it trains.

    Networks that train side by side in threads would otherwise share torch's random numbers, and
    none of them would repeat.
    """
    for layer in dropout_layers(network):
        layer._own = torch.Generator(device).manual_seed(seed * 1_000 + layer.layer)


@contextmanager
def sampling(
    network: nn.Module, samples: Sequence[int], *, seed: int = 0, p: float | None = None
) -> Iterator[None]:
    """Let the dropout layers of ``network`` apply the masks of ``samples``.

    Everything else must be in evaluation mode: a batch norm left in training mode would change
    its own statistics and the output (``algorithms.md``: a drift of 0.33 was measured). ``p``
    overrides the layers' own probability, for a paper's literal protocol.
    """
    if network.training:
        raise ValueError("sample a network in evaluation mode; only its dropout may be random")
    layers = dropout_layers(network)
    for layer in layers:
        layer._samples = (seed, tuple(samples), layer.p if p is None else p)
    try:
        yield
    finally:
        for layer in layers:
            layer._samples = None
