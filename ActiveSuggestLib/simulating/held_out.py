"""Cases outside the project that a model is tested on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..data.images import read_image
from ..data.segments import Segment
from ..learning.workbench import Workbench
from ..metrics import segment_dice
from ..models.memory import Limits, with_less_memory
from ..models.preparing import Prepared, prepare, restore_labels
from ..progress import Cancel, Progress, no_progress
from .known_cases import KnownCase, read_truth

KEPT_BYTES = 1024**3
"""How much of a test set stays prepared in memory between two tests."""


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

    def dice(
        self, bench: Workbench, *, progress: Progress = no_progress, cancel: Cancel | None = None
    ) -> dict[str, dict[str, float]]:
        """Return the Dice of each case and segment under the model in use.

        Raises:
            NoModelError: nothing was trained yet.
            ImageError, LabelError: a case cannot be used.
        """
        values = {segment.name: segment.value for segment in self.segments}
        scores = {}
        for done, case in enumerate(self.cases):
            progress(done, len(self.cases), case.name)
            ready = self._ready(case, bench)
            scores[case.name] = segment_dice(
                self._predict(bench, ready, cancel), ready.truth, values
            )
        progress(len(self.cases), len(self.cases))
        return scores

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
