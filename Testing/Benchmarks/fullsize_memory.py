"""What one full-size volume costs on a CPU: the plan's words, the time and the peak memory.

A worker process makes a project of one 512 × 512 × 120 MR volume, takes a label of the brightest
voxels (there is no true one), trains briefly, scores with T samples and predicts with an
uncertainty map.

    python Testing/Benchmarks/fullsize_memory.py
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from common import arguments, data_folder, machine, peak_memory

import ActiveSuggestLib


def main() -> None:
    """Run the benchmark and print its figures."""
    options = arguments(__doc__, samples=20, steps=10)
    source = data_folder() / "fullsize" / "mr_vsseg_512x512x120.nii.gz"
    folder = Path(tempfile.mkdtemp(prefix="activesuggest-benchmark-"))
    times: dict[str, float] = {}

    def timed(name: str, started: float) -> None:
        peak = peak_memory() / 1e9
        times[name] = time.monotonic() - started
        print(f"{name:22} {times[name]:7.1f} s   peak so far {peak:.2f} GB", flush=True)

    try:
        images = folder / "images"
        images.mkdir()
        for name in ("first.nii.gz", "second.nii.gz"):
            shutil.copy(source, images / name)
        print(f"machine  {machine(options.threads)}")
        started = time.monotonic()
        learner = ActiveSuggestLib.create(
            folder / "project", images, segments="bright", patient_pattern="(.*)"
        )
        learner.close()
        timed("create (2 volumes)", started)
        learner = ActiveSuggestLib.open(
            folder / "project", device=options.device, threads=options.threads
        )
        with learner:
            for reason in learner.bench.plan.reasons:
                print(f"  {reason}")
            image = learner.project.read_image("first").array[0]
            mask = (image > np.percentile(image[::4, ::4, ::4], 97)).astype(np.uint8)
            del image
            started = time.monotonic()
            learner.save_label("first", mask)
            timed("save label", started)
            started = time.monotonic()
            learner.fine_tune(steps=options.steps)
            timed(f"train {options.steps} steps", started)
            started = time.monotonic()
            learner.score("mc-dropout", options={"samples": options.samples})
            timed(f"score, T = {options.samples}", started)
            started = time.monotonic()
            learner.predict("second")
            timed("predict, with map", started)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
