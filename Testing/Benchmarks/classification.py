"""Classifying whole images: AUC by how many are classified, the most uncertain first or at random.

The experiment of Mahapatra et al. (MICCAI 2018), Table 1, on ``cxr_wingspan``. The data names no
disease, so the class is derived from the masks: a cardiothoracic ratio (the heart's width by the
lungs') above 0.5, which radiologists call cardiomegaly. For every seed a part of the patients is
held out, a small segmentation network learns a few masks of the rest, and a head on its encoder
learns classes, a few more each round. All arms of a seed share patients, network and first classes.

    python Testing/Benchmarks/classification.py --threads 1
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

# isort: off
from common import CHEST_SEGMENTS, arguments, chest_project, data_folder, machine  # before torch
# isort: on

import numpy as np

from ActiveSuggestLib.data.labels import read_label
from ActiveSuggestLib.data.segments import parse_segments
from ActiveSuggestLib.learner import ActiveLearner
from ActiveSuggestLib.learning.case_features import CaseFeatures
from ActiveSuggestLib.metrics import Interval, auc, paired_difference, student_interval
from ActiveSuggestLib.models.class_head import (
    ClassUncertainty,
    class_uncertainty,
    train_class_head,
)
from ActiveSuggestLib.strategies.class_uncertainty import SAMPLES

HEART = 3
ENLARGED = 0.5
SHARES = (0.10, 0.15, 0.20, 0.25, 0.30, 0.35, 0.50, 1.00)


def entropy(found: ClassUncertainty) -> np.ndarray:
    """Return the entropy of the class probabilities, (N,)."""
    p = np.clip(found.probability, 1e-12, 1.0)
    return -(p * np.log(p)).sum(axis=1)


ARMS: dict[str, Callable[[ClassUncertainty], np.ndarray] | None] = {
    "random": None,
    "uncertainty": lambda found: found.epistemic + found.aleatoric,
    "epistemic": lambda found: found.epistemic,
    "entropy": entropy,
}


def main() -> None:
    """Run the benchmark and print its figures."""
    options = arguments(
        __doc__.splitlines()[0], seeds=8, first_seed=0, steps=250, masks=12, test=90
    )
    data = data_folder() / "cxr_wingspan"
    ratios = {p.name.removesuffix(".nii.gz"): ratio(p) for p in (data / "labels").glob("*.nii.gz")}
    enlarged = {name: value > ENLARGED for name, value in ratios.items()}
    values = np.array(list(ratios.values()))
    print(f"machine     {machine(options.threads)}")
    print(
        f"class       ratio above {ENLARGED}: {sum(enlarged.values())} of {len(enlarged)} patients "
        f"({np.mean(values > ENLARGED):.0%}); ratio {np.median(values):.2f} "
        f"({np.quantile(values, 0.05):.2f} … {np.quantile(values, 0.95):.2f})"
    )
    curves: dict[str, list[list[float]]] = {arm: [] for arm in ARMS}
    shown: dict[str, list[float]] = {arm: [] for arm in ARMS}
    started, counts = time.monotonic(), []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        order = [sorted(ratios)[i] for i in np.random.default_rng(seed).permutation(len(ratios))]
        test, pool = order[: options.test], order[options.test :]
        masks = pool[: options.masks]
        with chest_project(masks, steps=options.steps, seed=seed, threads=options.threads) as (
            learner,
            dice,
        ):
            found = features(learner)
        counts = [round(share * len(pool)) for share in SHARES]
        for arm in ARMS:
            curve, share = one_arm(arm, found, enlarged, pool, test, counts, seed)
            curves[arm].append(curve)
            shown[arm].append(share)
        last = ", ".join(f"{arm} {curves[arm][-1][5]:.3f}" for arm in ARMS)
        print(f"seed {seed}: Dice {dice:.3f}; AUC at {SHARES[5]:.0%}: {last}", flush=True)
    print(f"{len(pool)} patients to classify, {len(test)} held out, {options.seeds} seeds")
    print(f"{time.monotonic() - started:.0f} s; mean AUC [95 %], and the difference from random")
    report(curves, counts, shown)


def features(learner: ActiveLearner) -> dict[str, np.ndarray]:
    """Return what the project's network sees in each image: the bottleneck's mean, (E,)."""
    seen = CaseFeatures(learner.bench)
    size = seen.model.inference.network.embedding_size
    return {c.name: seen.of(c)[:, -size:].mean(axis=0) for c in learner.project.cases()}


def one_arm(
    arm: str,
    found: dict[str, np.ndarray],
    enlarged: dict[str, bool],
    pool: list[str],
    test: list[str],
    counts: list[int],
    seed: int,
) -> tuple[list[float], float]:
    """Return the AUC on ``test`` at each of ``counts``, and how many of the 35 % are enlarged."""
    x = np.stack([found[name] for name in pool])
    y = np.array([enlarged[name] for name in pool], int)
    held_out = np.stack([found[name] for name in test])
    truth = np.array([enlarged[name] for name in test])
    rng = np.random.default_rng([seed, 7])
    order = rng.permutation(len(pool))
    # Both classes are there from the first, as in the paper.
    known = [int(order[y[order] == c][0]) for c in (0, 1)]
    known += [int(i) for i in order if i not in known][: counts[0] - 2]
    curve, share = [], 0.0
    for place, count in enumerate(counts):
        if count > len(known):
            rest = np.array([i for i in order if i not in set(known)])
            score = ARMS[arm]
            if score is not None:
                head = train_class_head(x[known], y[known], 2, pool=x, seed=seed)
                doubt = score(class_uncertainty(head, x[rest], samples=SAMPLES, seed=seed))
                rest = rest[np.argsort(-doubt, kind="stable")]
            known += [int(i) for i in rest[: count - len(known)]]
        head = train_class_head(x[known], y[known], 2, pool=x, seed=seed)
        judged = class_uncertainty(head, held_out, samples=SAMPLES, seed=seed)
        curve.append(auc(judged.probability[:, 1], truth))
        if place == SHARES.index(0.35):
            share = float(y[known].mean())
    return curve, share


def ratio(path: Path) -> float:
    """Return the heart's width by the lungs' in a mask, both along the rows of the image."""
    mask = read_label(path, parse_segments(CHEST_SEGMENTS), None).array[0]
    heart = np.flatnonzero((mask == HEART).any(axis=0))
    lungs = np.flatnonzero(((mask > 0) & (mask < HEART)).any(axis=0))
    return float((np.ptp(heart) + 1) / (np.ptp(lungs) + 1))


def report(
    curves: dict[str, list[list[float]]], counts: list[int], shown: dict[str, list[float]]
) -> None:
    """Print the table, and each arm's mean AUC over the first 35 %."""
    for place, (share, count) in enumerate(zip(SHARES, counts, strict=True)):
        columns = [f"{share:5.0%} {count:4}"]
        random = [curve[place] for curve in curves["random"]]
        for arm, own in curves.items():
            values = [curve[place] for curve in own]
            columns.append(f"{arm} {words(student_interval(values))}")
            if arm != "random":
                columns[-1] += f" ({words(paired_difference(values, random), signed=True)})"
        print(" | ".join(columns))
    last = SHARES.index(0.35) + 1
    means = {arm: [float(np.mean(curve[1:last])) for curve in own] for arm, own in curves.items()}
    for arm, values in means.items():
        text = f"mean over 15 … 35 %: {arm} {words(student_interval(values))}"
        if arm != "random":
            gain = paired_difference(values, means["random"])
            text += f", difference {words(gain, signed=True)}"
        print(f"{text}; of the 35 % {np.mean(shown[arm]):.0%} are enlarged")


def words(interval: Interval, *, signed: bool = False) -> str:
    """Return a mean with its limits."""
    form = "+.3f" if signed else ".3f"
    return f"{interval.mean:{form}} [{interval.low:{form}}, {interval.high:{form}}]"


if __name__ == "__main__":
    main()
