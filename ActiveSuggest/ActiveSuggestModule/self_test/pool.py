"""A pool that a tiny network learns in seconds: bright balls with a core, in noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

SEGMENTS: list[dict[str, Any]] = [
    {"name": "ball", "color": [0.9, 0.5, 0.3], "terminology": "", "value": 1},
    {"name": "core", "color": [0.3, 0.6, 0.9], "terminology": "", "value": 2},
]
SETTINGS = {"features": [4, 8, 8], "samples": 4, "autoencoder_steps": 3}
SHAPE = (16, 18, 20)
SPACING = (1.0, 1.5, 2.0)
"""x, y, z in mm: unequal, so that a mix-up of axes is seen."""


def ball(seed: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return an image and its label, both (z, y, x)."""
    rng = np.random.default_rng(seed)
    centre = [rng.uniform(n * 0.35, n * 0.65) for n in SHAPE]
    radius = rng.uniform(3.5, 5.5)
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"))
    distance = np.sqrt(sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True)))
    label = (distance < radius).astype(np.uint8) + (distance < radius / 2).astype(np.uint8)
    image = label * 2.0 + rng.normal(scale=0.4, size=SHAPE)
    return image.astype(np.float32), label


def write_pool(folder: Path, count: int, labelled: int) -> tuple[Path, Path]:
    """Write ``count`` images, and labels of the first ``labelled``; return both folders."""
    images, labels = folder / "images", folder / "labels"
    for place in (images, labels):
        place.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        image, label = ball(index)
        _write(image, images / f"case-{index:02d}.nii.gz")
        if index < labelled:
            _write(label, labels / f"case-{index:02d}.nii.gz")
    return images, labels


def _write(array: NDArray[np.generic], path: Path) -> None:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(SPACING)
    sitk.WriteImage(image, str(path))
