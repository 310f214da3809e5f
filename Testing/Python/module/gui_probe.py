"""A probe of the window's thread: how long each slot and timer held it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from Testing.Host.qt_host import processes, signals, slots


class GuiProbe:
    """Times every slot that Qt calls between ``watch`` and its end.

    ``calls``: (seconds, name) of each; nested calls count for the outer one as well.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch
        self.calls: list[tuple[float, str]] = []

    @contextmanager
    def watch(self) -> Iterator[GuiProbe]:
        """Record until the block ends."""
        self.calls.clear()

        def call(slot: Callable[..., Any], *arguments: Any) -> None:
            began = time.perf_counter()
            try:
                slots.call_slot(slot, *arguments)
            finally:
                name = getattr(slot, "__qualname__", repr(slot))
                self.calls.append((time.perf_counter() - began, name))

        with self._patch.context() as patch:
            patch.setattr(processes, "call_slot", call)
            patch.setattr(signals, "call_slot", call)
            yield self

    @property
    def longest(self) -> tuple[float, str]:
        """The longest call: milliseconds, and which it was."""
        seconds, name = max(self.calls, default=(0.0, "nothing"))
        return 1000 * seconds, name
