"""How long `activesuggest status` takes on a project of 10,000 cases, and what it imports.

python Testing/Benchmarks/status_speed.py
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from common import arguments, machine

from ActiveSuggestLib.data.project import create_project


def main() -> None:
    """Run the benchmark and print its figures."""
    options = arguments(__doc__, cases=10_000, labelled=200, rounds=5)
    folder = Path(tempfile.mkdtemp(prefix="activesuggest-benchmark-"))
    try:
        images = folder / "images"
        images.mkdir()
        rng = np.random.default_rng(0)
        for index in range(options.cases):
            image = sitk.GetImageFromArray(rng.integers(0, 255, (4, 6, 5)).astype(np.uint8))
            sitk.WriteImage(image, str(images / f"case-{index:05d}.nrrd"))
        started = time.monotonic()
        with create_project(folder / "project", images, segments="liver") as project:
            print(f"machine      {machine(options.threads)}; {options.cases} cases")
            print(f"create       {time.monotonic() - started:.1f} s, every image read")
            started = time.monotonic()
            project.rescan()
            print(f"second scan  {time.monotonic() - started:.1f} s, nothing changed")
            for case in project.cases()[: options.labelled]:
                project.save_label(case.name, np.ones((4, 6, 5), np.uint8))
        command = [sys.executable, "-m", "ActiveSuggestLib", "status", str(folder / "project")]
        times = []
        for _ in range(options.rounds):
            started = time.monotonic()
            subprocess.run(command, check=True, capture_output=True)
            times.append(time.monotonic() - started)
        print(f"status       {np.median(times):.2f} s ({', '.join(f'{t:.2f}' for t in times)})")
        listed = subprocess.run(
            [sys.executable, "-X", "importtime", *command[1:]], check=True, capture_output=True
        ).stderr.decode()
        heavy = [m for m in ("torch", "monai", "SimpleITK", "pandas") if f" {m}\n" in listed]
        print(f"imported     {', '.join(heavy) or 'none'} of torch, monai, SimpleITK, pandas")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
