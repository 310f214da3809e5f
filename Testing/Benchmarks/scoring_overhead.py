"""What scoring a pool costs beyond the network's own work.

Three things are timed in turn on the same volumes, in one run, and quoted as ratios:
- bare: T whole forward passes of the network over the same windows, volumes in memory;
- shared: one encoding and T decodings, what the arithmetic needs when the encoder is shared;
- score: the real thing, from files to the journal (reading, preparing, statistics, cache).

It also shows that peak memory grows neither with T nor with the pool, by child processes.

    python Testing/Benchmarks/scoring_overhead.py
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time

# isort: off
from common import arguments, hippocampus_project, machine, peak_memory  # before torch is loaded
# isort: on

import numpy as np
import torch

from ActiveSuggestLib.learner import ActiveLearner
from ActiveSuggestLib.models.samples import sampling
from ActiveSuggestLib.models.windows import tile


def main() -> None:
    """Run the benchmark and print its figures."""
    options = arguments(__doc__, volumes=200, samples=20, rounds=3, memory_only=0, pool=0)
    if options.memory_only:
        score_alone(options.pool, options.samples, options.threads)
        print(json.dumps({"megabytes": peak_memory() / 1e6}))
        return
    with hippocampus_project(
        options.volumes + 4, labelled=4, threads=options.threads, device=options.device
    ) as (learner, _, _):
        learner.fine_tune(steps=20)
        times = {"bare": [], "bare in fours": [], "shared": [], "score": []}
        windows = prepared_windows(learner)
        for _ in range(options.rounds):
            times["bare"].append(bare(learner, windows, options.samples, 1))
            times["bare in fours"].append(bare(learner, windows, options.samples, 4))
            times["shared"].append(shared(learner, windows, options.samples, 4))
            times["score"].append(score(learner, options.samples))
    print(f"machine  {machine(options.threads)}; {options.volumes} volumes, T = {options.samples}")
    for name, values in times.items():
        print(f"{name:14} {np.median(values):7.2f} s   ({', '.join(f'{v:.1f}' for v in values)})")
    fastest = min(np.median(times["bare"]), np.median(times["bare in fours"]))
    print(f"score / bare (the faster one)  {np.median(times['score']) / fastest:.3f}")
    once = np.median(times["score"]) / np.median(times["shared"])
    print(f"score / shared                 {once:.3f}")
    print("peak resident memory of a scoring process:")
    for pool, samples in ((20, 20), (100, 20), (20, 5), (20, 80)):
        command = [sys.executable, __file__, "--memory-only", "1", "--pool", str(pool),
                   "--samples", str(samples), "--threads", str(options.threads)]  # fmt: skip
        found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        print(f"  {pool:4} volumes, T = {samples:3}: {found['megabytes']:.0f} MB")


def prepared_windows(learner: ActiveLearner) -> list[torch.Tensor]:
    """Return the network's input of every window of every unlabelled volume."""
    windows = []
    for case in learner.project.cases("unlabelled"):
        volume = learner.bench.load(case).array
        tiling = tile(volume.shape[1:], learner.bench.plan)
        padded = tiling.pad(volume)
        windows += [padded[(slice(None), *w)][None].clone() for w in tiling.windows]
    return windows


@torch.inference_mode()
def bare(learner: ActiveLearner, windows: list[torch.Tensor], samples: int, at_once: int) -> float:
    """Return the seconds of T whole forward passes over all windows."""
    network = learner.bench.model().inference.network
    started = time.monotonic()
    for x in windows:
        for first in range(0, samples, at_once):
            with sampling(network, range(first, first + at_once)):
                network(x.repeat(at_once, 1, 1, 1, 1))
    return time.monotonic() - started


@torch.inference_mode()
def shared(
    learner: ActiveLearner, windows: list[torch.Tensor], samples: int, at_once: int
) -> float:
    """Return the seconds of one encoding and T decodings over all windows."""
    network = learner.bench.model().inference.network
    started = time.monotonic()
    for x in windows:
        features = network.encode(x)
        for first in range(0, samples, at_once):
            with sampling(network, range(first, first + at_once)):
                network.decode(features, at_once)
    return time.monotonic() - started


def score(learner: ActiveLearner, samples: int) -> float:
    """Return the seconds of scoring the pool from its files, nothing cached."""
    shutil.rmtree(learner.project.folder / "cache", ignore_errors=True)
    started = time.monotonic()
    table = learner.score("mc-dropout", options={"samples": samples})
    seconds = time.monotonic() - started
    assert len(table) == learner.project.counts()["unlabelled"]
    return seconds


def score_alone(pool: int, samples: int, threads: int) -> None:
    """Score a pool of the given size."""
    options = {"labelled": 4, "threads": threads, "device": "cpu"}
    with hippocampus_project(pool + 4, **options) as (learner, _, _):
        learner.fine_tune(steps=2)
        learner.score("mc-dropout", options={"samples": samples})


if __name__ == "__main__":
    main()
