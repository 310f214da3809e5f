"""The active-learning loop with known labels: what would each strategy have gained?

For every seed one held-out test set, by patient, that no project ever sees, and one first set of
labels and one first training that all strategies share. Then each strategy goes on alone in a
project of its own: suggest, let the simulated expert label, train, test. Or each strategy chooses
its first labels too, before there is any model, and only the split and the pool are shared. Every
finished round is recorded at once, so a simulation that was killed goes on where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .data.segments import Segment, parse_segments
from .errors import StrategyFailedError
from .progress import Cancel, Progress, no_progress
from .simulating.arms import START
from .simulating.crew import RATER, Crew
from .simulating.curves import SimulationResult
from .simulating.jobs import all_jobs, do_job, run_side_by_side
from .simulating.known_cases import KnownCase, find_known_cases, load_known_cases, save_known_cases
from .simulating.task import Budget, Task, Unit, claim_folder
from .simulating.telling import named_part
from .simulating.world import World, read_rounds
from .strategies.class_uncertainty import CLASS

SAVE_SECONDS = 30.0

__all__ = ["RATER", "Simulation", "simulate"]


def simulate(
    images: str | Path,
    labels: str | Path,
    segments: str | Sequence[Segment],
    strategies: Sequence[str],
    *,
    out: str | Path,
    rounds: int = 5,
    batch: int = 2,
    initial: int = 2,
    seeds: Sequence[int] = (0,),
    test_cases: int | None = None,
    test_fraction: float = 0.3,
    pool_cases: int | None = None,
    seconds: float | None = None,
    steps: int | None = None,
    first_steps: int | None = None,
    unit: Unit = "volume",
    budget: Budget | None = None,
    restart: bool = False,
    validation: bool = True,
    full_data: bool = False,
    plane: str | None = None,
    device: str | None = None,
    threads: int | None = None,
    jobs: int = 1,
    patient_pattern: str | None = None,
    patient_csv: str | Path | None = None,
    known: tuple[list[KnownCase], tuple[str, ...]] | None = None,
    project_settings: Mapping[str, Any] | None = None,
    progress: Progress = no_progress,
    cancel: Cancel | None = None,
) -> SimulationResult:
    """Run every strategy with every seed and return (and write) the learning curves.

    A strategy is ``NAME[:PRESET][:OPTION=VALUE]…``, such as ``mc-dropout:paper``. A round labels
    ``batch`` units; with ``unit="slice"`` the first labels are ``initial`` single slices that show
    a segment. With a ``budget`` in another currency than the unit, ``batch`` is how many slices or
    pixels a round reveals: as many of the best suggestions as that pays for, at least one.

    With ``initial=0`` every strategy chooses its own first labels, the ``batch`` of round 1, by its
    cold start; strategies that need a model draw by lot, and all of a seed draw the same. The first
    training follows round 1, and the curves begin there.

    Every training has the same number of steps, so that no strategy gains from a quiet moment of
    the computer: ``steps``, or as many as take about ``seconds`` (60 by default) by a short trial
    at the beginning, or the lesser of both. With ``steps`` alone, on a CPU, the same seed gives
    the same queries. ``first_steps`` makes the first training (which all arms of a seed share, if
    they share their first labels) longer: a model that has not learnt what its labels can teach
    cannot show what more would.
    A training goes on from the model before; with ``restart`` it starts from new weights.
    ``validation=False`` trains on every label and keeps the last weights, where a project would
    keep some labelled cases apart to choose the best ones. ``full_data`` adds an arm that gets all
    labels of the pool at once.

    ``jobs`` processes work side by side. ``project_settings`` go into every project:
    ``{"seconds_a_volume": 2}`` makes a smaller plan. ``known`` is what ``find_known_cases`` found,
    if it was asked before.

    Calling again with the same arguments and ``out`` continues, also with more seeds or strategies;
    with others it raises ``SimulationExistsError``. Also raises ``SplitError``, ``NoLabelError``
    and what strategies raise.
    """
    task = Task(
        images=_absolute(images),
        labels=_absolute(labels),
        segments=parse_segments(segments),
        strategies=tuple(dict.fromkeys(strategies)),
        out=_absolute(out),
        rounds=rounds,
        batch=batch,
        initial=initial,
        seeds=tuple(dict.fromkeys(seeds)),
        test_cases=test_cases,
        test_fraction=test_fraction,
        pool_cases=pool_cases,
        seconds=seconds,
        steps=steps,
        first_steps=first_steps,
        unit=unit,
        budget=budget,
        restart=restart,
        validation=validation,
        full_data=full_data,
        plane=plane,
        patient_pattern=patient_pattern,
        patient_csv=None if patient_csv is None else _absolute(patient_csv),
        project_settings=dict(project_settings or {}),
    )
    crew = Crew(device, threads, cancel)
    return Simulation(task, crew, jobs=jobs, known=known, progress=progress).run()


class Simulation:
    """A task on its way. Files below ``task.out``::

    simulation.json           the task          pool.json   the cases with labels
    arms/seed-0/images/       links to the pool's images, test cases left out
    arms/seed-0/start/        the project after the first labels, if any; each arm is a copy
    arms/seed-0/STRATEGY/     an arm's project
    rounds/seed-0/STRATEGY/   NN.json: a finished round; NN.queries.json: one under way
    results.json dice.csv curve.csv comparisons.csv
    """

    def __init__(
        self,
        task: Task,
        crew: Crew,
        *,
        jobs: int = 1,
        known: tuple[list[KnownCase], tuple[str, ...]] | None = None,
        progress: Progress = no_progress,
    ) -> None:
        self.task = task
        self.crew = crew
        self.jobs = jobs
        self.known = known
        self.progress = progress
        self._saved_at = time.monotonic()

    def run(self) -> SimulationResult:
        """Do all that is not done yet, and return everything."""
        for arm in self.task.arms:
            # A name that does not exist is said before anything is trained.
            if getattr(arm.make(), "target", None) == CLASS:
                raise StrategyFailedError(
                    f"{arm.name} ranks images to be classified, and a simulation has labels, not "
                    "classes.",
                    remedy="Leave out the target 'class'.",
                )
        claim_folder(self.task)
        total = len(all_jobs(self.task))
        self.progress(0, total, "Reading the pool")
        known, notes = self._known_cases()
        worlds = [World(self.task, seed, known) for seed in self.task.seeds]
        if self.jobs > 1:
            self._side_by_side(worlds, notes)
        else:
            self._one_by_one(worlds, notes)
        result = self._result(worlds, notes)
        result.save()
        self.progress(total, total, "Done")
        return result

    def _one_by_one(self, worlds: Sequence[World], notes: tuple[str, ...]) -> None:
        jobs = all_jobs(self.task)
        by_seed = {world.seed: world for world in worlds}
        last = None
        for done, job in enumerate(jobs):
            world = by_seed[job.seed]
            if last is not None and last is not world:
                last.test.forget()
            last = world
            name = "first labels" if job.arm == START else job.arm

            tell = named_part(self.progress, done, len(jobs), f"seed {job.seed}, {name}, ")
            do_job(job, world, self.crew, tell)
            self._save_now_and_then(worlds, notes)

    def _side_by_side(self, worlds: Sequence[World], notes: tuple[str, ...]) -> None:
        total = len(all_jobs(self.task))
        for done, job in enumerate(run_side_by_side(self.task, self.crew, self.jobs), 1):
            self.progress(done, total, f"seed {job.seed}, {job.arm}: done")
            self._save_now_and_then(worlds, notes)

    def _save_now_and_then(self, worlds: Sequence[World], notes: tuple[str, ...]) -> None:
        """Write the tables so far, for who looks at them meanwhile.

        The finished rounds are on disk already, and hundreds of arms make large tables: writing
        them after each, those that were finished long ago included, would take minutes.
        """
        if time.monotonic() - self._saved_at >= SAVE_SECONDS:
            self._result(worlds, notes).save()
            self._saved_at = time.monotonic()

    def _known_cases(self) -> tuple[list[KnownCase], tuple[str, ...]]:
        """Return the cases with labels; the pool is looked at once, at the first start."""
        path = self.task.out / "pool.json"
        if not path.is_file():
            cases, notes = self.known or find_known_cases(
                self.task.images,
                self.task.labels,
                patient_pattern=self.task.patient_pattern,
                patient_csv=self.task.patient_csv,
                cancel=self.crew.cancel,
            )
            save_known_cases(path, cases, notes)
        return load_known_cases(path)

    def _result(self, worlds: Sequence[World], notes: tuple[str, ...]) -> SimulationResult:
        task = self.task
        splits = {
            world.seed: {name: list(cases) for name, cases in vars(world.split).items()}
            for world in worlds
        }
        records = [
            record
            for world in worlds
            for arm in task.arm_names
            for record in read_rounds(world.rounds(arm), task.rounds)
            if record.round > 0 or not task.cold
        ]
        return SimulationResult(task.out, task.settings(), tuple(records), splits, notes)


def _absolute(path: str | Path) -> Path:
    return Path(path).expanduser().absolute()
