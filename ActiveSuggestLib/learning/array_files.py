"""Arrays of cases on disk, by image; always safe to delete."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from pathlib import Path

import numpy as np

from ..data.cases import CaseRow
from ..data.store import discard, temporary_beside


class ArrayFiles:
    """One ``.npy`` file a case in a folder, found by the case and its image's hash."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, case: CaseRow) -> np.ndarray | None:
        """Return the array, mapped from its file, or ``None``; a torn file counts as nothing."""
        with contextlib.suppress(OSError, ValueError, EOFError):
            return np.load(self._path(case), mmap_mode="r")
        return None

    def store(self, case: CaseRow, array: np.ndarray) -> np.ndarray:
        """Store an array and return it mapped; a full disk only costs the cache."""
        path = self._path(case)
        temporary = temporary_beside(path)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as stream:
                np.save(stream, array)
            temporary.replace(path)
        except OSError:
            discard(temporary)
            return array
        stored = self.load(case)
        return array if stored is None else stored

    def prune_others(self) -> None:
        """Drop the folders beside this one: what other models or plans gave."""
        with contextlib.suppress(OSError):
            for folder in self.folder.parent.iterdir():
                if folder != self.folder:
                    shutil.rmtree(folder, ignore_errors=True)

    def _path(self, case: CaseRow) -> Path:
        name = hashlib.sha256(f"{case.name}|{case.image_hash}".encode()).hexdigest()[:24]
        return self.folder / f"{name}.npy"
