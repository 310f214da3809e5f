"""Small pools and projects for the tests of saving, claiming and recovering."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from ActiveSuggestLib.data.project import Project, create_project

REPOSITORY = Path(__file__).resolve().parents[3]
SHAPE = (6, 8, 10)
"""(z, y, x) of the images: six axial slices."""


def write_image(path: Path, seed: int = 0, shape: tuple[int, int, int] = SHAPE) -> Path:
    """Write an image of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    voxels = np.random.default_rng(seed).normal(100, 20, shape).astype(np.float32)
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing((1.0, 1.0, 1.2))
    sitk.WriteImage(image, str(path))
    return path


def write_images(folder: Path, names: Iterable[str]) -> Path:
    """Write one image a name and return the folder."""
    for seed, name in enumerate(names):
        write_image(folder / f"{name}.nii.gz", seed)
    return folder


def a_project(folder: Path, count: int = 3, **options: Any) -> Project:
    """Make a project of ``count`` cases c0, c1, … with two segments."""
    images = write_images(folder / "images", [f"c{i}" for i in range(count)])
    options = {"segments": "liver,tumour", "plane": "axial"} | options
    return create_project(folder / "project", images, **options)


def a_mask(number: int = 1, shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    """Return a mask that no other number (below 2**20) gives: the number's bits as voxels."""
    mask = np.zeros(shape, np.uint8)
    bits = mask.reshape(shape[0], -1)[:, :20]
    bits[:] = [(number >> bit) % 2 + 1 for bit in range(20)]
    return mask


def number_of(mask: np.ndarray, index: int = 0) -> int:
    """Return the number that ``a_mask`` wrote into a slice; fails if the slice is torn."""
    flat = mask.reshape(mask.shape[0], -1)
    bits = flat[index, :20].astype(int) - 1
    assert set(bits) <= {0, 1}, f"slice {index} holds {flat[index, :20]}"
    assert not flat[index, 20:].any()
    return int(sum(bit << place for place, bit in enumerate(bits)))


def labels_on_disk(project: Project) -> dict[str, bytes]:
    """Return the bytes of every current label file."""
    return {path.name: path.read_bytes() for path in (project.folder / "labels").glob("*.nrrd")}


def leftovers(project: Project) -> list[Path]:
    """Return temporary files anywhere in the project."""
    return list(project.folder.rglob(".tmp-*"))


def start_script(script: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a Python script that can import the package and this module."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment,
        cwd=REPOSITORY,
    )
