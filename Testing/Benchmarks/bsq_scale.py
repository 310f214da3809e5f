"""One round of Bayesian sample querying over a large pool, after its latents are cached.

Fits the pool and the annotated, r of every unit, the outliers of the pool, and the batch with a
refit after each pick from the most uncertain; prints the seconds and the memory beside the latents.

    python Testing/Benchmarks/bsq_scale.py
"""

from __future__ import annotations

import time

import numpy as np
import torch
from common import arguments, machine, peak_memory

from ActiveSuggestLib.strategies.likelihood import Moments
from ActiveSuggestLib.strategies.representative import (
    LatentFits,
    most_uncertain,
    pick_representatives,
)


def main() -> None:
    """Run the benchmark and print its figures."""
    options = arguments(
        __doc__, units=1_000_000, dimensions=200, labelled=1000, uncertain=64, picks=32, rounds=5
    )
    torch.set_num_threads(options.threads)
    rng = np.random.default_rng(0)
    z = rng.standard_normal((options.units, options.dimensions), dtype=np.float32)
    uncertainty = rng.random(options.units)
    before = peak_memory()
    print(f"machine  {machine(options.threads)}; {z.shape[0]} units x {z.shape[1]} dimensions")
    times = []
    for _ in range(options.rounds):
        started = time.monotonic()
        fits = LatentFits(Moments.of(z), Moments.of(z[: options.labelled]))
        fitted = time.monotonic()
        ratio = fits.ratio(z)
        scored = time.monotonic()
        shortlist = most_uncertain(uncertainty, options.uncertain)
        found = pick_representatives(z[shortlist].astype(float), fits, options.picks)
        ended = time.monotonic()
        times.append(ended - started)
        print(
            f"round    {times[-1]:.2f} s: fits {fitted - started:.2f}, r of every unit "
            f"{scored - fitted:.2f}, {len(found.picks)} picks of {len(shortlist)} "
            f"{ended - scored:.2f}; mean r {ratio.mean():.3f}"
        )
    print(f"median   {np.median(times):.2f} s a round")
    beside = (peak_memory() - before) / 1e6
    print(f"memory   {beside:.0f} MB beside the latents' {z.nbytes / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
