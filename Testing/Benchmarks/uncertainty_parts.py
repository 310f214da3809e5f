"""How well each uncertainty of the Bayesian network foretells where the model is wrong.

For some models on ``cxr_wingspan``: Spearman's correlation, over images that were not labelled,
between an uncertainty of the image and 1 - Dice of the model's prediction. ``mean`` is over all
pixels, ``foreground`` over the predicted foreground; the parts are on the logit scale.

    python Testing/Benchmarks/uncertainty_parts.py --threads 1
"""

from __future__ import annotations

# isort: off
from common import CHEST_SEGMENTS, arguments, chest_project, data_folder, machine  # before torch
# isort: on

import numpy as np
from scipy.stats import spearmanr

from ActiveSuggestLib.data.labels import read_label
from ActiveSuggestLib.data.segments import parse_segments
from ActiveSuggestLib.learning.bayesian_network import BayesianSpec, PoolBayesianNetwork
from ActiveSuggestLib.learning.truth import true_dice
from ActiveSuggestLib.metrics import Interval, paired_difference, student_interval
from ActiveSuggestLib.models.inference import Samples

MEASURES = ("epistemic", "aleatoric", "total", "variance", "entropy", "bald")
AGGREGATORS = ("mean", "foreground")


def main() -> None:
    """Run the benchmark and print its figures."""
    options = arguments(
        __doc__.splitlines()[0], seeds=5, first_seed=0, masks=12, steps=250, bayesian=200, images=80
    )
    labels = data_folder() / "cxr_wingspan" / "labels"
    names = sorted(p.name.removesuffix(".nii.gz") for p in labels.glob("*.nii.gz"))
    segments = parse_segments(CHEST_SEGMENTS)
    found: dict[tuple[str, str], list[float]] = {(m, a): [] for m in MEASURES for a in AGGREGATORS}
    print(f"machine     {machine(options.threads)}")
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        order = [names[i] for i in np.random.default_rng(seed).permutation(len(names))]
        with chest_project(
            order[: options.masks], steps=options.steps, seed=seed, threads=options.threads
        ) as (learner, _):
            bench = learner.bench
            rows = [bench.project.case(n) for n in order[options.masks :][: options.images]]
            bench.truth = lambda name: read_label(labels / f"{name}.nii.gz", segments, None).array
            dice = true_dice(bench, rows)
            wrong = [1 - dice[c.name].volume for c in rows]
            network = PoolBayesianNetwork(bench, BayesianSpec(steps=options.bayesian, seconds=None))
            seen = network.of(rows, Samples(20))
        for (measure, aggregator), own in found.items():
            values = [seen[c.name].value(measure, aggregator) for c in rows]
            own.append(float(spearmanr(values, wrong).statistic))
        print(f"seed {seed}: mean Dice {1 - np.mean(wrong):.3f} of {len(rows)} images", flush=True)
    for (measure, aggregator), own in found.items():
        text = f"{measure:9} {aggregator:10} {words(student_interval(own))}"
        if measure != "entropy":
            gap = paired_difference(own, found["entropy", aggregator])
            text += f", minus that of the entropy {words(gap)}"
        print(text)


def words(interval: Interval) -> str:
    """Return a mean with its limits."""
    return f"{interval.mean:+.2f} [{interval.low:+.2f}, {interval.high:+.2f}]"


if __name__ == "__main__":
    main()
