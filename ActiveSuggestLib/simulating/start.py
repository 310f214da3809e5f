"""What all arms of a seed share: the project, its first labels, first model, first scores.

With ``initial=0`` each arm chooses its first labels itself. Then they share the project, its plan,
the miniatures that the cold start looks at, and the autoencoders of later rounds.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from ..data.project import create_project
from ..learner import ActiveLearner
from ..learning.latents import PoolLatents
from ..progress import Progress
from .arms import START
from .crew import RATER, Crew
from .curves import RoundRecord
from .json_files import write_json
from .rehearsal import Asked, as_slices, train_and_test
from .telling import share_of
from .world import World

DEFAULT_SECONDS = 60.0
TRIAL_STEPS = 12
TRIAL_CASES = 2


def make_start(world: World, crew: Crew, tell: Progress) -> None:
    """Make the seed's project, label its first cases, train and test, unless that is done.

    Every strategy looks at the pool once here: the statistics of the first model and the
    autoencoders that it needs go into the project's cache, of which each arm gets a copy.
    """
    record_path = world.record_path(START, 0)
    if record_path.is_file():
        return
    task = world.task
    shutil.rmtree(world.folder(START), ignore_errors=True)
    tell(0.0, 1.0, "making the project")
    create_project(
        world.folder(START),
        world.link_pool(),
        segments=task.segments,
        name=f"simulation, seed {world.seed}",
        plane=task.plane,
        patient_pattern=task.patient_pattern,
        patient_csv=task.patient_csv,
        settings=task.learner_settings,
        cancel=crew.cancel,
    ).close()
    with crew.learner(world, START) as learner:
        world.check_cases(learner.project)
        _label(learner, world)
        _ = learner.bench.plan  # Kept with the project: it depends on the memory that is free.
    steps = steps_a_training(world, crew, tell)
    with crew.learner(world, START) as learner:
        if task.cold:
            record = _nothing_learnt(world)
            _make_autoencoders(learner, world, crew, tell)
        else:
            first = task.first_steps or steps
            record = train_and_test(world, crew, learner, Asked(START, 0), first, tell)
        for arm in task.arms:
            tell(1.0, 1.0, f"first scores of {arm.name}")
            learner.score(
                arm.strategy,
                task.unit,
                preset=arm.preset,
                options=arm.options,
                cancel=crew.cancel,
            )
    write_json(record_path, record.to_dict())


def steps_a_training(world: World, crew: Crew, tell: Progress) -> int:
    """Return the steps of every training; a trial turns a limit in seconds into steps, once."""
    known = world.known_steps()
    if known is not None:
        return known
    tell(0.2, 1.0, "trying how fast a training is")
    shutil.rmtree(world.folder("trial"), ignore_errors=True)
    shutil.copytree(world.folder(START), world.folder("trial"))
    with crew.learner(world, "trial") as learner:
        if world.task.cold:
            _label(learner, world, world.split.pool[:TRIAL_CASES])
        learner.fine_tune(steps=TRIAL_STEPS, cancel=crew.cancel)
        model = learner.models()[-1]
    shutil.rmtree(world.folder("trial"), ignore_errors=True)
    seconds = world.task.seconds or DEFAULT_SECONDS
    fitting = max(TRIAL_STEPS, int(TRIAL_STEPS * seconds / max(model.seconds, 1e-3)))
    steps = min(fitting, world.task.steps or fitting)
    write_json(world.steps_path, steps)
    return steps


def _label(learner: ActiveLearner, world: World, cases: Sequence[str] | None = None) -> None:
    """Label the first units, or those of the ``cases`` given."""
    for case, index in world.first_units(learner.project.plane, cases):
        learner.save_label(case, world.truth(case), slices=as_slices(index), source=RATER)


def _nothing_learnt(world: World) -> RoundRecord:
    """Return the record of a start without labels: it has no model, and so no scores."""
    return RoundRecord(
        seed=world.seed,
        strategy=START,
        round=0,
        labelled_cases=0,
        labelled_units=0,
        queries=(),
        scores={},
        training={},
        seconds={},
    )


def _make_autoencoders(learner: ActiveLearner, world: World, crew: Crew, tell: Progress) -> None:
    """Make what strategies ask for once there is a model, while all arms are still one."""
    kinds = dict.fromkeys(getattr(arm.make(), "autoencoder", None) for arm in world.task.arms)
    for kind in filter(None, kinds):
        part = share_of(tell, 0.3, 1.0, f"{kind} autoencoder")
        rows = [row for row in learner.project.cases() if row.state != "excluded"]
        PoolLatents(learner.bench, kind, progress=part, cancel=crew.cancel).of(rows)
