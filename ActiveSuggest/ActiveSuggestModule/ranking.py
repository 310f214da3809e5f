"""Ranking: asking what to label next, and asking again when the model has learnt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .desk import Desk
from .jobs import Job
from .suggestions import (
    FINISHED,
    Suggested,
    find,
    grouped,
    merged_ranking,
    upcoming,
)

KIND = "suggest"
USER_KINDS = (KIND, "score", "predict", "rescan", "import_labels", "roll_back")


@dataclass(frozen=True)
class Wish:
    """What the user asked to be ranked."""

    strategy: str
    unit: str
    count: int


class Ranking:
    """The list of suggestions; ``changed()`` at each change, ``renewed()`` when it is a new one."""

    def __init__(self, desk: Desk) -> None:
        self.suggestions: list[Suggested] = []
        self.changed = desk.signal()
        self.renewed = desk.signal()
        self.wish: Wish | None = None
        self._desk = desk
        self._again_later = False
        desk.board.changed.connect(self._take_up_again)

    def suggest(self, wish: Wish, then: Callable[[], None] | None = None) -> Job:
        """Rank anew for the user; ``then`` is called when the list is there."""
        self._again_later = False
        self.wish = wish

        def done(rows: list[dict[str, Any]]) -> None:
            self._take(grouped(rows))
            if then is not None:
                then()

        return self._ask(done, background=False)

    def rank_again(self) -> None:
        """Rank anew in the background by the user's last wish, when nothing of theirs runs."""
        if self.wish is not None:
            self._again_later = True
            self._take_up_again()

    def give_way(self) -> None:
        """The user wants something of the worker: a ranking in the background comes after it."""
        job = self._desk.board.jobs.get(KIND)
        if job is not None and job.background:
            self._again_later = True
            job.cancel()

    def mark(self, case: str, state: str, error: str = "") -> None:
        """Note the state of a row; a case that is not in the list is no error."""
        suggestion = find(case, self.suggestions)
        if suggestion is not None and (suggestion.state, suggestion.error) != (state, error):
            suggestion.state, suggestion.error = state, error
            self.changed.emit()

    def picture(self, case: str, thumbnail: Path | None) -> None:
        """Note the picture of a row."""
        suggestion = find(case, self.suggestions)
        if suggestion is not None and suggestion.thumbnail != thumbnail:
            suggestion.thumbnail = thumbnail
            self.changed.emit()

    def next(self, besides: str | None) -> Suggested | None:
        """Return the best suggestion that is still to be done, other than a case."""
        left = upcoming(self.suggestions, besides=besides, count=1)
        return left[0] if left else None

    def clear(self) -> None:
        """Forget list and wish: the project is closed."""
        self.suggestions, self.wish, self._again_later = [], None, False
        self.changed.emit()

    def _ask(self, done: Callable[[list[dict[str, Any]]], None], *, background: bool) -> Job:
        assert self.wish is not None
        return self._desk.board.ask(
            KIND,
            "suggest",
            done,
            background=background,
            on_failed=self._nothing_left if background else None,
            strategy=self.wish.strategy,
            unit=self.wish.unit,
            count=self.wish.count,
        )

    def _take(self, suggestions: list[Suggested]) -> None:
        self.suggestions = suggestions
        self.changed.emit()
        self.renewed.emit()

    def _take_again(self, rows: list[dict[str, Any]]) -> None:
        new = merged_ranking(grouped(rows), [s for s in self.suggestions if s.state != FINISHED])
        self._take(new)

    def _nothing_left(self, error: dict[str, Any]) -> bool:
        """Nobody asked for this ranking, so that everything is labelled is no trouble."""
        if error.get("kind") != "pool_exhausted":
            return False
        self._desk.say(str(error.get("message", "")))
        return True

    def _take_up_again(self) -> None:
        if not self._again_later or self.wish is None:
            return
        if any(kind in self._desk.board.jobs for kind in USER_KINDS):
            return
        self._again_later = False
        self._ask(self._take_again, background=True)
