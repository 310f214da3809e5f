"""Scanning: the image folder is read into the journal, in batches that a kill cannot undo."""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import CancelledError, VanishedImageError
from ...progress import Cancel, Progress
from ..journaling.journal import Journal
from ..record.project_file import ProjectFile

if TYPE_CHECKING:
    from ..geometry import Geometry
    from ..pool import ScannedCase

BATCH_CASES = 200
BATCH_SECONDS = 2.0
PLANES = ("axial", "coronal", "sagittal")
COARSE = 1.5
"""How many times coarser than in the plane slices must lie to tell the plane."""


@dataclass
class ScanReport:
    """What a scan found; every list holds case names."""

    found: int = 0
    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    modality: str = ""
    plane: str = ""


def scan_into(
    journal: Journal,
    content: ProjectFile,
    images: Path,
    *,
    patient_csv: Path | None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> ScanReport:
    """Read what is new or changed under ``images`` and return what was found.

    Each batch is committed, so that an interrupted scan is completed by the next one.
    Raises ``VanishedImageError`` if the folder is gone, ``CancelledError``.
    """
    from ..pool import scan_images

    if not images.is_dir():
        raise VanishedImageError(
            "The folder of images is not there.",
            path=images,
            remedy="Connect the disk that holds it, or rescan with the folder's new place.",
        )
    journal.append("scan_started", folder=str(images))
    batch = _Batch(journal, images)
    try:
        for scanned in scan_images(
            images,
            known=batch.known_records(),
            patient_pattern=content.patient_pattern,
            patient_csv=patient_csv,
            progress=progress,
            cancel=cancel,
        ):
            batch.add(scanned)
    except CancelledError:
        batch.write()
        raise
    return batch.finish()


class _Batch:
    """Scanned cases on their way into the journal."""

    def __init__(self, journal: Journal, root: Path) -> None:
        self._journal = journal
        self._root = root
        rows = journal.rows(
            "SELECT i.name, i.signature, i.record, c.missing FROM images i"
            " JOIN cases c ON c.name = i.name"
        )
        self._known = {row["name"]: row for row in rows}
        self._waiting: list[ScannedCase] = []
        self._committed = time.monotonic()
        self._seen: set[str] = set()
        self._modalities: Counter[str] = Counter()
        self._planes: Counter[str] = Counter()
        self._report = ScanReport()

    def known_records(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """Return what the last scan found, so that the unchanged is not read again."""
        return {
            name: (row["signature"], with_absolute_paths(json.loads(row["record"]), self._root))
            for name, row in self._known.items()
        }

    def add(self, scanned: ScannedCase) -> None:
        """Take one case; write when enough of them wait."""
        self._waiting.append(scanned)
        waited = time.monotonic() - self._committed
        if len(self._waiting) >= BATCH_CASES or waited > BATCH_SECONDS:
            self.write()

    def finish(self) -> ScanReport:
        """Write the rest, note which images have vanished, and return the report."""
        self.write()
        report = self._report
        gone = [name for name, row in self._known.items() if name not in self._seen]
        report.vanished = sorted(name for name in gone if not self._known[name]["missing"])
        report.found = len(self._seen)
        if self._modalities:
            report.modality = self._modalities.most_common(1)[0][0]
            report.plane = self._planes.most_common(1)[0][0]
        with self._journal.transaction() as connection:
            for name in report.vanished:
                connection.execute("UPDATE cases SET missing = 1 WHERE name = ?", (name,))
                self._journal.append("vanished", name)
            self._journal.append(
                "scanned",
                found=report.found,
                new=len(report.new),
                changed=len(report.changed),
                vanished=len(report.vanished),
                returned=len(report.returned),
                problems=len(report.problems),
            )
        return report

    def write(self) -> None:
        """Commit the cases that wait."""
        with self._journal.transaction() as connection:
            new, changed = [], []
            for scanned in self._waiting:
                self._seen.add(scanned.name)
                if scanned.problem is None and scanned.geometry is not None:
                    self._modalities[scanned.modality] += 1
                    self._planes[plane_of_slices(scanned.geometry)] += 1
                record = json.dumps(
                    with_relative_paths(scanned.to_record(), self._root), ensure_ascii=False
                )
                known = self._known.get(scanned.name)
                row = (scanned.name, scanned.signature, record)
                if known is None:
                    new.append((scanned, row))
                elif tuple(known)[:3] != row:
                    changed.append((scanned, row, self._is_news(scanned, known)))
                if known is not None and known["missing"]:
                    self._return(connection, scanned.name)
            self._insert(connection, new)
            self._update(connection, changed)
        self._waiting = []
        self._committed = time.monotonic()

    @staticmethod
    def _is_news(scanned: ScannedCase, known: sqlite3.Row) -> bool:
        """Whether the image or what is wrong with it differs from what was decided upon."""
        earlier = json.loads(known["record"])["problem"]
        problem = scanned.problem and scanned.problem.to_dict()
        return known["signature"] != scanned.signature or problem != earlier

    def _insert(
        self, connection: sqlite3.Connection, new: list[tuple[ScannedCase, tuple[str, str, str]]]
    ) -> None:
        # Another process may scan the same new folder at this moment.
        connection.executemany(
            "INSERT OR REPLACE INTO images (name, signature, record) VALUES (?, ?, ?)",
            [row for _, row in new],
        )
        connection.executemany(
            "INSERT OR IGNORE INTO cases (name, patient, problem) VALUES (?, ?, ?)",
            [(s.name, s.patient, problem_text(s)) for s, _ in new],
        )
        for scanned, _ in new:
            self._report.new.append(scanned.name)
            self._tell_problem(scanned)

    def _update(
        self,
        connection: sqlite3.Connection,
        changed: list[tuple[ScannedCase, tuple[str, str, str], bool]],
    ) -> None:
        for scanned, (name, signature, record), is_news in changed:
            connection.execute(
                "UPDATE images SET signature = ?, record = ? WHERE name = ?",
                (signature, record, name),
            )
            connection.execute(
                "UPDATE cases SET patient = ? WHERE name = ?", (scanned.patient, name)
            )
            if is_news:
                connection.execute(
                    "UPDATE cases SET problem = ? WHERE name = ?", (problem_text(scanned), name)
                )
                self._report.changed.append(name)
                self._journal.append("image_changed", name, image_hash=scanned.image_hash)
                self._tell_problem(scanned)

    def _return(self, connection: sqlite3.Connection, name: str) -> None:
        connection.execute("UPDATE cases SET missing = 0 WHERE name = ?", (name,))
        self._report.returned.append(name)
        self._journal.append("returned", name)

    def _tell_problem(self, scanned: ScannedCase) -> None:
        if scanned.problem is not None:
            self._report.problems.append(scanned.name)
            self._journal.append("problem", scanned.name, error=scanned.problem.to_dict())


def plane_of_slices(geometry: Geometry) -> str:
    """Return the plane in which the image was taken: across its coarse axis, or else axial."""
    spacing = geometry.array_spacing
    coarse = max(range(3), key=lambda axis: spacing[axis])
    if 1 in geometry.shape or spacing[coarse] < COARSE * sorted(spacing)[1]:
        return "axial"
    return next((p for p in PLANES if geometry.plane_axis(p) == coarse), "axial")


def problem_text(scanned: ScannedCase) -> str | None:
    """Return the journal's form of what makes a case unusable, or ``None``."""
    if scanned.problem is None:
        return None
    return json.dumps(scanned.problem.to_dict(), ensure_ascii=False)


def with_relative_paths(record: dict[str, Any], root: Path) -> dict[str, Any]:
    """Return a scanned case's record with its paths relative to the image folder."""

    def relative(path: str) -> str:
        try:
            return Path(path).relative_to(root).as_posix()
        except ValueError:
            return path

    return _with_paths(record, relative)


def with_absolute_paths(record: dict[str, Any], root: Path) -> dict[str, Any]:
    """Return a scanned case's record with its paths under the image folder's present place."""
    return _with_paths(record, lambda path: str(root / path))


def _with_paths(record: dict[str, Any], change: Any) -> dict[str, Any]:
    source = record["source"]
    return {**record, "source": {**source, "paths": [change(path) for path in source["paths"]]}}
