"""A pool of small noisy images, each with a bright ball that is its label."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK

SHAPE = (12, 24, 20)


def write_pool(folder: Path, count: int = 8) -> None:
    """Write ``images/case-N.nii.gz`` and ``labels/case-N.nii.gz``, the same each time."""
    z, y, x = np.indices(SHAPE)
    for number in range(count):
        rng = np.random.default_rng(number)
        centre = np.array(SHAPE) / 2 + rng.uniform(-2, 2, 3)
        ball = (z - centre[0]) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2 < 16
        image = (ball * 100 + rng.normal(0, 10, SHAPE)).astype(np.float32)
        for name, array in (("images", image), ("labels", ball.astype(np.uint8))):
            path = folder / name / f"case-{number}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            SimpleITK.WriteImage(SimpleITK.GetImageFromArray(array), str(path))
