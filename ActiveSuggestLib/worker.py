"""The learner in a child process: ``python -m ActiveSuggestLib.worker PROJECT``.

Four threads: one reads requests, one answers quick requests at once (a label is on disk while
a training runs), one makes files for showing cases aside, and the main thread does the long
requests, so that torch, the model and the caches stay warm: one after another, but what is more
urgent is done between two steps of what runs. The protocol has the original standard output for
itself.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from . import __version__
from .errors import BadRequestError, CancelledError, ProjectError
from .messages import (
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
from .progress import Cancel, Progress
from .serving.context import Context, OpenLearner, Tell
from .serving.failures import error_form
from .serving.requests import ASIDE, LONG, QUICK, aside_rank, call, known_methods, urgency
from .serving.tasks import Outbox, Task, ThrottledProgress
from .serving.waiting import WaitingTasks
from .threads import share_the_processor

GIVE_UP_SECONDS = 60.0
ASIDE_SECONDS = 2.0
_CHUNK = 65536


OpenProject = Callable[[Progress, Cancel], Any]
"""Opens the project, or makes it first: then with progress, and to be cancelled."""


class RawReader(Protocol):
    """An unbuffered stream: ``read`` returns what is there, and ``b""`` at the end."""

    def read(self, size: int, /) -> bytes | None: ...


class Server:
    """The worker's state: what is queued, what runs, and the answers that are still owed."""

    def __init__(
        self,
        reader: RawReader,
        writer: BinaryIO | Any,
        give_up_after: float | None = None,
    ) -> None:
        self._reader = reader
        self._outbox = Outbox(writer, self.stop)
        self._give_up_after = give_up_after
        self._lock = threading.Lock()
        self._tasks: dict[int, Task] = {}
        self._long, self._quick = WaitingTasks(), WaitingTasks()
        self._aside = WaitingTasks(aside_rank)
        # What runs on the main thread; each one was let in by the one before it.
        self._running: list[Task] = []
        self._closing = False
        self._opening = Cancel()
        self._context: Context | None = None

    def run(
        self,
        open_project: OpenProject,
        open_learner: OpenLearner,
        device: str | None = None,
    ) -> int:
        """Serve until the caller is gone or says so; return the exit code."""
        # Read from the first moment: making a large project can be cancelled too.
        threading.Thread(target=self._read, name="reader", daemon=True).start()
        creating = ThrottledProgress(0, self._tell_creation)
        try:
            project = open_project(creating, self._opening)
            creating.flush()
        except Exception as error:
            self._outbox.send(Failure(None, error_form(error)))
            return 1
        self._context = Context(
            project,
            open_learner,
            self._outbox.send,
            self._activity,
            (self._is_urgent_work_waiting, self._do_urgent_work),
        )
        self._outbox.send(Hello(__version__, os.getpid(), device))
        quick = threading.Thread(target=self._answer_quick, name="quick", daemon=True)
        aside = threading.Thread(target=self._answer_aside, name="aside", daemon=True)
        quick.start()
        aside.start()
        try:
            if not self._closing:
                self._context.warm_up()
            self._work()
        finally:
            self._quick.close()
            self._aside.close()
            # Labels that were handed over are still written when the caller has gone.
            quick.join()
            aside.join(ASIDE_SECONDS)
            self._context.close()
        return 0

    def stop(self, *, finish: bool = False) -> None:
        """Take no more requests; cancel what runs and waits, unless it is to ``finish``."""
        with self._lock:
            first, self._closing = not self._closing, True
            tasks = [] if finish else list(self._tasks.values())
        if not finish:
            self._opening.cancel()
        for task in tasks:
            if task.request.method not in QUICK:
                self._cancel(task)
        if first:
            self._long.close()
        if not finish and self._give_up_after is not None:
            timer = threading.Timer(self._give_up_after, os._exit, (1,))
            timer.daemon = True
            timer.start()

    def _tell_creation(self, progress: Message) -> None:
        assert isinstance(progress, ProgressMessage)
        facts = {
            "done": progress.done,
            "total": progress.total,
            "message": progress.message,
            "remaining_seconds": progress.remaining_seconds,
        }
        self._outbox.send(Notice("creating", progress.message, facts))

    # The reader's thread ----------------------------------------------------------------

    def _read(self) -> None:
        decoder = Decoder()
        try:
            while chunk := self._reader.read(_CHUNK):
                for message in decoder.feed(chunk):
                    self._receive(message)
        except (OSError, ValueError):
            pass  # A broken pipe is the end of the input.
        self.stop()

    def _receive(self, message: Message) -> None:
        if not isinstance(message, Request):
            text = message.text if isinstance(message, LogLine) else message.type
            self._refuse(_id_in(text), f"This is not a request: {text[:200]}")
            return
        if message.method in ("cancel", "shutdown", "ping"):
            self._control(message)
            return
        lane = self._lane(message.method)
        if lane is None:
            known = ", ".join(known_methods())
            self._refuse(message.id, f"No method {message.method!r}; there are {known}.")
            return
        task = Task(message, ThrottledProgress(message.id, self._outbox.send))
        with self._lock:
            taken, closing = message.id in self._tasks, self._closing
            if not taken and not closing:
                self._tasks[message.id] = task
        if taken:
            self._refuse(None, f"The request id {message.id} is already in use.")
        elif closing:
            self._refuse(message.id, "The worker is shutting down.")
        else:
            lane.put(task)

    def _lane(self, method: str) -> WaitingTasks | None:
        if method in QUICK:
            return self._quick
        if method in ASIDE:
            return self._aside
        return self._long if method in LONG else None

    def _control(self, request: Request) -> None:
        """Answer what must never wait behind anything."""
        allowed = {"cancel": {"id"}, "shutdown": {"finish"}, "ping": set()}[request.method]
        if unknown := set(request.params) - allowed:
            self._refuse(request.id, f"{request.method} does not take {', '.join(unknown)}.")
        elif request.method == "ping":
            self._outbox.send(Result(request.id, {"pong": True, "pid": os.getpid()}))
        elif request.method == "shutdown":
            self._outbox.send(Result(request.id, {}))
            self.stop(finish=bool(request.params.get("finish", False)))
        else:
            with self._lock:
                task = self._tasks.get(request.params.get("id", -1))
            self._outbox.send(Result(request.id, {"found": task is not None}))
            if task is not None:
                self._cancel(task)

    def _refuse(self, task_id: int | None, message: str) -> None:
        self._outbox.send(Failure(task_id, BadRequestError(message).to_dict()))

    def _cancel(self, task: Task) -> None:
        task.cancel.cancel()
        with self._lock:
            waiting = task.started is None
        if waiting:
            self._answer(task, Failure(task.request.id, CancelledError("Cancelled.").to_dict()))

    # The three working threads ----------------------------------------------------------

    def _answer_quick(self) -> None:
        while (task := self._quick.take()) is not None:
            self._perform(task, QUICK)

    def _answer_aside(self) -> None:
        while (task := self._aside.take()) is not None:
            self._perform(task, ASIDE)

    def _work(self) -> None:
        while (task := self._long.take()) is not None:
            self._perform_long(task)

    def _perform_long(self, task: Task) -> None:
        self._running.append(task)
        try:
            self._perform(task, LONG)
        finally:
            self._running.pop()

    def _is_more_urgent(self, request: Request) -> bool:
        return bool(self._running) and urgency(request) > urgency(self._running[-1].request)

    def _is_urgent_work_waiting(self) -> bool:
        return self._long.has(self._is_more_urgent)

    def _do_urgent_work(self) -> None:
        paused = self._running[-1]
        while (task := self._long.take_if(self._is_more_urgent)) is not None:
            paused.progress.say(f"paused for {task.request.method}", paused=True)
            self._perform_long(task)

    def _perform(self, task: Task, table: dict[str, Callable[..., Any]]) -> None:
        assert self._context is not None
        with self._lock:
            if task.answered:
                return
            task.started = time.monotonic()
        answer: Message
        try:
            value = call(table, task.request, self._context, task)
            # Encoding belongs to the request: what cannot be sent is this request's failure.
            answer = Result(task.request.id, value)
            encode(answer)
        except (Exception, KeyboardInterrupt) as error:
            answer = Failure(task.request.id, error_form(error))
        task.progress.flush()
        self._answer(task, answer)

    def _answer(self, task: Task, answer: Message) -> None:
        with self._lock:
            if task.answered:
                return
            task.answered = True
            self._tasks.pop(task.request.id, None)
        self._outbox.send(answer)

    def _activity(self) -> dict[str, Any]:
        """Return what runs, what was let in between its steps (the innermost), and what waits."""
        running = [task for task in tuple(self._running) if task.started is not None]
        with self._lock:
            waiting = [t.request for t in self._tasks.values() if t.started is None]
        queued = [{"id": r.id, "method": r.method} for r in waiting if r.method in LONG]
        facts = [_facts(task) for task in running]
        if len(facts) > 1:
            facts[0]["paused"] = True
        return {
            "running": facts[0] if facts else None,
            "meanwhile": facts[-1] if len(facts) > 1 else None,
            "queued": queued,
        }


def _facts(task: Task) -> dict[str, Any]:
    assert task.started is not None
    return {
        "id": task.request.id,
        "method": task.request.method,
        "seconds": time.monotonic() - task.started,
        "paused": False,
    }


def _id_in(text: str) -> int | None:
    """Return the request id of a malformed request, so that its sender does not wait for ever."""
    with contextlib.suppress(ValueError, AttributeError):
        found = json.loads(text).get("id")
        return found if isinstance(found, int) and not isinstance(found, bool) else None
    return None


def serve(
    reader: RawReader,
    writer: BinaryIO | Any,
    open_learner: OpenLearner,
    open_project: OpenProject,
    *,
    device: str | None = None,
) -> int:
    """Serve requests from ``reader`` until it ends, and return the exit code.

    ``open_project(progress, cancel)`` is called first and must not need torch;
    ``open_learner(project, tell)`` is called on this thread, after the greeting. Its failure leaves
    the quick requests working.
    """
    return Server(reader, writer).run(open_project, open_learner, device)


def _protocol_streams() -> tuple[Any, Any]:
    """Take standard input and output for the protocol and leave prints the standard error."""
    source, sink = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    try:
        os.dup2(2, 1)
    except OSError:  # The caller closed the standard error.
        os.dup2(null, 2)
        os.dup2(null, 1)
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(source, os.O_BINARY)
        msvcrt.setmode(sink, os.O_BINARY)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    # Unbuffered: a read returns what has arrived. Never closed: closing a descriptor that
    # another thread is reading hangs on Windows.
    return io.FileIO(source, "rb", closefd=False), io.FileIO(sink, "wb", closefd=False)


def run_process(
    open_project: OpenProject,
    open_learner: OpenLearner,
    device: str | None = None,
) -> int:
    """Serve on this process's standard streams until they end or a signal comes.

    Everything that is printed from now on goes to the standard error.
    """
    server = Server(*_protocol_streams(), give_up_after=GIVE_UP_SECONDS)

    def stop(*_: Any) -> None:
        # Not here: this thread may hold the locks that stopping needs.
        threading.Thread(target=server.stop, daemon=True).start()

    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stop)
    return server.run(open_project, open_learner, device)


def main(arguments: list[str] | None = None) -> int:
    """Run the worker on the process's own standard streams."""
    parser = argparse.ArgumentParser(prog="python -m ActiveSuggestLib.worker")
    parser.add_argument("project", type=Path)
    parser.add_argument("--device", help="cpu, cuda, cuda:1, mps; chosen by itself if not given")
    parser.add_argument("--threads", type=int, help="CPU threads for torch")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rater", help="who labels; recorded with each label")
    parser.add_argument(
        "--own-group",
        action="store_true",
        help="lead a process group, for callers who cannot start one and want to end it whole",
    )
    parser.add_argument("--create", type=Path, metavar="SPEC.json", help="make the project first")
    options = parser.parse_args(arguments)
    if options.own_group and hasattr(os, "setpgrp"):
        os.setpgrp()
    share_the_processor()

    def open_project(progress: Progress, cancel: Cancel) -> Any:
        if options.create is not None:
            from .serving.creation import create_or_complete, read_spec

            spec = read_spec(options.create)
            return create_or_complete(
                options.project, spec, rater=options.rater, progress=progress, cancel=cancel
            )
        from .data.project import Project

        project = Project.open(options.project, rater=options.rater)
        with contextlib.suppress(ProjectError):  # A folder that cannot be written is still shown.
            project.announce()
        return project

    def open_learner(project: Any, tell: Tell) -> Any:
        from .learner import ActiveLearner

        return ActiveLearner(
            project,
            device=options.device,
            seed=options.seed,
            threads=options.threads,
            rater=options.rater,
            on_notice=tell,
        )

    return run_process(open_project, open_learner, options.device)


if __name__ == "__main__":
    code = main()
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    # Everything is on the disk; unloading torch would take another second.
    os._exit(code)
