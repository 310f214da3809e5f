"""Progress with an estimate, and cancelling, for all long work."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from .errors import CancelledError


class Progress(Protocol):
    """What long work calls: ``progress(done, total, message, **data)``."""

    def __call__(self, done: float, total: float, message: str = "", **data: Any) -> None: ...


def no_progress(done: float, total: float, message: str = "", **data: Any) -> None:
    """Ignore progress."""


def part_of(progress: Progress, before: int, count: int, name: str) -> Progress:
    """Return the progress of one piece of work as that of ``count`` pieces, ``before`` being done.

    >>> part_of(lambda done, total, message: print(done, total, message), 2, 4, "case-3")(1, 2)
    2.5 4 case-3
    """

    def tell(done: float, total: float, message: str = "", **data: Any) -> None:
        progress(before + done / total, count, message or name, **data)

    return tell


def between(progress: Progress, start: float, end: float) -> Progress:
    """Return the progress of one phase as that of the whole, from share ``start`` to ``end``.

    >>> between(lambda done, total, message: print(done, total, message), 0.25, 0.75)(1, 2, "half")
    0.5 1.0 half
    """

    def tell(done: float, total: float, message: str = "", **data: Any) -> None:
        progress(start + (end - start) * done / total, 1.0, message, **data)

    return tell


class Cancel:
    """A token that one thread sets and the work of another looks at."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the work to stop at its next safe point."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether the work was asked to stop."""
        return self._event.is_set()

    def raise_if_cancelled(self) -> None:
        """Raise ``CancelledError`` once ``cancel`` was called."""
        if self.cancelled:
            raise CancelledError("Cancelled.")


# Of the time that is looked back on, the least between two reports that are kept.
FINEST = 0.02


@dataclass
class Estimate:
    """Remaining seconds of a task, from the pace in the later half of its time so far.

    Work that goes on where it stopped passes over what is done in no time; the later half forgets
    that soon, and still tells the pace of slow and unequal parts.

    >>> now = iter([0.0, 10.0]).__next__
    >>> estimate = Estimate(clock=now)
    >>> estimate.remaining(0, 4)
    >>> estimate.remaining(1, 4)
    30.0
    """

    clock: Callable[[], float] = time.monotonic
    _began: float = 0.0
    _reports: deque[tuple[float, float]] = field(default_factory=deque)

    def remaining(self, done: float, total: float) -> float | None:
        """Return the estimated seconds left, or ``None`` while there is no pace yet."""
        now = self.clock()
        if not self._reports or done < self._reports[-1][1]:
            self._began = now
            self._reports = deque([(now, done)])
            return None
        half = (now - self._began) / 2
        while len(self._reports) > 1 and self._reports[1][0] <= now - half:
            self._reports.popleft()
        started, first_done = self._reports[0]
        if now - self._reports[-1][0] >= FINEST * half:
            self._reports.append((now, done))
        if done <= first_done or now <= started:
            return None
        return (total - done) * (now - started) / (done - first_done)
