"""The arms of a simulation, one after another or side by side in processes of their own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing.synchronize import Event
from typing import Any

from ..errors import CancelledError, WorkerDiedError
from ..progress import Cancel, Progress, no_progress
from .arms import FULL, START, parse_arm
from .crew import Crew
from .known_cases import load_known_cases
from .rehearsal import Rehearsal, label_everything
from .start import make_start
from .task import Task
from .world import World

POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Job:
    """One piece of work: the start of a seed, or one of its arms."""

    seed: int
    arm: str


def all_jobs(task: Task) -> list[Job]:
    """Return all jobs of a task in a fitting order: the start of a seed before its arms."""
    return [Job(seed, arm) for seed in task.seeds for arm in (START, *task.arm_names)]


def do_job(job: Job, world: World, crew: Crew, tell: Progress) -> None:
    """Do what is left of a job.

    Raises what the learner raises; what is finished by then stays.
    """
    if job.arm == START:
        make_start(world, crew, tell)
    elif job.arm == FULL:
        label_everything(world, crew, tell)
    else:
        Rehearsal(world, parse_arm(job.arm), crew).run(tell)


def run_side_by_side(task: Task, crew: Crew, processes: int) -> Iterator[Job]:
    """Do all jobs in ``processes`` processes and yield each when it is done.

    An arm begins when the start of its seed is there. The processes end with this one, however
    that ends. ``None`` threads share the cores.

    Raises:
        WorkerDiedError: a process died; everything finished stays, the next call goes on.
        CancelledError: asked to stop.
    """
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    threads = crew.threads or max(1, (os.cpu_count() or 1) // processes)
    workers = replace(crew, threads=threads, cancel=None)
    jobs = all_jobs(task)
    pool = ProcessPoolExecutor(
        processes, mp_context=context, initializer=_begin_worker, initargs=(task, workers, stop)
    )
    starts = [job for job in jobs if job.arm == START]
    # A trial that finds out how long a training is has the computer to itself.
    timed = task.seconds is not None or task.steps is None
    begun = starts[:1] if timed else starts
    later = starts[len(begun) :]
    running: dict[Future[None], Job] = {pool.submit(_work, job): job for job in begun}
    try:
        while running:
            done, _ = wait(running, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            if crew.cancel is not None:
                crew.cancel.raise_if_cancelled()
            for future in done:
                job = running.pop(future)
                future.result()
                if job.arm == START:
                    arms = [j for j in jobs if j.seed == job.seed and j.arm != START]
                    running.update({pool.submit(_work, j): j for j in (*later, *arms)})
                    later = []
                yield job
    except BrokenProcessPool as error:
        raise WorkerDiedError(
            "A process of the simulation died, perhaps because the memory ran out.",
            path=task.out,
            remedy="Start the same command again: it goes on where it stopped, with fewer --jobs.",
        ) from error
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


# In the processes --------------------------------------------------------------------------


class _SharedCancel(Cancel):
    """A token that another process sets."""

    def __init__(self, stop: Event) -> None:
        super().__init__()
        self._stop = stop

    @property
    def cancelled(self) -> bool:
        return super().cancelled or self._stop.is_set()


class _Worker:
    """What one process keeps between its jobs: the pool as it was read, and the last world."""

    def __init__(self, task: Task, crew: Crew) -> None:
        self.task = task
        self.crew = crew
        self.known, _ = load_known_cases(task.out / "pool.json")
        self.world: World | None = None

    def do(self, job: Job) -> None:
        if self.world is None or self.world.seed != job.seed:
            self.world = World(self.task, job.seed, self.known)
        do_job(job, self.world, self.crew, no_progress)


_worker: _Worker | None = None


def _begin_worker(task: Task, crew: Crew, stop: Any) -> None:
    global _worker  # noqa: PLW0603  A process pool has no other place for it.
    # A person's Ctrl-C reaches all processes; the first one decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _worker = _Worker(task, replace(crew, cancel=_SharedCancel(stop)))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(job: Job) -> None:
    if _worker is None:
        raise CancelledError("The process was not set up.")
    _worker.do(job)
