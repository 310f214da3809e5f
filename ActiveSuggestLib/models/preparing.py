"""From an image to what the network sees, and back to the image's own grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from ..data.geometry import Geometry
from ..data.images import Image
from ..data.labels import UNKNOWN
from .orientation import Orientation, orientation_of
from .plan import Normalisation, Plan

PERCENTILE_VOXELS = 1_000_000
SPACING_TOLERANCE = 0.02


@dataclass(frozen=True)
class Prepared:
    """A volume as the network sees it: float32 (C, S, H, W), slices of the plan's plane first."""

    array: torch.Tensor
    orientation: Orientation
    oriented_shape: tuple[int, int, int]

    @property
    def shape(self) -> tuple[int, int, int]:
        """The size in voxels, (S, H, W)."""
        s, h, w = self.array.shape[1:]
        return int(s), int(h), int(w)

    def image_slices(self) -> np.ndarray:
        """Return, for each slice of the *image* along the plane, the prepared slice it lies in."""
        count = self.oriented_shape[0]
        oriented = (np.arange(count) + 0.5) * self.shape[0] / count
        prepared = np.minimum(oriented.astype(int), self.shape[0] - 1)
        return prepared[np.argsort(self.orientation.slice_indices(count))]


def prepare(image: Image, plan: Plan) -> Prepared:
    """Return ``image`` oriented, resampled to the plan's spacing and normalised."""
    orientation = orientation_of(image.geometry, plan.plane)
    array = np.ascontiguousarray(orientation.apply(image.array), dtype=np.float32)
    shape = array.shape[1:]
    target = prepared_shape(image.geometry, plan)
    normalised = np.stack([normalise(c, plan.normalisation) for c in array])
    tensor = resample(torch.from_numpy(normalised), target)
    return Prepared(tensor, orientation, (shape[0], shape[1], shape[2]))


def prepare_label(label: np.ndarray, geometry: Geometry, plan: Plan) -> torch.Tensor:
    """Return class indices, uint8 (S, H, W), of a label (z, y, x) on the prepared grid.

    ``UNKNOWN`` stays unknown. Where the prepared grid is coarser, a voxel is known if any part of
    it is, and its class is that of the known part: a single labelled slice must not fall between
    two prepared ones.
    """
    oriented = np.ascontiguousarray(orientation_of(geometry, plan.plane).apply(label))
    target = prepared_shape(geometry, plan)
    if oriented.shape == target:
        return torch.from_numpy(oriented)
    known = torch.from_numpy((oriented != UNKNOWN).astype(np.float32))[None, None]
    down = [min(n, t) for n, t in zip(oriented.shape, target, strict=True)]
    known = functional.adaptive_max_pool3d(known, down)
    known = functional.interpolate(known, target, mode="nearest-exact")[0, 0] > 0.5
    best = torch.full(target, -1.0)
    result = torch.zeros(target, dtype=torch.uint8)
    for value in np.unique(oriented[oriented != UNKNOWN]):
        share = resample(torch.from_numpy((oriented == value).astype(np.float32))[None], target)[0]
        better = share > best
        result[better] = int(value)
        best = torch.where(better, share, best)
    result[~known] = UNKNOWN
    return result


def prepared_shape(geometry: Geometry, plan: Plan) -> tuple[int, int, int]:
    """Return the (S, H, W) of an image on the plan's grid."""
    axes = list(orientation_of(geometry, plan.plane).axes)
    shape = np.asarray(geometry.shape)[axes]
    spacing = np.asarray(geometry.array_spacing)[axes]
    ratio = spacing / np.asarray(plan.spacing)
    ratio[np.abs(ratio - 1) < SPACING_TOLERANCE] = 1.0
    if plan.dimensions == 2:
        ratio[0] = 1.0  # A 2D network sees slices as they are; their distance does not matter.
    target = np.maximum(1, np.round(shape * ratio)).astype(int)
    return int(target[0]), int(target[1]), int(target[2])


def resample(array: torch.Tensor, target: tuple[int, int, int]) -> torch.Tensor:
    """Return (C, S, H, W) on another grid over the same box: averaged down, interpolated up."""
    if tuple(array.shape[1:]) == tuple(target):
        return array
    down = [min(n, t) for n, t in zip(array.shape[1:], target, strict=True)]
    if tuple(down) != tuple(array.shape[1:]):
        array = functional.interpolate(array[None], down, mode="area")[0]
    if tuple(down) != tuple(target):
        array = functional.interpolate(array[None], target, mode="trilinear", align_corners=False)[
            0
        ]
    return array


def restore(maps: torch.Tensor, prepared: Prepared) -> np.ndarray:
    """Return float maps (C, S, H, W) on the image's own grid, (C, z, y, x)."""
    whole = resample(maps.float(), prepared.oriented_shape).numpy()
    return np.ascontiguousarray(prepared.orientation.invert(whole))


def restore_labels(probability: torch.Tensor, prepared: Prepared) -> np.ndarray:
    """Return the most probable class, uint8 (z, y, x), of probabilities (C, S, H, W).

    Class by class, so that a full-size volume never holds all its probabilities at once.
    """
    best: torch.Tensor | None = None
    result = torch.zeros(prepared.oriented_shape, dtype=torch.uint8)
    for value, channel in enumerate(probability):
        whole = resample(channel[None].float(), prepared.oriented_shape)[0]
        if best is None:
            best = whole.clone()
            continue
        better = whole > best
        result[better] = value
        best[better] = whole[better]
    return np.ascontiguousarray(prepared.orientation.invert(result.numpy()))


def normalise(channel: np.ndarray, scheme: Normalisation) -> np.ndarray:
    """Return one channel scaled by ``scheme``, float32, the shape kept."""
    if scheme.scheme == "fixed":
        clipped = np.clip(channel, scheme.low, scheme.high)
        return ((clipped - scheme.mean) / scheme.std).astype(np.float32)
    flat = channel.reshape(-1)
    sample = flat[:: max(1, len(flat) // PERCENTILE_VOXELS)]
    if scheme.nonzero and (sample != 0).any():
        sample = sample[sample != 0]
    low, high = np.percentile(sample, [scheme.low, scheme.high])
    clipped = np.clip(channel, low, high)
    sample = np.clip(sample, low, high)
    spread = max(float(sample.std()), 1e-6 * max(1.0, abs(float(high))))
    scaled = (clipped - float(sample.mean())) / spread
    if scheme.nonzero:
        scaled[channel == 0] = 0.0
    return scaled.astype(np.float32)
