"""The last proposal for each case, kept to be judged by the label that a person saves."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..data.store import temporary_beside
from ..metrics import mean_foreground_dice
from .classes import SegmentClasses


class Proposals:
    """Proposals under a project's ``cache/proposals``; losing one only loses its Dice."""

    def __init__(self, project: Path) -> None:
        self.folder = project / "cache" / "proposals"

    def store(self, case: str, labels: np.ndarray, model: int) -> None:
        """Keep a proposal (z, y, x) of segment values; a full disk only costs its judgement."""
        path = self._path(case)
        temporary = temporary_beside(path)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as stream:
                np.savez_compressed(stream, labels=labels, model=model)
            temporary.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()

    def has(self, case: str) -> bool:
        """Whether a proposal for a case is kept."""
        return self._path(case).is_file()

    def judge(
        self,
        case: str,
        label: np.ndarray,
        classes: SegmentClasses,
        slices: Sequence[int] | None,
        axis: int,
    ) -> dict[str, Any] | None:
        """Return the proposal's mean foreground Dice against ``label`` (of ``slices``), if any."""
        try:
            with np.load(self._path(case)) as stored:
                proposed, model = stored["labels"], int(stored["model"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        if proposed.shape != label.shape:
            return None
        found, truth = classes.from_values(proposed), classes.from_values(label)
        if slices is not None:
            found, truth = (np.take(a, list(slices), axis=axis) for a in (found, truth))
        return {"dice": mean_foreground_dice(found, truth, classes.index), "model": model}

    def discard(self, case: str) -> None:
        """Forget the proposal for a case."""
        with contextlib.suppress(OSError):
            self._path(case).unlink()

    def _path(self, case: str) -> Path:
        return self.folder / f"{case}.npz"
