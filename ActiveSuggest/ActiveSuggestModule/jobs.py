"""Jobs: a request to the worker as the panels and the console see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .signals import Signal

QUEUED, RUNNING, CANCELLING = "queued", "running", "cancelling"
DONE, FAILED, CANCELLED = "done", "failed", "cancelled"
_ENDED = (DONE, FAILED, CANCELLED)


@dataclass(eq=False)
class Job:
    """One request under way.

    ``kind`` is ``"open"``, ``"create"``, ``"show"`` (of a case), ``"suggest"``, ``"fine_tune"``,
    ``"score"``, ``"predict"``, ``"save"``, ``"roll_back"``, ``"rescan"`` or ``"import_labels"``;
    ``state`` one of ``queued``, ``running``, ``cancelling``, ``done``, ``failed``, ``cancelled``.
    ``done`` of ``total`` (0: not known), ``remaining_seconds`` ``None`` while there is no pace.
    ``value`` is the answer of a job that is done, ``error`` the error form (kind, message, case,
    path, remedy, details) of one that failed. ``background`` jobs were started by nobody in
    particular: a ranking after a training.
    """

    kind: str
    state: str = QUEUED
    done: float = 0.0
    total: float = 0.0
    message: str = ""
    remaining_seconds: float | None = None
    background: bool = False
    data: dict[str, Any] = field(default_factory=dict)
    value: Any = None
    error: dict[str, Any] = field(default_factory=dict)
    finished: Signal = field(default_factory=Signal)
    on_cancel: Callable[[Job], None] | None = field(default=None, repr=False)

    @property
    def has_ended(self) -> bool:
        """Whether it is done, failed or cancelled."""
        return self.state in _ENDED

    @property
    def share(self) -> float | None:
        """How much is done, 0 to 1, or ``None`` while nobody knows."""
        return min(max(self.done / self.total, 0.0), 1.0) if self.total > 0 else None

    def cancel(self) -> None:
        """Ask for its end; it then ends as ``cancelled`` (or ``done``, if it was faster)."""
        if self.has_ended or self.state == CANCELLING:
            return
        self.state = CANCELLING
        if self.on_cancel is not None:
            self.on_cancel(self)

    def end(self, state: str, *, value: Any = None, error: dict[str, Any] | None = None) -> None:
        """Note how it ended and tell who waits, once."""
        if self.has_ended:
            return
        self.state, self.value, self.error = state, value, error or {}
        self.remaining_seconds = None
        self.finished.emit(self)
