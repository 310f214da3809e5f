"""How the journal knows a label's file: by size and time, and by content when those differ."""

from __future__ import annotations

import json
import os
import sqlite3
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from ..journaling.journal import Journal

SUFFIX = ".seg.nrrd"

Stat = tuple[int, int]
"""Size in bytes and time of last change in nanoseconds."""


def case_row(journal: Journal, case: str) -> sqlite3.Row:
    """Return a case's row of the journal; raises ``UnknownCaseError``."""
    row = journal.row("SELECT * FROM cases WHERE name = ?", (case,))
    if row is None:
        from ..cases import unknown_case

        raise unknown_case(journal, case)
    return row


def stat_of(path: Path) -> Stat | None:
    """Return a file's size and time, or ``None`` if it is not there."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return (status.st_size, status.st_mtime_ns)


def same_file(row: sqlite3.Row, which: str, now: Stat | None) -> bool:
    """Whether the file is as the journal knows it (``which``: label, refused or draft)."""
    known = (row[f"{which}_size"], row[f"{which}_mtime_ns"])
    return known == (now or (None, None))


def is_known_label(row: sqlite3.Row, now: Stat | None) -> bool:
    """Whether a label's file needs no second look: the current label, or one that was refused."""
    return same_file(row, "label", now) or (
        now is not None and row["label_size"] is None and same_file(row, "refused", now)
    )


def stats_in(folder: Path) -> dict[str, Stat]:
    """Return the case name, size and time of every label file in a folder, in one pass."""
    found = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if name.endswith(SUFFIX) and not name.startswith("."):
                    status = entry.stat()
                    # Some file systems take names apart into letters and accents.
                    case = unicodedata.normalize("NFC", name.removesuffix(SUFFIX))
                    found[case] = (status.st_size, status.st_mtime_ns)
    except FileNotFoundError:
        return {}
    return found


def slices_text(slices: Sequence[int] | None) -> str | None:
    """Return the journal's form of labelled slices."""
    return None if slices is None else json.dumps(list(slices))


def slices_from_text(text: str | None) -> tuple[int, ...] | None:
    """Return labelled slices from the journal's form."""
    return None if text is None else tuple(json.loads(text))
