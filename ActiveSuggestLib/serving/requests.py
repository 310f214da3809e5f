"""What can be asked of the worker: one function a method; quick ones, long ones, those aside.

A function's keyword-only parameters are the request's parameters; their types are checked
before it runs. Masks come as file paths in any readable format; large results go to files.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any, Union

from ..errors import BadRequestError, ImageError, UnknownCaseError
from ..learning import labelling
from ..messages import Request
from ..progress import Progress, part_of
from ..strategies import catalogue
from .completed_label import complete_label
from .context import Context, device_facts
from .curve import learning_curve
from .failures import error_form
from .outputs import write_prediction, write_ranking
from .overview import case_facts, model_records, project_overview
from .prediction_files import PredictionFiles
from .raw_nrrd import map_voxels
from .showing import draw_thumbnail, prepare_case
from .tasks import Task

QUICK: dict[str, Callable[..., Any]] = {}
LONG: dict[str, Callable[..., Any]] = {}
ASIDE: dict[str, Callable[..., Any]] = {}
CONTROL = ("cancel", "ping", "shutdown")


def quick(function: Callable[..., Any]) -> Callable[..., Any]:
    """Register a method that is answered at once, while a long one may be running."""
    QUICK[function.__name__] = function
    return function


def long(function: Callable[..., Any]) -> Callable[..., Any]:
    """Register a method that waits its turn on the main thread and can be cancelled."""
    LONG[function.__name__] = function
    return function


def aside(function: Callable[..., Any]) -> Callable[..., Any]:
    """Register a method that reads files on a thread of its own, while a long one may run."""
    ASIDE[function.__name__] = function
    return function


def known_methods() -> list[str]:
    """Return the names of all methods, sorted."""
    return sorted([*QUICK, *LONG, *ASIDE, *CONTROL])


def call(
    table: dict[str, Callable[..., Any]], request: Request, context: Context, task: Task
) -> Any:
    """Check the request's parameters and call its method.

    Raises ``BadRequestError`` for a parameter that is missing, unknown or of another type.
    """
    function = table[request.method]
    parameters = list(inspect.signature(function).parameters.values())[2:]
    names = [p.name for p in parameters]
    unknown = [name for name in request.params if name not in names]
    missing = [p.name for p in parameters if p.default is p.empty and p.name not in request.params]
    for words, wrong in (("does not take", unknown), ("needs", missing)):
        if wrong:
            raise BadRequestError(
                f"{request.method} {words} {', '.join(wrong)}.",
                remedy=f"Its parameters are {', '.join(names) or 'none'}.",
            )
    hints = typing.get_type_hints(function)
    for name, value in request.params.items():
        if not _fits(value, hints[name]):
            wanted = inspect.formatannotation(hints[name])
            raise BadRequestError(
                f"{request.method}: {name} is {value!r:.80}, which is not {wanted}."
            )
    return function(context, task, **request.params)


def _fits(value: Any, hint: Any) -> bool:
    if hint is Any:
        return True
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, argument) for argument in arguments)
    if origin is list:
        return isinstance(value, list) and all(_fits(item, arguments[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict)
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, hint) and (hint is bool or not isinstance(value, bool))


# Quick ----------------------------------------------------------------------------------


@quick
def save_label(
    context: Context,
    _task: Task,
    *,
    case: str,
    mask: str,
    slices: list[int] | None = None,
    source: str = "user",
    seconds: float | None = None,
    note: str = "",
) -> Any:
    """Save a label from a file, whole or some slices; answered when it is on the disk."""
    # Through the project alone: a person's work is saved while torch loads, and without it.
    return labelling.save_label(
        context.project,
        case,
        Path(mask),
        slices=slices,
        source=source,
        seconds=seconds,
        note=note,
    )


@quick
def save_draft(
    context: Context, _task: Task, *, case: str, mask: str, slices: list[int] | None = None
) -> Any:
    """Keep an unfinished mask, so that it reopens where it was left."""
    return {"path": context.project.save_draft(case, Path(mask), slices=slices)}


@quick
def adopt_draft(context: Context, _task: Task, *, case: str) -> Any:
    """Note the draft that the caller has put at ``drafts/CASE.seg.nrrd`` itself.

    For autosaves: the mask is on the disk already, and is not read again.
    """
    path = context.project.adopt_draft(case)
    return {"path": path}


@quick
def discard_draft(context: Context, _task: Task, *, case: str) -> Any:
    """Throw an unfinished mask away."""
    context.project.discard_draft(case)
    return {}


@quick
def exclude(context: Context, _task: Task, *, case: str, reason: str) -> Any:
    """Take a case out of the pool, with a reason."""
    context.project.exclude(case, reason)
    return {}


@quick
def include(context: Context, _task: Task, *, case: str) -> Any:
    """Take an excluded case back into the pool."""
    context.project.include(case)
    return {}


@quick
def skip(context: Context, _task: Task, *, case: str, reason: str = "") -> Any:
    """Pass a case over for now."""
    context.project.skip(case, reason)
    return {}


@quick
def note(context: Context, _task: Task, *, case: str, text: str) -> Any:
    """Record a remark on a case."""
    context.project.note(case, text)
    return {}


@quick
def release_claims(context: Context, _task: Task) -> Any:
    """Let other sessions have the cases that were suggested to this one."""
    context.project.release_claims()
    return {}


@quick
def status(context: Context, _task: Task) -> Any:
    """Return counts, model, problems, device, and what is running and queued."""
    facts = project_overview(context.project) | {"device": None}
    facts["sessions_here"] = context.project.other_sessions()
    if context.learner_opened is not None:
        # Not the learner's own status: it may load a model while the other thread trains one.
        facts |= device_facts(context.learner_opened)
    return facts | context.activity()


@quick
def cases(context: Context, _task: Task, *, state: str | None = None) -> Any:
    """Return the facts of all cases, or of those in one state."""
    return [case_facts(row) for row in context.project.cases(state)]


@quick
def case(context: Context, _task: Task, *, case: str) -> Any:
    """Return the facts of one case and the history of its label."""
    project = context.project
    facts = case_facts(project.case(case))
    path = project.label_path(case)
    return facts | {"label": path, "history": project.label_history(case)}


@quick
def events(
    context: Context,
    _task: Task,
    *,
    kind: str | None = None,
    case: str | None = None,
    since: int = 0,
    limit: int = 1000,
) -> Any:
    """Return the newest ``limit`` events of the journal after number ``since``, oldest first."""
    return context.project.events(kind=kind, case=case, since=since)[-max(limit, 1) :]


@quick
def models(context: Context, _task: Task) -> Any:
    """Return the records of all models, oldest first."""
    return model_records(context.project.folder)


@quick
def curve(context: Context, _task: Task) -> Any:
    """Return the models' validation Dice with intervals, and the proposals' Dice by label."""
    return learning_curve(context.project)


@quick
def strategies(context: Context, _task: Task) -> Any:
    """Return name, summary, explanation, needs_model and available_units of each strategy.

    Those of other packages are among them once the learner is ready.
    """
    return [entry.to_dict() for entry in (*catalogue.own(), *context.other_strategies)]


# Aside ----------------------------------------------------------------------------------


@aside
def prepare(context: Context, task: Task, *, case: str, urgent: bool = False) -> Any:  # noqa: ARG001
    """Make a case ready to be shown in the scene; see ``showing.prepare_case``.

    What is ``urgent``, because someone waits for it, is done before what is only prefetched.
    """
    return prepare_case(context.project, case, task.cancel)


@aside
def complete(context: Context, _task: Task, *, case: str) -> Any:
    """Complete a label of some slices by the model's proposal; see ``complete_label``."""
    return {"path": complete_label(context.project, case)}


@aside
def thumbnail(
    context: Context,
    _task: Task,
    *,
    case: str,
    slice: int | None = None,  # noqa: A002 - the field's word
) -> Any:
    """Draw one slice as a small PNG; see ``showing.draw_thumbnail``."""
    return draw_thumbnail(context.project, case, slice)


def urgency(request: Request) -> int:
    """Return how urgent a long request is: it may be done between two steps of a less urgent one.

    2: one case is to be shown now; 1: a list, many cases; 0: learning, and what must not come
    between.
    """
    if request.method == "predict":
        return 1 if request.params.get("case") is None else 2
    return 1 if request.method in ("suggest", "score", "rescan", "import_labels") else 0


def aside_rank(request: Request) -> int:
    """Return in which order requests aside are done: what someone waits for comes first."""
    if request.method == "thumbnail":
        return 2
    return 0 if request.params.get("urgent") else 1


# Long -----------------------------------------------------------------------------------


@long
def suggest(
    context: Context,
    task: Task,
    *,
    strategy: str = "default",
    unit: str = "volume",
    count: int = 1,
    preset: str | None = None,
    options: dict[str, Any] | None = None,
) -> Any:
    """Return what to label next, best first, and claim it for this session."""
    if count < 1:
        raise BadRequestError(f"suggest: count is {count}; at least one can be suggested.")
    return list(
        context.learner().suggest(
            strategy=strategy,
            unit=unit,
            count=count,
            preset=preset,
            options=options,
            progress=task.progress,
            cancel=task.cancel,
        )
    )


@long
def score(
    context: Context,
    task: Task,
    *,
    strategy: str = "default",
    unit: str = "volume",
    preset: str | None = None,
    options: dict[str, Any] | None = None,
    cases: list[str] | None = None,
    limit: int = 1000,
    out: str | None = None,
) -> Any:
    """Rank everything: the whole table as a CSV file, the first ``limit`` rows in the answer."""
    ranking = context.learner().rank(
        strategy,
        unit,
        preset=preset,
        options=options,
        cases=cases,
        progress=task.progress,
        cancel=task.cancel,
    )
    path = Path(out) if out else _cache(context) / "scores" / f"{strategy}-{unit}.csv"
    write_ranking(ranking, path)
    rows = [suggestion.to_row() for suggestion in ranking[: max(0, limit)]]
    return {"rows": rows, "total": len(ranking), "path": str(path)}


@long
def fine_tune(
    context: Context, task: Task, *, seconds: float | None = None, steps: int | None = None
) -> Any:
    """Train from the newest model on all labels, those that arrive meanwhile included."""
    return context.learner().fine_tune(
        seconds, steps=steps, progress=task.progress, cancel=task.cancel
    )


LONG["train"] = fine_tune


@long
def predict(
    context: Context,
    task: Task,
    *,
    case: str | None = None,
    cases: list[str] | None = None,
    out: str | None = None,
) -> Any:
    """Write labels and uncertainty of one case (``case``) or several (``cases``) to files.

    The proposal is told before the uncertainty is there: progress with ``labels`` (its file),
    ``case`` and ``model`` as data. Without ``out`` what was predicted before is found again.
    A case that cannot be read stops nothing: its entry in the list is an error.
    """
    if (case is None) == (cases is None):
        raise BadRequestError("predict needs case (one name) or cases (a list of names).")
    folder = Path(out) if out else None
    if case is not None:
        return _predict_one(context, task, case, folder, task.progress)
    answers: list[Any] = []
    for position, name in enumerate(cases or []):
        context.learner().bench.pauses.give_way()
        tell = part_of(task.progress, position, len(cases or []), name)
        tell(0.0, 1.0)
        try:
            answers.append(_predict_one(context, task, name, folder, tell))
        except (ImageError, UnknownCaseError) as error:
            answers.append({"case": name, "error": error_form(error)})
    task.progress(len(answers), len(answers))
    return answers


def _predict_one(
    context: Context, task: Task, name: str, folder: Path | None, progress: Progress
) -> dict[str, Any]:
    task.cancel.raise_if_cancelled()
    learner, project = context.learner(), context.project
    files = PredictionFiles(project)
    row = project.case(name)
    if folder is None and (known := files.find(row)) is not None:
        learner.keep_proposal(name, map_voxels(Path(known["labels"])), known["model"])
        return known

    def proposed(proposal: Any) -> None:
        if folder is None:
            labels = files.store_labels(proposal)
            task.progress.say("proposal", case=name, labels=str(labels), model=proposal.model)

    try:
        prediction = learner.predict(
            name, on_labels=proposed, progress=progress, cancel=task.cancel
        )
    except ImageError as error:
        learner.bench.report(name, error)
        raise
    if folder is not None:
        return write_prediction(prediction, project, folder)
    return files.store(prediction, row, learner.bench.model().record.hash)


@long
def rollback(context: Context, _task: Task, *, version: int) -> Any:
    """Make an earlier model the current one."""
    return context.learner().rollback(version)


@long
def replan(context: Context, _task: Task) -> Any:
    """Make the plan anew for the pool and the device; return its reasons in words."""
    return context.learner().replan()


@long
def rescan(context: Context, task: Task, *, images: str | None = None) -> Any:
    """Look at the image folder again, or at its new place; only what changed is read."""
    return context.project.rescan(task.progress, task.cancel, images=images)


@long
def import_labels(context: Context, task: Task, *, folder: str) -> Any:
    """Take in label files of a folder, matched to the cases by name."""
    return context.project.import_labels(Path(folder), progress=task.progress, cancel=task.cancel)


def _cache(context: Context) -> Path:
    return Path(context.project.folder) / "cache"
