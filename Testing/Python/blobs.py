"""A tiny pool that a tiny network can learn: bright balls in noise, two segments."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk

SEGMENTS = "ball,core"
SETTINGS = {
    "features": [4, 8, 8],
    "samples": 4,
    "autoencoder_steps": 3,
    "ensemble_steps": 3,
    "bayesian_steps": 3,
    "synthetic_steps": 3,
}


def blob(seed: int, shape: tuple[int, int, int] = (16, 18, 20)) -> tuple[np.ndarray, np.ndarray]:
    """Return an image float32 and its label uint8, (z, y, x)."""
    rng = np.random.default_rng(seed)
    centre = [rng.uniform(n * 0.35, n * 0.65) for n in shape]
    radius = rng.uniform(3.5, 6.0)
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"))
    distance = np.sqrt(sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True)))
    label = (distance < radius).astype(np.uint8) + (distance < radius / 2).astype(np.uint8)
    image = label * 2.0 + rng.normal(scale=0.4, size=shape)
    return image.astype(np.float32), label


def write(array: np.ndarray, path: Path, spacing: tuple[float, float, float] = (1, 1, 1)) -> Path:
    """Write an array (z, y, x) as an image file."""
    image = sitk.GetImageFromArray(array)
    image.SetSpacing([float(s) for s in spacing])
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(image, str(path))
    return path


def write_pool(
    folder: Path,
    count: int = 8,
    *,
    visits: int = 1,
    spacing: tuple[float, float, float] = (1, 1, 1),
) -> Path:
    """Write ``images/`` and ``labels/`` of ``count`` volumes; every ``visits`` are one patient.

    Volumes are called ``pN_vM``: patient N, visit M.
    """
    for index in range(count):
        name = f"p{index // visits:02d}_v{index % visits}.nii.gz"
        image, label = blob(index)
        write(image, folder / "images" / name, spacing)
        write(label, folder / "labels" / name, spacing)
    return folder
