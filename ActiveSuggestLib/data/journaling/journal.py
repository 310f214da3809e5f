"""The journal: one SQLite file of append-only events and the state that follows from them."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import (
    DamagedProjectError,
    DiskFullError,
    NewerProjectError,
    ProjectBusyError,
    ProjectError,
    SaveFailedError,
)
from ..store import DISK_FULL_REMEDY, UNWRITABLE_REMEDY, has_little_room
from . import schema

BUSY_SECONDS = 30.0
NEWER_REMEDY = "Update ActiveSuggest on this computer, then open the project again."

_inherited: list[dict[threading.Thread, sqlite3.Connection]] = []


@dataclass(frozen=True)
class Event:
    """One row of the append-only record; ``time`` in seconds since the epoch."""

    id: int
    time: float
    session: str
    rater: str
    kind: str
    case: str | None
    data: dict[str, Any]


class Journal:
    """journal.sqlite of one project; usable from several threads and several processes.

    Rollback journal, not WAL: WAL needs shared memory and fails on network shares.
    Raises ``NewerProjectError``, ``DamagedProjectError``, ``ProjectBusyError``,
    ``DiskFullError`` and ``SaveFailedError``.
    """

    def __init__(self, path: Path, *, session: str = "", rater: str = "") -> None:
        self.path = path
        self.session = session
        self.rater = rater
        self._guard = threading.Lock()
        self._pid = os.getpid()
        self._connections: dict[threading.Thread, sqlite3.Connection] = {}
        self._closed = False
        self._introduce: Callable[[Journal, sqlite3.Connection], None] | None = None
        self._prepare()

    # Reading ----------------------------------------------------------------------------

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        try:
            return self._connection().execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise self._named(error) from error

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Row | None:
        """Return the first row of a query."""
        return next(iter(self.rows(sql, parameters)), None)

    def events(
        self, kind: str | None = None, case: str | None = None, since: int = 0
    ) -> list[Event]:
        """Return the events with an id above ``since``, oldest first."""
        where, parameters = ["id > ?"], [since]  # type: tuple[list[str], list[Any]]
        for column, wanted in (("kind", kind), ("case_name", case)):
            if wanted is not None:
                where.append(f"{column} = ?")
                parameters.append(wanted)
        sql = f"SELECT * FROM events WHERE {' AND '.join(where)} ORDER BY id"
        return [Event(*decoded(row)) for row in self.rows(sql, parameters)]

    def newest(self, kinds: Iterable[str]) -> int:
        """Return the id of the newest event of these kinds; 0 when there is none."""
        newest = 0
        for kind in kinds:
            row = self.row("SELECT max(id) FROM events WHERE kind = ?", (kind,))
            newest = max(newest, (row and row[0]) or 0)
        return newest

    # Writing ----------------------------------------------------------------------------

    def before_first_write(self, introduce: Callable[[Journal, sqlite3.Connection], None]) -> None:
        """Have ``introduce`` write who is writing, in the first transaction that succeeds."""
        self._introduce = introduce

    @contextmanager
    def transaction(self, undo: Callable[[], None] | None = None) -> Iterator[sqlite3.Connection]:
        """Write all or nothing, with no other writer meanwhile; an inner one joins the outer.

        ``undo`` takes back what was done to files, if the outermost transaction fails.
        """
        connection = self._connection()
        if connection.in_transaction:
            yield connection
            return
        try:
            connection.execute("BEGIN IMMEDIATE")
            introduce = self._introduce
            if introduce is not None:
                introduce(self, connection)
            yield connection
            connection.execute("COMMIT")
            if introduce is not None:
                self._introduce = None
        except BaseException as error:
            # An interrupt that arrives just after the COMMIT must undo nothing.
            if connection.in_transaction or isinstance(error, sqlite3.Error):
                _roll_back(connection, undo)
            if isinstance(error, sqlite3.Error):
                raise self._named(error) from error
            raise

    def append(self, kind: str, case: str | None = None, **data: Any) -> int:
        """Add an event and return its id."""
        with self.transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO events (time, session, rater, kind, case_name, data)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    time.time(),
                    self.session,
                    data.pop("rater", None) or self.rater,
                    kind,
                    case,
                    to_json(data),
                ),
            )
            return int(cursor.lastrowid or 0)

    def close(self) -> None:
        """Close the connections of all threads; the journal cannot be used afterwards."""
        with self._guard:
            self._closed = True
            if self._pid == os.getpid():
                for connection in self._connections.values():
                    connection.close()
            self._connections = {}

    # Connections ------------------------------------------------------------------------

    def _connection(self) -> sqlite3.Connection:
        thread = threading.current_thread()
        with self._guard:
            if self._closed:
                raise ProjectError("The project is closed.", path=self.path.parent)
            if self._pid != os.getpid():
                # A connection must not be used, nor closed, on the other side of a fork.
                _inherited.append(self._connections)
                self._connections, self._pid = {}, os.getpid()
            found = self._connections.get(thread)
            if found is None:
                for ended in [t for t in self._connections if not t.is_alive()]:
                    self._connections.pop(ended).close()
                found = self._connections[thread] = self._connect()
            return found

    def _connect(self) -> sqlite3.Connection:
        try:
            connection = sqlite3.connect(
                self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA synchronous = FULL")
        except sqlite3.Error as error:
            raise self._named(error) from error
        return connection

    def _prepare(self) -> None:
        try:
            version = self._schema_version()
            if version == 0:
                with self.transaction() as connection:
                    connection.execute("PRAGMA journal_mode = DELETE")
                    if self._schema_version() == 0:
                        for statement in schema.STATEMENTS:
                            connection.execute(statement)
                        connection.execute(f"PRAGMA user_version = {schema.VERSION}")
            elif version > schema.VERSION:
                raise NewerProjectError(
                    f"This project was written by a newer version (journal {version},"
                    f" this version knows {schema.VERSION}).",
                    path=self.path,
                    remedy=NEWER_REMEDY,
                )
            self.rows("SELECT name FROM cases LIMIT 1")
        except BaseException:
            self.close()
            raise

    def _schema_version(self) -> int:
        return int(self.rows("PRAGMA user_version")[0][0])

    def _named(self, error: sqlite3.Error) -> ProjectError:
        text = str(error)
        if "is full" in text or ("I/O" in text and has_little_room(self.path.parent)):
            return DiskFullError(
                "There was no room on the disk to write the project's journal.",
                path=self.path,
                remedy=DISK_FULL_REMEDY,
            )
        if "locked" in text or "busy" in text:
            return ProjectBusyError(
                f"Another process has been writing to the project for {BUSY_SECONDS:.0f} s.",
                path=self.path,
                remedy="Wait for it to finish, or end it, and try again.",
            )
        if isinstance(error, sqlite3.OperationalError) and "no such" not in text:
            return SaveFailedError(
                f"The project's journal cannot be used: {text}.",
                path=self.path,
                remedy=UNWRITABLE_REMEDY,
            )
        return DamagedProjectError(
            f"The project's journal is damaged: {text}.",
            path=self.path,
            remedy="Rename journal.sqlite to keep it aside and open the project again: the images"
            " are scanned anew, and all labels are taken up again from the folder labels.",
        )


def to_json(data: Any) -> str:
    """Return data as JSON; numbers of numpy as numbers, what is unknown as text."""
    return json.dumps(data, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        return sorted(value)
    if hasattr(value, "to_dict"):
        return value.to_dict()
    return value.tolist() if hasattr(value, "tolist") else str(value)


def decoded(row: sqlite3.Row) -> tuple[Any, ...]:
    """Return a row whose last column is JSON as the values it stands for."""
    return (*tuple(row)[:-1], json.loads(row[-1]))


def _roll_back(connection: sqlite3.Connection, undo: Callable[[], None] | None) -> None:
    try:
        if undo is not None:
            undo()
    finally:
        # SQLite ends the transaction by itself after some errors, such as a full disk.
        with suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
