"""Start a worker and talk to it from plain Python, without Qt: for scripts and tests."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from typing import Any, BinaryIO

from .errors import ActiveSuggestError, WorkerDiedError, error_from_dict
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

STDERR_CHARACTERS = 256 * 1024
_TAIL_LINES = 40


class RequestFailedError(ActiveSuggestError):
    """A request failed in the worker; ``details`` holds the worker's traceback, if any."""

    details: str = ""


def failed_request(form: dict[str, Any]) -> ActiveSuggestError:
    """Return the worker's error as an exception of its own class, with ``details`` and ``kind``."""
    error = error_from_dict(form)
    if type(error) is ActiveSuggestError:
        error = RequestFailedError(
            error.message, case=error.case, path=error.path, remedy=error.remedy
        )
        error.kind = str(form.get("kind", error.kind))
    error.details = str(form.get("details", ""))  # type: ignore[attr-defined]
    return error


class Call:
    """A request under way: wait for it, cancel it, watch its progress."""

    def __init__(
        self,
        client: WorkerClient,
        request: Request,
        on_progress: Callable[[ProgressMessage], None] | None,
    ) -> None:
        self.id = request.id
        self.method = request.method
        self.progress: list[ProgressMessage] = []
        self._client = client
        self._on_progress = on_progress
        self._future: Future[Any] = Future()

    def result(self, timeout: float | None = None) -> Any:
        """Return the answer; raise the worker's error, ``WorkerDiedError`` or ``TimeoutError``."""
        try:
            return self._future.result(timeout)
        except FutureTimeoutError:
            raise TimeoutError(f"{self.method} has not answered within {timeout} s") from None

    def done(self) -> bool:
        """Whether the answer is there."""
        return self._future.done()

    def cancel(self) -> Call:
        """Ask the worker to stop it; ``result`` then raises ``CancelledError``."""
        return self._client.request("cancel", id=self.id)

    def on_done(self, function: Callable[[Call], None]) -> None:
        """Call ``function`` with this call when the answer is there, on the reading thread."""
        self._future.add_done_callback(lambda _: function(self))

    def _receive(self, message: ProgressMessage) -> None:
        self.progress.append(message)
        if self._on_progress is not None:
            self._on_progress(message)

    def _finish(self, value: Any = None, error: Exception | None = None) -> None:
        if error is None:
            self._future.set_result(value)
        else:
            self._future.set_exception(error)


class WorkerClient:
    """A worker over one project; a context manager. Callbacks run on the reading thread."""

    def __init__(
        self,
        project: str | Path,
        *,
        python: str = sys.executable,
        device: str | None = None,
        threads: int | None = None,
        seed: int | None = None,
        rater: str | None = None,
        env: Mapping[str, str] | None = None,
        command: list[str] | None = None,
        on_notice: Callable[[Notice], None] | None = None,
    ) -> None:
        """Start the worker; ``command`` replaces the whole command line (for tests)."""
        self.notices: list[Notice] = []
        self.log: deque[str] = deque(maxlen=1000)
        self.hello: Hello | None = None
        self._on_notice = on_notice
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        # Apart from the other: a full pipe must not keep the reading thread from reading.
        self._writing = threading.Lock()
        self._calls: dict[int, Call] = {}
        self._greeted = threading.Event()
        self._ended = threading.Event()
        self._startup_error: ActiveSuggestError | None = None
        self._stderr: deque[str] = deque()
        options = {"device": device, "threads": threads, "seed": seed, "rater": rater}
        given = [f"--{name}={value}" for name, value in options.items() if value is not None]
        base = [python, "-m", "ActiveSuggestLib.worker", str(project)]
        self.process = subprocess.Popen(
            command or [*base, *given],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(env),
            **_own_group(),
        )
        self._threads = [
            threading.Thread(target=self._read_errors, daemon=True),
            threading.Thread(target=self._read_messages, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> WorkerClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def wait_ready(self, timeout: float = 60.0) -> Hello:
        """Wait for the greeting.

        Raises the worker's own error where the project cannot be opened, ``WorkerDiedError``
        where it died, ``TimeoutError`` where it says nothing.
        """
        if not self._greeted.wait(timeout):
            raise TimeoutError(f"the worker has not greeted within {timeout} s")
        if self.hello is None:
            raise self._startup_error or self._death()
        return self.hello

    def request(
        self,
        method: str,
        *,
        on_progress: Callable[[ProgressMessage], None] | None = None,
        **params: Any,
    ) -> Call:
        """Send a request; paths are made absolute. Returns at once."""
        for name, value in params.items():
            if isinstance(value, Path):
                params[name] = str(value.absolute())
        request = Request(next(self._ids), method, params)
        call = Call(self, request, on_progress)
        with self._lock:
            if self._ended.is_set():
                call._finish(error=self._death())
                return call
            self._calls[request.id] = call
        with self._writing, contextlib.suppress(OSError, ValueError):
            # A broken pipe shows itself as the end of the output.
            stdin = self._pipe(self.process.stdin)
            stdin.write(encode(request))
            stdin.flush()
        return call

    def stderr_tail(self, lines: int = _TAIL_LINES) -> str:
        """Return the last lines that the worker printed."""
        text = "".join(list(self._stderr))
        return "\n".join(text.splitlines()[-lines:])

    def close(self, timeout: float = 5.0) -> int | None:
        """Let the worker cancel and end by itself, then end its whole process tree."""
        if not self._ended.is_set():
            self.request("shutdown")
        with contextlib.suppress(OSError):
            self._pipe(self.process.stdin).close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout)
        self.kill()
        return self.process.returncode

    def kill(self) -> None:
        """End the worker and whatever it started, at once."""
        kill_tree(self.process)
        self.process.wait()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(timeout=5)

    # The reading threads ----------------------------------------------------------------

    @staticmethod
    def _pipe(pipe: Any) -> BinaryIO:
        assert pipe is not None
        return pipe

    def _read_errors(self) -> None:
        kept = 0
        for line in self._pipe(self.process.stderr):
            text = line.decode("utf-8", errors="replace")
            self._stderr.append(text)
            kept += len(text)
            while kept > STDERR_CHARACTERS and len(self._stderr) > 1:
                kept -= len(self._stderr.popleft())

    def _read_messages(self) -> None:
        decoder = Decoder()
        descriptor = self._pipe(self.process.stdout).fileno()
        with contextlib.suppress(OSError):
            while chunk := os.read(descriptor, 65536):
                for message in decoder.feed(chunk):
                    self._take(message)
        for message in decoder.close():
            self._take(message)
        self._end()

    def _take(self, message: Message) -> None:
        if isinstance(message, (Result, Failure)):
            with self._lock:
                call = self._calls.pop(message.id, None) if message.id is not None else None
            if call is None:
                if isinstance(message, Failure):
                    self._startup_error = failed_request(message.error)
            elif isinstance(message, Result):
                call._finish(message.value)
            else:
                call._finish(error=failed_request(message.error))
        elif isinstance(message, ProgressMessage):
            call = self._calls.get(message.id)
            if call is not None:
                call._receive(message)
        elif isinstance(message, Hello):
            self.hello = message
            self._greeted.set()
        elif isinstance(message, Notice):
            self.notices.append(message)
            if self._on_notice is not None:
                self._on_notice(message)
        elif isinstance(message, LogLine):
            self.log.append(message.text)

    def _end(self) -> None:
        self._threads[0].join(timeout=2)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=2)
        with self._lock:
            self._ended.set()
            calls, self._calls = list(self._calls.values()), {}
        for call in calls:
            call._finish(error=self._death())
        self._greeted.set()

    def _death(self) -> WorkerDiedError:
        code = self.process.poll()
        tail = self.stderr_tail().strip()
        said = f" It last said: {tail}" if tail else " It said nothing."
        return WorkerDiedError(
            f"The worker ended with code {code} before it answered.{said}",
            remedy="Start it again; what was saved is on the disk.",
        )


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """End a process that was started in its own group, with all its children."""
    if sys.platform == "win32":
        if process.poll() is None:
            subprocess.run(
                ["taskkill", "/F", "/T", "/PID", str(process.pid)],
                check=False,
                capture_output=True,
            )
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _own_group() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    """Return the child's environment: UTF-8, unbuffered, and able to import this very package."""
    environment = {**os.environ, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1", **(extra or {})}
    home = str(Path(__file__).resolve().parents[1])
    paths = [home, *filter(None, [environment.get("PYTHONPATH")])]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    return environment
