"""Drafts: unfinished masks that reopen where they were left."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path
from typing import Any

from .. import store
from ..journaling.journal import Journal
from .known_files import SUFFIX, Stat, case_row, same_file, stat_of

_FORGOTTEN_SECONDS = 86400.0


class Drafts:
    """The folder ``drafts`` of one project; a draft is known by its file's size and time."""

    def __init__(self, folder: Path, journal: Journal) -> None:
        self.folder = folder / "drafts"
        self.replaced = self.folder / "replaced"
        self.saving = self.folder / "saving"
        """Drafts as they were when handed over to be saved; later edits are not in them."""
        self._journal = journal

    def path(self, case: str) -> Path:
        """Return where a case's draft lies, whether there is one or not."""
        return self.folder / f"{case}{SUFFIX}"

    def note(self, case: str) -> None:
        """Note the file that is in the draft's place now, put there by the session's own caller."""
        with self._journal.transaction() as connection:
            is_new = not case_row(self._journal, case)["draft"]
            self._note(connection, case, stat_of(self.path(case)))
            if is_new:
                self._journal.append("draft", case)

    def publish(self, case: str, temporary: Path) -> Path:
        """Put a finished file in the place of the case's draft."""
        path = self.path(case)
        with self._journal.transaction():
            store.publish(temporary, path)
            self.note(case)
        return path

    def discard(self, case: str) -> None:
        """Take the draft away; its last state stays in ``drafts/replaced``."""
        with self._journal.transaction() as connection:
            had_one = case_row(self._journal, case)["draft"]
            self.put_aside(case)
            self._note(connection, case, None)
            if had_one:
                self._journal.append("draft_discarded", case)

    def state(self, case: str) -> Stat | None:
        """Return what tells the draft's file from a newer one; ``None`` where there is none."""
        return stat_of(self.path(case))

    def superseded_by(self, case: str, mask: Any) -> Stat | None:
        """Return the state of the draft whose edits are all in ``mask``; ``None`` for none.

        A file in ``saving`` is one state of the draft: a later one holds edits that it lacks.
        """
        if isinstance(mask, (str, Path)) and Path(mask).parent == self.saving:
            return stat_of(Path(mask))
        return self.state(case)

    def sweep_saving(self) -> None:
        """Remove what a session that was killed had handed over; its draft is still there."""
        with contextlib.suppress(OSError):
            for path in list(self.saving.iterdir()):
                if time.time() - path.stat().st_mtime > _FORGOTTEN_SECONDS:
                    store.discard(path)

    def put_aside(self, case: str, only: Stat | None = None) -> None:
        """Move the draft's file to ``drafts/replaced``, in the place of an older one.

        ``only``: the ``state`` it must still have; a newer draft stays where it is.
        """
        path = self.path(case)
        if only is not None and stat_of(path) != only:
            return
        with contextlib.suppress(OSError):
            store.replace(path, self.replaced / path.name)

    def supersede(self, connection: sqlite3.Connection, case: str) -> None:
        """Note that a label takes the draft's place; ``put_aside`` follows once that is certain."""
        # Size and time stay: they tell this draft from a newer one if the process ends between.
        connection.execute("UPDATE cases SET draft = 0 WHERE name = ?", (case,))

    def adopt(self, case: str) -> bool:
        """Bring the journal in line with the file; whether an unknown draft was found."""
        with self._journal.transaction() as connection:
            row = case_row(self._journal, case)
            now = stat_of(self.path(case))
            if now is None:
                if row["draft"]:
                    self._note(connection, case, None)
                return False
            if same_file(row, "draft", now):
                if not row["draft"]:
                    self.put_aside(case)
                return False
            self._note(connection, case, now)
            self._journal.append("draft_recovered", case)
            return True

    @staticmethod
    def _note(connection: sqlite3.Connection, case: str, now: tuple[int, int] | None) -> None:
        connection.execute(
            "UPDATE cases SET draft = ?, draft_size = ?, draft_mtime_ns = ? WHERE name = ?",
            (int(now is not None), *(now or (None, None)), case),
        )
