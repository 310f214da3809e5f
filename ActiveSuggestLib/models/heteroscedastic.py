"""A network that also says how noisy each voxel is, and the two parts of its uncertainty.

Kendall and Gal (NeurIPS 2017): a network gives logits f and a log-variance s = log σ² of each. The
loss draws logits f + σ ε and averages the probabilities (section 3.3). What Monte-Carlo samples of
the network differ in is epistemic; the σ² that they foretell is aleatoric.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from ..data.labels import UNKNOWN
from .networks import SegmentationNetwork

LARGEST_LOG_VARIANCE = 10.0
FIRST_LOG_VARIANCE = -2.0


class HeteroscedasticNetwork(nn.Module):
    """A segmentation network with a second head; ``forward(x) -> (logits, log-variance)``.

    Both are (B, C, *spatial); the log-variance is clamped to ±10.
    """

    def __init__(self, network: SegmentationNetwork) -> None:
        super().__init__()
        self.network = network
        architecture = network.architecture
        convolution = nn.Conv2d if architecture.dimensions == 2 else nn.Conv3d
        self.noise = convolution(
            architecture.channels[0] + architecture.in_channels, architecture.classes, 3, padding=1
        )
        nn.init.zeros_(self.noise.weight)
        assert self.noise.bias is not None
        nn.init.constant_(self.noise.bias, FIRST_LOG_VARIANCE)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits and log-variance of (B, in_channels, *spatial)."""
        features = self.network.encode(x)
        wide = functional.interpolate(features[0], x.shape[2:])
        spread = self.noise(torch.cat([wide, x], dim=1))
        bound = LARGEST_LOG_VARIANCE
        return self.network.decode(features), spread.clamp(-bound, bound)


def kendall_gal_loss(
    logits: torch.Tensor,
    log_variance: torch.Tensor,
    target: torch.Tensor,
    *,
    draws: int,
    generator: torch.Generator,
) -> torch.Tensor:
    """Return −log mean_m softmax(f + σ ε_m)_c averaged over the known voxels, a scalar.

    ``logits`` and ``log_variance`` (B, C, *spatial), ``target`` uint8 (B, *spatial); ``UNKNOWN``
    voxels alter neither the loss nor a gradient.
    """
    known = target != UNKNOWN
    if not known.any():
        return (logits.sum() + log_variance.sum()) * 0.0
    index = torch.where(known, target, 0).long()[:, None]
    sigma = (0.5 * log_variance).exp()
    each = []
    for _ in range(draws):
        noise = torch.randn(logits.shape, generator=generator, device=logits.device)
        each.append(functional.log_softmax(logits + sigma * noise, dim=1).gather(1, index)[:, 0])
    mean = torch.logsumexp(torch.stack(each), dim=0) - float(torch.tensor(float(draws)).log())
    return -(mean * known).sum() / known.sum()


@dataclass(frozen=True)
class Parts:
    """The two parts of the uncertainty, (B, *spatial) each."""

    epistemic: torch.Tensor
    aleatoric: torch.Tensor

    @property
    def total(self) -> torch.Tensor:
        """Their sum."""
        return self.epistemic + self.aleatoric


def uncertainty_parts(sample_logits: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> Parts:
    """Return mean ŷ² − (mean ŷ)² and mean σ̂² over samples, on the logit scale (eq. 6).

    Each sample is (logits, log-variance), (B, C, *spatial); both parts are means over the classes.
    Streamed (Welford); the variance is that of a population.
    """
    mean = m2 = noise = None
    count = 0
    for logits, log_variance in sample_logits:
        count += 1
        if mean is None or m2 is None or noise is None:
            mean, m2, noise = logits.clone(), torch.zeros_like(logits), log_variance.exp()
            continue
        delta = logits - mean
        mean = mean + delta / count
        m2 = m2 + delta * (logits - mean)
        noise = noise + log_variance.exp()
    if m2 is None or noise is None:
        raise ValueError("no sample was given")
    return Parts((m2 / count).mean(dim=1), (noise / count).mean(dim=1))
