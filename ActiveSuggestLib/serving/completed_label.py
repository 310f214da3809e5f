"""A label of some slices, completed by the model's proposal for all the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..data.label_formats import seg_nrrd
from ..data.labels import UNKNOWN
from .bounded import keep_newest, tidy
from .prediction_files import PredictionFiles
from .raw_nrrd import write_quickly

MOST_FILES = 24
MOST_BYTES = 1024**3
LEAST_FILES = 4


def complete_label(project: Any, case: str) -> Path | None:
    """Write what a person wants to go on from who has labelled some slices of a case.

    The labelled slices are as they were saved, the others as the model in use proposes. ``None``
    where the case is not labelled, or as a whole, or not predicted yet.
    Raises ``LabelError``, ``VanishedImageError``, ``OSError``.
    """
    row, label = project.case(case), project.read_label(case)
    layers = PredictionFiles(project).layers(row)
    if label is None or label.slices is None or layers is None:
        return None
    array = np.where(label.array == UNKNOWN, layers[0], label.array).astype(np.uint8)
    path = Path(project.folder) / "cache" / "completed" / f"{row.name}.seg.nrrd"
    tidy(path.parent)
    header = seg_nrrd.header(label.geometry, project.segments, {}, encoding="raw")
    write_quickly(path, header, array)
    groups = [[found] for found in path.parent.glob("*.seg.nrrd")]
    keep_newest(groups, MOST_FILES, MOST_BYTES, LEAST_FILES)
    return path
