"""Windows over a volume, and the blending of what the network says in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from monai.data.utils import compute_importance_map, dense_patch_slices
from torch.nn import functional

from .plan import OVERLAP, PATCH_VOXELS, Plan

LARGER_WINDOW = 1.5


@dataclass(frozen=True)
class Tiling:
    """Where the windows of one slab lie; sizes are (slices, rows, columns) in voxels.

    A slab is what is blended as a whole: the volume for a 3D network, some slices for a 2D one.
    """

    shape: tuple[int, int, int]
    window: tuple[int, int, int]
    before: tuple[int, int, int]
    padded: tuple[int, int, int]
    windows: tuple[tuple[slice, ...], ...]

    @property
    def single(self) -> bool:
        """Whether one window holds the whole slab."""
        return len(self.windows) == 1

    def pad(self, array: torch.Tensor) -> torch.Tensor:
        """Return (C, S, H, W) padded with zeros, the mean of normalised images, on both sides."""
        pads: list[int] = []
        for size, before, padded in zip(self.shape, self.before, self.padded, strict=True):
            pads[:0] = [before, padded - size - before]
        return functional.pad(array, pads) if any(pads) else array

    def crop(self, array: torch.Tensor) -> torch.Tensor:
        """Return (…, S, H, W) without the padding."""
        for axis, (before, size) in enumerate(zip(self.before, self.shape, strict=True)):
            array = array.narrow(axis - 3, before, size)
        return array

    def importance(self) -> torch.Tensor:
        """Return the Gaussian weight of a window's voxels, which fades its borders."""
        axes = [a for a in range(3) if self.window[a] < self.padded[a]]
        weight = compute_importance_map(
            tuple(self.window[a] for a in axes), mode="gaussian", sigma_scale=0.125
        )
        shape = [self.window[a] if a in axes else 1 for a in range(3)]
        return torch.as_tensor(weight).float().reshape(shape).expand(self.window).contiguous()


def tile(shape: Sequence[int], plan: Plan, halvings: int = 0) -> Tiling:
    """Return the tiling of a slab of ``shape`` voxels.

    A volume that is up to half as large again as the patch is taken whole, which saves the
    overlap; ``halvings`` cut the windows for devices that ran out of memory.
    """
    window: list[int] = []
    for axis, (n, patch, divisor) in enumerate(
        zip(shape, plan.patch, plan.window_divisor, strict=True)
    ):
        # Instance norm needs more than one voxel at the bottleneck.
        least = 2 * divisor if divisor > 1 else 1
        whole = max(least, -(-n // divisor) * divisor)
        if plan.dimensions == 2 and axis == 0:
            window.append(n)
        elif halvings == 0 and n <= LARGER_WINDOW * patch:
            window.append(whole)
        else:
            cut = -(-patch // (2**halvings * divisor)) * divisor
            window.append(min(whole, max(least, cut)))
    padded = [max(n, w) for n, w in zip(shape, window, strict=True)]
    step = [
        max(1, int(w * (1 - OVERLAP))) if w < p else w for w, p in zip(window, padded, strict=True)
    ]
    windows = dense_patch_slices(padded, window, step)
    before = [(p - n) // 2 for p, n in zip(padded, shape, strict=True)]
    return Tiling(_triple(shape), _triple(window), _triple(before), _triple(padded), tuple(windows))


def slabs(shape: Sequence[int], plan: Plan, halvings: int = 0) -> list[slice]:
    """Return the slice ranges that are worked on one after another."""
    count = int(shape[0])
    if plan.dimensions == 3:
        return [slice(0, count)]
    area = int(np.prod(tile((1, *shape[1:]), plan, halvings).window[1:]))
    at_once = max(1, PATCH_VOXELS[plan.device_kind, 2] // (area * 2**halvings))
    return [slice(s, min(s + at_once, count)) for s in range(0, count, at_once)]


def window_voxels(shape: Sequence[int], plan: Plan) -> int:
    """Return how many voxels the windows over a volume hold together, overlaps counted."""
    total = 0
    for part in slabs(shape, plan):
        tiling = tile((part.stop - part.start, *shape[1:]), plan)
        total += len(tiling.windows) * int(np.prod(tiling.window))
    return total


def _triple(values: Sequence[int]) -> tuple[int, int, int]:
    first, second, third = (int(v) for v in values)
    return first, second, third
