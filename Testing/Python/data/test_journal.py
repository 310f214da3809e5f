"""The journal: append-only, all or nothing, for several threads and processes."""

from __future__ import annotations

import gc
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from ActiveSuggestLib.data.journaling import journal as journal_module
from ActiveSuggestLib.data.journaling.journal import Journal
from ActiveSuggestLib.errors import (
    DamagedProjectError,
    NewerProjectError,
    ProjectBusyError,
    ProjectError,
    SaveFailedError,
)


@pytest.fixture
def journal(tmp_path: Path):
    journal = Journal(tmp_path / "journal.sqlite", session="s", rater="anna")
    yield journal
    journal.close()


def test_events_come_back_in_order_with_who_and_what(journal: Journal) -> None:
    first = journal.append("note", "a", text="größer")
    second = journal.append("saved", "b", version=1, rater="ben")
    note, saved = journal.events()
    assert (note.id, note.kind, note.case, note.data) == (first, "note", "a", {"text": "größer"})
    assert (note.session, note.rater, saved.rater) == ("s", "anna", "ben")
    assert [e.id for e in journal.events(since=first)] == [second]
    assert [e.id for e in journal.events(kind="note")] == [first]
    assert [e.id for e in journal.events(case="b")] == [second]
    assert journal.newest(("note", "saved")) == second
    assert journal.newest(("trained",)) == 0


@pytest.mark.parametrize("sql", ["UPDATE events SET kind = 'x'", "DELETE FROM events"])
def test_no_event_can_be_changed_or_removed(journal: Journal, sql: str) -> None:
    journal.append("note", "a", text="stays")
    with pytest.raises(ProjectError, match="append-only"), journal.transaction() as connection:
        connection.execute(sql)
    with (
        closing(sqlite3.connect(journal.path)) as other,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        other.execute(sql)
    assert journal.events()[0].data == {"text": "stays"}


def test_a_failed_transaction_leaves_no_event_and_undoes_its_files(journal: Journal) -> None:
    undone = []

    def append_and_fail() -> None:
        with journal.transaction(lambda: undone.append(1)):
            journal.append("note", "a")
            raise KeyError

    with pytest.raises(KeyError):
        append_and_fail()
    assert journal.events() == []
    assert undone == [1]


def test_an_interrupt_just_after_the_commit_undoes_nothing(journal: Journal) -> None:
    undone = []

    class Interrupted(sqlite3.Connection):
        def execute(self, sql, *values):
            result = super().execute(sql, *values)
            if sql == "COMMIT":
                raise KeyboardInterrupt
            return result

    with closing(
        sqlite3.connect(journal.path, isolation_level=None, factory=Interrupted)
    ) as connection:
        connection.row_factory = sqlite3.Row
        journal._connections[threading.current_thread()] = connection
        with pytest.raises(KeyboardInterrupt), journal.transaction(lambda: undone.append(1)):
            journal.append("note", "a")
        assert len(journal.events()) == 1
        assert undone == []
        journal._connections.clear()


def test_threads_write_at_once_without_losing_events(journal: Journal) -> None:
    def write(name: str) -> None:
        for number in range(20):
            journal.append("note", name, number=number)

    threads = [threading.Thread(target=write, args=(f"t{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(journal.events()) == 80
    assert [e.data["number"] for e in journal.events(case="t2")] == list(range(20))


def test_connections_of_ended_threads_are_closed(journal: Journal) -> None:
    for _ in range(10):
        thread = threading.Thread(target=journal.events)
        thread.start()
        thread.join()
    journal.events()
    gc.collect()
    assert len(journal._connections) <= 2


def test_a_journal_of_a_newer_version_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    Journal(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    with pytest.raises(NewerProjectError) as caught:
        Journal(path)
    assert "99" in caught.value.message
    assert caught.value.remedy
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\0" + b"x"])
def test_a_damaged_journal_is_named_with_a_way_out(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(content)
    with pytest.raises(DamagedProjectError) as caught:
        Journal(path)
    assert "labels" in caught.value.remedy
    assert path.read_bytes() == content


def test_an_empty_journal_file_is_filled(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.touch()
    with closing(Journal(path)) as journal:
        assert journal.append("note") == 1


def test_two_first_openings_at_once_make_one_schema(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    failures: list[BaseException] = []

    def open_it() -> None:
        try:
            Journal(path).close()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_journal_held_by_another_process_for_too_long_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "BUSY_SECONDS", 0.05)
    with closing(Journal(tmp_path / "journal.sqlite")) as journal:
        with closing(sqlite3.connect(journal.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(ProjectBusyError) as caught:
                journal.append("note")
            assert caught.value.remedy
        journal.append("note")


def test_a_closed_journal_says_so(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.close()
    with pytest.raises(ProjectError, match="closed"):
        journal.append("note")


def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(SaveFailedError):
        Journal(tmp_path / "gone" / "journal.sqlite")
