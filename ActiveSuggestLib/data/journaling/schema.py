"""The tables of journal.sqlite: what was found, what was done, and where that left each case."""

from __future__ import annotations

VERSION = 1

STATEMENTS = (
    # What people and programs did, one row an event; never changed afterwards.
    """
    CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time REAL NOT NULL,
        session TEXT NOT NULL,
        rater TEXT NOT NULL,
        kind TEXT NOT NULL,
        case_name TEXT,
        data TEXT NOT NULL
    )
    """,
    "CREATE INDEX events_by_kind ON events (kind, id)",
    "CREATE INDEX events_by_case ON events (case_name, id)",
    """
    CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END
    """,
    """
    CREATE TRIGGER events_are_not_removed BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'events are append-only'); END
    """,
    # What a scan found. Apart from `cases`, so that counting reads little.
    """
    CREATE TABLE images (
        name TEXT PRIMARY KEY,
        signature TEXT NOT NULL,
        record TEXT NOT NULL
    ) WITHOUT ROWID
    """,
    # Where each case stands. A label or draft is known by its file's size and time.
    """
    CREATE TABLE cases (
        name TEXT PRIMARY KEY,
        patient TEXT NOT NULL,
        excluded TEXT,
        problem TEXT,
        missing INTEGER NOT NULL DEFAULT 0,
        skipped INTEGER NOT NULL DEFAULT 0,
        label_version INTEGER NOT NULL DEFAULT 0,
        label_size INTEGER,
        label_mtime_ns INTEGER,
        label_hash TEXT NOT NULL DEFAULT '',
        label_slices TEXT,
        refused_size INTEGER,
        refused_mtime_ns INTEGER,
        draft INTEGER NOT NULL DEFAULT 0,
        draft_size INTEGER,
        draft_mtime_ns INTEGER
    ) WITHOUT ROWID
    """,
    """
    CREATE VIEW case_states AS
    SELECT *, CASE
        WHEN excluded IS NOT NULL OR problem IS NOT NULL OR missing THEN 'excluded'
        WHEN label_size IS NOT NULL THEN 'labelled'
        WHEN draft THEN 'draft'
        ELSE 'unlabelled'
    END AS state FROM cases
    """,
    # Who has the project open, and whom each case was suggested to.
    """
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        host TEXT NOT NULL,
        pid INTEGER NOT NULL,
        pid_start TEXT NOT NULL,
        started REAL NOT NULL,
        closed REAL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE claims (
        id INTEGER PRIMARY KEY,
        time REAL NOT NULL,
        session TEXT NOT NULL,
        case_name TEXT NOT NULL,
        slice INTEGER
    )
    """,
    "CREATE INDEX claims_by_time ON claims (time)",
    # Rankings, as they were computed.
    """
    CREATE TABLE score_runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time REAL NOT NULL,
        session TEXT NOT NULL,
        strategy TEXT NOT NULL,
        unit TEXT NOT NULL,
        model TEXT NOT NULL,
        data TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE scores (
        run INTEGER NOT NULL,
        rank INTEGER NOT NULL,
        case_name TEXT NOT NULL,
        slice INTEGER,
        score REAL,
        reasons TEXT NOT NULL,
        PRIMARY KEY (run, rank)
    ) WITHOUT ROWID
    """,
    # How long things took, people's work included.
    """
    CREATE TABLE timings (
        id INTEGER PRIMARY KEY,
        time REAL NOT NULL,
        session TEXT NOT NULL,
        task TEXT NOT NULL,
        case_name TEXT,
        seconds REAL NOT NULL,
        amount REAL NOT NULL,
        data TEXT NOT NULL
    )
    """,
    "CREATE INDEX timings_by_task ON timings (task, id)",
)
