"""How good a model is after one time-boxed training on real volumes.

Labels N hippocampus volumes, trains once for the given seconds, and measures the mean foreground
Dice on volumes that were never in the training.

    python Testing/Benchmarks/hippocampus_dice.py --labelled 16 --seconds 120
    python Testing/Benchmarks/hippocampus_dice.py --labelled 64 --seconds 300
"""

from __future__ import annotations

import time

import numpy as np
from common import arguments, hippocampus_project, machine

from ActiveSuggestLib.metrics import mean_foreground_dice


def main() -> None:
    """Run the benchmark and print its figures."""
    options = arguments(__doc__, labelled=16, seconds=120.0, test=60, seed=0)
    with hippocampus_project(
        labelled=options.labelled, seed=options.seed, threads=options.threads, device=options.device
    ) as (learner, order, labels):
        started = time.monotonic()
        report = learner.fine_tune(options.seconds)
        wall = time.monotonic() - started
        segments = learner.bench.classes.index
        dice = []
        for name in order[-options.test :]:
            prediction = learner.predict(name, uncertainty=False)
            learner.project.save_label(name, labels / f"{name}.nii.gz", source="benchmark")
            truth = learner.project.read_label(name)
            assert truth is not None
            dice.append(mean_foreground_dice(prediction.labels, truth.array, segments))
    print(f"machine     {machine(options.threads)}")
    print(f"labelled    {options.labelled} cases, {report.trained_on} of them trained on")
    print(f"training    {wall:.0f} s for {options.seconds:.0f} asked, {report.steps} steps")
    print(f"validation  {report.reason}")
    print(f"test        mean foreground Dice {np.mean(dice):.4f} on {len(dice)} unseen cases")
    print(f"            lowest {np.min(dice):.3f}, median {np.median(dice):.3f}")


if __name__ == "__main__":
    main()
