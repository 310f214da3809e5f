"""Requests on their way through the worker: their progress, their cancelling, their answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

from ..messages import Message, ProgressMessage, Request, encode
from ..progress import Cancel, Estimate

PROGRESS_SECONDS = 0.1


class Outbox:
    """Send messages whole, from any thread; call ``on_closed`` once when nobody listens."""

    def __init__(self, writer: BinaryIO | Any, on_closed: Callable[[], None]) -> None:
        self._writer = writer
        self._lock = threading.Lock()
        self._on_closed = on_closed
        self._closed = False

    def send(self, message: Message) -> None:
        """Write one message; a listener who is gone is no error here."""
        line = memoryview(encode(message))
        with self._lock:
            if self._closed:
                return
            try:
                while line:
                    # A raw stream may take less than it was given.
                    line = line[self._writer.write(line) or 0 :]
                self._writer.flush()
                return
            except (OSError, ValueError):
                self._closed = True
        self._on_closed()


class ThrottledProgress:
    """Pass progress on at most every ``PROGRESS_SECONDS``, always the first and the last."""

    def __init__(
        self,
        task_id: int,
        send: Callable[[Message], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._id = task_id
        self._send = send
        self._clock = clock
        self._estimate = Estimate(clock)
        self._lock = threading.Lock()
        self._sent: float | None = None
        self._pending: ProgressMessage | None = None
        self._last: ProgressMessage | None = None

    def __call__(self, done: float, total: float, message: str = "", **data: Any) -> None:
        with self._lock:
            estimate = self._estimate.remaining(done, total)
            remaining = data.pop("remaining_seconds", estimate)
            self._pending = ProgressMessage(self._id, done, total, message, remaining, data)
            now = self._clock()
            self._last = self._pending
            if self._sent is None or now - self._sent >= PROGRESS_SECONDS:
                self._sent = now
                self._flush()

    def say(self, message: str, **data: Any) -> None:
        """Send ``message`` and ``data`` at once, with how far the work is; never held back."""
        with self._lock:
            last = self._last or ProgressMessage(self._id, 0.0, 1.0)
            self._flush()
            self._send(replace(last, message=message, data={**last.data, **data}))
            self._sent = None  # What follows is told at once too.

    def flush(self) -> None:
        """Send the last report if it was held back."""
        with self._lock:
            self._flush()

    def _flush(self) -> None:
        pending, self._pending = self._pending, None
        if pending is not None:
            self._send(pending)


@dataclass(eq=False)
class Task:
    """A request on its way, with the token that cancels it and the way to report progress."""

    request: Request
    progress: ThrottledProgress
    cancel: Cancel = field(default_factory=Cancel)
    started: float | None = None
    answered: bool = False
