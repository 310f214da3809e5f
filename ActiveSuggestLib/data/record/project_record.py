"""What a project remembers beside its cases: events, rankings, durations, and claims."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

from ..journaling.claims import Claiming, Claims, Session, Unit
from ..journaling.journal import Event, Journal
from ..journaling.score_book import ScoreBook, ScoreRow, ScoreRun, Timing


class ProjectRecord:
    """The part of a project that needs nothing but its journal."""

    def __init__(self, journal: Journal, session: Session) -> None:
        self._journal = journal
        self._session = session
        self._claims = Claims(journal, session)
        self._scores = ScoreBook(journal)
        journal.before_first_write(session.register)

    def record(self, kind: str, case: str | None = None, **data: Any) -> int:
        """Add an event to the journal and return its id."""
        return self._journal.append(kind, case, **data)

    def events(
        self, kind: str | None = None, case: str | None = None, since: int = 0
    ) -> list[Event]:
        """Return the events with an id above ``since``, oldest first."""
        return self._journal.events(kind, case, since)

    def record_score_run(
        self,
        strategy: str,
        unit: str,
        rows: Iterable[tuple[str, int | None, float, Iterable[str]]],
        *,
        model: str = "",
        **data: Any,
    ) -> int:
        """Keep a ranking of (case, slice, score, reasons), best first; return its number."""
        return self._scores.add_run(strategy, unit, rows, model, data)

    def score_runs(self) -> list[ScoreRun]:
        """Return all rankings, oldest first, without their rows."""
        return self._scores.runs()

    def scores(self, run: int | None = None) -> list[ScoreRow]:
        """Return the rows of a ranking, best first; of the newest if ``run`` is ``None``."""
        return self._scores.rows(run)

    def record_timing(
        self,
        task: str,
        seconds: float,
        *,
        case: str | None = None,
        amount: float = 1,
        **data: Any,
    ) -> None:
        """Keep how long a task took; ``amount`` is how many pieces of work that was."""
        self._scores.add_timing(task, seconds, case, amount, data)

    def timings(self, task: str | None = None) -> list[Timing]:
        """Return the durations (of one task), oldest first."""
        return self._scores.timings(task)

    # Claims -----------------------------------------------------------------------------

    def claiming(self, since: float | None = None) -> AbstractContextManager[Claiming]:
        """Choose and claim while nobody else can: ``with project.claiming() as claiming: …``.

        ``case in claiming`` tells whether another session has it, ``claiming.add(case, slice)``
        claims it. Compute the scores before: other processes wait meanwhile.
        """
        return self._claims.claiming(since)

    def claim(self, units: Iterable[Unit], count: int | None = None) -> list[Unit]:
        """Claim the first ``count`` units whose case nobody else has, and return them."""
        return self._claims.claim(units, count)

    def claimed_by_others(self) -> set[str]:
        """Return the cases that other sessions hold."""
        return self._claims.of_others()

    def release_claims(self) -> None:
        """Give back all claims of this session."""
        self._claims.release()

    # Sessions ---------------------------------------------------------------------------

    def announce(self) -> None:
        """Let other sessions know of this one before it has anything to write.

        Raises ``SaveFailedError``, ``DiskFullError`` or ``ProjectBusyError``.
        """
        with self._journal.transaction():
            pass  # The first transaction introduces the session.

    def other_sessions(self) -> int:
        """Return how many other sessions, here or elsewhere, seem to have the project open."""
        return self._claims.other_sessions()
