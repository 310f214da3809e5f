"""Small changes of posture and contrast that a network should not mind.

Nothing is mirrored: left and right, and head and foot, are different anatomy. The changes are
those of MONAI's ``RandAffine``, ``RandScaleIntensity``, ``RandShiftIntensity``,
``RandAdjustContrast`` and ``RandGaussianNoise``, made for a whole batch at once: picture by picture
MONAI's bookkeeping takes as long as the training of a 2D network on a CPU.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from monai.transforms.utils import create_rotate
from torch.nn import functional

from ..data.labels import UNKNOWN

_ROTATION = math.radians(12.0)
_SCALE = 0.15
_SHIFT = 0.08
_INTENSITY = 0.2
_GAMMA = (0.75, 1.5)
_NOISE = 0.1

P_AFFINE = 0.8
P_INTENSITY = 0.5
P_GAMMA = 0.2
P_NOISE = 0.2


@dataclass(frozen=True)
class Changes:
    """What is done to B pictures of C channels with d axes; what is left alone has no entry.

    ``affine`` maps a picture's index to its (d, d + 1) matrix, which takes an output voxel to the
    input voxel that it shows, both counted from the patch's centre. Then each channel is multiplied
    by ``factor`` and shifted by ``offset``, both (B, C); a picture's own range is bent by the
    exponent ``gamma`` and ``noise`` (C, *patch) is added.
    """

    affine: dict[int, np.ndarray]
    factor: np.ndarray
    offset: np.ndarray
    gamma: dict[int, float]
    noise: dict[int, np.ndarray]


def draw_changes(
    rng: np.random.Generator, pictures: int, channels: int, patch: tuple[int, ...]
) -> Changes:
    """Draw the changes of a batch; ``patch`` is (z, y, x) or (y, x) in voxels.

    Rotations are uniform within ±12° about each axis, scales within ±15 %, shifts within ±8 % of
    the patch, with probability 0.8; factors 0.8…1.2 and offsets ±0.2 of each channel with
    probability 0.5 each; exponents 0.75…1.5 and noise of a deviation up to 0.1 with 0.2 each.
    """
    affine = {i: _affine(rng, patch) for i in _some(rng, pictures, P_AFFINE)}
    factor, offset = np.ones((pictures, channels)), np.zeros((pictures, channels))
    for i in _some(rng, pictures, P_INTENSITY):
        factor[i] += rng.uniform(-_INTENSITY, _INTENSITY, channels)
    for i in _some(rng, pictures, P_INTENSITY):
        offset[i] = rng.uniform(-_INTENSITY, _INTENSITY, channels)
    gamma = {i: float(rng.uniform(*_GAMMA)) for i in _some(rng, pictures, P_GAMMA)}
    noise = {
        i: np.float32(rng.uniform(0.0, _NOISE))
        * rng.standard_normal((channels, *patch), dtype=np.float32)
        for i in _some(rng, pictures, P_NOISE)
    }
    return Changes(affine, factor, offset, gamma, noise)


def changed(
    images: torch.Tensor, labels: torch.Tensor, changes: Changes
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return float32 (B, C, *patch) and uint8 (B, *patch) with the changes made.

    An image is interpolated linearly and zero beyond its patch; a label takes the nearest voxel
    and is unknown beyond.
    """
    images, labels = images.clone(), labels.clone()
    moved = sorted(changes.affine)
    if moved:
        grid = _sampling_grid(np.stack([changes.affine[i] for i in moved]), images.shape[2:])
        images[moved] = functional.grid_sample(images[moved], grid, align_corners=False)
        labels[moved] = _nearest(labels[moved], grid)
    per_channel = (*changes.factor.shape, *(1 for _ in images.shape[2:]))
    images *= torch.from_numpy(changes.factor.astype(np.float32)).view(per_channel)
    images += torch.from_numpy(changes.offset.astype(np.float32)).view(per_channel)
    for i, gamma in changes.gamma.items():
        low, high = images[i].aminmax()
        spread = high - low
        images[i] = ((images[i] - low) / (spread + 1e-7)) ** gamma * spread + low
    for i, noise in changes.noise.items():
        images[i] += torch.from_numpy(noise)
    return images, labels


def _some(rng: np.random.Generator, pictures: int, probability: float) -> list[int]:
    return np.flatnonzero(rng.random(pictures) < probability).tolist()


def _affine(rng: np.random.Generator, patch: tuple[int, ...]) -> np.ndarray:
    """Return rotation · shift · scale, in the order of MONAI's ``AffineGrid``."""
    axes = len(patch)
    angles = rng.uniform(-_ROTATION, _ROTATION, 1 if axes == 2 else 3)
    shift = rng.uniform(-_SHIFT, _SHIFT, axes) * patch
    scale = rng.uniform(1.0 - _SCALE, 1.0 + _SCALE, axes)
    rotation = np.asarray(create_rotate(axes, tuple(angles)))[:axes, :axes]
    return np.column_stack([rotation * scale, rotation @ shift])


def _sampling_grid(affine: np.ndarray, patch: torch.Size) -> torch.Tensor:
    """Return where ``grid_sample`` looks for each voxel, (B, *patch, d) with x first.

    It counts from -1 to 1 between the outer edges of the patch, so voxel v from the centre of an
    axis of n is at 2 v / n. A sum of one vector an axis: ``affine_grid`` multiplies a matrix by
    every voxel, which takes several times as long.
    """
    axes = len(patch)
    matrix = torch.from_numpy(affine.astype(np.float32))
    grid = torch.empty(len(affine), *patch, axes)
    for seen, length in enumerate(patch):
        where: torch.Tensor = matrix[:, seen, axes].view(-1, *(1 for _ in patch))
        for axis, n in enumerate(patch):
            voxels = torch.arange(n) - (n - 1) / 2
            along = [-1 if a == axis else 1 for a in range(axes)]
            where = where + (matrix[:, seen, axis, None] * voxels).view(len(affine), *along)
        grid[..., axes - 1 - seen] = where * (2.0 / length)
    return grid


def _nearest(labels: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
    # What lies beyond gets the value zero: "unknown", when every label is one higher meanwhile.
    known = torch.where(labels == UNKNOWN, 0.0, labels + 1.0)
    found = functional.grid_sample(known[:, None], grid, mode="nearest", align_corners=False)[:, 0]
    return torch.where(found < 0.5, float(UNKNOWN), found - 1.0).to(torch.uint8)
