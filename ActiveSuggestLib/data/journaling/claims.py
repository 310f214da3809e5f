"""Claims: what was suggested to one session is not suggested to another.

A claim is respected while its session lives. It is also respected after the session's end by
whoever had begun to choose before the claim was made: of two commands run at once, the slower one
must not get the case of the faster one that has already ended. A later command, run alone, gets
its ranking back. A command begins to choose when its process starts; a session that stays open
says when by ``since``.
"""

from __future__ import annotations

import os
import sqlite3
import time
import uuid
import weakref
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from ... import PROCESS_STARTED
from ...errors import ProjectError
from .journal import Journal
from .processes import host, is_alive, process_start

LEASE_SECONDS = 12 * 3600.0
"""How long a claim counts when nobody can tell whether its session still lives."""

Unit = tuple[str, "int | None"]
"""A case, and a slice of it or ``None`` for the whole."""

_process_has_begun: list[int] = []
_open_here: set[str] = set()


class Session:
    """One opened project of one process; written to the journal at its first event."""

    def __init__(self, path: Path) -> None:
        self.id = uuid.uuid4().hex
        self.pid = os.getpid()
        self._path = path
        # The first project of a process stands for the process: see the module's text.
        first = self.pid not in _process_has_begun
        self.started = PROCESS_STARTED if first else time.time()
        _process_has_begun.append(self.pid)
        _open_here.add(self.id)
        self._end = weakref.finalize(self, _end_session, self.id, self.pid, path)
        # A process that ends is seen to have ended; exiting must not wait for a busy journal.
        self._end.atexit = False

    def register(self, journal: Journal, connection: sqlite3.Connection) -> None:
        """Write the session into the journal."""
        added = connection.execute(
            "INSERT OR IGNORE INTO sessions (id, host, pid, pid_start, started)"
            " VALUES (?, ?, ?, ?, ?)",
            (self.id, host(), self.pid, process_start(self.pid), self.started),
        )
        if added.rowcount:
            journal.append("opened", host=host(), pid=self.pid)

    def close(self) -> None:
        """End the session: its claims are free."""
        self._end.detach()
        _end_session(self.id, self.pid, self._path, timeout=5.0)


class Claiming:
    """The claims of one moment, while nobody else can claim.

    ``case in claiming`` tells whether a case belongs to another session.
    """

    def __init__(self, connection: sqlite3.Connection, session: str, taken: set[str]) -> None:
        self._connection = connection
        self._session = session
        self.taken = frozenset(taken)

    def __contains__(self, case: object) -> bool:
        return case in self.taken

    def add(self, case: str, slice: int | None = None) -> bool:  # noqa: A002 - the field's word
        """Claim a case (for one of its slices); ``False`` if another session has it."""
        if case in self.taken:
            return False
        self._connection.execute(
            "INSERT INTO claims (time, session, case_name, slice) VALUES (?, ?, ?, ?)",
            (time.time(), self._session, case, slice),
        )
        return True


class Claims:
    """The claims in a project's journal, seen from one session."""

    def __init__(self, journal: Journal, session: Session) -> None:
        self._journal = journal
        self._session = session

    @contextmanager
    def claiming(self, since: float | None = None) -> Iterator[Claiming]:
        """Choose and claim in one transaction; compute the scores before, keep this short.

        ``since`` (seconds since the epoch): when the choosing began; default: with the session.
        """
        with self._journal.transaction() as connection:
            yield Claiming(connection, self._session.id, self.of_others(since))

    def claim(self, units: Iterable[Unit], count: int | None = None) -> list[Unit]:
        """Claim the first ``count`` units that nobody else has, and return them."""
        taken: list[Unit] = []
        with self.claiming() as claiming:
            for case, index in units:
                if count is not None and len(taken) >= count:
                    break
                if claiming.add(case, index):
                    taken.append((case, index))
        return taken

    def of_others(self, since: float | None = None) -> set[str]:
        """Return the cases that other sessions hold."""
        now = time.time()
        begun = self._session.started if since is None else since
        rows = self._journal.rows(
            "SELECT c.session, c.case_name, c.time, s.host, s.pid, s.pid_start, s.closed"
            " FROM claims c LEFT JOIN sessions s ON s.id = c.session"
            " WHERE c.session <> ? AND c.time > ?",
            (self._session.id, now - LEASE_SECONDS),
        )
        alive: dict[str, bool] = {}
        cases = set()
        for row in rows:
            key = row["session"]
            if key not in alive:
                alive[key] = _lives(row)
            if alive[key] or row["time"] >= begun:
                cases.add(row["case_name"])
        return cases

    def release(self) -> None:
        """Give back all claims of this session."""
        with self._journal.transaction() as connection:
            connection.execute("DELETE FROM claims WHERE session = ?", (self._session.id,))

    def other_sessions(self) -> int:
        """Return how many other sessions live; those of other computers count for a lease."""
        rows = self._journal.rows(
            "SELECT id AS session, host, pid, pid_start, closed FROM sessions"
            " WHERE id <> ? AND closed IS NULL AND (host = ? OR started > ?)",
            (self._session.id, host(), time.time() - LEASE_SECONDS),
        )
        return sum(_lives(row) for row in rows)


def _lives(row: sqlite3.Row) -> bool:
    if row["closed"] is not None or row["pid"] is None:
        return False
    if row["host"] != host():
        return True  # nobody here can tell; the lease ends it
    if row["pid"] == os.getpid() and row["pid_start"] == process_start(os.getpid()):
        return row["session"] in _open_here
    return is_alive(row["pid"], row["pid_start"])


def _end_session(session: str, pid: int, path: Path, timeout: float = 0.1) -> None:
    """Mark a session as ended. Also called by the garbage collector: waits briefly, never fails."""
    if pid != os.getpid():
        return
    _open_here.discard(session)
    if not path.is_file():
        return
    with (
        suppress(sqlite3.Error, OSError, ProjectError),
        closing(sqlite3.connect(path, timeout=timeout, isolation_level=None)) as connection,
    ):
        connection.execute(
            "UPDATE sessions SET closed = ? WHERE id = ? AND closed IS NULL",
            (time.time(), session),
        )
