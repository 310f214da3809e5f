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
    """Return each slice of the *image*, in its order, as float16 (S, C, 96, 96).

    Each is normalised by itself to mean 0 and deviation 1 a channel (Ozdemir et al.).
    """
    pictures = [_small(prepared.array[:, s]) for s in range(prepared.shape[0])]
    return torch.stack(pictures).numpy()[prepared.image_slices()]


def _small(picture: torch.Tensor) -> torch.Tensor:
    small = functional.interpolate(
        picture[None], (SIDE, SIDE), mode="bilinear", align_corners=False, antialias=True
    )[0]
    mean = small.mean(dim=(1, 2), keepdim=True)
    deviation = small.std(dim=(1, 2), keepdim=True, unbiased=False)
    normalised = (small - mean) / deviation.clamp_min(LEAST_DEVIATION)
    return normalised.clamp_(-FARTHEST, FARTHEST).half()
