"""Small pools for the tests of the simulation: a bright ball and a dark one in noise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK

from ActiveSuggestLib.data.geometry import Geometry
from ActiveSuggestLib.data.labels import write_label
from ActiveSuggestLib.data.segments import Segment
from ActiveSuggestLib.simulating.curves import SimulationResult
from ActiveSuggestLib.simulation import simulate

SEGMENTS = (Segment("bright", 3, (0.9, 0.5, 0.3)), Segment("dark", 7, (0.3, 0.5, 0.9)))
SHAPE = (12, 16, 20)

FAST = {"features": (4, 8), "samples": 2, "seconds_a_volume": 0.5}
"""Project settings that make a network of a few weights, so that a test takes seconds."""


def write_pool(folder: Path, cases: int, *, scans_a_patient: int = 1) -> Path:
    """Write images/, labels/ and patients.csv; each patient has as many scans as told."""
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    geometry = Geometry(size=SHAPE[::-1], spacing=(1.0, 1.0, 1.0))
    rows = ["case,patient"]
    for number in range(cases):
        name = f"case-{number:02d}"
        image, label = a_volume(number)
        picture = SimpleITK.GetImageFromArray(image)
        SimpleITK.WriteImage(picture, str(folder / "images" / f"{name}.nii.gz"))
        write_label(folder / "labels" / f"{name}.seg.nrrd", label, geometry, SEGMENTS)
        rows.append(f"{name},patient-{number // scans_a_patient}")
    (folder / "patients.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder


def a_volume(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return an image float32 and its label uint8, both (z, y, x)."""
    rng = np.random.default_rng(seed)
    label = np.zeros(SHAPE, np.uint8)
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"))
    for segment, x in zip(SEGMENTS, (6, 14), strict=True):
        centre = np.array([6, 8, x]) + rng.uniform(-1.5, 1.5, 3)
        distance = np.sqrt(((grid - centre.reshape(3, 1, 1, 1)) ** 2).sum(axis=0))
        label[distance < rng.uniform(3, 4)] = segment.value
    signal = np.select([label == 3, label == 7], [2.0, 0.2], 1.0)
    return (signal + rng.normal(0, 0.1, SHAPE)).astype(np.float32), label


def simulated(pool: Path, out: Path, strategies: Sequence[str], **options: Any) -> SimulationResult:
    """Simulate on a small pool, with trainings of two steps unless told otherwise."""
    usual = {
        "batch": 2,
        "steps": 2,
        "threads": 1,
        "device": "cpu",
        "project_settings": FAST,
    }
    return simulate(
        pool / "images", pool / "labels", SEGMENTS, strategies, out=out, **{**usual, **options}
    )
