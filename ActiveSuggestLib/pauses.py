"""Long work that gives way: what someone waits for is done between two of its steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext


class Pauses:
    """Lets other work in between two steps of long work, and has a clock that stops meanwhile.

    ``around()`` is a context in which the other work is done; it keeps the state of the long work
    (its random numbers) from being touched. Until ``connect`` nothing ever waits.
    """

    def __init__(self, around: Callable[[], AbstractContextManager[object]] = nullcontext) -> None:
        self._around = around
        self._waiting: Callable[[], bool] = lambda: False
        self._serve: Callable[[], None] = lambda: None
        self._given = 0.0
        self._inside = False

    def connect(self, waiting: Callable[[], bool], serve: Callable[[], None]) -> None:
        """Have ``serve()`` do what is more urgent, whenever ``waiting()`` says there is such work.

        Both are called on the thread of the long work; ``serve`` must not raise.
        """
        self._waiting, self._serve = waiting, serve

    def now(self) -> float:
        """Return seconds on a clock that stood still while other work was done."""
        return time.monotonic() - self._given

    def give_way(self) -> bool:
        """Do what waits, if anything does; return whether anything did.

        Work that was let in may itself give way; its time is not counted twice.
        """
        if not self._waiting():
            return False
        started, outermost, self._inside = time.monotonic(), not self._inside, True
        try:
            with self._around():
                self._serve()
        finally:
            if outermost:
                self._inside = False
                self._given += time.monotonic() - started
        return True
