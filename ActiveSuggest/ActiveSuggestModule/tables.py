"""Score tables: rows of the worker as a table node of the scene."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from vtk.util.numpy_support import numpy_to_vtk

_LARGEST_INT = 2**31 - 1
_KINDS: dict[type, int] = {
    np.int32: vtk.VTK_INT,
    np.int64: vtk.VTK_LONG_LONG,
    np.float64: vtk.VTK_DOUBLE,
}


def show_scores(scene: Any, rows: Sequence[dict[str, Any]], name: str) -> Any:
    """Return a new ``vtkMRMLTableNode`` called ``name`` with a column for each key of the rows.

    Columns come in the order in which the keys first occur. Whole numbers, numbers and texts give
    columns of their own type, so that they sort as they should; a list of texts (reasons) is
    joined. What is missing among numbers is "nan", among texts empty. The node is the user's:
    closing a case leaves it.
    """
    table = vtk.vtkTable()
    for key in dict.fromkeys(key for row in rows for key in row):
        column = _column([row.get(key) for row in rows])
        column.SetName(str(key))
        table.AddColumn(column)
    node = slicer.vtkMRMLTableNode()
    node.SetName(scene.GenerateUniqueName(name))
    node.SetAndObserveTable(table)
    node.SetLocked(True)
    scene.AddNode(node)
    return node


def _column(values: Sequence[Any]) -> Any:
    present = [value for value in values if value is not None]
    if present and all(_is_whole(value) for value in present):
        if len(present) == len(values):
            fits = max(abs(int(value)) for value in present) <= _LARGEST_INT
            return _numbers(values, np.int32 if fits else np.int64)
        return _numbers(values, np.float64)
    if present and all(_is_number(value) for value in present):
        return _numbers(values, np.float64)
    column = vtk.vtkStringArray()
    column.SetNumberOfValues(len(values))
    for index, value in enumerate(values):
        column.SetValue(index, _text(value))
    return column


def _numbers(values: Sequence[Any], kind: type) -> Any:
    array: NDArray[Any] = np.array([np.nan if value is None else value for value in values]).astype(
        kind
    )
    return numpy_to_vtk(array, deep=1, array_type=_KINDS[kind])


def _is_whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_whole(value) or isinstance(value, (float, np.floating))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)) and all(isinstance(part, str) for part in value):
        return "; ".join(value)
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
