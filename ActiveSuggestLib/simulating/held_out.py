"""Cases outside the project that a model is tested on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..data.images import read_image
from ..data.labels import UNKNOWN
from ..data.segments import Segment
from ..learning.workbench import Workbench
from ..metrics import segment_dice
from ..models.memory import Limits, with_less_memory
from ..models.preparing import Prepared, prepare, restore_labels
from ..progress import Cancel, Progress, no_progress
from .known_cases import KnownCase, read_truth
from .surfaces import surface_agreement

KEPT_BYTES = 1024**3
"""How much of a test set stays prepared in memory between two tests."""

ByCase = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Agreement:
    """How well a model did: test case → segment → Dice, Hausdorff 95 and mean surface distance.

    Distances are in mm (in the unit of the image's spacing, where that is no mm).
    """

    dice: ByCase
    hausdorff95: ByCase
    surface: ByCase


@dataclass(frozen=True)
class _Ready:
    """A case as the network sees it under one plan, and its truth on the image's own grid."""

    plan: str
    prepared: Prepared
    truth: np.ndarray

    @property
    def size(self) -> int:
        return self.prepared.array.nbytes + self.truth.nbytes


class HeldOutSet:
    """Test cases; those that fit into ``kept`` bytes are read and prepared only once."""

    def __init__(
        self, cases: Iterable[KnownCase], segments: Sequence[Segment], kept: int = KEPT_BYTES
    ) -> None:
        self.cases = tuple(cases)
        self.segments = tuple(segments)
        self._limit = kept
        self._kept: dict[str, _Ready] = {}

    def __len__(self) -> int:
        return len(self.cases)

    def test(
        self, bench: Workbench, *, progress: Progress = no_progress, cancel: Cancel | None = None
    ) -> Agreement:
        """Return how well the model in use does on each case and segment.

        Raises:
            NoModelError: nothing was trained yet.
            ImageError, LabelError: a case cannot be used.
        """
        values = {segment.name: segment.value for segment in self.segments}
        dice: ByCase = {}
        hausdorff: ByCase = {}
        surface: ByCase = {}
        for done, case in enumerate(self.cases):
            progress(done, len(self.cases), case.name)
            ready = self._ready(case, bench)
            predicted = self._predict(bench, ready, cancel)
            dice[case.name] = segment_dice(predicted, ready.truth, values)
            predicted = np.where(ready.truth == UNKNOWN, 0, predicted)
            apart = {
                name: surface_agreement(
                    predicted == value, ready.truth == value, case.geometry.array_spacing
                )
                for name, value in values.items()
            }
            hausdorff[case.name] = {name: pair[0] for name, pair in apart.items()}
            surface[case.name] = {name: pair[1] for name, pair in apart.items()}
        progress(len(self.cases), len(self.cases))
        return Agreement(dice, hausdorff, surface)

    def forget(self) -> None:
        """Give the memory back; the next test reads the files again."""
        self._kept.clear()

    def _predict(self, bench: Workbench, ready: _Ready, cancel: Cancel | None) -> np.ndarray:
        model = bench.model()

        def work(limits: Limits) -> torch.Tensor:
            return model.inference.probability(ready.prepared.array, limits, cancel=cancel)

        probability, bench.limits = with_less_memory(work, bench.limits, bench.hear_memory)
        return bench.classes.to_values(restore_labels(probability, ready.prepared))

    def _ready(self, case: KnownCase, bench: Workbench) -> _Ready:
        kept = self._kept.get(case.name)
        if kept is not None and kept.plan == bench.plan.hash:
            return kept
        self._kept.pop(case.name, None)
        image = read_image(case.source, case=case.name)
        ready = _Ready(bench.plan.hash, prepare(image, bench.plan), read_truth(case, self.segments))
        if ready.size + sum(other.size for other in self._kept.values()) <= self._limit:
            self._kept[case.name] = ready
        return ready
