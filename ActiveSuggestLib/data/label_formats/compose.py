"""Composing: several masks, each of one segment, into one label map, or naming their overlaps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import OverlappingSegmentsError, UnknownSegmentError, UnnamedValueError
from ..segments import Segment, find_segment


class Composer:
    """Collects masks of segments into a uint8 array (z, y, x) of the project's values."""

    def __init__(self, shape: tuple[int, ...], segments: tuple[Segment, ...]) -> None:
        self.array: NDArray[np.uint8] = np.zeros(shape, dtype=np.uint8)
        self._segments = segments
        self._overlaps: Counter[tuple[int, int]] = Counter()
        self._unknown: Counter[str] = Counter()

    def add(self, name: str, mask: NDArray[np.bool_], index: Any = ...) -> None:
        """Give the voxels of ``mask`` (at ``array[index]``) to the segment called ``name``."""
        count = int(np.count_nonzero(mask))
        if not count:
            return
        segment = find_segment(name, self._segments)
        if segment is None:
            self._unknown[name] += count
            return
        region = self.array[index]
        taken = region[mask]
        for other in np.unique(taken[(taken != 0) & (taken != segment.value)]):
            self._overlaps[(int(other), segment.value)] += int((taken == other).sum())
        region[mask] = segment.value
        self.array[index] = region

    def finish(self, *, case: str | None, path: Any) -> NDArray[np.uint8]:
        """Return the array; raises ``UnknownSegmentError`` or ``OverlappingSegmentsError``."""
        if self._unknown:
            raise unknown_segments(self._unknown, self._segments, case=case, path=path)
        if self._overlaps:
            names = {s.value: s.name for s in self._segments}
            said = ", ".join(
                f"'{names[a]}' and '{names[b]}' share {n} voxels"
                for (a, b), n in sorted(self._overlaps.items())
            )
            raise OverlappingSegmentsError(
                f"Segments overlap: {said}.",
                case=case,
                path=path,
                remedy="Decide which segment each of these voxels belongs to (in Slicer's Segment "
                "Editor: Masking, Modify other segments: Overwrite all), and save again.",
            )
        return self.array


def map_values(
    array: NDArray[Any],
    names: Mapping[int, str],
    segments: tuple[Segment, ...],
    *,
    case: str | None,
    path: Any,
) -> NDArray[np.uint8]:
    """Return an integer array with each value replaced by that of the segment so named.

    Raises ``UnnamedValueError`` for values without a name, ``UnknownSegmentError`` for names that
    the project does not have.
    """
    present = value_counts(array)
    present.pop(0, None)
    unnamed = {v: n for v, n in present.items() if v not in names}
    if unnamed:
        raise unnamed_values(unnamed, names, case=case, path=path)
    targets = {v: find_segment(names[v], segments) for v in present}
    unknown = Counter({names[v]: present[v] for v, found in targets.items() if found is None})
    if unknown:
        raise unknown_segments(unknown, segments, case=case, path=path)
    out = np.zeros(array.shape, dtype=np.uint8)
    for value, segment in targets.items():
        if segment is not None:
            out[array == value] = segment.value
    return out


def value_counts(array: NDArray[Any]) -> dict[int, int]:
    """Return how often each value occurs in an integer array, without sorting it.

    >>> value_counts(np.array([3, 0, 3]))
    {0: 1, 3: 2}
    """
    if array.size == 0:
        return {}
    low, high = int(array.min()), int(array.max())
    if high - low >= 1 << 16:
        values, counts = np.unique(array, return_counts=True)
        return {int(v): int(n) for v, n in zip(values, counts, strict=True)}
    flat, block = array.reshape(-1), 1 << 20
    counts = np.zeros(high - low + 1, dtype=np.int64)
    for start in range(0, flat.size, block):
        shifted = flat[start : start + block].astype(np.int64) - low
        counts += np.bincount(shifted, minlength=len(counts))
    return {low + int(i): int(counts[i]) for i in np.flatnonzero(counts)}


def unknown_segments(
    unknown: Mapping[str, int], segments: tuple[Segment, ...], *, case: str | None, path: Any
) -> UnknownSegmentError:
    """Return the error for segment names that the project does not have."""
    said = ", ".join(f"'{name}' ({n} voxels)" for name, n in unknown.items())
    known = ", ".join(f"'{s.name}'" for s in segments)
    return UnknownSegmentError(
        f"The label has segments that the project does not know: {said}.",
        case=case,
        path=path,
        remedy=f"Rename them to one of {known}, or take them out of the label.",
    )


def unnamed_values(
    unnamed: Mapping[int, int], names: Mapping[int, str], *, case: str | None, path: Any
) -> UnnamedValueError:
    """Return the error for voxel values that no segment has."""
    shown = list(unnamed.items())[:8]
    said = ", ".join(f"{value} ({n} voxels)" for value, n in shown)
    more = f" and {len(unnamed) - len(shown)} more" if len(unnamed) > len(shown) else ""
    known = ", ".join(f"{value} {name}" for value, name in sorted(names.items()))
    return UnnamedValueError(
        f"The label has values without a name: {said}{more}.",
        case=case,
        path=path,
        remedy=f"Known values are 0 background, {known}. Correct the label, or name the values.",
    )
