"""Images as Slicer shows them soonest: uncompressed, on the case's own grid, ready beforehand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.images import read_voxels, signature
from .bounded import keep_newest, tidy, used_now
from .raw_nrrd import map_voxels, read_keys, storable, volume_header, write_quickly

if TYPE_CHECKING:
    from ..data.cases import CaseRow
    from ..progress import Cancel

SOURCE_KEY = "ActiveSuggest_Source"
MOST_FILES = 24
MOST_BYTES = 4 * 1024**3
LEAST_FILES = 4
CT_WINDOW = (-160.0, 240.0)
"""Soft tissue: width 400, level 40."""


class SceneFiles:
    """The folder ``cache/scene`` of one project: ``CASE.nrrd``, and ``CASE.N.nrrd`` by channel."""

    def __init__(self, project: Path) -> None:
        self.folder = project / "cache" / "scene"

    def ready(self, row: CaseRow) -> list[Path]:
        """Return the files of a case if they are there and its images are still the same.

        Raises ``VanishedImageError``.
        """
        paths = self._paths(row.name, max(1, row.channels))
        mark = signature(row.source)
        try:
            fresh = all(
                read_keys(path).get(SOURCE_KEY) == f"{mark}.{channel}"
                for channel, path in enumerate(paths)
            )
        except OSError:
            return []
        return paths if fresh else []

    def prepare(self, row: CaseRow, cancel: Cancel | None = None) -> list[Path]:
        """Return the files of a case, one a channel, written now unless they are there.

        Where the disk is too full the image's own files are returned instead.
        Raises ``ImageError``, ``CancelledError``.
        """
        if paths := self.ready(row):
            for path in paths:
                used_now(path)
            return paths
        mark = signature(row.source)
        if cancel is not None:
            cancel.raise_if_cancelled()
        voxels, geometry, _ = read_voxels(row.source, case=row.name)
        if cancel is not None:
            cancel.raise_if_cancelled()
        paths = self._paths(row.name, len(voxels))
        tidy(self.folder)
        try:
            for channel, path in enumerate(paths):
                array = storable(voxels[channel])
                keys = {SOURCE_KEY: f"{mark}.{channel}"}
                write_quickly(path, volume_header(geometry, array.dtype, keys), array)
        except OSError:
            if row.source.kind == "dicom":
                raise
            return list(row.source.paths)
        self.prune()
        return paths

    def slice(self, row: CaseRow, axis: int, index: int) -> np.ndarray:
        """Return slice ``index`` along array axis ``axis`` of the first channel.

        Read from the prepared file if there is one, else from the image itself.
        Raises ``ImageError``, ``IndexError``.
        """
        if paths := self.ready(row):
            try:
                return np.array(np.take(map_voxels(paths[0]), index, axis))
            except (OSError, ValueError):
                pass  # Dropped or torn meanwhile.
        voxels, _, _ = read_voxels(row.source, case=row.name)
        return np.array(np.take(voxels[0], index, axis))

    def prune(self) -> None:
        """Drop the files that were not used for longest."""
        groups = [[path] for path in self.folder.glob("*.nrrd")]
        keep_newest(groups, MOST_FILES, MOST_BYTES, LEAST_FILES)

    def _paths(self, case: str, channels: int) -> list[Path]:
        further = [self.folder / f"{case}.{channel}.nrrd" for channel in range(1, channels)]
        return [self.folder / f"{case}.nrrd", *further]


def channel_names(row: CaseRow, count: int) -> list[str]:
    """Return a name for each channel's volume in the scene."""
    if count == 1:
        return [row.name]
    return [f"{row.name} channel {number}" for number in range(1, count + 1)]


def windows(row: CaseRow, count: int) -> list[tuple[float, float] | None]:
    """Return the grey values shown as black and as white for each channel, ``None`` if unknown.

    Soft tissue for CT, else what all but the darkest and brightest half per cent lie between.
    """
    by_channel: list[dict[str, Any]] = row.intensity.get("channels") or [row.intensity] * count
    return [_window(row, numbers) for numbers in by_channel[:count]]


def _window(row: CaseRow, numbers: dict[str, Any]) -> tuple[float, float] | None:
    if row.modality == "CT" and float(numbers.get("min", 0.0)) < CT_WINDOW[0]:
        return CT_WINDOW
    low, high = numbers.get("p005"), numbers.get("p995")
    if low is None or high is None:
        return None
    if high <= low:  # Nearly blank: the few voxels that differ are what there is to see.
        low, high = numbers["min"], numbers["max"]
    return (float(low), float(high)) if high > low else None
