"""Waiting for a job from the console while the window stays alive."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

import qt
from slicer.i18n import tr as _

from ActiveSuggestLib.errors import ActiveSuggestError, CancelledError, error_from_dict

from .jobs import CANCELLED, FAILED, Job

TICK_MS = 100


class JobFailedError(ActiveSuggestError):
    """A request failed in a way that has no class of its own here; ``details`` is the child's."""

    details: str = ""


def result_of(job: Job) -> Any:
    """Wait for a job, events being processed meanwhile, and return its value.

    Ctrl+C cancels the job and raises ``KeyboardInterrupt``. Raises the worker's error as its own
    class, ``CancelledError`` where someone cancelled it or Slicer closes.
    """
    _wait(job)
    if not job.has_ended:
        raise CancelledError(_("Slicer closed before {job} was done.").format(job=job.kind))
    if job.state == CANCELLED:
        raise CancelledError(_("Cancelled."))
    if job.state == FAILED:
        raise job_error(job.error)
    return job.value


def job_error(form: dict[str, Any]) -> ActiveSuggestError:
    """Return the exception for an error form of the worker, with ``details``."""
    error = error_from_dict(form)
    if type(error) is ActiveSuggestError:
        error = JobFailedError(error.message, case=error.case, path=error.path, remedy=error.remedy)
        error.kind = str(form.get("kind") or error.kind)
    error.details = str(form.get("details") or "")  # type: ignore[attr-defined]
    return error


def _wait(job: Job) -> None:
    if job.has_ended:
        return
    loop = qt.QEventLoop()
    interrupted: list[bool] = []

    def end(_job: Job) -> None:
        loop.quit()

    def interrupt(*_signal: Any) -> None:
        interrupted.append(True)
        job.cancel()
        # Once asked politely; who asks again does not want to wait for the answer.
        if len(interrupted) > 1:
            loop.quit()

    # Python's signal handlers run only when Python does.
    tick = qt.QTimer()
    tick.setInterval(TICK_MS)
    tick.connect("timeout()", lambda: None)
    job.finished.connect(end)
    try:
        with _interruptible(interrupt):
            tick.start()
            loop.exec_()
    finally:
        tick.stop()
        job.finished.disconnect(end)
    if interrupted:
        raise KeyboardInterrupt


@contextlib.contextmanager
def _interruptible(handler: Any) -> Iterator[None]:
    """Let Ctrl+C in the terminal call ``handler``, where this is the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        if before is not None:  # None: set by C, which Python cannot put back.
            signal.signal(signal.SIGINT, before)
