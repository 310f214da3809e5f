"""Requests that wait for a thread of the worker: in order, and by how much they matter."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..messages import Request
from .tasks import Task


class WaitingTasks:
    """The tasks of one lane. ``rank(request)``: the lower, the sooner; equal ones as they came."""

    def __init__(self, rank: Callable[[Request], int] = lambda _request: 0) -> None:
        self._rank = rank
        self._tasks: list[Task] = []
        self._closed = False
        self._changed = threading.Condition()

    def put(self, task: Task) -> None:
        """Let a task wait."""
        with self._changed:
            self._tasks.append(task)
            self._changed.notify()

    def close(self) -> None:
        """Let ``take`` return ``None`` once no task is left."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self) -> Task | None:
        """Wait for the next task and return it; ``None`` at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._tasks or self._closed)
            return self._next(lambda _request: True)

    def take_if(self, wanted: Callable[[Request], bool]) -> Task | None:
        """Return the next task whose request is ``wanted``, or ``None`` if none waits now."""
        with self._changed:
            return self._next(wanted)

    def has(self, wanted: Callable[[Request], bool]) -> bool:
        """Whether a task whose request is ``wanted`` waits and was not cancelled."""
        with self._changed:
            return any(wanted(t.request) for t in self._tasks if not t.answered)

    def _next(self, wanted: Callable[[Request], bool]) -> Task | None:
        found = [t for t in self._tasks if wanted(t.request)]
        if not found:
            return None
        first = min(found, key=lambda task: self._rank(task.request))
        self._tasks.remove(first)
        return first
