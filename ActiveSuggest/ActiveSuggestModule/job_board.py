"""The board of jobs: what is under way, and how each ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ActiveSuggestLib.messages import ProgressMessage

from .jobs import CANCELLED, DONE, FAILED, RUNNING, Job
from .signals import OnError, Signal
from .troubles import Trouble, trouble_from_error
from .worker_link import Errand, WorkerLink, is_told


class JobBoard:
    """Jobs by kind while they are queued or running; ``changed()`` at every step.

    A job that fails gives one trouble, except where it was cancelled or the worker's death has
    been told already.
    """

    def __init__(
        self,
        link: WorkerLink,
        tell: Callable[[Trouble], None],
        on_error: OnError | None = None,
    ) -> None:
        self.jobs: dict[str, Job] = {}
        self.changed = Signal(on_error)
        self._link = link
        self._tell = tell

    def begin(
        self, kind: str, *, background: bool = False, on_cancel: Callable[[Job], None] | None = None
    ) -> Job:
        """Put up a job of a kind; one of the same kind that is still there is cancelled."""
        before = self.jobs.get(kind)
        if before is not None:
            before.cancel()
        job = Job(kind, background=background, on_cancel=on_cancel)
        self.jobs[kind] = job
        self.changed.emit()
        return job

    def ask(
        self,
        kind: str,
        method: str,
        on_done: Callable[[Any], None],
        /,
        *,
        background: bool = False,
        lasting: bool = False,
        on_failed: Callable[[dict[str, Any]], bool] | None = None,
        **params: Any,
    ) -> Job:
        """Put up a job and send its request.

        ``on_done`` takes the answer before the job ends; ``on_failed`` the error form, and says
        whether it has told the user itself.
        """
        errands: list[Errand] = []
        job = self.begin(kind, background=background, on_cancel=lambda _: link.cancel(errands[0]))
        link = self._link

        def done(value: Any) -> None:
            try:
                on_done(value)
            finally:
                self.finish(job, DONE, value=value)

        def failed(error: dict[str, Any]) -> None:
            told = on_failed is not None and on_failed(error)
            self.fail(job, error, told=told)

        errands.append(
            link.ask(
                method,
                done,
                failed,
                on_progress=lambda message: self.report(job, message),
                lasting=lasting,
                **params,
            )
        )
        return job

    def report(self, job: Job, message: ProgressMessage) -> None:
        """Take a step of progress."""
        self.advance(job, message.done, message.total, message.message, message.remaining_seconds)

    def advance(
        self, job: Job, done: float, total: float, text: str, remaining: float | None = None
    ) -> None:
        """Note how far a job is."""
        if job.has_ended:
            return
        if job.state != "cancelling":
            job.state = RUNNING
        job.done, job.total, job.message, job.remaining_seconds = done, total, text, remaining
        self.changed.emit()

    def finish(self, job: Job, state: str, *, value: Any = None) -> None:
        """Take a job down as done or cancelled."""
        self._take_down(job)
        job.end(state, value=value)
        self.changed.emit()

    def fail(self, job: Job, error: dict[str, Any], *, told: bool = False) -> None:
        """Take a job down as failed or cancelled; tell why unless it was ``told`` already."""
        self._take_down(job)
        if error.get("kind") == "cancelled":
            job.end(CANCELLED, error=error)
        else:
            job.end(FAILED, error=error)
            if not told and not is_told(error):
                self._tell(trouble_from_error(error))
        self.changed.emit()

    def cancel(self, kind: str) -> None:
        """Cancel the job of a kind, if there is one."""
        job = self.jobs.get(kind)
        if job is not None:
            job.cancel()
            self.changed.emit()

    def clear(self) -> None:
        """Take everything down as cancelled: the project is closed."""
        for job in list(self.jobs.values()):
            self.finish(job, CANCELLED)

    def _take_down(self, job: Job) -> None:
        if self.jobs.get(job.kind) is job:
            del self.jobs[job.kind]
