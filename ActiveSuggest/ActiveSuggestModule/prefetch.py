"""Prefetching: the next suggestions are made ready while the user edits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .desk import Desk
from .fetching import Done, Failed, Fetcher
from .prepared import PreparedCase
from .ranking import Ranking
from .suggestions import FETCHING, READY, UNUSABLE, WAITING, Suggested, upcoming
from .worker_link import READY as LEARNER_READY
from .worker_link import is_told

Ask = Callable[[str, Done, Failed], None]
AHEAD = 3
_NOT_THE_CASE = (
    "no_model",
    "missing_package",
    "out_of_device_memory",
    "out_of_memory",
    "damaged_checkpoint",
    "foreign_checkpoint",
)
"""Errors of a proposal that say nothing against the case itself: it is labelled from nothing."""


class Prefetcher:
    """Makes the next ``AHEAD`` suggestions ready, one thing at a time, best first."""

    def __init__(self, desk: Desk, ranking: Ranking, fetcher: Fetcher) -> None:
        self._desk = desk
        self._ranking = ranking
        self._fetcher = fetcher
        self._busy = False
        self._without_proposal: set[str] = set()
        self.current: str | None = None
        """The case on the screen: it needs no prefetching."""

    def begin_anew(self) -> None:
        """Another model or another worker: proposals that failed are tried again."""
        self._without_proposal.clear()
        for suggestion in self._ranking.suggestions:
            if suggestion.state in (READY, FETCHING):
                suggestion.state = WAITING
        self.go_on()

    def go_on(self) -> None:
        """Fetch the next thing that is missing, unless something is being fetched."""
        if self._busy:
            return
        for suggestion in upcoming(self._ranking.suggestions, besides=self.current, count=AHEAD):
            if suggestion.state != READY and self._fetch(suggestion):
                return

    def _fetch(self, suggestion: Suggested) -> bool:
        """Ask for what a suggestion lacks; whether anything had to be asked for."""
        prepared = self._desk.shelf.of(suggestion.case)
        ask: Ask | None = None
        if not prepared.files_exist():
            ask = self._fetcher.scene
        elif self._proposal_wanted(prepared):
            ask = self._fetcher.proposal
        if ask is None:
            self._is_ready(suggestion, prepared)
            return False
        self._busy = True
        self._ranking.mark(suggestion.case, FETCHING)
        ask(suggestion.case, self._fetched, lambda error: self._failed(suggestion.case, error))
        return True

    def _proposal_wanted(self, prepared: PreparedCase) -> bool:
        model = self._desk.facts.model_version
        return (
            model is not None
            and not prepared.is_fresh(model)
            and self._desk.link.state == LEARNER_READY
            and prepared.case not in self._without_proposal
        )

    def _is_ready(self, suggestion: Suggested, prepared: PreparedCase) -> None:
        suggestion.thumbnail = prepared.thumbnail
        self._ranking.mark(suggestion.case, READY)

    def _fetched(self, prepared: PreparedCase) -> None:
        self._busy = False
        self._ranking.picture(prepared.case, prepared.thumbnail)
        self.go_on()

    def _failed(self, case: str, error: dict[str, Any]) -> None:
        self._busy = False
        if is_told(error):
            # Cancelled, or the worker is gone: whoever made it so sets this going again.
            self._ranking.mark(case, WAITING)
            return
        if error.get("kind") in _NOT_THE_CASE:
            self._without_proposal.add(case)
        else:
            self._ranking.mark(case, UNUSABLE, str(error.get("message", "")))
        self.go_on()
