"""How well the model in use does on images whose labels are known, slice by slice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..data.cases import CaseRow
from ..errors import ActiveSuggestError, NoTruthError
from ..metrics import mean_foreground_dice
from ..progress import Cancel, Progress, no_progress
from .prediction import predict
from .workbench import Workbench

Truth = Callable[[str], np.ndarray]
"""From a case to its true label, uint8 (z, y, x) of segment values in the image's geometry."""


@dataclass(frozen=True)
class TrueDice:
    """The mean foreground Dice of a whole volume, and of each slice of the image, (S,)."""

    volume: float
    slices: np.ndarray


def true_dice(
    bench: Workbench,
    cases: Sequence[CaseRow],
    *,
    progress: Progress = no_progress,
    cancel: Cancel | None = None,
) -> dict[str, TrueDice]:
    """Return the true Dice of the model's predictions by case; unusable ones are left out.

    Raises:
        NoTruthError: the true labels are not known.
        NoModelError: nothing was trained yet.
    """
    if bench.truth is None:
        raise NoTruthError(
            "The oracle ranks by the true labels, and outside a simulation nobody knows them.",
            path=bench.project.folder,
            remedy="Choose another strategy, or use `activesuggest simulate`.",
        )
    index = bench.classes.index
    found = {}
    for done, case in enumerate(cases):
        progress(done, len(cases), f"true Dice of {case.name}")
        try:
            predicted = predict(bench, case.name, uncertainty=False, cancel=cancel)
        except ActiveSuggestError as error:
            if error.kind == "cancelled":
                raise
            bench.report(case.name, error)
            continue
        axis = predicted.geometry.plane_axis(bench.project.plane)
        labels, truth = (
            np.moveaxis(bench.classes.from_values(a), axis, 0)
            for a in (predicted.labels, np.asarray(bench.truth(case.name)))
        )
        slices = [mean_foreground_dice(a, b, index) for a, b in zip(labels, truth, strict=True)]
        whole = mean_foreground_dice(labels, truth, index)
        found[case.name] = TrueDice(whole, np.array(slices))
    return found
