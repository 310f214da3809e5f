"""What the benchmarks share: the real data, a project on it, and a steady machine."""

from __future__ import annotations

import argparse
import os
import platform
import re
import resource
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import ActiveSuggestLib
from ActiveSuggestLib.threads import share_the_processor

share_the_processor()  # As the command and the worker do, before torch is loaded.

from ActiveSuggestLib.learner import ActiveLearner  # noqa: E402

REPOSITORY = Path(__file__).resolve().parents[2]
SEGMENTS = "anterior,posterior"
CHEST_SEGMENTS = "left_lung=1,right_lung=2,heart=3"
# A small network on a coarse grid: a minute on a processor for what tells arms apart.
CHEST_SETTINGS = {"features": [8, 16, 32, 64], "seconds_a_volume": 0.01}


def data_folder() -> Path:
    """Return the folder of real data, or end with a sentence that says how to provide it."""
    folder = Path(os.environ.get("ACTIVESUGGEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "hippocampus" / "images").is_dir():
        raise SystemExit("No real data: set ACTIVESUGGEST_DATA to the folder with hippocampus/.")
    return folder


def arguments(description: str | None, **defaults: int | float) -> argparse.Namespace:
    """Parse ``--threads`` and the options of a benchmark."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--threads", type=int, default=2, help="processor threads")
    parser.add_argument("--device", default="cpu")
    for name, value in defaults.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    parsed = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        # As many cores as threads, so that a larger machine measures like a small one.
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[: parsed.threads])
    return parsed


def peak_memory() -> int:
    """Return the peak resident memory of this process in bytes."""
    try:
        # On Linux ru_maxrss begins with the peak of the process that started this one.
        status = Path("/proc/self/status").read_text("ascii")
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status)[1])
    except (OSError, TypeError):
        usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return usage if sys.platform == "darwin" else 1024 * usage


def machine(threads: int) -> str:
    """Describe the machine for the record."""
    return f"{platform.machine()} {platform.system()}, {threads} threads, no GPU"


@contextmanager
def hippocampus_project(
    count: int | None = None, *, labelled: int = 0, seed: int = 0, threads: int = 2, **options: str
) -> Iterator[tuple[ActiveLearner, list[str], Path]]:
    """Yield a learner on hippocampus volumes, the case names in random order, and the labels.

    The first ``labelled`` names are labelled; with ``count`` the pool is that many volumes.
    """
    data = data_folder() / "hippocampus"
    names = sorted(p.name.removesuffix(".nii.gz") for p in (data / "images").glob("*.nii.gz"))
    order = [names[i] for i in np.random.default_rng(seed).permutation(len(names))]
    folder = Path(tempfile.mkdtemp(prefix="activesuggest-benchmark-"))
    try:
        images = data / "images"
        if count is not None:
            order, images = order[:count], folder / "images"
            images.mkdir()
            for name in order:
                shutil.copy(data / "images" / f"{name}.nii.gz", images)
        ActiveSuggestLib.create(folder / "project", images, segments=SEGMENTS).close()
        learner = ActiveLearner(folder / "project", seed=seed, threads=threads, **options)
        for name in order[:labelled]:
            learner.save_label(name, data / "labels" / f"{name}.nii.gz")
        with learner:
            yield learner, order, data / "labels"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def chest_project(
    masks: list[str], *, steps: int, seed: int, threads: int
) -> Iterator[tuple[ActiveLearner, float]]:
    """Yield a learner on all chest X-rays whose small network has learnt ``masks``, and its Dice.

    The Dice is on those of the masks that are kept for validation.
    """
    data = data_folder() / "cxr_wingspan"
    folder = Path(tempfile.mkdtemp(prefix="activesuggest-benchmark-"))
    try:
        ActiveSuggestLib.create(
            folder / "project", data / "images", segments=CHEST_SEGMENTS, settings=CHEST_SETTINGS
        ).close()
        with ActiveLearner(folder / "project", device="cpu", seed=seed, threads=threads) as learner:
            for name in masks:
                learner.save_label(name, data / "labels" / f"{name}.nii.gz")
            trained = learner.fine_tune(steps=steps)
            yield learner, float(trained.validation_dice or np.nan)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
