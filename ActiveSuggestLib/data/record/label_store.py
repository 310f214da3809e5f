"""Labels on disk: the current one and its earlier versions; the file first, the event after."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import LabelGeometryError, ProjectBusyError
from .. import store
from ..journaling.journal import Journal
from ..segments import Segment
from .adoption import adopt_label
from .drafts import Drafts
from .known_files import SUFFIX, case_row, is_known_label, slices_text, stat_of

if TYPE_CHECKING:
    import numpy as np

    from ..geometry import Geometry
    from ..labels import LabelMap

LABEL_EVENTS = (
    "saved",
    "imported",
    "recovered",
    "label_lost",
    "excluded",
    "included",
    "problem",
    "vanished",
    "returned",
)
"""The kinds of events after which there are other labels to train on than before."""

VERSION_EVENTS = ("saved", "imported", "recovered")
_ATTEMPTS = 50


@dataclass(frozen=True)
class SavedLabel:
    """A label that is safely on disk; ``slices`` are all labelled ones, ``None`` for the whole."""

    case: str
    version: int
    path: Path
    hash: str
    slices: tuple[int, ...] | None = None


@dataclass(frozen=True)
class LabelVersion:
    """One version of a case's label, as the journal tells it."""

    version: int
    path: Path
    time: float
    rater: str
    source: str
    hash: str
    slices: tuple[int, ...] | None
    note: str
    current: bool


class _ChangedMeanwhileError(Exception):
    """Another process saved this case between merging and publishing."""


class LabelStore:
    """The folders ``labels`` and ``drafts`` of one project."""

    def __init__(
        self, folder: Path, journal: Journal, segments: tuple[Segment, ...], plane: str
    ) -> None:
        self.labels = folder / "labels"
        self.history = self.labels / "history"
        self.drafts = Drafts(folder, journal)
        self._journal = journal
        self._segments = segments
        self._plane = plane

    def make_folders(self) -> None:
        """Make the folders that are not there yet; raises ``SaveFailedError``."""
        store.make_folder(self.history)
        store.make_folder(self.drafts.replaced)

    def path(self, case: str) -> Path:
        """Return where a case's current label lies, whether there is one or not."""
        return self.labels / f"{case}{SUFFIX}"

    def version_path(self, case: str, version: int) -> Path:
        """Return where an earlier version lies."""
        return self.history / f"{case}.v{version}{SUFFIX}"

    def save(
        self,
        case: str,
        geometry: Geometry | None,
        mask: np.ndarray | Path | str,
        *,
        slices: Sequence[int] | None = None,
        event: str = "saved",
        **facts: Any,
    ) -> SavedLabel:
        """Validate a label, merge it with the slices labelled before, and make it the current one.

        ``facts`` go into the event. Raises ``LabelError`` before anything is written,
        ``DiskFullError`` or ``SaveFailedError`` with the earlier label untouched.
        """
        from .label_merging import merge

        # Before the mask is read: a draft that is written meanwhile holds edits that it lacks.
        draft = self.drafts.superseded_by(case, mask)
        incoming = self._incoming(case, geometry, mask, slices)
        self.make_folders()
        for _ in range(_ATTEMPTS):
            self.adopt(case, geometry)
            known = case_row(self._journal, case)
            merged = incoming
            if incoming.slices is not None and known["label_size"] is not None:
                merged = merge(self._read_file(self.path(case), case, geometry), incoming)
            # What takes time is done before the journal is locked.
            temporary = store.temporary_beside(self.path(case))
            try:
                self._write(temporary, self.path(case), merged)
                saved = self._publish(known, temporary, merged.slices, event, facts)
            except _ChangedMeanwhileError:
                continue
            finally:
                store.discard(temporary)
            if draft is not None:
                self.drafts.put_aside(case, draft)
            return saved
        raise ProjectBusyError(
            f"Other processes keep saving the label of {case}.", case=case, remedy="Try again."
        )

    def save_draft(
        self,
        case: str,
        geometry: Geometry | None,
        mask: np.ndarray | Path | str,
        slices: Sequence[int] | None = None,
    ) -> Path:
        """Keep an unfinished mask; raises what ``save`` raises."""
        incoming = self._incoming(case, geometry, mask, slices)
        self.make_folders()
        target = self.drafts.path(case)
        temporary = store.temporary_beside(target)
        try:
            self._write(temporary, target, incoming)
            return self.drafts.publish(case, temporary)
        finally:
            store.discard(temporary)

    def read(
        self, case: str, geometry: Geometry | None, version: int | None = None
    ) -> LabelMap | None:
        """Return the current label or an earlier version; ``None`` if there is none."""
        self.adopt(case, geometry)
        row = case_row(self._journal, case)
        is_current = row["label_size"] is not None and version in (None, row["label_version"])
        if is_current:
            return self._read_file(self.path(case), case, geometry)
        if version is None or not self.version_path(case, version).is_file():
            return None
        return self._read_file(self.version_path(case, version), case, geometry)

    def read_draft(self, case: str, geometry: Geometry | None) -> LabelMap | None:
        """Return the unfinished mask, or ``None``."""
        case_row(self._journal, case)
        path = self.drafts.path(case)
        return self._read_file(path, case, geometry) if path.is_file() else None

    def versions(self, case: str) -> list[LabelVersion]:
        """Return all versions of a case's label, oldest first."""
        row = case_row(self._journal, case)
        current = row["label_version"] if row["label_size"] is not None else 0
        found: dict[int, LabelVersion] = {}
        for event in self._journal.events(case=case):
            if event.kind not in VERSION_EVENTS:
                continue
            version, slices = int(event.data["version"]), event.data.get("slices")
            found[version] = LabelVersion(
                version=version,
                path=self.path(case) if version == current else self.version_path(case, version),
                time=event.time,
                rater=event.rater,
                source=str(event.data.get("source", event.kind)),
                hash=str(event.data.get("hash", "")),
                slices=None if slices is None else tuple(slices),
                note=str(event.data.get("note", "")),
                current=version == current,
            )
        return [found[version] for version in sorted(found)]

    def adopt(self, case: str, geometry: Geometry | None) -> str:
        """Take in a label file that the journal does not know; see ``adopt_label``."""
        return adopt_label(self._journal, case, self.path(case), self._segments, geometry)

    # Parts ------------------------------------------------------------------------------

    def _incoming(
        self,
        case: str,
        geometry: Geometry | None,
        mask: np.ndarray | Path | str,
        slices: Sequence[int] | None,
    ) -> LabelMap:
        from .label_merging import incoming

        if geometry is None:
            raise LabelGeometryError(
                "The case's image could not be read, so no label can be laid on it.",
                case=case,
                remedy="Repair or replace the image, then rescan.",
            )
        return incoming(
            case, geometry, mask, segments=self._segments, plane=self._plane, slices=slices
        )

    def _write(self, temporary: Path, target: Path, label: LabelMap) -> None:
        from ..labels import write_label
        from .label_merging import without_unknown

        array = without_unknown(label)

        def write(path: Path) -> None:
            write_label(
                path,
                array,
                label.geometry,
                self._segments,
                slices=label.slices,
                plane=self._plane,
            )

        store.write_temporary(temporary, write, target)

    def _read_file(self, path: Path, case: str, geometry: Geometry | None) -> LabelMap:
        from ..labels import read_label

        return read_label(path, self._segments, geometry, case=case)

    def _publish(
        self,
        known: sqlite3.Row,
        temporary: Path,
        slices: tuple[int, ...] | None,
        event: str,
        facts: dict[str, Any],
    ) -> SavedLabel:
        case = str(known["name"])
        path, digest, now = self.path(case), store.file_hash(temporary), stat_of(temporary)
        kept: list[Path | None] = []

        def undo() -> None:
            for earlier in kept:
                if earlier is None:
                    store.discard(path)
                else:
                    store.replace(earlier, path)

        with self._journal.transaction(undo) as connection:
            row = case_row(self._journal, case)
            if _label_of(row) != _label_of(known) or not is_known_label(row, stat_of(path)):
                raise _ChangedMeanwhileError
            unchanged = row["label_size"] is not None and row["label_hash"] == digest
            version = row["label_version"] + (not unchanged)
            saved = SavedLabel(case, version, path, digest, slices)
            # The journal's pages first: a full disk then shows before the file is replaced.
            self._journal.append(event, case, version=version, hash=digest, slices=slices, **facts)
            self.drafts.supersede(connection, case)
            if not unchanged:
                connection.execute(
                    "UPDATE cases SET label_version = ?, label_size = ?, label_mtime_ns = ?,"
                    " label_hash = ?, label_slices = ?, refused_size = NULL,"
                    " refused_mtime_ns = NULL WHERE name = ?",
                    (version, *(now or (0, 0)), digest, slices_text(slices), case),
                )
                earlier = self._keep(row)
                store.publish(temporary, path)
                kept.append(earlier)
        return saved

    def _keep(self, row: sqlite3.Row) -> Path | None:
        """Give the file that is about to be replaced its name in the history."""
        case = str(row["name"])
        path = self.path(case)
        if not path.is_file():
            return None
        kept = self.version_path(case, row["label_version"])
        if row["label_size"] is None:  # a file that was refused
            kept = self.history / f"{case}.refused-{store.file_hash(path)[:8]}{SUFFIX}"
        if kept.is_file() and store.file_hash(kept) != store.file_hash(path):
            kept = kept.with_name(f"{case}.v{row['label_version']}-{row['label_hash'][:8]}{SUFFIX}")
        if not kept.is_file():
            store.keep_copy(path, kept)
        return kept


def _label_of(row: sqlite3.Row) -> tuple[Any, ...]:
    return tuple(
        row[column] for column in ("label_version", "label_size", "label_mtime_ns", "label_hash")
    )
