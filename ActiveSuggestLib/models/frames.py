"""Slices of any size as square pictures within ±1, as a GAN sees them, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from ..data.labels import UNKNOWN


@dataclass(frozen=True)
class Frame:
    """How slices of (height, width) lie in pictures of ``side`` × ``side``.

    In the middle, made smaller where they do not fit, never larger and never out of proportion.
    ``reach`` holds what counts as ±1 in each channel.
    """

    height: int
    width: int
    side: int
    reach: tuple[float, ...]

    @property
    def inner(self) -> tuple[int, int]:
        """The size of the slice in the picture."""
        scale = min(1.0, self.side / max(self.height, self.width))
        return max(1, round(scale * self.height)), max(1, round(scale * self.width))

    @property
    def before(self) -> tuple[int, int]:
        """How many rows and columns of padding precede the slice."""
        rows, columns = self.inner
        return (self.side - rows) // 2, (self.side - columns) // 2

    def pictures(self, slices: torch.Tensor) -> torch.Tensor:
        """Return slices (B, C, height, width) as (B, C, side, side) within ±1.

        Around the slice its border is repeated.
        """
        small = self._resized(slices, self.inner)
        reach = slices.new_tensor(self.reach)[:, None, None]
        return functional.pad(small / reach, self._pads(), mode="replicate").clamp(-1.0, 1.0)

    def masks(self, masks: torch.Tensor) -> torch.Tensor:
        """Return masks uint8 (B, height, width) as (B, side, side); unknown around the slice."""
        small = functional.interpolate(masks[:, None].float(), self.inner, mode="nearest-exact")
        padded = functional.pad(small, self._pads(), value=float(UNKNOWN))
        return padded[:, 0].to(torch.uint8)

    def regions(self, regions: torch.Tensor) -> torch.Tensor:
        """Return bool (B, height, width) as float (B, 1, side, side), 1 where any of it is set."""
        small = functional.adaptive_max_pool2d(regions[:, None].float(), self.inner)
        return functional.pad(small, self._pads())

    def slices(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return pictures (B, C, side, side) as slices (B, C, height, width)."""
        (top, left), (rows, columns) = self.before, self.inner
        inner = pictures[..., top : top + rows, left : left + columns]
        reach = pictures.new_tensor(self.reach)[:, None, None]
        return self._resized(inner * reach, (self.height, self.width))

    def _pads(self) -> tuple[int, int, int, int]:
        (top, left), (rows, columns) = self.before, self.inner
        return left, self.side - columns - left, top, self.side - rows - top

    @staticmethod
    def _resized(slices: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        if tuple(slices.shape[2:]) == size:
            return slices
        return functional.interpolate(
            slices, size, mode="bilinear", align_corners=False, antialias=True
        )


def reach_of(slices: list[np.ndarray]) -> tuple[float, ...]:
    """Return, for each channel of slices (C, H, W), what nearly all of their values lie within."""
    channels = len(slices[0])
    largest = [
        max(float(np.quantile(np.abs(s[c]), 0.999)) for s in slices) for c in range(channels)
    ]
    # A little more: at ±1 itself a hyperbolic tangent never arrives.
    return tuple(max(1e-3, 1.1 * value) for value in largest)
