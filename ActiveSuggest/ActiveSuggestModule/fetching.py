"""Fetching what a case needs to be shown: each thing is asked for once, whoever wants it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .desk import Desk
from .mask_files import SUFFIX
from .prepared import PreparedCase
from .troubles import trouble_from_error
from .worker_link import NO_LEARNER, Errand, is_told

Done = Callable[[PreparedCase], None]
Failed = Callable[[dict[str, Any]], None]
SCENE, PROPOSAL = "prepare", "predict"


@dataclass(eq=False)
class _Fetch:
    model: int | None
    waiting: list[tuple[Done, Failed]]
    errand: Errand | None = None


class Fetcher:
    """Asks the worker to ``prepare`` and to ``predict``, and keeps the answers on the shelf.

    A failure is told once, however many wait for it; that there is no model yet is none.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._under_way: dict[tuple[str, str], _Fetch] = {}

    def scene(self, case: str, done: Done, failed: Failed, *, urgent: bool = False) -> None:
        """Call ``done`` when the case's images lie ready, at once if they do.

        What is ``urgent`` overtakes what is only fetched ahead.
        """
        prepared = self._desk.shelf.of(case)
        if prepared.files_exist():
            done(prepared)
        else:
            self._fetch(SCENE, case, done, failed, urgent=urgent)

    def proposal(self, case: str, done: Done, failed: Failed) -> None:
        """Call ``done`` when the model in use has a proposal, at once if it has."""
        prepared = self._desk.shelf.of(case)
        if prepared.is_fresh(self._desk.facts.model_version):
            done(prepared)
        else:
            self._fetch(PROPOSAL, case, done, failed)

    def is_fetching(self, case: str) -> bool:
        """Whether something of a case is under way."""
        return any(name == case for _, name in self._under_way)

    def cancel_proposals(self, besides: str | None = None) -> None:
        """Let the worker pass over the proposals of other cases; who waits is told."""
        for (method, case), fetch in list(self._under_way.items()):
            if method == PROPOSAL and case != besides and fetch.errand is not None:
                self._desk.link.cancel(fetch.errand)

    def _fetch(self, method: str, case: str, done: Done, failed: Failed, **params: Any) -> None:
        key = (method, case)
        fetch = self._under_way.get(key)
        if fetch is not None:
            fetch.waiting.append((done, failed))
            return
        fetch = self._under_way[key] = _Fetch(self._desk.facts.model_version, [(done, failed)])
        fetch.errand = self._desk.link.ask(
            method,
            lambda value: self._fetched(key, value),
            lambda error: self._failed(key, error),
            case=case,
            **params,
        )

    def _complete(self, key: tuple[str, str], proposal: dict[str, Any]) -> None:
        """Ask for the proposal that leaves the slices labelled before as they are."""
        self._under_way[key].errand = self._desk.link.ask(
            "complete",
            lambda value: self._fetched(key, {**proposal, "completed": value["path"]}),
            lambda error: self._failed(key, error),
            case=key[1],
        )

    def _is_labelled_in_part(self, case: str) -> bool:
        facts = self._desk.shelf.of(case).scene or self._desk.facts.case(case) or {}
        return facts.get("labelled_slices") is not None

    def _fetched(self, key: tuple[str, str], value: dict[str, Any]) -> None:
        method, case = key
        if method == PROPOSAL and "completed" not in value and self._is_labelled_in_part(case):
            self._complete(key, value)
            return
        fetch = self._under_way.pop(key)
        prepared = self._desk.shelf.of(case)
        if method == SCENE:
            prepared.scene = self._with_draft(case, value)
            if value.get("prediction") and value.get("labelled_slices") is None:
                prepared.proposal, prepared.asked_of = value["prediction"], fetch.model
        else:
            prepared.proposal, prepared.asked_of = value, fetch.model
        for done, _ in fetch.waiting:
            done(prepared)

    def _is_known(self, method: str, error: dict[str, Any]) -> bool:
        """Whether a proposal fails for what is no trouble, or was told with the learner's start."""
        if method != PROPOSAL:
            return False
        return error.get("kind") == "no_model" or self._desk.link.state == NO_LEARNER

    def _with_draft(self, case: str, scene: dict[str, Any]) -> dict[str, Any]:
        """Add a draft that is on disk and that the worker has not noted yet."""
        folder = self._desk.facts.folder
        draft = None if folder is None else folder / "drafts" / f"{case}{SUFFIX}"
        if draft is not None and draft.is_file():
            return {**scene, "draft": str(draft)}
        return scene

    def _failed(self, key: tuple[str, str], error: dict[str, Any]) -> None:
        fetch = self._under_way.pop(key)
        if not (is_told(error) or self._is_known(key[0], error)):
            self._desk.tell(trouble_from_error({"case": key[1], **error}))
        for _, failed in fetch.waiting:
            failed(error)
