"""Fine-tune the model in use on all labels, and keep the result only if it is no worse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from ..data.record.label_store import VERSION_EVENTS
from ..errors import NoLabelError
from ..models.batches import LabelledCase
from ..models.checkpoints import ModelRecord
from ..models.inference import Inference
from ..models.memory import Limits
from ..models.networks import EncoderDecoder, SegmentationNetwork
from ..models.training import (
    FINAL_CHECK_SHARE,
    Budget,
    Hooks,
    TrainingOutcome,
    TrainingState,
    train,
)
from ..progress import Cancel, Progress, no_progress
from .synthetic_cases import synthetic_cases, wanted_synthetics
from .training_cases import TrainingMaterial, Validation
from .validation import validation_cases
from .workbench import LoadedModel, Workbench

DEFAULT_SECONDS = 60.0
WORSE_BY = 0.01
ALMOST_DONE = 0.9
VALIDATION = "validation"
"""The project setting that, set to false, trains on every label and keeps the last weights."""


@dataclass(frozen=True)
class TrainingReport:
    """What a training gave. ``model`` is its version; it is in use if ``accepted``.

    ``validation_dice`` is the mean over ``validation_cases`` cases, ``None`` without any;
    ``previous_dice`` that of the model before, on the same cases. ``synthetics`` is the number of
    synthetic images that joined the labels.
    """

    model: int
    accepted: bool
    steps: int
    seconds: float
    validation_dice: float | None
    validation_cases: int
    previous_dice: float | None
    reason: str
    trained_on: int
    resumed: bool
    curve: list[dict[str, Any]]
    synthetics: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-able form."""
        return asdict(self)


def fine_tune(
    bench: Workbench,
    *,
    seconds: float | None = None,
    steps: int | None = None,
    fresh: bool = False,
    progress: Progress = no_progress,
    cancel: Cancel | None = None,
) -> TrainingReport:
    """Train for ``seconds`` (everything included) or for ``steps``, from the model in use.

    ``fresh`` starts from new weights instead; the model in use is replaced whatever it can do.

    After suggestions by ``synthetic``, or as the setting ``synthetics`` says, synthetic images of
    the labelled cases join them (``learning.synthetic_cases``).

    Labels saved meanwhile are taken in. More urgent work may be done between two steps
    (``bench.pauses``): its time does not count, and the result is the same. A kill or a cancel
    loses nothing: the next call goes on from where the training stood.

    Raises:
        NoLabelError: nothing is labelled.
        CancelledError: asked to stop; the model in use stays.
    """
    clock = bench.pauses.now
    started = clock()
    budget = Budget(None, steps) if steps is not None else Budget(seconds or DEFAULT_SECONDS)
    validation = _fix_validation(bench)
    parent = None if fresh else bench.model_or_none()
    known = parent.record.labels if parent else {}
    progress(0.0, 1.0, "reading the labelled cases")
    material = TrainingMaterial(bench, validation, known)
    cases = material.cases()
    if not cases:
        raise NoLabelError(
            "No case is labelled that can be trained on.",
            path=bench.project.folder,
            remedy="Save a label first."
            if not validation
            else "Label more cases first; the "
            f"labelled ones are kept for validation ({', '.join(validation[:3])}).",
        )
    judge = Validation(bench, validation)
    network = _network(bench, parent)
    synthetic, identity = synthetic_cases(bench, cases, wanted_synthetics(bench))
    facts = _facts(bench, parent, steps, validation)
    if identity:
        facts["synthetics"] = identity
    state = bench.checkpoints.unfinished(**facts)
    if state is not None and steps is not None and _has_news(state, cases):
        state = None  # So many steps repeat exactly only on the same labels.
    if budget.seconds is not None:
        # Reading the labels is part of the time that was given; what is taken up again counts too,
        # unless labels have come since or it leaves nothing to do.
        left = max(1.0, budget.seconds - (clock() - started))
        spent = 0.0
        if state is not None and (_has_news(state, cases) or state.elapsed > ALMOST_DONE * left):
            spent = state.elapsed
        budget = replace(budget, seconds=left + spent)

    def validate(network: EncoderDecoder, seconds: float) -> dict[str, float]:
        inference = Inference(network, bench.plan, mixed=bench.device.mixed_precision)
        return judge.dice(inference, seconds, cancel)

    def keep(state: TrainingState) -> None:
        bench.checkpoints.keep_unfinished(state, **facts)

    outcome = train(
        network,
        bench.plan,
        cases,
        budget,
        replace(Limits(bench.device.name), batch=bench.plan.batch),
        seed=bench.seed + (parent.record.version if parent else 0),
        warm=parent is not None,
        mixed=bench.device.mixed_precision,
        threads=bench.device.threads,
        state=state,
        synthetic=synthetic,
        hooks=Hooks(
            validate=validate if judge.rows else None,
            check_voxels=judge.voxels(),
            refresh=material.changed,
            keep=keep,
            notice=bench.hear_memory,
            progress=progress,
            cancel=cancel or Cancel(),
            pauses=bench.pauses,
        ),
    )
    report = _settle(
        bench,
        parent,
        judge,
        outcome,
        clock() - started,
        state is not None,
        budget,
        len(synthetic),
    )
    bench.checkpoints.discard_unfinished()
    material.images.prune()
    return report


def _facts(
    bench: Workbench,
    parent: LoadedModel | None,
    steps: int | None,
    validation: Sequence[str],
) -> dict[str, Any]:
    """Return what must be the same for an unfinished training to be taken up again.

    The validation cases are among it: it may have been trained on what was chosen since.
    """
    return {
        "plan": bench.plan.hash,
        "parent": parent.record.hash if parent else "",
        "seed": bench.seed,
        "steps": steps or 0,
        "segments": list(bench.classes.names),
        "validation": list(validation),
    }


def _has_news(state: TrainingState, cases: Sequence[LabelledCase]) -> bool:
    """Whether there are labels that an unfinished training has not seen."""
    return any(state.trained_on.get(case.name) != case.label_hash for case in cases)


def _fix_validation(bench: Workbench) -> tuple[str, ...]:
    if bench.project.settings.get(VALIDATION) is False:
        return ()
    fixed = bench.project.validation_cases
    spent = {case for record in bench.checkpoints.records() for case in record.labels}
    labelled = [c for c in bench.project.cases("labelled") if not c.missing]
    chosen = validation_cases(labelled, fixed, spent, seed=bench.seed)
    # Another process may have fixed them just now: what holds is what the project says.
    return bench.project.lock_validation(chosen) if set(chosen) != set(fixed) else tuple(fixed)


def _network(bench: Workbench, parent: LoadedModel | None) -> SegmentationNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(bench.seed)
        network = SegmentationNetwork(bench.plan.architecture)
    if parent is not None:
        network.load_state_dict(parent.inference.network.state_dict())
    return network


def _settle(
    bench: Workbench,
    parent: LoadedModel | None,
    judge: Validation,
    outcome: TrainingOutcome,
    seconds: float,
    resumed: bool,
    budget: Budget,
    synthetics: int,
) -> TrainingReport:
    """Accept the outcome unless it is clearly worse than the model before; save it either way."""
    previous = _previous_dice(bench, parent, judge, outcome, budget)
    mean = _mean(list(outcome.dice.values()))
    accepted, reason = _verdict(mean, previous, len(outcome.dice))
    curve = [asdict(point) for point in outcome.curve]
    record = bench.checkpoints.save(
        outcome.weights,
        bench.plan,
        bench.classes.names,
        parent=parent.record.version if parent else None,
        accepted=accepted,
        reason=reason,
        labels=outcome.trained_on,
        dice=outcome.dice,
        steps=outcome.steps,
        seconds=round(seconds, 2),
        seed=bench.seed,
        device=bench.device.name,
        curve=curve,
        validation_dice=mean,
        validation_cases=len(outcome.dice),
    )
    bench.project.record(
        "trained",
        model=record.version,
        hash=record.hash,
        plan=record.plan,
        seed=bench.seed,
        accepted=accepted,
        reason=reason,
        steps=outcome.steps,
        seconds=record.seconds,
        dice=mean,
        validation=len(outcome.dice),
        labels=len(outcome.trained_on),
        synthetics=synthetics,
    )
    return TrainingReport(
        model=record.version,
        accepted=accepted,
        steps=outcome.steps,
        seconds=record.seconds,
        validation_dice=mean,
        validation_cases=len(outcome.dice),
        previous_dice=previous,
        reason=reason,
        trained_on=len(outcome.trained_on),
        resumed=resumed,
        curve=curve,
        synthetics=synthetics,
    )


def _previous_dice(
    bench: Workbench,
    parent: LoadedModel | None,
    judge: Validation,
    outcome: TrainingOutcome,
    budget: Budget,
) -> float | None:
    """Return the earlier model's mean Dice on the cases that the new one was judged on.

    Its record has them unless the validation set has grown or a label was corrected since.
    """
    if parent is None or not outcome.dice:
        return None
    known: ModelRecord = parent.record
    if all(case in known.dice for case in outcome.dice) and not _labels_changed(bench, known):
        return _mean([known.dice[case] for case in outcome.dice])
    seconds = FINAL_CHECK_SHARE * budget.seconds if budget.seconds else float("inf")
    judged = judge.dice(parent.inference, seconds)
    return _mean([judged[case] for case in outcome.dice if case in judged])


def _labels_changed(bench: Workbench, record: ModelRecord) -> bool:
    """Return whether a validation label was saved after the model was judged on it."""
    return any(
        event.time > record.created
        for case in record.dice
        for event in bench.project.events(case=case)
        if event.kind in VERSION_EVENTS
    )


def _verdict(mean: float | None, previous: float | None, cases: int) -> tuple[bool, str]:
    if mean is None:
        return True, "Accepted without a check: too few patients are labelled to keep some apart."
    on = f"on {cases} validation case{'s' if cases != 1 else ''}"
    if previous is None or math.isnan(previous):
        return True, f"Dice {mean:.3f} {on}."
    if mean < previous - WORSE_BY:
        return False, f"Rolled back: Dice {mean:.3f} instead of {previous:.3f} {on}."
    return True, f"Dice {mean:.3f} after {previous:.3f} {on}."


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if len(values) else None
