"""Score tables: rows of the worker as a table node of the scene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def show_scores(scene: Any, rows: Sequence[dict[str, Any]], name: str) -> Any:
    """Return a new ``vtkMRMLTableNode`` called ``name`` with a column for each key of the rows.

    Whole numbers, numbers and texts give columns of their own type; missing values are empty.
    """
    raise NotImplementedError
