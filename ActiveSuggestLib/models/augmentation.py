"""Small changes of posture and contrast that a network should not mind.

Nothing is mirrored: left and right, and head and foot, are different anatomy.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from monai.transforms import (
    Compose,
    RandAdjustContrastd,
    RandAffined,
    RandGaussianNoised,
    RandScaleIntensityd,
    RandShiftIntensityd,
)

from ..data.labels import UNKNOWN

_ROTATION = math.radians(12.0)
_SCALE = 0.15
_SHIFT = 0.08


class Augmentation:
    """MONAI's random transforms of an image and its label together."""

    def __init__(self, dimensions: int, patch: tuple[int, ...]) -> None:
        rotation = (_ROTATION,) * (1 if dimensions == 2 else 3)
        self._transform = Compose(
            [
                RandAffined(
                    keys=("image", "label"),
                    prob=0.8,
                    rotate_range=rotation,
                    scale_range=(_SCALE,) * dimensions,
                    translate_range=tuple(_SHIFT * n for n in patch),
                    mode=("bilinear", "nearest"),
                    padding_mode="zeros",
                    cache_grid=True,
                    spatial_size=patch,
                ),
                RandScaleIntensityd("image", factors=0.2, prob=0.5, channel_wise=True),
                RandShiftIntensityd("image", offsets=0.2, prob=0.5, channel_wise=True),
                RandAdjustContrastd("image", gamma=(0.75, 1.5), prob=0.2),
                RandGaussianNoised("image", prob=0.2, std=0.1),
            ]
        )

    def apply(
        self, image: np.ndarray, label: np.ndarray, rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return a changed image float32 (C, *patch) and label uint8 (*patch)."""
        self._transform.set_random_state(seed=int(rng.integers(2**31)))
        # What is turned in from outside the patch gets the value zero: made "unknown" by a shift.
        known = np.where(label == UNKNOWN, 0, label.astype(np.float32) + 1.0)
        pair = self._transform(
            {"image": torch.from_numpy(image), "label": torch.from_numpy(known[None])}
        )
        shifted = _plain(pair["label"])[0]
        target = torch.where(shifted < 0.5, float(UNKNOWN), shifted - 1.0)
        return _plain(pair["image"]).float(), target.round().to(torch.uint8)


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.as_tensor() if hasattr(tensor, "as_tensor") else tensor
