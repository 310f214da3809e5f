"""The link to the worker: alive as long as a project is open, started anew when it dies."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import qt

from ActiveSuggestLib.messages import Failure, Hello, Notice, ProgressMessage, Result

from .interpreter import worker_command
from .signals import OnError, Signal
from .troubles import Trouble, trouble_from_error
from .worker_deaths import (
    Deaths,
    death_error,
    death_trouble,
    not_running_error,
    start_trouble,
)
from .worker_process import Ending, WorkerProcess

NONE, STARTING, CREATING, OPEN = "none", "starting", "creating", "open"
READY, NO_LEARNER, DEAD = "ready", "no-learner", "dead"
UP = (OPEN, READY, NO_LEARNER)
EXIT_MS = 3000
_CANCELLED = {"kind": "cancelled", "message": "Cancelled.", "remedy": ""}


@dataclass(eq=False)
class Errand:
    """A request on its way; ``lasting`` ones are sent again when the worker died meanwhile."""

    method: str
    params: dict[str, Any]
    on_done: Callable[[Any], None]
    on_failed: Callable[[dict[str, Any]], None]
    on_progress: Callable[[ProgressMessage], None] | None = None
    lasting: bool = False
    id: int | None = None


class WorkerLink:
    """The worker of one project at a time.

    ``state``: ``none``, ``starting``, ``creating``, ``open`` (no learner yet), ``ready``,
    ``no-learner`` or ``dead``. Signals: ``state_changed()``, ``opened(Hello)``,
    ``not_opened(Trouble)``, ``noticed(Notice)``, ``trouble(Trouble)``.

    A worker that dies is started anew by itself, once a minute at most; errands that are not
    lasting fail with the kind ``worker_died``, of which ``trouble`` tells once for all of them.
    """

    def __init__(
        self,
        start_worker: Callable[..., WorkerProcess] = WorkerProcess,
        settings: Any = None,
        clock: Callable[[], float] = time.monotonic,
        on_error: OnError | None = None,
    ) -> None:
        self.state_changed = Signal(on_error)
        self.opened = Signal(on_error)
        self.not_opened = Signal(on_error)
        self.noticed = Signal(on_error)
        self.trouble = Signal(on_error)
        self.state = NONE
        self.device: dict[str, Any] | None = None
        self.folder: Path | None = None
        self._start_worker = start_worker
        self._settings = settings
        self._on_error = on_error
        self._deaths = Deaths(clock)
        self._process: WorkerProcess | None = None
        self._ending: dict[WorkerProcess, Path] = {}
        self._create: Path | None = None
        self._has_opened = False
        self._waiting: list[Errand] = []
        self._sent: dict[int, Errand] = {}
        self._log = ""

    # Life -------------------------------------------------------------------------------

    def open(self, folder: Path, *, create: Path | None = None) -> None:
        """Start the worker of a project; ``create``: a file that says what project to make."""
        self.close()
        self.folder, self._create = folder, create
        self._has_opened = False
        self._deaths.forget()
        self._start()

    def close(self) -> None:
        """Let the worker end by itself; what it was handed is still written. Returns at once."""
        process, self._process = self._process, None
        errands = [*self._sent.values(), *self._waiting]
        self._sent, self._waiting = {}, []
        folder, self.folder = self.folder, None
        if process is not None and process.is_running and folder is not None:
            self._log = process.log()
            self._ending[process] = folder
            process.close()
        self._set_state(NONE, device=None)
        for errand in errands:
            errand.on_failed(dict(_CANCELLED))

    def restart(self) -> None:
        """Start the worker of the open project anew: it died, or something was installed."""
        if self.folder is None:
            return
        process, self._process = self._process, None
        if process is not None and process.is_running:
            self._log = process.log()
            self._ending[process] = self.folder
            process.kill()
        self._deaths.forget()
        self._lose_errands()
        self._start()

    def shut_down(self) -> None:
        """Let the worker end, waiting for at most ``EXIT_MS``: Slicer is closing."""
        self.close()
        deadline = time.monotonic() + EXIT_MS / 1000
        for process in list(self._ending):
            if not process.wait(max(int((deadline - time.monotonic()) * 1000), 1)):
                process.kill()
                process.wait(EXIT_MS)

    def log(self) -> str:
        """Return the last 256 kB of what the worker printed, the one before included."""
        now = "" if self._process is None else self._process.log()
        return f"{self._log}\n{now}".strip()[-256 * 1024 :]

    # Errands ----------------------------------------------------------------------------

    def ask(
        self,
        method: str,
        on_done: Callable[[Any], None],
        on_failed: Callable[[dict[str, Any]], None],
        /,
        *,
        on_progress: Callable[[ProgressMessage], None] | None = None,
        lasting: bool = False,
        **params: Any,
    ) -> Errand:
        """Send a request, or keep it until the worker is up; answered once, never from in here.

        While there is no worker and none is coming, only ``lasting`` requests are kept.
        """
        errand = Errand(method, params, on_done, on_failed, on_progress, lasting)
        if self.state in UP:
            self._send(errand)
        elif self.state in (STARTING, CREATING) or (lasting and self.folder is not None):
            self._waiting.append(errand)
        else:
            error = not_running_error(is_open=self.folder is not None)
            qt.QTimer.singleShot(0, lambda: on_failed(error))
        return errand

    def cancel(self, errand: Errand) -> None:
        """Ask for the end of a request: it then fails as ``cancelled``, unless it was faster."""
        if errand in self._waiting:
            self._waiting.remove(errand)
            qt.QTimer.singleShot(0, lambda: errand.on_failed(dict(_CANCELLED)))
        elif errand.id in self._sent and self._process is not None:
            self._process.request("cancel", id=errand.id)

    def _send(self, errand: Errand) -> None:
        assert self._process is not None
        errand.id = self._process.request(errand.method, **errand.params)
        self._sent[errand.id] = errand

    # The process ------------------------------------------------------------------------

    def _start(self) -> None:
        assert self.folder is not None
        self._set_state(CREATING if self._create else STARTING, device=None)
        if self.folder in self._ending.values():
            return  # Two workers of one project would take each other for two people.
        command = worker_command(self.folder, self._settings, create=self._create)
        process = self._start_worker(command, self._on_error)
        self._process = process
        process.greeted.connect(self._of(process, self._greeted))
        process.noticed.connect(self._of(process, self._noticed))
        process.progressed.connect(self._of(process, self._progressed))
        process.answered.connect(self._of(process, self._answered))
        process.ended.connect(lambda ending: self._ended(process, ending))
        process.start()

    def _of(self, process: WorkerProcess, take: Callable[[Any], None]) -> Callable[[Any], None]:
        """Return a slot that hears only the worker in use, not one that is still ending."""

        def slot(message: Any) -> None:
            if process is self._process:
                take(message)

        return slot

    def _greeted(self, hello: Hello) -> None:
        self._create, self._has_opened = None, True
        self._set_state(OPEN, device=None)
        waiting, self._waiting = self._waiting, []
        for errand in waiting:
            self._send(errand)
        self.opened.emit(hello)

    def _noticed(self, notice: Notice) -> None:
        if notice.kind == "ready":
            self._set_state(READY, device=notice.data)
        elif notice.kind == "learner_unavailable":
            self._set_state(NO_LEARNER, device=None)
            self.trouble.emit(trouble_from_error(notice.data))
        self.noticed.emit(notice)

    def _progressed(self, message: ProgressMessage) -> None:
        errand = self._sent.get(message.id)
        if errand is not None and errand.on_progress is not None:
            errand.on_progress(message)

    def _answered(self, message: Result | Failure) -> None:
        errand = None if message.id is None else self._sent.pop(message.id, None)
        if errand is None:
            return
        if isinstance(message, Result):
            errand.on_done(message.value)
        else:
            errand.on_failed(message.error)

    def _ended(self, process: WorkerProcess, ending: Ending) -> None:
        if process is not self._process:
            self._ending.pop(process, None)
            if self._process is None and self.state in (STARTING, CREATING):
                self._start()
            return
        self._process = None
        self._log = process.log()
        if not self._has_opened:
            self._forget()
            self.not_opened.emit(start_trouble(ending))
            return
        self._died(ending, process.hello is None)

    def _died(self, ending: Ending, at_start: bool) -> None:
        doing = [errand.method for errand in self._sent.values() if not errand.lasting]
        again = not ending.error and self._deaths.may_start_again()
        self._set_state(STARTING if again else DEAD, device=None)
        self._lose_errands()
        if not again:
            self._fail_waiting()
        trouble = start_trouble(ending) if at_start else death_trouble(ending, doing, again)
        self.trouble.emit(trouble)
        if again and self.state == STARTING and self._process is None and self.folder is not None:
            self._start()

    def _lose_errands(self) -> None:
        """Keep the lasting errands for the next worker; fail the others."""
        lost = list(self._sent.values())
        self._sent = {}
        self._waiting = [e for e in lost if e.lasting] + self._waiting
        for errand in lost:
            errand.id = None
            if not errand.lasting:
                errand.on_failed(death_error())

    def _fail_waiting(self) -> None:
        """No worker is coming: what may not wait for the next one fails."""
        waiting = self._waiting
        self._waiting = [errand for errand in waiting if errand.lasting]
        for errand in waiting:
            if not errand.lasting:
                errand.on_failed(death_error())

    def _forget(self) -> None:
        errands, self._waiting = self._waiting, []
        self.folder = self._create = None
        self._set_state(NONE, device=None)
        for errand in errands:
            errand.on_failed(dict(_CANCELLED))

    def _set_state(self, state: str, *, device: dict[str, Any] | None) -> None:
        if (state, device) != (self.state, self.device):
            self.state, self.device = state, device
            self.state_changed.emit()


def is_told(error: dict[str, Any]) -> bool:
    """Whether an error needs no trouble of its own: cancelled, or told with the worker's death."""
    return error.get("kind") in ("cancelled", "worker_died")


__all__ = ["Errand", "Trouble", "WorkerLink", "is_told"]
