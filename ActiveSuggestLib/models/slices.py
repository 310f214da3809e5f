"""The slices of a prepared volume as small pictures of one size, for the autoencoders."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from .preparing import Prepared

SIDE = 96
FARTHEST = 5.0
# A prepared volume has a deviation of 1. An empty slice has next to none: its noise must not be
# blown up to the contrast of anatomy.
LEAST_DEVIATION = 0.05


def small_slices(prepared: Prepared) -> np.ndarray:
    """Return each slice of the *image*, in its order, as float16 (S, C, 96, 96)."""
    pictures = [shrink(prepared.array[:, s][None])[0].half() for s in range(prepared.shape[0])]
    return torch.stack(pictures).numpy()[prepared.image_slices()]


def shrink(pictures: torch.Tensor) -> torch.Tensor:
    """Return pictures (S, C, H, W) as (S, C, 96, 96), each channel of each normalised by itself.

    Mean 0 and deviation 1, as Ozdemir et al.; differentiable.
    """
    small = functional.interpolate(
        pictures, (SIDE, SIDE), mode="bilinear", align_corners=False, antialias=True
    )
    mean = small.mean(dim=(2, 3), keepdim=True)
    deviation = (small - mean).square().mean(dim=(2, 3), keepdim=True).clamp_min(1e-12).sqrt()
    normalised = (small - mean) / deviation.clamp_min(LEAST_DEVIATION)
    return normalised.clamp(-FARTHEST, FARTHEST)
