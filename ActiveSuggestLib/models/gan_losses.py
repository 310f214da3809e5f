"""What the generator and the discriminator are trained for (Mahapatra et al. 2018, eqs. 2 to 5).

The paper's content loss NMI − VGG − MSE rewards dissimilarity, has no lower bound, and contradicts
the L1 term. So the two are kept apart: with a picture's own mask the L1 term, with an altered mask
the content loss, bounded, and the L1 term only where nothing was altered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch.nn import functional

from .gan_plan import GanPlan
from .mutual_information import normalised_mutual_information

REAL = 0.9
"""What the discriminator is to say of real pictures: never wholly sure."""

Encoder = Callable[[torch.Tensor], Sequence[torch.Tensor]]
"""From pictures (B, C, H, W) within ±1 to features of one or more scales, (B, F, …) each."""


def discriminator_loss(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    """Return −log D(real) − log(1 − D(fake)) of logits (B,), halved."""
    right = functional.binary_cross_entropy_with_logits(real, torch.full_like(real, REAL))
    wrong = functional.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
    return 0.5 * (right + wrong)


def fooling(fake: torch.Tensor) -> torch.Tensor:
    """Return −log D(fake) of logits (B,)."""
    return functional.binary_cross_entropy_with_logits(fake, torch.ones_like(fake))


def paired_loss(
    plan: GanPlan,
    fake: torch.Tensor,
    made: torch.Tensor,
    picture: torch.Tensor,
    region: torch.Tensor,
) -> torch.Tensor:
    """Return L_cGAN + 10·L1(x, G), for a picture's own mask (eq. 3).

    ``region`` (B, 1, H, W) is 1 where the picture was blanked. The mean absolute difference is
    taken there and elsewhere, and both are added: over the whole picture it would weigh the part
    that is made anew by its small area.
    """
    difference = (made - picture).abs()
    both = _mean_within(difference, region) + _mean_within(difference, 1.0 - region)
    return fooling(fake) + plan.l1_weight * both


def altered_loss(
    plan: GanPlan,
    fake: torch.Tensor,
    made: torch.Tensor,
    picture: torch.Tensor,
    region: torch.Tensor,
    encoder: Encoder,
) -> torch.Tensor:
    """Return L_cGAN + w[NMI − min(VGG, τ₁) − min(MSE, τ₂)] + 10·L1 outside the altered region.

    Bounded from below by −w(τ₁ + τ₂). ``region`` (B, 1, H, W) is 1 where the mask was altered.
    """
    kept = _mean_within((made - picture).abs(), 1.0 - region)
    content = (
        normalised_mutual_information(picture, made).mean()
        - perceptual_distance(encoder, made, picture).clamp_max(plan.most_perceptual)
        - functional.mse_loss(made, picture).clamp_max(plan.most_squared)
    )
    return fooling(fake) + plan.content_weight * content + plan.l1_weight * kept


def perceptual_distance(
    encoder: Encoder, made: torch.Tensor, picture: torch.Tensor
) -> torch.Tensor:
    """Return the mean over scales of the squared difference of features, by their variance."""
    with torch.no_grad():
        wanted = [w.detach() for w in encoder(picture)]
    each = [
        (a - b).square().mean() / b.var(unbiased=False).clamp_min(1e-6)
        for a, b in zip(encoder(made), wanted, strict=True)
    ]
    return torch.stack(each).mean()


def _mean_within(values: torch.Tensor, region: torch.Tensor) -> torch.Tensor:
    """Return the mean of (B, C, H, W) where ``region`` (B, 1, H, W) is 1; 0 where it is nowhere."""
    weight = region.expand_as(values)
    return (values * weight).sum() / weight.sum().clamp_min(1.0)
