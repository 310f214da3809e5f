"""Label arithmetic: what a person handed in, laid over the slices that were labelled before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...errors import SliceRangeError
from ..labels import UNKNOWN, LabelMap, label_from_array, read_label
from ..segments import Segment

if TYPE_CHECKING:
    from ..geometry import Geometry


def incoming(
    case: str,
    geometry: Geometry,
    mask: np.ndarray | Path | str,
    *,
    segments: tuple[Segment, ...],
    plane: str,
    slices: Sequence[int] | None,
) -> LabelMap:
    """Return what was handed in as a checked label of this case.

    ``slices`` (along ``plane``) limits it to these; otherwise a file's own slices count, or the
    slices of an array that are not wholly ``UNKNOWN``. Raises ``LabelError``.
    """
    array = mask
    if isinstance(mask, str | Path):
        label = read_label(Path(mask), segments, geometry, case=case)
        array = without_unknown(label)
        slices = _slices_of_file(case, label, geometry.plane_axis(plane), plane, slices)
    label = label_from_array(array, geometry, segments, slices=slices, plane=plane, case=case)
    return _whole_if_complete(label)


def merge(earlier: LabelMap, later: LabelMap) -> LabelMap:
    """Return the earlier label with the later one's slices in their place.

    Slices saved one after another add up; a later whole label replaces everything.
    """
    if later.slices is None:
        return later
    axis = later.plane_axis
    if earlier.slices is not None and earlier.plane_axis != axis:
        raise SliceRangeError(
            "The slices labelled before lie in another plane.",
            remedy="Save a label of the whole volume.",
        )
    array = np.moveaxis(earlier.array.copy(), axis, 0)
    chosen = list(later.slices)
    array[chosen] = np.moveaxis(later.array, axis, 0)[chosen]
    slices = None
    if earlier.slices is not None:
        slices = tuple(sorted({*earlier.slices, *later.slices}))
    whole = np.ascontiguousarray(np.moveaxis(array, 0, axis))
    return _whole_if_complete(replace(later, array=whole, slices=slices, present=()))


def without_unknown(label: LabelMap) -> np.ndarray:
    """Return the voxels with background where nothing is known: the way files hold them."""
    return np.where(label.array == UNKNOWN, 0, label.array).astype(np.uint8)


def _whole_if_complete(label: LabelMap) -> LabelMap:
    count = label.geometry.shape[label.plane_axis]
    is_complete = label.slices is not None and len(label.slices) == count
    return replace(label, slices=None) if is_complete else label


def _slices_of_file(
    case: str, label: LabelMap, axis: int, plane: str, wanted: Sequence[int] | None
) -> Sequence[int] | None:
    if label.slices is None:
        return wanted
    if label.plane_axis != axis:
        raise SliceRangeError(
            f"The label's slices do not lie in the project's plane ({plane}).",
            case=case,
            remedy="Label slices of that plane, or the whole volume.",
        )
    absent = sorted(set(wanted or ()) - set(label.slices))
    if absent:
        raise SliceRangeError(
            f"Slice {', '.join(map(str, absent))} is not labelled in the file.",
            case=case,
            remedy=f"It holds the slices {', '.join(map(str, label.slices))}.",
        )
    return label.slices if wanted is None else wanted
