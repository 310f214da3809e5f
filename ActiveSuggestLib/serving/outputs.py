"""Predictions and tables as files, each written whole."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..data.store import atomic_write, make_folder
from .raw_nrrd import write_volume

COLUMNS = ("rank", "case", "slice", "patient", "score", "reasons")


def write_prediction(prediction: Any, project: Any, folder: Path) -> dict[str, Any]:
    """Write ``CASE.seg.nrrd`` and ``CASE.uncertainty.nrrd``; return their paths and the facts.

    A prediction without uncertainty gives one file.
    Raises ``DiskFullError`` or ``SaveFailedError``.
    """
    from ..data.labels import write_label

    folder.mkdir(parents=True, exist_ok=True)
    name = prediction.case
    labels = folder / f"{name}.seg.nrrd"
    atomic_write(
        labels,
        lambda path: write_label(
            path, prediction.labels, prediction.geometry, project.segments, plane=project.plane
        ),
    )
    heat: Path | None = None
    if prediction.uncertainty is not None:
        heat = folder / f"{name}.uncertainty.nrrd"
        atomic_write(
            heat, lambda path: write_volume(path, prediction.uncertainty, prediction.geometry)
        )
    return {
        "case": name,
        "labels": str(labels),
        "uncertainty": None if heat is None else str(heat),
        "worst_slice": prediction.worst_slice,
        "model": prediction.model,
    }


def write_ranking(ranking: Sequence[Any], path: Path) -> None:
    """Write suggestions, best first, as CSV in UTF-8: a row each, as ``Suggestion.to_row``.

    Raises ``DiskFullError`` or ``SaveFailedError``.
    """
    make_folder(path.parent)
    stream = io.StringIO(newline="")
    table = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(suggestion.to_row() for suggestion in ranking)
    atomic_write(path, stream.getvalue().encode("utf-8"))
