"""A segmentation network that tells the noise in its own logits, and what is uncertain about it.

Kendall and Gal (NeurIPS 2017, sections 3 and 4): beside each logit f the network gives the
logarithm s = log σ² of the variance of that logit. Mahapatra et al. (MICCAI 2018, eq. 6) add the
two kinds of uncertainty over Monte-Carlo dropout samples of such a network:
mean ŷ² − (mean ŷ)² (epistemic: what more labels would settle) + mean σ̂² (aleatoric: what they
would not). Both are taken on the logits, the one scale on which ŷ and σ̂² can be added: the form
p(1 − p) for the noise always adds up to p̄(1 − p̄) and does not see whether samples disagree.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

from ..data.labels import UNKNOWN
from .networks import Architecture, EncoderDecoder, SegmentationNetwork
from .samples import sampling

MOST_LOG_VARIANCE = 10.0

Output = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Parts:
    """The two kinds of uncertainty on the logit scale, each float32 (B, *spatial), ≥ 0."""

    epistemic: torch.Tensor
    aleatoric: torch.Tensor

    @property
    def total(self) -> torch.Tensor:
        """Their sum, (B, *spatial): eq. 6."""
        return self.epistemic + self.aleatoric


class HeteroscedasticNetwork(EncoderDecoder):
    """The segmentation network with a second last stage that gives s = log σ² of each logit.

    ``forward`` maps (B, in_channels, *spatial) to logits and log-variances, each
    (B, classes, *spatial), the latter within ±10. In training mode its dropout is random; for
    Monte-Carlo samples call ``.eval()`` and use ``dropout_samples`` or ``samples.sampling``. It has
    two outputs where other networks have one, so what runs it must expect both.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.segmentation = SegmentationNetwork(architecture)
        # The last stage needs the skip of full size as the logits do; its weights are its own.
        self.noise = SegmentationNetwork(architecture).up[-1]

    @classmethod
    def of(cls, network: SegmentationNetwork) -> HeteroscedasticNetwork:
        """Return one that starts from a copy of a trained network; only the noise is new."""
        own = cls(network.architecture)
        own.segmentation = copy.deepcopy(network)
        return own.to(next(network.parameters()).device)

    def encode(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return the features of every level, the bottleneck last; nothing random precedes them."""
        return self.segmentation.encode(x)

    def decode(  # type: ignore[override]
        self, features: Sequence[torch.Tensor], samples: int = 1
    ) -> Output:
        """Return logits and log-variances, each (samples · B, classes, *spatial), sample-major."""
        x = self.segmentation.before_last(features, samples)
        logits: torch.Tensor = self.segmentation.up[-1](x)
        log_variance: torch.Tensor = self.noise(x)
        return logits, log_variance.clamp(-MOST_LOG_VARIANCE, MOST_LOG_VARIANCE)

    def forward(self, x: torch.Tensor) -> Output:  # type: ignore[override]
        """Return logits and log-variances."""
        return self.decode(self.encode(x))

    @property
    def embedding_size(self) -> int:
        """The number of bottleneck channels."""
        return self.segmentation.embedding_size


def dropout_samples(
    network: HeteroscedasticNetwork,
    x: torch.Tensor,
    *,
    count: int,
    seed: int = 0,
    p: float | None = None,
) -> Iterator[Output]:
    """Yield (logits, log-variances) of ``count`` dropout masks, one at a time; each (B, C, …).

    The network must be in evaluation mode. The masks depend on ``seed`` and the sample's number
    only, so all images are looked at by the same networks. The encoder runs once.
    """
    features = network.encode(x)
    for sample in range(count):
        # Left before the yield: whoever takes the sample may use the network otherwise.
        with sampling(network, [sample], seed=seed, p=p):
            found = network.decode(features)
        yield found


def kendall_gal_loss(
    logits: torch.Tensor,
    log_variance: torch.Tensor,
    target: torch.Tensor,
    *,
    draws: int,
    generator: torch.Generator,
) -> torch.Tensor:
    """Return −log mean_m softmax(f + σ ε_m)_c, ε_m ~ N(0, 1), averaged over the known voxels.

    ``logits`` f and ``log_variance`` log σ² (B, C, *spatial), ``target`` uint8 (B, *spatial) with
    ``UNKNOWN``, whose voxels alter neither the loss nor a gradient; zero if all are unknown. The
    mean over ``draws`` is a logsumexp of log-probabilities (Kendall and Gal, eq. 12).
    """
    logits, log_variance = logits.float(), log_variance.float()
    known = target != UNKNOWN
    if not known.any():
        return logits.sum() * 0.0 + log_variance.sum() * 0.0
    index = torch.where(known, target, 0).long()[:, None]
    deviation = (0.5 * log_variance).exp()
    found = []
    for _ in range(draws):
        noise = torch.randn(logits.shape, device=generator.device, generator=generator)
        noisy = logits + deviation * noise.to(logits.device)
        found.append(functional.log_softmax(noisy, dim=1).gather(1, index)[:, 0])
    likelihood = torch.stack(found).logsumexp(dim=0) - math.log(draws)
    return -(likelihood * known).sum() / known.sum()


def kendall_gal_regression_loss(
    prediction: torch.Tensor, log_variance: torch.Tensor, target: torch.Tensor
) -> torch.Tensor:
    """Return the mean of ½ e^{−s}(y − f)² + ½ s over all elements; the three have one shape.

    Up to a constant it is the negative log-likelihood of a Gaussian (Kendall and Gal, eq. 8).
    """
    square = (target - prediction).square()
    return (0.5 * (-log_variance).exp() * square + 0.5 * log_variance).mean()


def uncertainty_parts(sample_logits: Iterable[Output]) -> Parts:
    """Return both parts of eq. 6 from samples (logits, log-variances), each (B, C, *spatial).

    Per class the epistemic part is the population variance of the logit over the samples and the
    aleatoric part the mean of exp(log-variance); both are averaged over the classes. One sample at
    a time is held, by Welford's update: E[ŷ²] − E[ŷ]² turns negative in float32.

    Raises:
        ValueError: there is no sample.
    """
    count = 0
    mean = spread = noise = torch.empty(0)
    for logits, log_variance in sample_logits:
        logits, variance = logits.float(), log_variance.float().exp()
        count += 1
        if count == 1:
            mean, spread, noise = logits.clone(), torch.zeros_like(logits), variance
            continue
        delta = logits - mean
        mean = mean + delta / count
        spread = spread + delta * (logits - mean)
        noise = noise + (variance - noise) / count
    if not count:
        raise ValueError("uncertainty needs one sample at least")
    return Parts((spread / count).mean(dim=1), noise.mean(dim=1))
