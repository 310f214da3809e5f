"""Troubles: what went wrong, in a sentence, with what to do about it."""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .signals import Signal

KEPT = 50


@dataclass(frozen=True)
class Trouble:
    """Something that a person should know and can do something about.

    ``sentence`` says what happened and on what, ``remedy`` what to do next, ``details`` is the
    child's own words (a traceback, its last lines) for whoever asks. ``kind`` is the error's
    stable name (``ActiveSuggestError.kind``), ``case`` the case it is about. ``action`` names the
    button that helps: ``None``, ``"install"``, ``"restart"``, ``"show-log"``, ``"locate-images"``,
    ``"open-project"``, ``"rescan"`` or ``"open-folder"`` (of ``path``).
    """

    sentence: str
    remedy: str = ""
    details: str = ""
    kind: str = "error"
    case: str | None = None
    action: str | None = None
    path: str | None = None


_ACTIONS = {
    "missing_package": "install",
    "worker_died": "restart",
    "worker_not_running": "restart",
    "no_project": "open-project",
    "vanished_image": "locate-images",
    "image_folder": "locate-images",
    "not_a_project": "open-project",
    "damaged_project": "open-project",
    "unexpected": "show-log",
}


def trouble_from_error(error: Mapping[str, Any]) -> Trouble:
    """Return the trouble for an error of the worker (``messages.Failure.error``)."""
    kind = str(error.get("kind") or "error")
    case, path = error.get("case"), error.get("path")
    sentence = str(error.get("message") or kind)
    if case and str(case) not in sentence:
        sentence = f"{case}: {sentence}"
    if path and str(path) not in sentence:
        sentence = f"{sentence} ({path})"
    return Trouble(
        sentence=sentence,
        remedy=str(error.get("remedy") or ""),
        details=str(error.get("details") or ""),
        kind=kind,
        case=None if case is None else str(case),
        action=_ACTIONS.get(kind),
        path=None if path is None else str(path),
    )


def trouble_from_exception(error: Exception) -> Trouble:
    """Return the trouble for a fault on Slicer's side that nobody foresaw."""
    from ActiveSuggestLib.errors import ActiveSuggestError

    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    if isinstance(error, ActiveSuggestError):
        return trouble_from_error({**error.to_dict(), "details": trace})
    return trouble_from_error(
        {
            "kind": "unexpected",
            "message": f"{type(error).__name__}: {error}",
            "remedy": "This is a fault in ActiveSuggest: please report it with the details.",
            "details": trace,
        }
    )


class TroubleDesk:
    """Passes troubles on by a signal and keeps the last of them."""

    def __init__(self, signal: Signal) -> None:
        self._signal = signal
        self._last: deque[Trouble] = deque(maxlen=KEPT)

    @property
    def last(self) -> list[Trouble]:
        """The last troubles, oldest first."""
        return list(self._last)

    def tell(self, trouble: Trouble) -> None:
        """Pass a trouble on."""
        self._last.append(trouble)
        self._signal.emit(trouble)
