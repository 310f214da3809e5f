"""A signal in plain Python: custom Qt signals crash in PythonQt."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Any

Slot = Callable[..., Any]
OnError = Callable[[Exception, Slot], None]


def _to_standard_error(error: Exception, slot: Slot) -> None:
    where = getattr(slot, "__qualname__", repr(slot))
    lines = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    print(f"A slot failed ({where}):\n{lines}", file=sys.stderr)  # noqa: T201 - the last resort


class Signal:
    """Call all connected functions, in the order of their connection.

    A slot that fails keeps neither the others from running nor the emitter from going on: its
    exception goes to ``on_error(error, slot)``, by default the standard error.

    >>> heard = []
    >>> changed = Signal()
    >>> changed.connect(heard.append)
    >>> changed.emit("liver")
    >>> changed.disconnect(heard.append)
    >>> changed.emit("spleen")
    >>> heard
    ['liver']
    """

    def __init__(self, on_error: OnError | None = None) -> None:
        self._slots: list[Slot] = []
        self._on_error = on_error or _to_standard_error

    def connect(self, slot: Slot) -> None:
        """Call ``slot`` at each emission from now on; connected twice, it is still called once."""
        if slot not in self._slots:
            self._slots.append(slot)

    def disconnect(self, slot: Slot) -> None:
        """Stop calling ``slot``; one that was never connected is no error."""
        if slot in self._slots:
            self._slots.remove(slot)

    def disconnect_all(self) -> None:
        """Stop calling anyone, the hearer of errors included."""
        self._slots.clear()
        self._on_error = _to_standard_error

    def emit(self, *values: Any) -> None:
        """Call every slot with ``values``; a slot that is disconnected meanwhile is passed over."""
        for slot in list(self._slots):
            if slot not in self._slots:
                continue
            try:
                slot(*values)
            except Exception as error:
                self._on_error(error, slot)
