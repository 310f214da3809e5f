"""The worker as a child of Slicer: JSON lines over ``qt.QProcess``, never waited for."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

import qt

from ActiveSuggestLib.messages import (
    Decoder,
    Failure,
    Hello,
    LogLine,
    Message,
    Notice,
    ProgressMessage,
    Request,
    Result,
    encode,
)

from .interpreter import Command
from .process_tree import kill_group, kill_tree
from .signals import OnError, Signal
from .text_tail import TextTail

PATIENCE_MS = 5000
_LAST_LINES = 40
# A process object that is forgotten while its child runs would wait for it, and freeze Slicer.
_running: set[WorkerProcess] = set()


@dataclass(frozen=True)
class Ending:
    """How a worker ended.

    ``code`` of its exit; ``crashed``: a signal or a fault ended it; ``not_started``: why it could
    not be started, in the system's words; ``error``: the error form of what it could not open;
    ``last_words``: the last lines it printed.
    """

    code: int
    crashed: bool = False
    not_started: str = ""
    error: dict[str, Any] = field(default_factory=dict)
    last_words: str = ""


class WorkerProcess:
    """One child process, from its start to its end.

    Signals: ``greeted(Hello)``, ``noticed(Notice)``, ``progressed(ProgressMessage)``,
    ``answered(Result | Failure)`` and, exactly once, ``ended(Ending)``. A slot of theirs that fails
    is reported to ``on_error(error, slot)``.
    """

    def __init__(self, command: Command, on_error: OnError | None = None) -> None:
        self.greeted = Signal(on_error)
        self.noticed = Signal(on_error)
        self.progressed = Signal(on_error)
        self.answered = Signal(on_error)
        self.ended = Signal(on_error)
        self.hello: Hello | None = None
        self._log = TextTail()
        self._decoder = Decoder()
        self._ids = itertools.count(1)
        self._error: dict[str, Any] = {}
        self._has_started = False
        self._has_ended = False
        self._process = qt.QProcess()
        self._set_up(command)

    def _set_up(self, command: Command) -> None:
        environment = qt.QProcessEnvironment()
        for name, value in command.environment.items():
            environment.insert(name, value)
        process = self._process
        process.setProcessEnvironment(environment)
        process.setProgram(command.program)
        process.setArguments(list(command.arguments))
        process.connect("started()", self._started)
        process.connect("readyReadStandardOutput()", self._read_output)
        process.connect("readyReadStandardError()", self._read_errors)
        process.connect("finished(int,QProcess::ExitStatus)", self._finished)
        process.connect("errorOccurred(QProcess::ProcessError)", self._failed)

    def start(self) -> None:
        """Start the child; returns at once."""
        _running.add(self)
        self._process.start()

    @property
    def is_running(self) -> bool:
        """Whether the child has been started and has not ended."""
        return self in _running

    @property
    def pid(self) -> int:
        """The id of the child (of Slicer's launcher, where that stands between); 0 if none."""
        return int(self._process.processId())

    def request(self, method: str, **params: Any) -> int:
        """Send a request and return its id, which comes back in its answer."""
        request = Request(next(self._ids), method, params)
        self._process.write(qt.QByteArray(encode(request)))
        return request.id

    def close(self, patience_ms: int = PATIENCE_MS) -> None:
        """Let the worker write what it was handed and end; killed if it takes too long."""
        if not self.is_running:
            return
        self.request("shutdown")
        self._process.closeWriteChannel()
        qt.QTimer.singleShot(patience_ms, self.kill)

    def wait(self, milliseconds: int) -> bool:
        """Block until it has ended; only for Slicer's own end. Returns whether it has."""
        return not self.is_running or bool(self._process.waitForFinished(milliseconds))

    def kill(self) -> None:
        """End the child and whatever it started, at once."""
        if self.is_running and self.pid:
            kill_tree(self.pid, self._group)

    def log(self) -> str:
        """Return the last 256 kB of what it printed."""
        return self._log.text()

    @property
    def _group(self) -> int | None:
        return None if self.hello is None else self.hello.pid

    # Called by Qt -----------------------------------------------------------------------

    def _started(self) -> None:
        self._has_started = True

    def _read_output(self) -> None:
        chunk = bytes(self._process.readAllStandardOutput().data())
        for message in self._decoder.feed(chunk):
            self._receive(message)

    def _read_errors(self) -> None:
        self._log.append(bytes(self._process.readAllStandardError().data()))

    def _finished(self, code: int, _status: Any) -> None:
        self._read_output()
        self._read_errors()
        for message in self._decoder.close():
            self._receive(message)
        # Its children may outlive it, and so may the worker itself where only the launcher died.
        if self._group is not None:
            kill_group(self._group)
        crashed = self._process.exitStatus() == qt.QProcess.CrashExit
        self._end(Ending(int(code), crashed, "", self._error, self._log.last_lines(_LAST_LINES)))

    def _failed(self, _error: Any) -> None:
        # Of a crash "finished" tells as well, but not of a child that never was. Later, because
        # this may come while ``start`` is still running.
        qt.QTimer.singleShot(0, self._not_started)

    def _not_started(self) -> None:
        never_was = not self._has_started and self._process.state() == qt.QProcess.NotRunning
        if never_was and not self._has_ended:
            self._end(Ending(-1, not_started=str(self._process.errorString())))

    def _end(self, ending: Ending) -> None:
        _running.discard(self)
        if not self._has_ended:
            self._has_ended = True
            self.ended.emit(ending)
            # PythonQt keeps this object alive by its process; who listened must not live as long.
            for signal in (self.greeted, self.noticed, self.progressed, self.answered, self.ended):
                signal.disconnect_all()

    def _receive(self, message: Message) -> None:
        if isinstance(message, (Result, Failure)) and message.id is not None:
            self.answered.emit(message)
        elif isinstance(message, Failure):
            self._take_error(message.error)
        elif isinstance(message, ProgressMessage):
            self.progressed.emit(message)
        elif isinstance(message, Hello):
            self.hello = message
            self.greeted.emit(message)
        elif isinstance(message, Notice):
            self.noticed.emit(message)
        elif isinstance(message, LogLine):
            self._note(message.text)

    def _take_error(self, error: dict[str, Any]) -> None:
        """Take a failure that answers no request: the project cannot be opened, or a mistake."""
        if self.hello is None:
            self._error = error
        self._note(str(error.get("message", error)))

    def _note(self, line: str) -> None:
        self._log.append(line.encode("utf-8", errors="replace") + b"\n")
