"""The race of mc-dropout against all samples of all images, on hippocampus and chest X-rays.

For several models of each pool: the top 10 % by T = 100 samples of everything, and by the race; how
much they overlap, and what share of the forward passes the race took.

    python Testing/Benchmarks/race.py
"""

from __future__ import annotations

import re
import time

import numpy as np

# isort: off
# Before torch is loaded.
from common import arguments, chest_project, data_folder, hippocampus_project, machine
# isort: on

from ActiveSuggestLib.learner import ActiveLearner


def main() -> None:
    """Run the benchmark and print its figures."""
    options = arguments(
        __doc__, volumes=100, samples=100, seeds=3, first_seed=0, steps=200, labelled=8
    )
    print(f"{options.volumes} volumes, T = {options.samples}; {machine(options.threads)}")
    print("pool         seed  unit    overlap  passes  seconds")
    images = (data_folder() / "cxr_wingspan" / "images").glob("*.nii.gz")
    names = [p.name.removesuffix(".nii.gz") for p in sorted(images)]
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        with hippocampus_project(
            options.volumes + options.labelled,
            labelled=options.labelled,
            seed=seed,
            threads=options.threads,
            device=options.device,
        ) as (learner, _, _):
            learner.fine_tune(steps=options.steps)
            for unit in ("volume", "slice"):
                report("hippocampus", learner, unit, options.samples, seed)
        masks = np.random.default_rng(seed).choice(names, options.labelled, replace=False)
        with chest_project(
            list(masks), steps=options.steps, seed=seed, threads=options.threads
        ) as (learner, _):
            report("cxr_wingspan", learner, "volume", options.samples, seed)


def report(pool: str, learner: ActiveLearner, unit: str, samples: int, seed: int) -> None:
    """Print one line: a race and the whole sampling of the same pool.

    The race over slices finds the samples of the race over volumes in the cache, so only the
    latter is timed.
    """
    started = time.monotonic()
    raced = learner.score("mc-dropout", unit, options={"race": 0.1, "samples": samples})
    race_seconds = time.monotonic() - started
    whole = learner.score("mc-dropout", unit, options={"samples": samples})
    all_seconds = time.monotonic() - started - race_seconds
    count = round(0.1 * len(whole))
    raced_top, whole_top = (
        {
            (c, -1 if unit == "volume" else int(s))
            for c, s in zip(t["case"], t["slice"], strict=True)
        }
        for t in (raced[:count], whole[:count])
    )
    told = " ".join(raced["reasons"])
    share = int(re.search(r"the race took (\d+)%", told)[1]) / 100
    seconds = f"{race_seconds:.1f} of {all_seconds:.1f}" if unit == "volume" else ""
    overlap = len(raced_top & whole_top) / count
    print(f"{pool:12} {seed:4}  {unit:7} {overlap:7.3f}  {share:6.2f}  {seconds}", flush=True)


if __name__ == "__main__":
    main()
