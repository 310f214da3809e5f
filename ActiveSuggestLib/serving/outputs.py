"""Predictions and tables as files, each written whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data.store import atomic_write

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from ..data.geometry import Geometry


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
            heat, lambda path: write_scalars(path, prediction.uncertainty, prediction.geometry)
        )
    return {
        "case": name,
        "labels": str(labels),
        "uncertainty": None if heat is None else str(heat),
        "worst_slice": prediction.worst_slice,
        "model": prediction.model,
    }


def write_scalars(path: Path, array: np.ndarray, geometry: Geometry) -> None:
    """Write an array (z, y, x) on its grid, uncompressed: Slicer then shows it at once."""
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(array)
    image.SetSpacing(geometry.spacing)
    image.SetOrigin(geometry.origin)
    image.SetDirection(geometry.direction)
    sitk.WriteImage(image, str(path), useCompression=False)


def score_rows(table: pd.DataFrame, limit: int | None = None) -> list[dict[str, Any]]:
    """Return the first rows of a score table; slices are whole numbers or ``None``."""
    rows = table if limit is None else table.head(limit)
    return [
        {str(name): _whole(value) if name == "slice" else value for name, value in row.items()}
        for row in rows.to_dict("records")
    ]


def _whole(number: Any) -> int | None:
    import pandas as pd

    # pandas has its own "missing" for whole numbers.
    return None if pd.isna(number) else int(number)


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a score table as CSV in UTF-8.

    Raises ``DiskFullError`` or ``SaveFailedError``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    text = table.to_csv(index=False, lineterminator="\n")
    atomic_write(path, text.encode("utf-8"))
