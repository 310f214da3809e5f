"""Prefetching: the next suggestions are made ready while the user edits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .desk import Desk
from .fetching import PROPOSAL, SCENE, Done, Failed, Fetcher
from .prepared import PreparedCase
from .ranking import Ranking
from .suggestions import FETCHING, READY, UNUSABLE, WAITING, upcoming
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
    """Makes the next ``AHEAD`` suggestions ready: images and proposals, each one at a time.

    A proposal can take minutes on a processor, and the images of the next cases do not wait for
    it.
    """

    def __init__(self, desk: Desk, ranking: Ranking, fetcher: Fetcher) -> None:
        self._desk = desk
        self._ranking = ranking
        self._fetcher = fetcher
        self._under_way: set[str] = set()
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
        """Fetch what is missing next, unless as much is being fetched."""
        for suggestion in upcoming(self._ranking.suggestions, besides=self.current, count=AHEAD):
            prepared = self._desk.shelf.of(suggestion.case)
            if not prepared.files_exist():
                self._fetch(SCENE, self._fetcher.scene, suggestion.case)
            elif self._proposal_wanted(prepared):
                self._fetch(PROPOSAL, self._fetcher.proposal, suggestion.case)
            else:
                self._ranking.picture(suggestion.case, prepared.thumbnail)
                self._ranking.mark(suggestion.case, READY)

    def _fetch(self, what: str, ask: Ask, case: str) -> None:
        if what in self._under_way:
            return
        self._under_way.add(what)
        self._ranking.mark(case, FETCHING)
        ask(
            case,
            lambda prepared: self._fetched(what, prepared),
            lambda error: self._failed(what, case, error),
        )

    def _proposal_wanted(self, prepared: PreparedCase) -> bool:
        model = self._desk.facts.model_version
        return (
            model is not None
            and not prepared.is_fresh(model)
            and self._desk.link.state == LEARNER_READY
            and prepared.case not in self._without_proposal
        )

    def _fetched(self, what: str, prepared: PreparedCase) -> None:
        self._under_way.discard(what)
        self._ranking.picture(prepared.case, prepared.thumbnail)
        self.go_on()

    def _failed(self, what: str, case: str, error: dict[str, Any]) -> None:
        self._under_way.discard(what)
        if is_told(error):
            # Cancelled, or the worker is gone: whoever made it so sets this going again.
            self._ranking.mark(case, WAITING)
            return
        if error.get("kind") in _NOT_THE_CASE:
            self._without_proposal.add(case)
        else:
            self._ranking.mark(case, UNUSABLE, str(error.get("message", "")))
        self.go_on()
