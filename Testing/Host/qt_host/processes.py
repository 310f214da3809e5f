"""QProcess and QTimer as PythonQt offers them, with a list of the processes a test started."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import shiboken6
from PySide6.QtCore import QProcess, QTimer

from .slots import call_slot

_started: weakref.WeakSet[QProcess] = weakref.WeakSet()


class HostProcess(QProcess):
    """A real QProcess that is remembered while it lives."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        _started.add(self)


class HostTimer(QTimer):
    """A real QTimer; what ``singleShot`` calls may fail as any slot."""

    @staticmethod
    def singleShot(milliseconds: int, *target: Any) -> None:
        if len(target) == 2:  # receiver and "slot()"
            receiver, name = target
            callback: Callable[..., Any] = getattr(receiver, name.partition("(")[0])
        else:
            (callback,) = target
        QTimer.singleShot(int(milliseconds), lambda: call_slot(callback))


def running_processes() -> list[QProcess]:
    """Return the processes that still run."""
    return [
        process
        for process in list(_started)
        if shiboken6.isValid(process)
        and QProcess.state(process) != QProcess.ProcessState.NotRunning
    ]


def end_processes() -> list[str]:
    """End what still runs; return the command lines."""
    ended = []
    for process in running_processes():
        ended.append(" ".join([QProcess.program(process), *QProcess.arguments(process)]))
        QProcess.kill(process)
        QProcess.waitForFinished(process, 3000)
    return ended
