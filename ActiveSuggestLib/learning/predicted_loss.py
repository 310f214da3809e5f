"""The loss that the model in use would have on each slice of the pool, by what it was on labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..data.cases import CaseRow
from ..errors import ActiveSuggestError, NoLabelError
from ..models.learning_loss import (
    LossPredictor,
    Scales,
    cross_checked,
    predict_losses,
    slice_losses,
    train_predictor,
)
from ..models.memory import Limits, with_less_memory
from ..models.preparing import prepare_label
from ..progress import Cancel, Progress, no_progress
from .case_features import CaseFeatures
from .workbench import Workbench


@dataclass(frozen=True)
class PredictedLosses:
    """l̂ of each slice of the *image*, (S,) by case, and how well it orders labels left out."""

    slices: dict[str, np.ndarray]
    right_pairs: float
    trained_on: int


class PoolLosses:
    """Learns the loss on the labelled cases and predicts it for others.

    The features of a case are kept by model and plan.
    """

    def __init__(
        self,
        bench: Workbench,
        *,
        progress: Progress = no_progress,
        cancel: Cancel | None = None,
    ) -> None:
        self.bench = bench
        self.progress = progress
        self.cancel = cancel or Cancel()
        self.model = bench.model()
        self.features = CaseFeatures(bench)
        self._scales: Scales | None = None

    def of(self, cases: Sequence[CaseRow]) -> PredictedLosses:
        """Return the predicted losses of ``cases``; unusable ones are reported and left out.

        Raises:
            NoLabelError: no label is left to learn from.
            CancelledError: asked to stop.
        """
        predictor, right, count = self._learn()
        found = {}
        for done, case in enumerate(cases):
            self.cancel.raise_if_cancelled()
            self.progress(done, len(cases), f"loss of {case.name}")
            try:
                features = self.features.of(case)
            except ActiveSuggestError as error:
                self.bench.report(case.name, error)
                continue
            found[case.name] = predict_losses(predictor, features)
        self.features.files.prune_others()
        return PredictedLosses(found, right, count)

    def _learn(self) -> tuple[LossPredictor, float, int]:
        bench = self.bench
        apart = set(bench.project.validation_cases)
        rows = [c for c in bench.project.cases("labelled") if c.name not in apart]
        features: list[np.ndarray] = []
        losses: list[np.ndarray] = []
        for done, case in enumerate(c for c in rows if not c.missing):
            self.cancel.raise_if_cancelled()
            self.progress(done, len(rows), f"true loss of {case.name}")
            try:
                x, y = self._labelled(case)
            except ActiveSuggestError as error:
                bench.report(case.name, error)
                continue
            known = np.isfinite(y)
            if known.any():
                features.append(x[known])
                losses.append(y[known])
        if not features or self._scales is None:
            raise NoLabelError(
                "No labelled image can be read that the loss could be learnt from.",
                path=bench.project.folder,
                remedy="Label a case that is not kept for validation.",
            )
        right = cross_checked(features, losses, self._scales, seed=bench.seed)
        predictor = train_predictor(
            np.concatenate(features), np.concatenate(losses), self._scales, seed=bench.seed
        )
        return predictor, right, len(features)

    def _labelled(self, case: CaseRow) -> tuple[np.ndarray, np.ndarray]:
        """Return features and true losses of the prepared slices of a labelled case."""
        bench = self.bench
        label = bench.project.read_label(case.name)
        prepared = bench.load(case)
        features, self._scales = self.features.run(prepared)
        if label is None:
            return features, np.full(len(features), np.nan)
        target = prepare_label(bench.classes.from_values(label.array), label.geometry, bench.plan)

        def work(limits: Limits) -> torch.Tensor:
            return self.model.inference.probability(prepared.array, limits, cancel=self.cancel)

        probability, bench.limits = with_less_memory(work, bench.limits, bench.hear_memory)
        return features, slice_losses(probability, target)
