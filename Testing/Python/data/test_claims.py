"""Claims: what was suggested to one session is not suggested to another."""

from __future__ import annotations

import gc
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from ActiveSuggestLib.data.journaling import claims as claims_module
from ActiveSuggestLib.data.project import Project
from ActiveSuggestLib.errors import UnknownCaseError
from Testing.Python.data.small_projects import a_project

UNITS = [("c0", None), ("c1", None), ("c2", None)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with a_project(tmp_path) as project:
        return project.folder


def change_session(folder: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / "journal.sqlite", isolation_level=None)) as connection:
        connection.execute(sql, values)


def test_two_open_projects_never_claim_the_same_case(folder: Path) -> None:
    with Project.open(folder) as first, Project.open(folder) as second:
        assert first.claim(UNITS, 1) == [("c0", None)]
        assert second.claim(UNITS, 1) == [("c1", None)]
        assert second.claimed_by_others() == {"c0"}
        assert second.claim(UNITS) == [("c1", None), ("c2", None)]


def test_ones_own_claims_do_not_stand_in_the_way(folder: Path) -> None:
    with Project.open(folder) as project:
        assert project.claim(UNITS, 2) == project.claim(UNITS, 2)
        assert project.claimed_by_others() == set()


def test_a_claimed_slice_claims_its_case(folder: Path) -> None:
    with Project.open(folder) as first, Project.open(folder) as second:
        first.claim([("c0", 3)])
        assert second.claim([("c0", 4), ("c1", 2)]) == [("c1", 2)]


def test_the_caller_may_choose_while_nobody_else_can(folder: Path) -> None:
    with Project.open(folder) as first, Project.open(folder) as second:
        first.claim([("c0", None)])
        with second.claiming() as claiming:
            assert "c0" in claiming
            assert claiming.taken == {"c0"}
            assert not claiming.add("c0")
            assert "c1" not in claiming
            assert claiming.add("c1", 2)
        assert first.claimed_by_others() == {"c1"}


def test_a_failed_choice_claims_nothing(folder: Path) -> None:
    with Project.open(folder) as first, Project.open(folder) as second:

        def claim_and_fail() -> None:
            with first.claiming() as claiming:
                claiming.add("c0")
                raise KeyError

        with pytest.raises(KeyError):
            claim_and_fail()
        assert second.claimed_by_others() == set()


def test_claims_can_be_given_back(folder: Path) -> None:
    with Project.open(folder) as first, Project.open(folder) as second:
        first.claim(UNITS)
        first.release_claims()
        assert second.claim(UNITS, 1) == [("c0", None)]


def test_a_session_opened_after_another_was_closed_gets_its_cases(folder: Path) -> None:
    with Project.open(folder) as first:
        first.claim(UNITS)
    with Project.open(folder) as later:
        assert later.claimed_by_others() == set()


def test_a_session_open_when_the_claim_was_made_respects_it_after_its_end(folder: Path) -> None:
    with Project.open(folder) as waiting:
        with Project.open(folder) as quick:
            quick.claim([("c0", None)])
        assert waiting.claim(UNITS, 1) == [("c1", None)]


def test_a_session_that_begins_to_choose_later_gets_the_cases_of_an_ended_one(folder: Path) -> None:
    with Project.open(folder) as waiting:
        with Project.open(folder) as quick:
            quick.claim([("c0", None)])
        with waiting.claiming(since=time.time()) as claiming:
            assert claiming.add("c0")


def test_a_project_that_was_forgotten_frees_its_claims(folder: Path) -> None:
    forgotten = Project.open(folder)
    forgotten.claim(UNITS)
    del forgotten
    gc.collect()
    with Project.open(folder) as later:
        assert later.claimed_by_others() == set()


def test_a_claim_of_a_process_that_died_is_free_for_later_sessions(folder: Path) -> None:
    with Project.open(folder) as project:
        project.claim(UNITS)
        change_session(folder, "UPDATE sessions SET pid = 2147480000, pid_start = '1'")
        with Project.open(folder) as later:
            assert later.claimed_by_others() == set()


def test_a_process_id_used_again_does_not_keep_a_claim(folder: Path) -> None:
    if not claims_module.process_start(os.getpid()):
        pytest.skip("this system does not tell when a process started")
    with Project.open(folder) as project:
        project.claim(UNITS)
        change_session(folder, "UPDATE sessions SET pid = ?, pid_start = '1'", os.getppid())
        with Project.open(folder) as later:
            assert later.claimed_by_others() == set()


def test_a_claim_of_another_computer_counts_for_its_lease(folder: Path) -> None:
    with Project.open(folder) as project:
        project.claim(UNITS)
        change_session(folder, "UPDATE sessions SET host = 'elsewhere', pid = 1")
        with Project.open(folder) as later:
            assert later.claimed_by_others() == {"c0", "c1", "c2"}
            long_ago = time.time() - claims_module.LEASE_SECONDS - 1
            change_session(folder, "UPDATE claims SET time = ?", long_ago)
            assert later.claimed_by_others() == set()


def test_opening_and_counting_writes_nothing(folder: Path) -> None:
    before = (folder / "journal.sqlite").read_bytes()
    with Project.open(folder) as project:
        project.counts()
        project.cases()
        project.claimed_by_others()
    assert (folder / "journal.sqlite").read_bytes() == before


def test_a_session_that_writes_is_recorded_once(folder: Path) -> None:
    with Project.open(folder) as project:
        since = project.events()[-1].id
        project.note("c0", "one")
        with pytest.raises(UnknownCaseError):
            project.note("c9", "none")
        project.note("c0", "two")
        kinds = [event.kind for event in project.events(since=since)]
    assert kinds == ["opened", "note", "note"]
