"""The active-learning loop with known labels: what would each strategy have gained?

For every seed one held-out test set, by patient, that no project ever sees, and one first set of
labels and one first training that all strategies share. Then each strategy goes on alone in a
project of its own: suggest, let the simulated expert label, fine-tune, test. Every finished round
is recorded at once, so a simulation that was killed goes on where it stopped.
"""

from __future__ import annotations

import gc
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .data.project import Project, create_project
from .data.segments import Segment, parse_segments
from .data.store import atomic_write
from .errors import NoModelError, PoolExhaustedError
from .learner import ActiveLearner
from .metrics import segment_dice
from .progress import Cancel, Progress, no_progress
from .reporting.pictures import fullest_slice, take_picture
from .simulating.curves import START, Query, RoundRecord, SimulationResult, write_json
from .simulating.known_cases import KnownCase, find_known_cases, load_known_cases, save_known_cases
from .simulating.world import Task, Unit, World, claim_folder, read_rounds
from .strategies import registry
from .strategies.base import Suggestion

RATER = "simulated expert"
DEFAULT_SECONDS = 60.0
TRIAL_STEPS = 12


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
    unit: Unit = "volume",
    plane: str | None = None,
    device: str | None = None,
    threads: int | None = None,
    patient_pattern: str | None = None,
    patient_csv: str | Path | None = None,
    known: tuple[list[KnownCase], tuple[str, ...]] | None = None,
    project_settings: Mapping[str, Any] | None = None,
    progress: Progress = no_progress,
    cancel: Cancel | None = None,
) -> SimulationResult:
    """Run every strategy with every seed and return (and write) the learning curves.

    A round labels ``batch`` units; with ``unit="slice"`` the first labels are ``initial`` single
    slices that show a segment. Every training has the same number of steps, so that no strategy
    gains from a quiet moment of the computer: ``steps``, or as many as take about ``seconds`` (60
    by default) by a short trial at the beginning, or the lesser of both. With ``steps`` alone, on a
    CPU, the same seed gives the same queries.
    ``project_settings`` go into every project: ``{"seconds_a_volume": 2}`` makes a smaller plan.
    ``known`` is what ``find_known_cases`` found, if it was asked before.

    Calling again with the same arguments and ``out`` continues; with others it raises
    ``SimulationExistsError``. Also raises ``SplitError`` and ``NoLabelError``.
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
        unit=unit,
        plane=plane,
        patient_pattern=patient_pattern,
        patient_csv=None if patient_csv is None else _absolute(patient_csv),
        project_settings=dict(project_settings or {}),
    )
    return Simulation(
        task, device=device, threads=threads, known=known, progress=progress, cancel=cancel
    ).run()


class Simulation:
    """A task on its way. Files below ``task.out``::

    simulation.json           the task          pool.json   the cases with labels
    arms/seed-0/images/       links to the pool's images, test cases left out
    arms/seed-0/start/        the project after the first labels; each arm starts as a copy
    arms/seed-0/STRATEGY/     an arm's project
    rounds/seed-0/STRATEGY/   NN.json: a finished round; NN.queries.json: one under way
    results.json dice.csv curve.csv
    """

    def __init__(
        self,
        task: Task,
        *,
        device: str | None = None,
        threads: int | None = None,
        known: tuple[list[KnownCase], tuple[str, ...]] | None = None,
        progress: Progress = no_progress,
        cancel: Cancel | None = None,
    ) -> None:
        self.task = task
        self.known = known
        self.device = device
        self.threads = threads
        self.cancel = cancel
        self.steps = _Steps(len(task.seeds) * (1 + len(task.strategies) * task.rounds), progress)

    def run(self) -> SimulationResult:
        """Do all that is not done yet, and return everything."""
        task = self.task
        for name in task.strategies:
            registry.make(name)  # A name that does not exist is said before anything is trained.
        claim_folder(task)
        self.steps.tell(0.0, "Reading the pool")
        known, notes = self._known_cases()
        worlds = [World(task, seed, known) for seed in task.seeds]
        result = self._result(worlds, notes)
        for world in worlds:
            self._start(world)
            for strategy in task.strategies:
                self._run_arm(world, strategy)
                result = self._result(worlds, notes)
                result.save()
            world.test.forget()
        self.steps.finish()
        return result

    def _known_cases(self) -> tuple[list[KnownCase], tuple[str, ...]]:
        """Return the cases with labels; the pool is looked at once, at the first start."""
        path = self.task.out / "pool.json"
        if not path.is_file():
            cases, notes = self.known or find_known_cases(
                self.task.images,
                self.task.labels,
                patient_pattern=self.task.patient_pattern,
                patient_csv=self.task.patient_csv,
                cancel=self.cancel,
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
            for strategy in task.strategies
            for record in read_rounds(world.rounds(strategy), task.rounds)
        ]
        return SimulationResult(task.out, task.settings(), tuple(records), splits, notes)

    # The first labels ------------------------------------------------------------------

    def _start(self, world: World) -> None:
        """Make the seed's project, label its first cases, train and test, unless that is done."""
        task, seed = self.task, world.seed
        record_path = world.rounds(START) / "00.json"
        self.steps.next(f"seed {seed}, first labels")
        if not record_path.is_file():
            shutil.rmtree(world.folder(START), ignore_errors=True)
            self.steps.tell(0.0, "making the project")
            create_project(
                world.folder(START),
                world.link_pool(),
                segments=task.segments,
                name=f"simulation, seed {seed}",
                plane=task.plane,
                patient_pattern=task.patient_pattern,
                patient_csv=task.patient_csv,
                settings=task.project_settings,
                cancel=self.cancel,
            ).close()
            with self._learner(world, START) as learner:
                world.check_cases(learner.project)
                for case, index in world.first_units(learner.project.plane):
                    learner.save_label(case, world.truth(case), slices=_slices(index), source=RATER)
            world.steps = self._steps_a_training(world)
            with self._learner(world, START) as learner:
                record = self._train_and_test(world, learner, _Asked(START, 0, (), {}))
            write_json(record_path, record.to_dict())
        first = json.loads(record_path.read_text(encoding="utf-8"))
        world.steps = first["training"]["steps"]
        for strategy in task.strategies:
            self._copy_start(world, strategy)

    def _steps_a_training(self, world: World) -> int:
        """Return the steps of every training; a trial turns a limit in seconds into steps."""
        task = self.task
        seconds = task.seconds or (None if task.steps else DEFAULT_SECONDS)
        if seconds is None:
            return task.steps or TRIAL_STEPS
        path = task.out / "steps.json"
        if not path.is_file():
            self.steps.tell(0.2, "trying how fast a training is")
            shutil.rmtree(world.folder("trial"), ignore_errors=True)
            shutil.copytree(world.folder(START), world.folder("trial"))
            with self._learner(world, "trial") as learner:
                learner.fine_tune(steps=TRIAL_STEPS, cancel=self.cancel)
                model = learner.models()[-1]
            shutil.rmtree(world.folder("trial"), ignore_errors=True)
            fitting = max(TRIAL_STEPS, int(TRIAL_STEPS * seconds / max(model.seconds, 1e-3)))
            write_json(path, min(fitting, task.steps or fitting))
        return int(json.loads(path.read_text(encoding="utf-8")))

    def _copy_start(self, world: World, strategy: str) -> None:
        target = world.rounds(strategy) / "00.json"
        if target.is_file():
            return
        project = world.folder(strategy)
        shutil.rmtree(project, ignore_errors=True)
        shutil.copytree(world.folder(START), project)
        source = world.rounds(START) / "00.json"
        record = json.loads(source.read_text(encoding="utf-8"))
        write_json(target, {**record, "strategy": strategy})

    # One arm -----------------------------------------------------------------------------

    def _run_arm(self, world: World, strategy: str) -> None:
        folder = world.rounds(strategy)
        done = len(read_rounds(folder, self.task.rounds))
        for _ in range(1, done):
            self.steps.next("")
        if done > self.task.rounds or (folder / "exhausted").is_file():
            return
        with self._learner(world, strategy) as learner:
            for number in range(done, self.task.rounds + 1):
                self.steps.next(f"seed {world.seed}, {strategy}, round {number}")
                asked = self._ask(world, learner, strategy, number)
                if not asked.queries:
                    atomic_write(folder / "exhausted", b"The pool is exhausted.\n")
                    return
                for query in asked.queries:
                    self._label(world, learner, query)
                record = self._train_and_test(world, learner, asked)
                write_json(folder / f"{number:02d}.json", record.to_dict())

    def _ask(self, world: World, learner: ActiveLearner, strategy: str, number: int) -> _Asked:
        """Return the round's queries: those of an interrupted run, or new suggestions."""
        folder = world.rounds(strategy)
        path = folder / f"{number:02d}.queries.json"
        if path.is_file():
            form = json.loads(path.read_text(encoding="utf-8"))
            queries = tuple(Query.from_dict(q) for q in form["queries"])
            return _Asked(strategy, number, queries, form["seconds"])
        started = time.perf_counter()
        try:
            suggestions = learner.suggest(
                strategy,
                self.task.unit,
                self.task.batch,
                progress=self.steps.part(0.0, 0.35, "suggesting"),
                cancel=self.cancel,
            )
        except PoolExhaustedError:
            return _Asked(strategy, number, (), {})
        seconds = {"suggest": time.perf_counter() - started}
        queries = tuple(
            self._describe(world, learner, suggestion, folder / f"{number:02d}-{i + 1:02d}.npz")
            for i, suggestion in enumerate(suggestions)
        )
        write_json(path, {"queries": [vars(q) for q in queries], "seconds": seconds})
        return _Asked(strategy, number, queries, seconds)

    def _describe(
        self, world: World, learner: ActiveLearner, suggestion: Suggestion, path: Path
    ) -> Query:
        """Compare the model's proposal with the truth before it is trained on, with a picture."""
        case = suggestion.case
        truth, plane = world.truth(case), learner.project.plane
        image = learner.project.read_image(case)
        try:
            prediction = learner.predict(case)
        except NoModelError:
            proposal = uncertainty = agreement = None
            worst = fullest_slice(truth, image.geometry, plane)
        else:
            proposal, uncertainty = prediction.labels, prediction.uncertainty
            worst = prediction.worst_slice or 0
            axis = image.geometry.plane_axis(plane)
            agreement = self._dice(*_cut(axis, suggestion.slice, proposal, truth))
        index = worst if suggestion.slice is None else suggestion.slice
        take_picture(
            image.array,
            image.geometry,
            plane,
            index,
            truth=truth,
            proposal=proposal,
            uncertainty=uncertainty,
        ).save(path)
        return Query(
            rank=suggestion.rank,
            case=case,
            slice=suggestion.slice,
            patient=suggestion.patient,
            score=float(suggestion.score),
            reasons=tuple(suggestion.reasons),
            proposal_dice=agreement,
            picture=path.relative_to(self.task.out).as_posix(),
        )

    def _label(self, world: World, learner: ActiveLearner, query: Query) -> None:
        row = learner.project.case(query.case)
        known = row.labelled_slices
        whole = row.state == "labelled" and known is None
        if whole or (query.slice is not None and query.slice in (known or ())):
            return  # saved before the simulation was interrupted
        learner.save_label(
            query.case, world.truth(query.case), slices=_slices(query.slice), source=RATER
        )

    def _train_and_test(self, world: World, learner: ActiveLearner, asked: _Asked) -> RoundRecord:
        if len(learner.models()) <= asked.round:  # otherwise trained before an interruption
            learner.fine_tune(
                steps=world.steps,
                progress=self.steps.part(0.35, 0.85, "training"),
                cancel=self.cancel,
            )
        model = learner.models()[asked.round]
        started = time.perf_counter()
        scores = world.test.dice(
            learner.bench, progress=self.steps.part(0.85, 1.0, "testing"), cancel=self.cancel
        )
        tested = time.perf_counter() - started
        cases, units = _labelled(learner.project)
        return RoundRecord(
            seed=world.seed,
            strategy=asked.strategy,
            round=asked.round,
            labelled_cases=cases,
            labelled_units=units if self.task.unit == "slice" else cases,
            queries=asked.queries,
            scores=scores,
            training={
                "model": model.version,
                "accepted": model.accepted,
                "reason": model.reason,
                "steps": model.steps,
                "trained_on": len(model.labels),
                "validation_dice": model.validation_dice,
                "validation_cases": model.validation_cases,
            },
            seconds={**asked.seconds, "train": model.seconds, "test": tested},
            plan="\n".join(learner.status()["plan"]),
        )

    def _dice(self, prediction: np.ndarray, truth: np.ndarray) -> dict[str, float]:
        return segment_dice(prediction, truth, {s.name: s.value for s in self.task.segments})

    @contextmanager
    def _learner(self, world: World, arm: str) -> Iterator[ActiveLearner]:
        with ActiveLearner(
            Project.open(world.folder(arm), rater=RATER),
            device=self.device,
            seed=world.seed,
            threads=self.threads,
            rater=RATER,
        ) as learner:
            yield learner
        gc.collect()  # one arm's model and caches are gone before the next one's come


@dataclass(frozen=True)
class _Asked:
    """What one round asks the expert, and how long finding that out took."""

    strategy: str
    round: int
    queries: tuple[Query, ...]
    seconds: dict[str, float]


class _Steps:
    """Progress over equal steps, each with parts of its own."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._total = total
        self._progress = progress
        self._done = -1
        self._name = ""

    def next(self, name: str) -> None:
        self._done += 1
        self._name = name

    def tell(self, share: float, message: str) -> None:
        text = f"{self._name}: {message}" if self._name else message
        self._progress(max(self._done, 0) + share, self._total, text)

    def part(self, start: float, end: float, name: str) -> Callable[..., None]:
        def report(done: float, total: float, message: str = "", **_: Any) -> None:
            del message  # a person follows the rounds here, not the batches
            share = done / total if total else 0.0
            self.tell(start + (end - start) * min(share, 1.0), name)

        return report

    def finish(self) -> None:
        self._progress(self._total, self._total, "Done")


def _labelled(project: Project) -> tuple[int, int]:
    """Return the number of labelled cases, and of labelled slices."""
    rows = project.cases("labelled")
    slices = 0
    for row in rows:
        if row.labelled_slices is not None:
            slices += len(row.labelled_slices)
        elif row.geometry is not None:
            slices += row.geometry.shape[row.geometry.plane_axis(project.plane)]
    return len(rows), slices


def _cut(axis: int, index: int | None, *arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    return arrays if index is None else tuple(a.take(index, axis) for a in arrays)


def _slices(index: int | None) -> list[int] | None:
    return None if index is None else [index]


def _absolute(path: str | Path) -> Path:
    return Path(path).expanduser().absolute()
