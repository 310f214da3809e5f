"""The plan: what the models do with a pool on a device, chosen from both and said in words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch

from ..data.geometry import Geometry
from .device import Device
from .networks import Architecture, pass_flops
from .orientation import orientation_of

DEFAULT_SAMPLES = 20
DROPOUT = 0.5
ANISOTROPY_FOR_2D = 3.0
FEWEST_SLICES_FOR_3D = 8
OVERLAP = 0.25
SECONDS_A_VOLUME = {"cpu": 60.0, "gpu": 20.0}
# Measured small 3D convolutions: 45e9 on a current core. Half of it leaves room for older ones.
FLOPS_A_SECOND = {"cpu": 20e9, "gpu": 20e12}
CHANNELS = {"cpu": (16, 32, 64, 128), "gpu": (32, 64, 128, 256, 320, 320)}
PATCH_VOXELS = {
    ("cpu", 3): 131_072,
    ("cpu", 2): 65_536,
    ("gpu", 3): 2_097_152,
    ("gpu", 2): 262_144,
}
# Activations and their gradients of a network that begins with 16 channels.
BYTES_A_TRAINED_VOXEL = 1_200
MEMORY_SHARE = 0.5
SMALLEST_AXIS = 4
LARGEST_COARSENING = 6.0
# A 2D network on a CPU sees whole slices if they are made at most this much coarser: pieces of a
# slice would cost as much time and lack the surroundings.
LARGEST_COARSENING_FOR_WHOLE_SLICES = 2.5
SECONDS_A_STEP = 0.35
MOST_A_BATCH = {2: 8, 3: 2}


@dataclass(frozen=True)
class Normalisation:
    """``volume``: each volume by its own percentiles, mean and deviation; ``fixed``: given ones.

    ``fixed`` is for CT, where a value means the same tissue in every volume (Hounsfield units).
    """

    scheme: str
    low: float = 0.5
    high: float = 99.5
    mean: float = 0.0
    std: float = 1.0
    nonzero: bool = False


@dataclass(frozen=True)
class Fingerprint:
    """What a pool looks like, axes as (slice, row, column); spacing in mm, size in voxels."""

    cases: int
    channels: int
    modality: str
    spacing: tuple[float, float, float]
    size: tuple[int, int, int]
    low: float
    high: float
    mean: float
    std: float
    nonzero_fraction: float


def fingerprint(
    geometries: Sequence[Geometry],
    intensities: Sequence[dict[str, Any]],
    *,
    channels: int,
    modality: str,
    plane: str,
) -> Fingerprint:
    """Summarise a pool by medians over its volumes."""
    spacings, sizes = [], []
    for geometry in geometries:
        axes = list(orientation_of(geometry, plane).axes)
        spacings.append(np.asarray(geometry.array_spacing, dtype=float)[axes])
        sizes.append(np.asarray(geometry.shape)[axes])

    def median(name: str, default: float) -> float:
        values = [float(i[name]) for i in intensities if i.get(name) is not None]
        return float(np.median(values)) if values else default

    spacing = np.median(spacings, axis=0)
    size = np.round(np.median(sizes, axis=0)).astype(int)
    return Fingerprint(
        cases=len(geometries),
        channels=channels,
        modality=modality,
        spacing=(float(spacing[0]), float(spacing[1]), float(spacing[2])),
        size=(int(size[0]), int(size[1]), int(size[2])),
        low=median("p005", -1000.0),
        high=median("p995", 1000.0),
        mean=median("mean", 0.0),
        std=median("std", 1.0),
        nonzero_fraction=median("nonzero", 1.0),
    )


@dataclass(frozen=True)
class Plan:
    """All choices that decide what a network is and what it sees.

    ``spacing`` (mm) and ``patch`` (voxels) are (slice, row, column); a 2D plan's patch has one
    slice. ``hash`` identifies everything but the words.
    """

    plane: str
    dimensions: int
    channels: int
    classes: int
    spacing: tuple[float, float, float]
    patch: tuple[int, int, int]
    features: tuple[int, ...]
    strides: tuple[tuple[int, ...], ...]
    dropout: float
    normalisation: Normalisation
    batch: int
    samples: int
    device_kind: str
    reasons: tuple[str, ...] = field(default=())

    @property
    def architecture(self) -> Architecture:
        """What the network is made from."""
        return Architecture(
            self.dimensions, self.channels, self.classes, self.features, self.strides, self.dropout
        )

    @property
    def hash(self) -> str:
        """The identity of the plan, 12 hexadecimal digits."""
        content = self.to_dict()
        del content["reasons"]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def memory_format(self) -> torch.memory_format:
        """The layout in which a GPU convolves fastest."""
        return torch.channels_last_3d if self.dimensions == 3 else torch.channels_last

    @property
    def window_divisor(self) -> tuple[int, int, int]:
        """The multiple that each axis of a window must be."""
        divisor = self.architecture.divisor
        return (1, divisor[0], divisor[1]) if self.dimensions == 2 else divisor  # type: ignore[return-value]

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-able form."""
        return json.loads(json.dumps(asdict(self)))

    @classmethod
    def from_dict(cls, form: dict[str, Any]) -> Plan:
        """Rebuild a plan from ``to_dict``; what is no part of it is left out."""
        known = {name: form[name] for name in cls.__dataclass_fields__}
        return cls(
            **{
                **known,
                "spacing": tuple(form["spacing"]),
                "patch": tuple(form["patch"]),
                "features": tuple(form["features"]),
                "strides": tuple(tuple(s) for s in form["strides"]),
                "normalisation": Normalisation(**form["normalisation"]),
                "reasons": tuple(form["reasons"]),
            }
        )


def make_plan(
    pool: Fingerprint,
    device: Device,
    *,
    classes: int,
    plane: str,
    samples: int = DEFAULT_SAMPLES,
    dropout: float = DROPOUT,
    seconds_a_volume: float | None = None,
    dimensions: int | None = None,
    features: Sequence[int] | None = None,
) -> Plan:
    """Choose spacing, 2D or 3D, patch and network so that a person can wait for the result.

    ``classes`` counts the background. ``seconds_a_volume`` bounds the scoring of a volume of
    median size with ``samples`` Monte-Carlo samples; ``features`` overrides the channel counts.
    """
    kind = "cpu" if device.is_cpu else "gpu"
    budget = seconds_a_volume or SECONDS_A_VOLUME[kind]
    reasons: list[str] = []
    draft = Plan(
        plane=plane,
        dimensions=3,
        channels=pool.channels,
        classes=classes,
        spacing=pool.spacing,
        patch=pool.size,
        features=tuple(features or CHANNELS[kind]),
        strides=(),
        dropout=dropout,
        normalisation=_normalisation(pool, reasons),
        batch=2,
        samples=samples,
        device_kind=kind,
    )
    spacing = np.asarray(pool.spacing)
    while True:
        size = _resampled_size(pool, spacing)
        plan = _fit(draft, spacing, size, dimensions, device)
        seconds = scoring_seconds(plan, size, device)
        in_time = seconds <= budget
        if in_time and not _slices_too_large(plan, size, pool):
            break
        coarser = _coarser(spacing, size, pool)
        if coarser is None and in_time:
            break
        if coarser is None:
            reasons.append(
                f"Scoring a volume takes about {seconds:.0f} s on this device, more than the "
                f"{budget:.0f} s aimed at; coarser voxels would lose the anatomy."
            )
            break
        spacing = coarser
    reasons[:0] = _words(pool, plan, size, seconds, device)
    plan = replace(plan, batch=_batch(plan, device), reasons=())
    return replace(plan, reasons=tuple(reasons))


def bytes_a_voxel(features: Sequence[int]) -> float:
    """Return about how many bytes training takes for each voxel of a patch."""
    return BYTES_A_TRAINED_VOXEL * features[0] / 16


def scoring_seconds(plan: Plan, size: Sequence[int], device: Device) -> float:
    """Estimate the seconds of scoring a volume of ``size`` voxels with all samples."""
    window = plan.patch[1:] if plan.dimensions == 2 else plan.patch
    encode, decode = pass_flops(plan.architecture, window)
    strides = [max(1.0, p * (1 - OVERLAP)) for p in plan.patch]
    windows = 1.0
    for axis, (n, p, s) in enumerate(zip(size, plan.patch, strides, strict=True)):
        along_slices = plan.dimensions == 2 and axis == 0
        windows *= n if along_slices else max(1.0, (n - p) / s + 1)
    # The encoder runs once for every few samples of a volume with several windows.
    encodings = 1.0 if windows <= 1 else max(1.0, plan.samples / 4)
    kind = "cpu" if device.is_cpu else "gpu"
    rate = FLOPS_A_SECOND[kind] * (device.threads if device.is_cpu else 1)
    return windows * (encode * encodings + decode * plan.samples) / rate


def _normalisation(pool: Fingerprint, reasons: list[str]) -> Normalisation:
    if pool.modality == "CT":
        reasons.append(
            f"Intensities are Hounsfield units: clipped to {pool.low:.0f} … {pool.high:.0f} and "
            "scaled alike in all volumes."
        )
        return Normalisation("fixed", pool.low, pool.high, pool.mean, max(pool.std, 1e-6))
    nonzero = pool.nonzero_fraction < 0.5
    reasons.append(
        "Intensities are scaled volume by volume (clipped at the 0.5 and 99.5 percentiles, then "
        f"zero mean and unit deviation{' of the non-zero voxels' if nonzero else ''})."
    )
    return Normalisation("volume", nonzero=nonzero)


def _resampled_size(pool: Fingerprint, spacing: np.ndarray) -> tuple[int, int, int]:
    size = np.maximum(1, np.round(np.asarray(pool.size) * np.asarray(pool.spacing) / spacing))
    return int(size[0]), int(size[1]), int(size[2])


def _slices_too_large(plan: Plan, size: Sequence[int], pool: Fingerprint) -> bool:
    """Whether a CPU's 2D patches should cover whole slices and do not yet."""
    if plan.device_kind != "cpu" or plan.dimensions != 2:
        return False
    if max(np.asarray(plan.spacing) / pool.spacing) >= LARGEST_COARSENING_FOR_WHOLE_SLICES:
        return False
    return any(n > p for n, p in zip(size[1:], plan.patch[1:], strict=True))


def _coarser(spacing: np.ndarray, size: Sequence[int], pool: Fingerprint) -> np.ndarray | None:
    """Return the spacing with its finest axis made coarser, or ``None`` at the limit."""
    allowed = [
        axis
        for axis in range(3)
        if size[axis] > 32 and spacing[axis] < LARGEST_COARSENING * pool.spacing[axis]
    ]
    if not allowed:
        return None
    finest = min(spacing[a] for a in allowed)
    return np.array(
        [s * 1.125 if a in allowed and s < finest * 1.05 else s for a, s in enumerate(spacing)]
    )


def _fit(
    draft: Plan,
    spacing: np.ndarray,
    size: tuple[int, int, int],
    dimensions: int | None,
    device: Device,
) -> Plan:
    """Return the plan with 2D or 3D, levels, strides and patch for this spacing and size."""
    in_plane = float(min(spacing[1:]))
    flat = size[0] < FEWEST_SLICES_FOR_3D or spacing[0] / in_plane >= ANISOTROPY_FOR_2D
    dims = dimensions or (2 if flat else 3)
    axes = range(3 - dims, 3)
    extent = [size[a] for a in axes]
    # One patch must fit with room to spare, whatever the batch.
    fits = int(MEMORY_SHARE * device.free_memory / bytes_a_voxel(draft.features))
    patch = _patch(extent, min(PATCH_VOXELS[draft.device_kind, dims], fits))
    strides = _strides(patch, [float(spacing[a]) for a in axes], len(draft.features) - 1)
    divisor = np.prod(np.asarray(strides), axis=0) if strides else np.ones(dims, int)
    patch = [int(-(-p // d) * d) for p, d in zip(patch, divisor, strict=True)]
    full = (1, *patch) if dims == 2 else tuple(patch)
    return replace(
        draft,
        dimensions=dims,
        spacing=(float(spacing[0]), float(spacing[1]), float(spacing[2])),
        patch=(full[0], full[1], full[2]),
        features=draft.features[: len(strides) + 1],
        strides=tuple(strides),
    )


def _patch(extent: Sequence[int], voxels: int) -> list[int]:
    """Return the largest patch with at most ``voxels`` voxels, cutting the longest axes first."""
    patch = [max(SMALLEST_AXIS, int(e)) for e in extent]
    while np.prod(patch) > voxels and max(patch) > SMALLEST_AXIS:
        longest = int(np.argmax(patch))
        patch[longest] = max(SMALLEST_AXIS, min(patch[longest] - 1, int(patch[longest] * 0.97)))
    return patch


def _strides(patch: Sequence[int], spacing: Sequence[float], levels: int) -> list[tuple[int, ...]]:
    """Halve an axis a level while it is long enough and not coarser than twice the finest."""
    size, grid = np.asarray(patch, float), np.asarray(spacing, float)
    strides: list[tuple[int, ...]] = []
    for _ in range(levels):
        halve = (size / 2 >= SMALLEST_AXIS) & (grid <= 2.0 * grid.min())
        if not halve.any():
            break
        stride = np.where(halve, 2, 1)
        strides.append(tuple(int(s) for s in stride))
        size, grid = size / stride, grid * stride
    return strides or [tuple(1 for _ in patch)]


def _batch(plan: Plan, device: Device) -> int:
    """Return how many patches fit in memory and, on a CPU, in ``SECONDS_A_STEP``."""
    voxels = float(np.prod(plan.patch))
    fits = int(MEMORY_SHARE * device.free_memory / (bytes_a_voxel(plan.features) * voxels))
    if device.is_cpu:
        window = plan.patch[1:] if plan.dimensions == 2 else plan.patch
        # The way back costs twice the way forth.
        flops = 3 * sum(pass_flops(plan.architecture, window))
        fits = min(fits, round(SECONDS_A_STEP * FLOPS_A_SECOND["cpu"] * device.threads / flops))
    return int(np.clip(fits, 1, MOST_A_BATCH[plan.dimensions]))


def _words(
    pool: Fingerprint, plan: Plan, size: Sequence[int], seconds: float, device: Device
) -> list[str]:
    def product(values: Sequence[float], digits: int = 0) -> str:
        return " × ".join(f"{v:.{digits}f}" for v in values)

    first = (
        f"{pool.cases} volumes of about {product(pool.size)} voxels "
        f"({product(pool.spacing, 2)} mm; slice × row × column, {plan.plane} slices)."
    )
    if plan.dimensions == 2 and pool.size[0] == 1:
        shape = "They are single pictures, so a 2D network is used."
    elif plan.dimensions == 2:
        shape = (
            f"Slices are {plan.spacing[0] / min(plan.spacing[1:]):.1f} times as thick as pixels "
            f"are wide ({size[0]} slices), so a 2D network works slice by slice."
        )
    else:
        shape = "Voxels are close enough to cubes for a 3D network."
    words = [first, shape]
    coarser = np.asarray(plan.spacing) / np.asarray(pool.spacing)
    if (coarser > 1.01).any():
        words.append(
            f"Traded: volumes are resampled to {product(plan.spacing, 2)} mm "
            f"({product(size)} voxels) so that training is quick and scoring one takes about "
            f"{max(seconds, 0.1):.1f} s here; "
            "detail finer than that is not seen by the network. Labels keep full resolution."
        )
    else:
        words.append("Volumes keep their resolution.")
    patch = plan.patch[1:] if plan.dimensions == 2 else plan.patch
    words.append(
        f"Network: residual U-Net with {len(plan.features)} levels of {plan.features[0]} to "
        f"{plan.features[-1]} channels on patches of {product(patch)}, "
        f"chosen for {device.description}; {plan.samples} Monte-Carlo samples take about "
        f"{max(seconds, 0.1):.1f} s a volume."
    )
    return words
