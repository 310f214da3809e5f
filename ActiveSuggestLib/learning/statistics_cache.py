"""Statistics of cases on disk, by model, plan, samples and image; always safe to delete."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from ..data.store import temporary_beside
from ..models.inference import Samples
from ..models.statistics import CaseStatistics

KEPT_MODELS = 4
Found = TypeVar("Found", bound=CaseStatistics)


class StatisticsCache(Generic[Found]):
    """The statistics that one model gave, a file a case under ``cache/statistics``.

    ``kind`` is what is kept of a case: ``CaseStatistics``, or a dataclass that adds arrays to it.
    """

    def __init__(
        self,
        root: Path,
        model: str,
        plan: str,
        samples: Samples,
        kind: type[Found] = CaseStatistics,  # type: ignore[assignment]
    ) -> None:
        key = f"{model}|{plan}|{samples.count}|{samples.seed}|{samples.p}"
        if kind is not CaseStatistics:
            key += f"|{kind.__name__}"
        self.kind = kind
        self.root = root
        self.folder = root / hashlib.sha256(key.encode()).hexdigest()[:16]

    def load(self, case: str, image_hash: str) -> Found | None:
        """Return what was stored for an image, or ``None``; a torn file counts as nothing."""
        try:
            with np.load(self._path(case, image_hash)) as stored:
                return self.kind(**{f.name: stored[f.name] for f in fields(self.kind)})
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def store(self, case: str, image_hash: str, statistics: Found) -> None:
        """Store the statistics of an image; a full disk only costs the cache."""
        path = self._path(case, image_hash)
        temporary = temporary_beside(path)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as stream:
                np.savez(stream, **vars(statistics))
            temporary.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()

    def prune(self) -> None:
        """Drop the statistics of all but the newest few models."""
        with contextlib.suppress(OSError):
            os.utime(self.folder)
            folders = sorted(self.root.iterdir(), key=lambda f: f.stat().st_mtime, reverse=True)
            for old in folders[KEPT_MODELS:]:
                shutil.rmtree(old, ignore_errors=True)

    def _path(self, case: str, image_hash: str) -> Path:
        name = hashlib.sha256(f"{case}|{image_hash}".encode()).hexdigest()[:24]
        return self.folder / f"{name}.npz"
