"""Which segments a folder of labels holds, where nobody said."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..data.label_formats.seg_nrrd import named_segments, read_keys
from ..data.labels import read_label
from ..data.segments import HIGHEST_VALUE, Segment, default_color
from ..errors import InvalidSegmentsError, UnnamedValueError

MOST_FILES = 40
"""How many label files are looked at where only the voxels tell."""


def find_segments(labels: Path, files: Iterable[Path]) -> tuple[Segment, ...]:
    """Return the segments named in .seg.nrrd files, else in dataset.json, else segment_1, ….

    Raises ``InvalidSegmentsError`` if no file holds any.
    """
    files = sorted(files)
    segments = _from_headers(files) or _from_dataset(labels) or _from_voxels(files[:MOST_FILES])
    if not segments:
        raise InvalidSegmentsError(
            "The labels hold no segment: all voxels are background.",
            path=labels,
            remedy="Choose the folder that holds the labels.",
        )
    return segments


def _from_headers(files: Iterable[Path]) -> tuple[Segment, ...]:
    """Take the names in the files; a value that two names claim goes to the first."""
    found: dict[str, Segment] = {}
    taken: set[int] = set()
    for path in files:
        if not path.name.lower().endswith(".nrrd"):
            continue
        for named in named_segments(read_keys(path)):
            if named.name in found:
                continue
            free = (v for v in range(1, HIGHEST_VALUE + 1) if v not in taken)
            value = named.value if named.value not in {0, *taken} else next(free)
            taken.add(value)
            found[named.name] = Segment(named.name, value, default_color(value))
    return tuple(found.values())


def _from_dataset(labels: Path) -> tuple[Segment, ...]:
    """Take the names of a dataset.json beside or above the labels (Decathlon, nnU-Net)."""
    for folder in (labels, labels.parent):
        try:
            listed = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))["labels"]
            names = _by_value(listed)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
        return tuple(Segment(names[v], v, default_color(v)) for v in sorted(names) if v > 0)
    return ()


def _by_value(listed: Mapping[str, Any]) -> dict[int, str]:
    if all(key.isdigit() for key in listed):
        return {int(key): str(name) for key, name in listed.items()}
    return {int(value): str(name) for name, value in listed.items()}


def _from_voxels(files: Iterable[Path]) -> tuple[Segment, ...]:
    every = tuple(Segment(f"segment_{v}", v, default_color(v)) for v in range(1, HIGHEST_VALUE + 1))
    found = {name for path in files for name in _present(path, every)}
    return tuple(segment for segment in every if segment.name in found)


def _present(path: Path, every: tuple[Segment, ...]) -> tuple[str, ...]:
    try:
        return read_label(path, every, None).present
    except UnnamedValueError:
        # A mask painted in 0 and 255 means the one segment there is.
        return read_label(path, every[:1], None).present
