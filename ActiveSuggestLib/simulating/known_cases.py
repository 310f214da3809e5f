"""Cases whose labels are known: what a simulation draws its pool and its test set from."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..data.geometry import Geometry
from ..data.images import ImageSource
from ..data.labels import find_labels, read_label
from ..data.pool import scan_images
from ..data.segments import Segment
from ..errors import NoLabelError
from ..progress import Cancel, Progress, no_progress
from .json_files import write_json


@dataclass(frozen=True)
class KnownCase:
    """An image and its true label."""

    name: str
    patient: str
    source: ImageSource
    geometry: Geometry
    label: Path


def find_known_cases(
    images: Path,
    labels: Path,
    *,
    patient_pattern: str | None = None,
    patient_csv: Path | None = None,
    progress: Progress = no_progress,
    cancel: Cancel | None = None,
) -> tuple[list[KnownCase], tuple[str, ...]]:
    """Return the readable images that have a label, and in words what was left out.

    Raises ``NoLabelError`` if no image has one.
    """
    scanned = list(
        scan_images(
            images,
            patient_pattern=patient_pattern,
            patient_csv=patient_csv,
            progress=progress,
            cancel=cancel,
        )
    )
    readable = [c for c in scanned if c.problem is None and c.geometry is not None]
    found = find_labels(labels, [c.name for c in readable])
    cases = [
        KnownCase(c.name, c.patient, c.source, c.geometry, found[c.name])
        for c in readable
        if c.geometry is not None and c.name in found
    ]
    if not cases:
        raise NoLabelError(
            f"None of the {len(readable)} images has a label.",
            path=labels,
            remedy="Labels need the file names of their images.",
        )
    notes = []
    if len(readable) < len(scanned):
        unusable = len(scanned) - len(readable)
        notes.append(f"Left out because the image cannot be used: {unusable}.")
    if found.ambiguous:
        notes.append(f"Left out because several files may be the label: {len(found.ambiguous)}.")
    if len(cases) + len(found.ambiguous) < len(readable):
        without = len(readable) - len(cases) - len(found.ambiguous)
        notes.append(f"Left out because there is no label: {without}.")
    return cases, tuple(notes)


def save_known_cases(path: Path, cases: Sequence[KnownCase], notes: Sequence[str]) -> None:
    """Write what ``find_known_cases`` found."""
    write_json(path, _to_json(cases, notes))


def load_known_cases(path: Path) -> tuple[list[KnownCase], tuple[str, ...]]:
    """Read what ``save_known_cases`` wrote."""
    return _from_json(json.loads(path.read_text(encoding="utf-8")))


def read_truth(case: KnownCase, segments: Sequence[Segment]) -> np.ndarray:
    """Return the true label, uint8 (z, y, x) of segment values."""
    return read_label(case.label, tuple(segments), case.geometry, case=case.name).array


def link_images(cases: Iterable[KnownCase], root: Path, target: Path) -> None:
    """Make a folder that shows only the files of some cases, in the places they have in ``root``.

    Files are linked, or copied where the file system knows no links.
    """
    for case in cases:
        for path in case.source.files():
            place = target / path.relative_to(root)
            if not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                _link(path, place)


def _link(path: Path, place: Path) -> None:
    with contextlib.suppress(OSError):
        place.symlink_to(path)
        return
    with contextlib.suppress(OSError):
        place.hardlink_to(path)
        return
    shutil.copy2(path, place)


def _to_json(cases: Sequence[KnownCase], notes: Sequence[str]) -> dict[str, Any]:
    return {
        "notes": list(notes),
        "cases": [
            {
                "name": c.name,
                "patient": c.patient,
                "kind": c.source.kind,
                "paths": [str(p) for p in c.source.paths],
                "geometry": c.geometry.to_dict(),
                "label": str(c.label),
            }
            for c in cases
        ],
    }


def _from_json(form: dict[str, Any]) -> tuple[list[KnownCase], tuple[str, ...]]:
    cases = [
        KnownCase(
            name=c["name"],
            patient=c["patient"],
            source=ImageSource(tuple(Path(p) for p in c["paths"]), c["kind"]),
            geometry=Geometry.from_dict(c["geometry"]),
            label=Path(c["label"]),
        )
        for c in form["cases"]
    ]
    return cases, tuple(form["notes"])
