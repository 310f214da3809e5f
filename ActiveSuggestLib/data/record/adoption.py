"""Adoption: the label files are the truth, and the journal follows them."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ...errors import ActiveSuggestError
from .. import store
from ..journaling.journal import Journal
from ..segments import Segment
from .known_files import Stat, case_row, is_known_label, slices_from_text, slices_text, stat_of

if TYPE_CHECKING:
    from ..geometry import Geometry


def adopt_label(
    journal: Journal,
    case: str,
    path: Path,
    segments: tuple[Segment, ...],
    geometry: Geometry | None,
) -> str:
    """Bring the journal in line with a case's label file; return what was done.

    ``recovered``: a file that the journal did not know is the current label now.
    ``refused``: it cannot be used. ``lost``: the file is gone. ``""``: nothing new.
    """
    if is_known_label(case_row(journal, case), stat_of(path)):
        return ""
    with journal.transaction() as connection:
        row = case_row(journal, case)
        now = stat_of(path)  # again, now that nobody else is saving
        if is_known_label(row, now):
            return ""
        if now is None:
            return _lose(journal, connection, row)
        digest = store.file_hash(path)
        if row["label_version"] and digest == row["label_hash"]:
            known = slices_from_text(row["label_slices"])
            return _take(journal, connection, row, _Found(row["label_version"], now, digest, known))
        try:
            from ..labels import read_label

            slices = read_label(path, segments, geometry, case=case).slices
        except ActiveSuggestError as error:
            return _refuse(journal, connection, row, now, error)
        version = row["label_version"] + 1
        return _take(journal, connection, row, _Found(version, now, digest, slices))


class _Found(NamedTuple):
    version: int
    stat: Stat
    digest: str
    slices: tuple[int, ...] | None


def _take(journal: Journal, connection: sqlite3.Connection, row: sqlite3.Row, found: _Found) -> str:
    version, stat, digest, slices = found
    connection.execute(
        "UPDATE cases SET label_version = ?, label_size = ?, label_mtime_ns = ?, label_hash = ?,"
        " label_slices = ?, refused_size = NULL, refused_mtime_ns = NULL WHERE name = ?",
        (version, *stat, digest, slices_text(slices), row["name"]),
    )
    if version == row["label_version"] and row["label_size"] is not None:
        return ""  # the same label: the project was copied, or the file only touched
    journal.append("recovered", row["name"], version=version, hash=digest, slices=slices)
    return "recovered"


def _lose(journal: Journal, connection: sqlite3.Connection, row: sqlite3.Row) -> str:
    had_label = _forget(journal, connection, row, None)
    return "lost" if had_label else ""


def _refuse(
    journal: Journal,
    connection: sqlite3.Connection,
    row: sqlite3.Row,
    now: Stat,
    error: ActiveSuggestError,
) -> str:
    _forget(journal, connection, row, now)
    journal.append("label_refused", row["name"], error=error.to_dict())
    return "refused"


def _forget(
    journal: Journal, connection: sqlite3.Connection, row: sqlite3.Row, refused: Stat | None
) -> bool:
    connection.execute(
        "UPDATE cases SET label_size = NULL, label_mtime_ns = NULL, refused_size = ?,"
        " refused_mtime_ns = ? WHERE name = ?",
        (*(refused or (None, None)), row["name"]),
    )
    if row["label_size"] is None:
        return False
    journal.append("label_lost", row["name"], version=row["label_version"])
    return True
