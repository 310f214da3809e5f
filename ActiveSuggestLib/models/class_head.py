"""A classifier of whole images over the segmentation encoder, with the noise of its logits.

The bottleneck's features, averaged over the image, go through dropout and one linear layer that
gives a logit and its log-variance for each class. It learns by Kendall and Gal's loss on as many
images of each class, and its uncertainty has the two parts of Mahapatra et al., eq. 6.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from .heteroscedastic import (
    MOST_LOG_VARIANCE,
    Output,
    kendall_gal_loss,
    uncertainty_parts,
)
from .samples import SampledDropout, own_random_numbers, sampling

DROPOUT = 0.5
STEPS = 300
BATCH = 32
DRAWS = 10
LEARNING_RATE = 1e-2
# Enough that the noise of an unusual image does not grow beyond all bounds.
WEIGHT_DECAY = 3.0
SMALLEST = 1e-6
FIRST_LOG_VARIANCE = -2.0


class ClassHead(nn.Module):
    """Logits and log-variances, (N, C) each, of images with features (N, E)."""

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(
        self, mean: torch.Tensor, deviation: torch.Tensor, classes: int, dropout: float = DROPOUT
    ) -> None:
        super().__init__()
        self.classes = classes
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.dropout = SampledDropout(dropout, 0)
        self.linear = nn.Linear(len(mean), 2 * classes)
        # Ignorant at first: all classes alike, and little noise, through which gradients still go.
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        nn.init.constant_(self.linear.bias[classes:], FIRST_LOG_VARIANCE)

    def forward(self, features: torch.Tensor) -> Output:
        """Return logits and log-variances."""
        scaled = self.dropout((features - self.mean) / self.deviation)
        logits, log_variance = self.linear(scaled).split(self.classes, dim=1)
        return logits, log_variance.clamp(-MOST_LOG_VARIANCE, MOST_LOG_VARIANCE)


@dataclass(frozen=True)
class ClassUncertainty:
    """Of N images: both parts on the logit scale (N,), and the probabilities (N, C)."""

    epistemic: np.ndarray
    aleatoric: np.ndarray
    probability: np.ndarray


def train_class_head(
    features: np.ndarray,
    target: np.ndarray,
    classes: int,
    *,
    pool: np.ndarray | None = None,
    seed: int,
    tell: Callable[[float], None] | None = None,
) -> ClassHead:
    """Return a head that tells ``target`` (N,) < ``classes`` from ``features`` (N, E), on the CPU.

    Every batch holds as many images of each class, however rare it is. The features are scaled by
    ``pool`` (M, E), all images that are known, since a handful of classified ones tell little of
    their spread; without it by themselves.
    """
    x = torch.from_numpy(np.asarray(features, np.float32))
    y = torch.from_numpy(np.asarray(target, np.uint8))
    known = x if pool is None else torch.from_numpy(np.asarray(pool, np.float32))
    deviation = known.std(dim=0, unbiased=False).clamp_min(SMALLEST)
    head = ClassHead(known.mean(dim=0), deviation, classes)
    own_random_numbers(head, seed, "cpu")
    rng = np.random.default_rng([seed, len(x)])
    noise = torch.Generator().manual_seed(seed)
    present = [np.flatnonzero(target == c) for c in np.unique(target)]
    optimiser = torch.optim.AdamW(head.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    each = -(-BATCH // len(present))
    for step in range(STEPS):
        if tell is not None:
            tell(step / STEPS)
        rows = torch.from_numpy(np.concatenate([rng.choice(p, each) for p in present]))
        logits, log_variance = head.train()(x[rows])
        loss = kendall_gal_loss(logits, log_variance, y[rows], draws=DRAWS, generator=noise)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
    return head.eval()


@torch.no_grad()
def class_uncertainty(
    head: ClassHead, features: np.ndarray, *, samples: int, seed: int = 0
) -> ClassUncertainty:
    """Return what ``samples`` dropout masks, the same for all images, say of (N, E) features."""
    x = torch.from_numpy(np.array(features, np.float32))
    outputs = []
    for t in range(samples):
        with sampling(head, [t], seed=seed):
            outputs.append(head(x))
    parts = uncertainty_parts(outputs)
    probability = torch.stack([torch.softmax(f, dim=1) for f, _ in outputs]).mean(dim=0)
    return ClassUncertainty(
        parts.epistemic.double().numpy(),
        parts.aleatoric.double().numpy(),
        probability.double().numpy(),
    )
