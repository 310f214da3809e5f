"""The pool: every image in a folder, found, read once, and described."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import (
    ActiveSuggestError,
    UnexpectedChannelsError,
    UnreadableImageError,
    error_from_dict,
)
from ..progress import Cancel, Progress, no_progress
from .formats.intensity import describe, looks_like_ct
from .geometry import Geometry
from .images import ImageSource, content_hash, read_image, signature
from .label_formats.dataset_json import read_beside
from .scan.discovery import discover
from .scan.found import Found, Known
from .scan.patients import patient_finder

_SAMPLE = 200
"""So many images, spread over the pool, tell how many channels are usual before any is yielded."""


@dataclass
class ScannedCase:
    """One image of the pool and what reading it told; ``problem`` is set if it cannot be used.

    ``modality`` is "CT", "MR" or "other"; ``series`` the DICOM series, empty for other files.
    """

    name: str
    source: ImageSource
    patient: str
    signature: str = ""
    image_hash: str = ""
    geometry: Geometry | None = None
    channels: int = 0
    modality: str = "other"
    intensity: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problem: ActiveSuggestError | None = None
    series: str = ""

    def to_record(self) -> dict[str, Any]:
        """Return a form that JSON can hold, and that a later scan takes as ``known``."""
        return {
            "name": self.name,
            "source": {"kind": self.source.kind, "paths": [str(p) for p in self.source.paths]},
            "patient": self.patient,
            "signature": self.signature,
            "image_hash": self.image_hash,
            "geometry": self.geometry.to_dict() if self.geometry else None,
            "channels": self.channels,
            "modality": self.modality,
            "intensity": self.intensity,
            "notes": list(self.notes),
            "problem": self.problem.to_dict() if self.problem else None,
            "series": self.series,
        }

    @classmethod
    def from_record(cls, form: Mapping[str, Any]) -> ScannedCase:
        """Rebuild a case from ``to_record``."""
        source = form["source"]
        geometry, problem = form.get("geometry"), form.get("problem")
        return cls(
            name=form["name"],
            source=ImageSource(tuple(Path(p) for p in source["paths"]), source["kind"]),
            patient=form["patient"],
            signature=form.get("signature", ""),
            image_hash=form.get("image_hash", ""),
            geometry=Geometry.from_dict(geometry) if geometry else None,
            channels=form.get("channels", 0),
            modality=form.get("modality", "other"),
            intensity=dict(form.get("intensity") or {}),
            notes=tuple(form.get("notes") or ()),
            problem=error_from_dict(problem) if problem else None,
            series=form.get("series", ""),
        )


def scan_images(
    folder: Path | str,
    *,
    known: Mapping[str, tuple[str, Mapping[str, Any]]] | None = None,
    patient_pattern: str | None = None,
    patient_csv: Path | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    workers: int = 4,
) -> Iterator[ScannedCase]:
    """Yield every case below ``folder``, each once, in the order of their names.

    Images that cannot be used come with ``problem`` set; nothing stops for them. ``known`` maps
    names to the signature and record (``to_record``) of an earlier scan: what did not change is
    not read again. A case whose number of channels is not the pool's usual one is a problem.
    Raises ``ImageFolderError``, ``PatientGroupingError``, ``CancelledError``.
    """
    # Not resolved: links stay as the person named them.
    top = Path(folder).absolute()
    patient_of = patient_finder(patient_pattern, Path(patient_csv) if patient_csv else None)
    report = progress or no_progress
    token = cancel or Cancel()
    earlier = {name: (mark, _rebuilt(name, form)) for name, (mark, form) in (known or {}).items()}

    def looked_at(count: int) -> None:
        token.raise_if_cancelled()
        report(0, 0, f"Looking through the folder: {count} files")

    found = discover(top, known=_known(earlier), looked_at=looked_at)
    modality = _listed_modality(top)
    unchanged = {f.name: case for f in found if (case := _unchanged(f, earlier)) is not None}
    fresh = [f for f in found if f.name not in unchanged]

    def described(case: Found) -> ScannedCase:
        token.raise_if_cancelled()
        return _describe(case, modality)

    def finished(case: ScannedCase) -> ScannedCase:
        path = case.source.paths[0]
        below = path.relative_to(top).as_posix() if path.is_relative_to(top) else path.name
        patient = patient_of(case.name, below, case.patient if case.series else "")
        return replace(case, patient=patient)

    with _Reader(workers) as reader:
        sample = fresh[:: max(1, -(-len(fresh) // _SAMPLE))]
        futures = {f.name: reader.submit(described, f) for f in sample}
        futures |= {f.name: reader.submit(described, f) for f in fresh if f.name not in futures}
        counts = Counter(c.channels for c in unchanged.values() if c.channels)
        for done, one in enumerate(sample):
            token.raise_if_cancelled()
            counts[futures[one.name].result().channels] += 1
            report(done, len(found), f"Reading {one.name}")
        usual = _usual(counts)
        for done, one in enumerate(found):
            token.raise_if_cancelled()
            scanned = unchanged.get(one.name)
            if scanned is None:
                scanned = futures.pop(one.name).result()
            yield finished(_judged(scanned, usual))
            if done >= len(sample):
                report(done + 1, len(found), f"Reading {one.name}")
        report(len(found), len(found), f"{len(found)} images found")


class _Reader(ThreadPoolExecutor):
    """A thread pool that drops what has not begun when the scan is left."""

    def __init__(self, workers: int) -> None:
        super().__init__(max_workers=max(1, workers), thread_name_prefix="scan")

    def __exit__(self, *_exc: object) -> None:
        self.shutdown(wait=True, cancel_futures=True)


def _describe(found: Found, listed_modality: str) -> ScannedCase:
    case = ScannedCase(
        name=found.name,
        source=found.source,
        patient=found.patient,
        series=found.series,
        notes=found.notes,
        problem=found.problem,
    )
    try:
        case.signature = signature(found.source)
        if found.problem is not None:
            return case
        image = read_image(found.source, case=found.name)
        case.image_hash = content_hash(found.source)
    except ActiveSuggestError as error:
        case.problem = error
        if not all(os.access(path, os.R_OK) for path in found.source.paths):
            # Permissions leave no mark on a file's times: try again at the next scan.
            case.signature = ""
        return case
    except OSError as error:
        # Without a signature the case is tried again at the next scan.
        case.signature = ""
        case.problem = UnreadableImageError(
            f"{found.source.paths[0].name} cannot be read: {error.strerror or error}.",
            case=found.name,
            path=found.source.paths[0],
            remedy="Check the permissions of the file, and that the drive is connected.",
        )
        return case
    case.geometry = image.geometry
    case.channels = image.array.shape[0]
    case.intensity = describe(image.array)
    case.notes = (*found.notes, *image.notes)
    if found.modality or listed_modality:
        case.modality = _modality(found.modality or listed_modality)
    elif looks_like_ct(image.array):
        case.modality = "CT"
    return case


def _modality(said: str) -> str:
    said = said.upper()
    if said.startswith("CT"):
        return "CT"
    return "MR" if said.startswith("MR") else "other"


def _listed_modality(folder: Path) -> str:
    """Read the modality of a ``dataset.json`` (Decathlon and nnU-Net) in or above the folder."""
    listed = read_beside(folder)
    names = listed.get("modality") or listed.get("channel_names")
    if isinstance(names, dict) and len(names) == 1:
        return str(next(iter(names.values())))
    return ""


def _rebuilt(name: str, form: Mapping[str, Any]) -> ScannedCase:
    case = ScannedCase.from_record(form)
    return replace(case, name=name)


def _known(earlier: Mapping[str, tuple[str, ScannedCase]]) -> Known:
    known = Known()
    marks: dict[ImageSource, str] = {}
    for name, (mark, case) in earlier.items():
        marks[case.source] = mark
        for path in case.source.paths:
            known.names[path] = name
            known.sources[path] = case.source
        if case.series:
            known.series[case.series] = case.source
    known.unchanged = lambda source: bool(marks.get(source)) and marks[source] == _mark(source)
    return known


def _unchanged(found: Found, earlier: Mapping[str, tuple[str, ScannedCase]]) -> ScannedCase | None:
    mark, case = earlier.get(found.name, ("", None))
    if case is None or not mark or found.problem is not None or mark != _mark(found.source):
        return None
    kept = None if isinstance(case.problem, UnexpectedChannelsError) else case.problem
    if kept is not None and kept.kind in {"vanished_image", "duplicate_case"}:
        return None
    if case.geometry is None and kept is None:
        # It was never read: its channels were incomplete, and now are not.
        return None
    return replace(case, source=found.source, problem=kept, signature=mark)


def _mark(source: ImageSource) -> str:
    try:
        return signature(source)
    except (ActiveSuggestError, OSError):
        return ""


def _usual(counts: Counter[int]) -> int:
    del counts[0]
    return max(counts, key=lambda n: (counts[n], -n)) if counts else 0


def _judged(case: ScannedCase, usual: int) -> ScannedCase:
    # Nothing is usual where no image could be read among those that were to tell.
    if case.problem is not None or not case.channels or usual in (0, case.channels):
        return case
    return replace(
        case,
        problem=UnexpectedChannelsError(
            f"{case.name} has {_channels(case.channels)}, most images of the folder "
            f"{_channels(usual)}.",
            case=case.name,
            path=case.source.paths[0],
            remedy="Convert it to match the others, or take it out of the folder.",
        ),
    )


def _channels(count: int) -> str:
    return {1: "one channel (grey)", 3: "three channels (colour)"}.get(count, f"{count} channels")
