"""Recovery: opening a project puts right whatever a kill, a copy or a person left behind."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ActiveSuggestError, DiskFullError, ProjectBusyError, SaveFailedError
from .. import store
from .known_files import Stat, is_known_label, same_file, stats_in

if TYPE_CHECKING:
    from ..cases import CaseTable
    from ..journaling.journal import Journal
    from .label_store import LabelStore


@dataclass
class Recovery:
    """What opening put right; ``left`` is what could not be written (a full or read-only disk)."""

    recovered: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    drafts: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    left: list[ActiveSuggestError] = field(default_factory=list)


def recover(folder: Path, journal: Journal, table: CaseTable, labels: LabelStore) -> Recovery:
    """Bring the journal in line with the files, and remove what killed processes left.

    Reads the names, sizes and times of all labels, and the content of those only that differ.
    """
    report = Recovery()
    for place in (folder, labels.labels, labels.history, labels.drafts.folder, folder / "models"):
        store.sweep(place)
    labels.drafts.sweep_saving()
    # The journal first: a label that is saved between the two looks changed and is looked at.
    rows = {row["name"]: row for row in journal.rows("SELECT * FROM cases")}
    try:
        _recover_labels(rows, journal, table, labels, report)
        _recover_drafts(rows, labels, report)
        _recover_images(rows, table, report)
    except (SaveFailedError, DiskFullError, ProjectBusyError) as error:
        report.left.append(error)
    return report


def _recover_labels(
    rows: dict[str, sqlite3.Row],
    journal: Journal,
    table: CaseTable,
    labels: LabelStore,
    report: Recovery,
) -> None:
    now = stats_in(labels.labels)
    differing = [name for name, row in rows.items() if not is_known_label(row, now.get(name))]
    _note_copied(journal, rows, {name: now[name] for name in differing if name in now}, labels)
    outcomes = {"recovered": report.recovered, "refused": report.refused, "lost": report.lost}
    for name in differing:
        outcome = labels.adopt(name, table.get(name).geometry)
        if outcome:
            outcomes[outcome].append(name)


def _note_copied(
    journal: Journal, rows: dict[str, sqlite3.Row], now: dict[str, Stat], labels: LabelStore
) -> None:
    """Note the new times of labels whose content is the same, all at once.

    A copied project has ten thousand of them, and none needs to be read as a label.
    """
    same = []
    for name, (size, mtime_ns) in now.items():
        row = rows[name]
        if row["label_size"] == size:
            with contextlib.suppress(OSError):
                if store.file_hash(labels.path(name)) == row["label_hash"]:
                    same.append((mtime_ns, name, size, row["label_hash"]))
    if same:
        with journal.transaction() as connection:
            connection.executemany(
                "UPDATE cases SET label_mtime_ns = ?"
                " WHERE name = ? AND label_size = ? AND label_hash = ?",
                same,
            )


def _recover_drafts(rows: dict[str, sqlite3.Row], labels: LabelStore, report: Recovery) -> None:
    now = stats_in(labels.drafts.folder)
    for name, row in rows.items():
        if name not in now and not row["draft"]:
            continue
        if row["draft"] and same_file(row, "draft", now.get(name)):
            continue
        if labels.drafts.adopt(name):
            report.drafts.append(name)


def _recover_images(rows: dict[str, sqlite3.Row], table: CaseTable, report: Recovery) -> None:
    for name, row in rows.items():
        if row["missing"] and all(path.exists() for path in table.get(name).source.paths):
            table.set_missing(name, False)
            report.returned.append(name)
