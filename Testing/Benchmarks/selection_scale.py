"""What the exact selection of a batch costs in a large pool, embeddings in memory.

Lazy greedy maximum cover of N embeddings by k of K candidates, on as many cores as threads, with
its evaluations beside those of plain greedy. The embeddings lie in loose clusters, with weights
that fall like 1 / rank, as those of a pool of images do. ``--check 1`` runs plain greedy too and
demands the same picks.

    python Testing/Benchmarks/selection_scale.py --threads 2
"""

from __future__ import annotations

import os
import sys
import time

# The products run in the threads of BLAS, which are counted when numpy is loaded.
_THREADS = sys.argv[sys.argv.index("--threads") + 1] if "--threads" in sys.argv else "2"
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = _THREADS

import numpy as np  # noqa: E402
from common import arguments, machine, peak_memory  # noqa: E402

from ActiveSuggestLib.strategies.cover import (  # noqa: E402
    covered_by,
    lazy_greedy,
    plain_greedy,
    stochastic_greedy,
    unit_rows,
)

CLUSTERS = 200


def main() -> None:
    """Run the benchmark and print its figures."""
    options = arguments(
        __doc__, pool=100_000, candidates=2_000, size=256, count=50, labelled=100, check=0
    )
    rng = np.random.default_rng(0)
    pool = clustered(rng, options.pool, options.size)
    candidates = pool[rng.choice(len(pool), options.candidates, replace=False)]
    labelled = pool[rng.choice(len(pool), options.labelled, replace=False)]
    before = peak_memory()
    print(f"machine      {machine(options.threads)}")
    print(
        f"problem      k = {options.count} of K = {len(candidates)} over N = {len(pool)}, "
        f"{options.size}-d; {len(labelled)} labelled"
    )
    started = time.monotonic()
    start = covered_by(labelled, pool)
    print(f"start        {time.monotonic() - started:6.1f} s")
    started = time.monotonic()
    lazy = lazy_greedy(candidates, pool, options.count, start=start)
    seconds = time.monotonic() - started
    plain = sum(len(candidates) - step for step in range(options.count))
    print(
        f"lazy         {seconds:6.1f} s, {lazy.evaluations} evaluations, "
        f"{lazy.evaluations / plain:.1%} of plain greedy's {plain}"
    )
    started = time.monotonic()
    drawn = stochastic_greedy(candidates, pool, options.count, rng, start=start)
    share = sum(drawn.gains) / sum(lazy.gains)
    print(f"stochastic   {time.monotonic() - started:6.1f} s, {share:.1%} of the lazy gain")
    print(f"memory       {peak_memory() / 1e6:.0f} MB at most, {before / 1e6:.0f} MB with the data")
    if options.check:
        started = time.monotonic()
        same = plain_greedy(candidates, pool, options.count, start=start).picks == lazy.picks
        print(f"plain        {time.monotonic() - started:6.1f} s, the same picks: {same}")
        if not same:
            raise SystemExit("Lazy greedy is not exact.")


def clustered(rng: np.random.Generator, count: int, size: int) -> np.ndarray:
    """Return unit embeddings, float32 (count, size), around ``CLUSTERS`` directions."""
    weights = 1.0 / np.arange(1, CLUSTERS + 1)
    centres = rng.normal(size=(CLUSTERS, size)).astype(np.float32)
    own = rng.choice(CLUSTERS, count, p=weights / weights.sum())
    return unit_rows(centres[own] + rng.standard_normal((count, size), np.float32))


if __name__ == "__main__":
    main()
