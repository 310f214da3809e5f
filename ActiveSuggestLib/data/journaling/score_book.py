"""Rankings and durations, kept as they were computed and measured."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .journal import Journal, decoded, to_json


@dataclass(frozen=True)
class ScoreRun:
    """One ranking of the pool; ``time`` in seconds since the epoch."""

    id: int
    time: float
    session: str
    strategy: str
    unit: str
    model: str
    data: dict[str, Any]


@dataclass(frozen=True)
class ScoreRow:
    """One unit of a ranking, best first from rank 1; ``slice`` is ``None`` for a whole volume."""

    run: int
    rank: int
    case: str
    slice: int | None
    score: float | None
    reasons: list[str]


@dataclass(frozen=True)
class Timing:
    """How long a task took; ``amount`` is how many pieces of work that was."""

    time: float
    session: str
    task: str
    case: str | None
    seconds: float
    amount: float
    data: dict[str, Any]


class ScoreBook:
    """The tables of rankings and durations in a project's journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def add_run(
        self,
        strategy: str,
        unit: str,
        rows: Iterable[tuple[str, int | None, float, Iterable[str]]],
        model: str,
        data: dict[str, Any],
    ) -> int:
        """Keep a ranking of (case, slice, score, reasons), best first; return its number."""
        with self._journal.transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO score_runs (time, session, strategy, unit, model, data)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    time.time(),
                    self._journal.session,
                    strategy,
                    unit,
                    model,
                    to_json(data),
                ),
            )
            run = int(cursor.lastrowid or 0)
            connection.executemany(
                "INSERT INTO scores (run, rank, case_name, slice, score, reasons)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (
                    (
                        run,
                        rank,
                        case,
                        None if index is None else int(index),
                        float(score),
                        to_json(list(reasons)),
                    )
                    for rank, (case, index, score, reasons) in enumerate(rows, start=1)
                ),
            )
            self._journal.append("scored", run=run, strategy=strategy, unit=unit, model=model)
        return run

    def runs(self) -> list[ScoreRun]:
        """Return all rankings, oldest first, without their rows."""
        return [
            ScoreRun(*decoded(row))
            for row in self._journal.rows("SELECT * FROM score_runs ORDER BY id")
        ]

    def rows(self, run: int | None) -> list[ScoreRow]:
        """Return the rows of a ranking, best first; of the newest if ``run`` is ``None``."""
        if run is None:
            newest = self._journal.row("SELECT max(id) FROM score_runs")
            run = (newest and newest[0]) or 0
        return [
            ScoreRow(*decoded(row))
            for row in self._journal.rows(
                "SELECT * FROM scores WHERE run = ? ORDER BY rank", (run,)
            )
        ]

    def add_timing(
        self, task: str, seconds: float, case: str | None, amount: float, data: dict[str, Any]
    ) -> None:
        """Keep how long a task took."""
        with self._journal.transaction() as connection:
            connection.execute(
                "INSERT INTO timings (time, session, task, case_name, seconds, amount, data)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    time.time(),
                    self._journal.session,
                    task,
                    case,
                    float(seconds),
                    float(amount),
                    to_json(data),
                ),
            )

    def timings(self, task: str | None) -> list[Timing]:
        """Return the durations (of one task), oldest first."""
        condition, values = ("", ()) if task is None else ("WHERE task = ?", (task,))
        return [
            Timing(*decoded(row)[1:])
            for row in self._journal.rows(f"SELECT * FROM timings {condition} ORDER BY id", values)
        ]
