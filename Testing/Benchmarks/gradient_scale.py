"""The search of gradient-guided sampling over a large pool, after its latents are cached.

python Testing/Benchmarks/gradient_scale.py
"""

from __future__ import annotations

import time

import numpy as np
from common import arguments, machine, peak_memory

from ActiveSuggestLib.strategies.direction import follow


def main() -> None:
    """Run the benchmark and print its figures."""
    options = arguments(__doc__, units=1_000_000, dimensions=3, parents=10, rounds=5)
    rng = np.random.default_rng(0)
    pool = rng.standard_normal((options.units, options.dimensions), dtype=np.float32)
    starts = rng.standard_normal((options.parents, options.dimensions), dtype=np.float32)
    steps = 0.02 * rng.standard_normal(starts.shape, dtype=np.float32)
    before = peak_memory()
    print(
        f"machine  {machine(options.threads)}; {pool.shape[0]} units x {pool.shape[1]} dimensions"
    )
    times = []
    for _ in range(options.rounds):
        started = time.monotonic()
        found = follow(starts, starts + steps, pool, options.parents)
        times.append(time.monotonic() - started)
    beside = (peak_memory() - before) / 1e6
    print(f"round    {np.median(times):.2f} s, {len(found)} picks ({times[0]:.2f} the first)")
    print(f"memory   {beside:.0f} MB beside the latents' {pool.nbytes / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
