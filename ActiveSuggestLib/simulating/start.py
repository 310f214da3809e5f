"""What all arms of a seed share: the project, its first labels, first model, first scores."""

from __future__ import annotations

import shutil

from ..data.project import create_project
from ..progress import Progress
from .arms import START
from .crew import RATER, Crew
from .json_files import write_json
from .rehearsal import Asked, as_slices, train_and_test
from .world import World

DEFAULT_SECONDS = 60.0
TRIAL_STEPS = 12


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
        for case, index in world.first_units(learner.project.plane):
            learner.save_label(case, world.truth(case), slices=as_slices(index), source=RATER)
    steps = steps_a_training(world, crew, tell)
    steps = task.first_steps or steps
    with crew.learner(world, START) as learner:
        record = train_and_test(
            world, crew, learner, Asked(START, 0), task.first_steps or steps, tell
        )
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
        learner.fine_tune(steps=TRIAL_STEPS, cancel=crew.cancel)
        model = learner.models()[-1]
    shutil.rmtree(world.folder("trial"), ignore_errors=True)
    seconds = world.task.seconds or DEFAULT_SECONDS
    fitting = max(TRIAL_STEPS, int(TRIAL_STEPS * seconds / max(model.seconds, 1e-3)))
    steps = min(fitting, world.task.steps or fitting)
    write_json(world.steps_path, steps)
    return steps
