"""The labelled cases of a project as training and validation material."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import torch

from ..data.cases import CaseRow
from ..errors import ActiveSuggestError, LabelError
from ..metrics import mean_foreground_dice
from ..models.batches import LabelledCase
from ..models.inference import Inference
from ..models.memory import Limits, with_less_memory
from ..models.orientation import orientation_of
from ..models.preparing import Prepared, prepare_label, prepared_shape, restore_labels
from ..models.windows import window_voxels
from ..progress import Cancel
from .array_files import ArrayFiles
from .workbench import Workbench


class PreparedImages:
    """Prepared images of labelled cases, mapped from files under ``cache/prepared``.

    Training draws patches from them thousands of times; mapped files cost no memory of ours and
    are read once. Where they cannot be written the array itself is used.
    """

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self.files = ArrayFiles(bench.project.folder / "cache" / "prepared" / bench.plan.hash)

    def array(self, case: CaseRow) -> np.ndarray:
        """Return the prepared image (C, S, H, W), float32.

        Raises:
            ImageError: the image cannot be used.
        """
        stored = self.files.load(case)
        if stored is not None:
            return stored
        return self.files.store(case, self.bench.load(case).array.numpy())

    def prune(self) -> None:
        """Drop what other plans prepared."""
        self.files.prune_others()


class TrainingMaterial:
    """The labelled cases, loaded once and anew only where a label has changed."""

    def __init__(
        self, bench: Workbench, validation: Collection[str], known_labels: dict[str, str]
    ) -> None:
        self.bench = bench
        self.validation = frozenset(validation)
        self.known_labels = known_labels
        self.images = PreparedImages(bench)
        self._loaded: dict[str, LabelledCase] = {}
        self._version = -1

    def cases(self) -> list[LabelledCase]:
        """Return every labelled case that may be trained on; unusable ones are reported."""
        self._version = self.bench.project.labels_version()
        rows = self.bench.project.cases("labelled")
        kept_out = {r.patient for r in rows if r.name in self.validation}
        for row in rows:
            if row.patient in kept_out or row.missing:
                continue
            loaded = self._loaded.get(row.name)
            if loaded is not None and loaded.label_hash == row.label_hash:
                continue
            self.bench.pauses.give_way()
            case = self._load(row)
            if case is not None:
                self._loaded[row.name] = case
        wanted = {r.name for r in rows}
        return [case for name, case in sorted(self._loaded.items()) if name in wanted]

    def changed(self) -> Sequence[LabelledCase] | None:
        """Return the cases anew if any label was saved since, else ``None``."""
        if self.bench.project.labels_version() == self._version:
            return None
        return self.cases()

    def _load(self, row: CaseRow) -> LabelledCase | None:
        bench = self.bench
        try:
            label = bench.project.read_label(row.name)
            if label is None:
                bench.notice(
                    "label_lost",
                    f"The label of {row.name} is no longer there or cannot be read; the training "
                    "goes on without it. Its earlier versions are in labels/history.",
                    case=row.name,
                )
                return None
            target = prepare_label(
                bench.classes.from_values(label.array), label.geometry, bench.plan
            )
            image = self.images.array(row)
        except ActiveSuggestError as error:
            bench.report(row.name, error)
            if isinstance(error, LabelError):
                bench.project.record("label_unusable", case=row.name, error=error.to_dict())
            return None
        return LabelledCase.of(
            row.name,
            image,
            target.numpy(),
            is_new=self.known_labels.get(row.name) != row.label_hash,
            label_hash=row.label_hash,
        )


class Validation:
    """The validation cases, and how well a network does on them."""

    def __init__(self, bench: Workbench, names: Sequence[str]) -> None:
        self.bench = bench
        self.images = PreparedImages(bench)
        self.rows = [r for r in bench.project.cases("labelled") if r.name in set(names)]

    def voxels(self) -> list[float]:
        """Return how many voxels the network passes over for each case, overlaps counted."""
        plan = self.bench.plan
        return [
            float(window_voxels(prepared_shape(row.geometry, plan), plan))
            for row in self.rows
            if row.geometry is not None
        ]

    def dice(
        self,
        inference: Inference,
        seconds: float = float("inf"),
        cancel: Cancel | None = None,
    ) -> dict[str, float]:
        """Return the mean foreground Dice of each case on the image's own grid.

        Always in the same order; what would not end within ``seconds`` is left out, but never all.
        """
        pauses = self.bench.pauses
        started = pauses.now()
        found: dict[str, float] = {}
        for row in self.rows:
            pauses.give_way()
            spent = pauses.now() - started
            if found and spent + spent / len(found) > seconds:
                break
            value = self._case(row, inference, cancel)
            if value is not None:
                found[row.name] = value
        return found

    def _case(self, row: CaseRow, inference: Inference, cancel: Cancel | None) -> float | None:
        bench = self.bench
        try:
            label = bench.project.read_label(row.name)
            if label is None or row.geometry is None:
                return None
            array = torch.from_numpy(np.array(self.images.array(row)))
        except ActiveSuggestError as error:
            bench.report(row.name, error)
            return None

        def work(limits: Limits) -> torch.Tensor:
            return inference.probability(array, limits, cancel=cancel)

        probability, bench.limits = with_less_memory(work, bench.limits, bench.hear_memory)
        orientation = orientation_of(label.geometry, bench.plan.plane)
        shape = orientation.apply(label.array).shape
        prepared = Prepared(array, orientation, (shape[0], shape[1], shape[2]))
        predicted = restore_labels(probability, prepared)
        truth = bench.classes.from_values(label.array)
        # A segment that is in neither counts as found: there was nothing to find.
        return mean_foreground_dice(predicted, truth, bench.classes.index)
