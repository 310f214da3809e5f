"""The encoder's features of a pool's slices, kept under ``cache/features`` by model and plan."""

from __future__ import annotations

import numpy as np

from ..data.cases import CaseRow
from ..models.learning_loss import Scales, slice_features
from ..models.memory import Limits, with_less_memory
from ..models.preparing import Prepared
from .array_files import ArrayFiles
from .workbench import Workbench


class CaseFeatures:
    """Features of cases by the model in use, each image encoded once.

    Raises ``NoModelError`` while there is none.
    """

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self.model = bench.model()
        root = bench.project.folder / "cache" / "features"
        self.files = ArrayFiles(root / f"{self.model.record.hash[:12]}-{bench.plan.hash}")

    def of(self, case: CaseRow) -> np.ndarray:
        """Return the features of the image's slices at all scales, (S, Σ widths), float32.

        Raises:
            ImageError: the image cannot be used.
        """
        stored = self.files.load(case)
        if stored is not None:
            return stored
        prepared = self.bench.load(case)
        features, _ = self.run(prepared)
        return self.files.store(case, features[prepared.image_slices()])

    def run(self, prepared: Prepared) -> tuple[np.ndarray, Scales]:
        """Return the features of the prepared slices, and how many each scale has."""
        bench = self.bench

        def work(limits: Limits) -> tuple[np.ndarray, Scales]:
            return slice_features(self.model.inference, prepared.array, limits)

        found, bench.limits = with_less_memory(work, bench.limits, bench.hear_memory)
        return found
