"""One arm on its way: suggest, let the simulated expert label, train, test; round by round."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..data.project import Project
from ..data.store import atomic_write
from ..errors import NoModelError, PoolExhaustedError
from ..learner import ActiveLearner
from ..metrics import segment_dice
from ..progress import Progress
from ..reporting.pictures import fullest_slice, take_picture
from ..strategies.base import Suggestion
from .arms import FULL, START, Arm
from .crew import RATER, Crew
from .curves import Query, RoundRecord
from .json_files import read_json, write_json
from .spending import affordable, most_units, spent, unit_cost
from .telling import named_part, share_of
from .world import World, read_rounds

EXHAUSTED = "exhausted"


@dataclass(frozen=True)
class Asked:
    """What one round asks the expert, and how many seconds finding that out took."""

    arm: str
    round: int
    queries: tuple[Query, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)


class Rehearsal:
    """One arm of one seed. It begins as a copy of the start, and goes on where it stopped."""

    def __init__(self, world: World, arm: Arm, crew: Crew) -> None:
        self.world = world
        self.arm = arm
        self.crew = crew

    def rounds_left(self) -> range:
        """Return the numbers of the rounds that are still to be done."""
        folder = self.world.rounds(self.arm.name)
        if (folder / EXHAUSTED).is_file():
            return range(0)
        done = len(read_rounds(folder, self.world.task.rounds))
        return range(max(done, 1), self.world.task.rounds + 1)

    def run(self, tell: Progress) -> None:
        """Do all rounds that are left; every finished one is recorded at once."""
        begin_as_copy(self.world, self.arm.name)
        left = self.rounds_left()
        if not left:
            return
        with self.crew.learner(self.world, self.arm.name) as learner:
            for done, number in enumerate(left):
                part = named_part(tell, done, len(left), f"round {number}: ")
                if not self._round(learner, number, part):
                    return

    def _round(self, learner: ActiveLearner, number: int, tell: Progress) -> bool:
        asked = self._ask(learner, number, tell)
        if not asked.queries:
            folder = self.world.rounds(self.arm.name)
            atomic_write(folder / EXHAUSTED, b"The pool is exhausted.\n")
            return False
        for query in asked.queries:
            self._label(learner, query)
        steps = round_steps(self.world, number)
        record = train_and_test(self.world, self.crew, learner, asked, steps, tell)
        write_json(self.world.record_path(self.arm.name, number), record.to_dict())
        return True

    def _ask(self, learner: ActiveLearner, number: int, tell: Progress) -> Asked:
        """Return the round's queries: those of an interrupted run, or new suggestions."""
        folder = self.world.rounds(self.arm.name)
        path = folder / f"{number:02d}.queries.json"
        if path.is_file():
            form = read_json(path)
            queries = tuple(Query.from_dict(q) for q in form["queries"])
            return Asked(self.arm.name, number, queries, form["seconds"])
        tell(0.0, 1.0, "suggesting")
        started = time.perf_counter()
        try:
            suggestions = learner.suggest(
                self.arm.strategy,
                self.world.task.unit,
                self._count(learner.project),
                preset=self.arm.preset,
                options=self.arm.options,
                progress=share_of(tell, 0.0, 0.35, "suggesting"),
                cancel=self.crew.cancel,
            )
        except PoolExhaustedError:
            return Asked(self.arm.name, number)
        seconds = {"suggest": time.perf_counter() - started}
        queries = tuple(
            self._describe(learner, suggestion, folder / f"{number:02d}-{i + 1:02d}.npz")
            for i, suggestion in enumerate(self._paid_for(learner.project, suggestions))
        )
        write_json(path, {"queries": [vars(q) for q in queries], "seconds": seconds})
        return Asked(self.arm.name, number, queries, seconds)

    def _count(self, project: Project) -> int:
        """Return how many suggestions to ask for: no more than the budget can pay for."""
        task = self.world.task
        if task.currency == task.unit:
            return task.batch
        index = 0 if task.unit == "slice" else None
        costs: list[int] = []
        for row in project.cases():
            if row.geometry is not None and (row.state == "unlabelled" or row.labelled_slices):
                slices = row.geometry.shape[row.geometry.plane_axis(project.plane)]
                cost = unit_cost(row.geometry, project.plane, index, task.currency)
                costs += [cost] * (1 if index is None else slices)
        return most_units(costs, task.batch)

    def _paid_for(self, project: Project, suggestions: list[Suggestion]) -> list[Suggestion]:
        """Return the best suggestions that one round's budget pays for."""
        task = self.world.task
        costs = [
            unit_cost(self.world.known[s.case].geometry, project.plane, s.slice, task.currency)
            for s in suggestions
        ]
        return suggestions[: affordable(costs, task.batch)]

    def _describe(self, learner: ActiveLearner, suggestion: Suggestion, path: Path) -> Query:
        """Compare the model's proposal with the truth before it is trained on.

        The first seed's suggestions get a picture with the uncertainty, for the report.
        """
        case, world = suggestion.case, self.world
        truth, plane = world.truth(case), learner.project.plane
        pictured = world.seed == world.task.seeds[0]
        geometry = world.known[case].geometry
        try:
            prediction = learner.predict(case, uncertainty=pictured, cancel=self.crew.cancel)
        except NoModelError:
            proposal = uncertainty = agreement = None
            worst = fullest_slice(truth, geometry, plane)
        else:
            proposal, uncertainty = prediction.labels, prediction.uncertainty
            worst = prediction.worst_slice or 0
            values = {s.name: s.value for s in world.task.segments}
            axis = geometry.plane_axis(plane)
            agreement = segment_dice(
                _cut(axis, suggestion.slice, proposal), _cut(axis, suggestion.slice, truth), values
            )
        if pictured:
            image = learner.project.read_image(case)
            take_picture(
                image.array,
                image.geometry,
                plane,
                worst if suggestion.slice is None else suggestion.slice,
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
            picture=path.relative_to(world.task.out).as_posix() if pictured else None,
        )

    def _label(self, learner: ActiveLearner, query: Query) -> None:
        row = learner.project.case(query.case)
        known = row.labelled_slices
        whole = row.state == "labelled" and known is None
        if whole or (query.slice is not None and query.slice in (known or ())):
            return  # saved before the simulation was interrupted
        learner.save_label(
            query.case, self.world.truth(query.case), slices=as_slices(query.slice), source=RATER
        )


def label_everything(world: World, crew: Crew, tell: Progress) -> None:
    """Run the arm with the full data: every label of the pool, and as many steps as all rounds.

    Its one round is what the other arms can reach at most with the same training. With ``restart``
    it has the steps of the last round.
    """
    begin_as_copy(world, FULL)
    path = world.record_path(FULL, 1)
    if path.is_file():
        return
    task = world.task
    with crew.learner(world, FULL) as learner:
        for row in learner.project.cases():
            if row.state == "unlabelled" or row.labelled_slices is not None:
                learner.save_label(row.name, world.truth(row.name), source=RATER)
        rounds = [task.rounds] if task.restart else range(1, task.rounds + 1)
        steps = sum(round_steps(world, number) for number in rounds)
        record = train_and_test(world, crew, learner, Asked(FULL, 1), steps, tell)
    write_json(path, record.to_dict())


def round_steps(world: World, number: int) -> int:
    """Return the length of a round's training, which the start of the seed has settled.

    The first training of all is the first round's where each arm chooses its own first labels.
    """
    task = world.task
    if task.cold and number == 1 and task.first_steps is not None:
        return task.first_steps
    steps = world.known_steps()
    return read_json(world.record_path(START, 0))["training"]["steps"] if steps is None else steps


def begin_as_copy(world: World, arm: str) -> None:
    """Make an arm's project a copy of the start, with its record, unless it has begun."""
    target = world.record_path(arm, 0)
    if target.is_file():
        return
    project = world.folder(arm)
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(world.folder(START), project)
    write_json(target, {**read_json(world.record_path(START, 0)), "strategy": arm})


def train_and_test(
    world: World, crew: Crew, learner: ActiveLearner, asked: Asked, steps: int, tell: Progress
) -> RoundRecord:
    """Train on what is labelled, unless that was done before an interruption, and test."""
    models_before = asked.round - 1 if world.task.cold else asked.round
    if len(learner.models()) <= models_before:
        learner.fine_tune(
            steps=steps,
            fresh=world.task.restart,
            progress=share_of(tell, 0.35, 0.85, "training"),
            cancel=crew.cancel,
        )
    model = learner.models()[-1]
    started = time.perf_counter()
    found = world.test.test(
        learner.bench, progress=share_of(tell, 0.85, 1.0, "testing"), cancel=crew.cancel
    )
    tested = time.perf_counter() - started
    plane = learner.project.plane
    counts = spent(learner.project, lambda case: world.foreground(case, plane))
    return RoundRecord(
        seed=world.seed,
        strategy=asked.arm,
        round=asked.round,
        labelled_cases=counts.volume,
        labelled_units=getattr(counts, world.task.currency),
        queries=asked.queries,
        scores=found.dice,
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
        labelled_slices=counts.slice,
        labelled_pixels=counts.pixel,
        labelled_foreground=counts.foreground,
        hausdorff95=found.hausdorff95,
        surface=found.surface,
    )


def as_slices(index: int | None) -> list[int] | None:
    """Return what ``save_label`` wants for a whole volume or one slice."""
    return None if index is None else [index]


def _cut(axis: int, index: int | None, array: np.ndarray) -> np.ndarray:
    return array if index is None else array.take(index, axis)
