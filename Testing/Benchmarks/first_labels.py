"""How much it matters which few images are labelled first, and whether their looks tell.

Sets of images are drawn by lot, a fresh network is trained on each for so many steps, and its Dice
is taken on images that are in no set (on the network's grid). Printed are mean and deviation of the
Dice, Spearman's correlation with how much of the pool looks like the set (the mean cover of
``strategies.likeness``), and the Dice of the sets that the cold start would choose, from as many
random halves of the pool.

    python Testing/Benchmarks/first_labels.py --threads 1 --labels 2 --sets 12
    python Testing/Benchmarks/first_labels.py --threads 1 --labels 2 --sets 12 --hippocampus 1
"""

from __future__ import annotations

# isort: off
from common import (
    CHEST_SEGMENTS,
    CHEST_SETTINGS,
    SEGMENTS,
    arguments,
    data_folder,
    machine,
)  # first
# isort: on

import tempfile
from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr

import ActiveSuggestLib
from ActiveSuggestLib.data.labels import read_label
from ActiveSuggestLib.data.segments import parse_segments
from ActiveSuggestLib.learner import ActiveLearner
from ActiveSuggestLib.metrics import mean_foreground_dice
from ActiveSuggestLib.models.batches import LabelledCase
from ActiveSuggestLib.models.inference import Inference
from ActiveSuggestLib.models.memory import Limits
from ActiveSuggestLib.models.miniatures import miniatures, of_volumes, principal_components
from ActiveSuggestLib.models.networks import SegmentationNetwork
from ActiveSuggestLib.models.preparing import prepare_label
from ActiveSuggestLib.models.training import Budget, train
from ActiveSuggestLib.strategies.cover import covered_by, lazy_greedy, unit_rows


class Pool:
    """A labelled pool as the network sees it: cases, looks, and a plan."""

    def __init__(self, name: str, segments: str, threads: int) -> None:
        data = data_folder() / name
        with tempfile.TemporaryDirectory(prefix="activesuggest-benchmark-") as folder:
            project = Path(folder) / "project"
            ActiveSuggestLib.create(
                project, data / "images", segments=segments, settings=CHEST_SETTINGS
            ).close()
            with ActiveLearner(project, device="cpu", threads=threads) as learner:
                bench = learner.bench
                self.plan = bench.plan
                self.cases, small = [], []
                for row in bench.project.cases():
                    path = next((data / "labels").glob(f"{row.name}.*"))
                    truth = read_label(path, parse_segments(segments), row.geometry)
                    target = prepare_label(truth.array, row.geometry, self.plan).numpy()
                    prepared = bench.load(row)
                    small.append(miniatures(prepared))
                    self.cases.append(LabelledCase.of(
                        row.name, prepared.array.numpy(), target, is_new=False, label_hash=""
                    ))  # fmt: skip
        looks = principal_components(of_volumes(small), np.random.default_rng(0))
        self.points = unit_rows(looks - looks.mean(axis=0))

    def dice(self, rows: list[int], test: list[int], steps: int, seed: int) -> float:
        """Train a fresh network on ``rows`` and return its mean Dice on ``test``."""
        torch.manual_seed(seed)
        network = SegmentationNetwork(self.plan.architecture)
        limits = Limits("cpu", batch=self.plan.batch)
        cases = [self.cases[i] for i in rows]
        train(network, self.plan, cases, Budget(None, steps), limits, seed=seed, warm=False)
        inference = Inference(network, self.plan)
        classes = {str(value): value for value in range(1, self.plan.classes)}
        found = []
        for i in test:
            image = torch.from_numpy(np.array(self.cases[i].image))
            predicted = inference.probability(image, limits).argmax(dim=0).numpy()
            found.append(mean_foreground_dice(predicted, self.cases[i].label, classes))
        return float(np.mean(found))


def main() -> None:
    """Run the benchmark and print its figures."""
    options = arguments(
        __doc__.splitlines()[0], labels=2, sets=24, steps=200, test=80, hippocampus=0, seed=0
    )
    name, segments = ("cxr_wingspan", CHEST_SEGMENTS)
    if options.hippocampus:
        name, segments = ("hippocampus", SEGMENTS)
    pool = Pool(name, segments, options.threads)
    rng = np.random.default_rng(options.seed)
    order = rng.permutation(len(pool.cases)).tolist()
    test, free = order[: options.test], order[options.test :]
    drawn, covers = [], []
    for number in range(options.sets):
        rows = rng.choice(free, options.labels, replace=False).tolist()
        drawn.append(pool.dice(rows, test, options.steps, number))
        covers.append(float(covered_by(pool.points[rows], pool.points[free]).mean()))
    chosen = []
    for number in range(options.sets):
        half = rng.choice(free, len(free) // 2, replace=False)
        points = unit_rows(pool.points[half] - pool.points[half].mean(axis=0))
        rows = half[lazy_greedy(points, points, options.labels).picks].tolist()
        chosen.append(pool.dice(rows, test, options.steps, number))
    print(f"machine     {machine(options.threads)}")
    print(f"pool        {name}, {options.labels} labels, {options.steps} steps, {len(test)} tested")
    print(f"by lot      {words(drawn)}")
    print(f"cold start  {words(chosen)}")
    print(f"correlation of the Dice of sets by lot with their cover: "
          f"{spearmanr(covers, drawn).statistic:+.2f} ({options.sets} sets)")  # fmt: skip


def words(values: list[float]) -> str:
    """Return mean, deviation and range."""
    spread = np.std(values, ddof=1) if len(values) > 1 else 0.0
    return f"{np.mean(values):.3f}, SD {spread:.3f}, {min(values):.3f} … {max(values):.3f}"


if __name__ == "__main__":
    main()
