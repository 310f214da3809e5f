"""The last proposal for each case, kept to be judged by the label that a person saves."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data.store import temporary_beside
from ..metrics import mean_foreground_dice
from .prediction import Prediction


class Proposals:
    """Proposals under ``cache/proposals``; losing one only loses its Dice."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def store(self, prediction: Prediction) -> None:
        """Keep a proposal; a full disk only costs its later judgement."""
        path = self._path(prediction.case)
        temporary = temporary_beside(path)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as stream:
                np.savez_compressed(stream, labels=prediction.labels, model=prediction.model)
            temporary.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()

    def judge(
        self,
        case: str,
        to_classes: Callable[[np.ndarray], np.ndarray],
        truth: np.ndarray,
        segments: Mapping[str, int],
        slices: Sequence[int] | None,
        axis: int,
    ) -> dict[str, Any] | None:
        """Return the proposal's mean foreground Dice against ``truth`` (of ``slices``), if any."""
        try:
            with np.load(self._path(case)) as stored:
                labels, model = stored["labels"], int(stored["model"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        if labels.shape != truth.shape:
            return None
        proposed = to_classes(labels)
        if slices is not None:
            proposed, truth = (np.take(a, list(slices), axis=axis) for a in (proposed, truth))
        return {"dice": mean_foreground_dice(proposed, truth, segments), "model": model}

    def discard(self, case: str) -> None:
        """Forget the proposal for a case."""
        with contextlib.suppress(OSError):
            self._path(case).unlink()

    def _path(self, case: str) -> Path:
        return self.folder / f"{case}.npz"
