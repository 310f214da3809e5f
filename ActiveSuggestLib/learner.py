"""The learner: suggest → save label → fine-tune → suggest, for Slicer, the shell and Python."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from .data.labels import write_label
from .data.project import Project, SavedLabel
from .data.store import atomic_write
from .errors import ActiveSuggestError, NoModelError, UnknownModelError
from .learning.fine_tuning import TrainingReport, fine_tune
from .learning.labelling import save_label
from .learning.prediction import Prediction, predict
from .learning.proposals import Proposals
from .learning.suggesting import Scored, choose, ranked, score_pool
from .learning.workbench import NoticeCallback, Workbench
from .models.checkpoints import ModelRecord
from .progress import Cancel, Progress, no_progress, part_of
from .strategies.base import Suggestion

if TYPE_CHECKING:
    import pandas

Mask = np.ndarray | Path | str


class ActiveLearner:
    """One project with a device and a model.

    ``project`` is a folder or an open ``Project``; ``device`` a torch name such as ``"cuda"`` or
    ``"cpu"`` (default: the best there is); ``seed`` fixes every random draw; ``threads`` bounds
    the processor's threads; ``on_notice(kind, message, data)`` hears what happens aside, such as
    an image that had to be excluded.

    >>> learner = ActiveLearner("my-project")                          # doctest: +SKIP
    >>> for s in learner.suggest("mc-dropout", unit="slice", count=5):  # doctest: +SKIP
    ...     print(s.rank, s.case, s.slice, s.score, s.reasons)
    """

    def __init__(
        self,
        project: Project | str | Path,
        *,
        device: str | None = None,
        seed: int = 0,
        threads: int | None = None,
        rater: str | None = None,
        on_notice: NoticeCallback | None = None,
    ) -> None:
        if not isinstance(project, Project):
            project = Project.open(Path(project), rater=rater)
        self.project = project
        self.rater = rater
        self.bench = Workbench(
            project, device=device, seed=seed, threads=threads, on_notice=on_notice
        )
        self._proposals = Proposals(project.folder)
        self._has_chosen = False

    def __enter__(self) -> ActiveLearner:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the project; its suggestions are free for others."""
        self.project.close()

    # Ranking ----------------------------------------------------------------------------

    def suggest(
        self,
        strategy: str = "default",
        unit: str = "volume",
        count: int = 1,
        *,
        preset: str | None = None,
        options: dict[str, Any] | None = None,
        progress: Progress = no_progress,
        cancel: Cancel | None = None,
    ) -> list[Suggestion]:
        """Return the ``count`` units most worth labelling, and claim them for this session.

        No patient comes twice unless no other is left; what others are labelling is left out.

        Raises:
            EmptyPoolError, PoolExhaustedError: ordinary states, with what to do.
            UnknownStrategyError: no strategy is called so.
            CancelledError: asked to stop; scores so far are kept in the cache.
        """
        # A learner that stays open began to choose now; a command, when its process started.
        since, self._has_chosen = time.time() if self._has_chosen else None, True
        scored = self._score(strategy, unit, preset, options, None, progress, cancel)
        return choose(self.bench, scored, max(1, count), since=since)

    def score(
        self,
        strategy: str = "default",
        unit: str = "volume",
        *,
        preset: str | None = None,
        options: dict[str, Any] | None = None,
        cases: Sequence[str] | None = None,
        progress: Progress = no_progress,
        cancel: Cancel | None = None,
    ) -> pandas.DataFrame:
        """Return every unlabelled unit, best first: rank, case, slice, patient, score, reasons.

        Nothing is claimed. Raises what ``suggest`` raises.
        """
        import pandas

        found = self.rank(
            strategy,
            unit,
            preset=preset,
            options=options,
            cases=cases,
            progress=progress,
            cancel=cancel,
        )
        table = pandas.DataFrame([s.to_row() for s in found])
        return table.astype({"slice": "Int64"})

    def rank(
        self,
        strategy: str = "default",
        unit: str = "volume",
        *,
        preset: str | None = None,
        options: dict[str, Any] | None = None,
        cases: Sequence[str] | None = None,
        progress: Progress = no_progress,
        cancel: Cancel | None = None,
    ) -> list[Suggestion]:
        """Return what ``score`` returns as a list, without pandas; nothing is claimed."""
        return ranked(self._score(strategy, unit, preset, options, cases, progress, cancel))

    def _score(
        self,
        strategy: str,
        unit: str,
        preset: str | None,
        options: dict[str, Any] | None,
        cases: Sequence[str] | None,
        progress: Progress,
        cancel: Cancel | None,
    ) -> Scored:
        started = time.monotonic()
        scored = score_pool(
            self.bench,
            strategy,
            unit,
            preset=preset,
            options=options,
            only=cases,
            progress=progress,
            cancel=cancel,
        )
        model = self.bench.model_or_none() if scored.pool.used_model else None
        self.project.record_score_run(
            scored.strategy.name,
            unit,
            [(s.case, s.slice, s.score, s.reasons) for s in ranked(scored)],
            model=model.record.hash if model else "",
            seconds=time.monotonic() - started,
            seed=self.bench.seed,
        )
        return scored

    # Labels -----------------------------------------------------------------------------

    def save_label(
        self,
        case: str,
        mask: Mask,
        *,
        slices: Sequence[int] | None = None,
        source: str = "user",
        seconds: float | None = None,
        note: str = "",
    ) -> SavedLabel:
        """Save the label of a case, whole or of some ``slices``; it is on disk on return.

        ``mask`` is an array (z, y, x) of segment values in the image's geometry, or a file. If the
        model had proposed a mask, its Dice against this label is recorded, before any training on
        it. ``seconds`` is the time that the person spent.

        Raises:
            LabelError: the mask cannot be a label of this image; nothing was written.
            DiskFullError, SaveFailedError: not saved; the earlier label is untouched.
        """
        return save_label(
            self.project,
            case,
            mask,
            slices=slices,
            source=source,
            rater=self.rater,
            seconds=seconds,
            note=note,
        )

    def classes(self) -> dict[str, str]:
        """Return the image-level class by case; a case that has none is not in it."""
        return self.project.classes()

    def save_class(self, case: str, name: str | None) -> str | None:
        """Save what a whole image shows (``None``: not known); return the name as it is spelt.

        Raises:
            UnknownCaseError, InvalidClassError: nothing was written.
        """
        return self.project.save_class(case, name)

    def save_draft(self, case: str, mask: Mask, *, slices: Sequence[int] | None = None) -> Path:
        """Keep an unfinished mask; the case counts as a draft until it is saved or discarded."""
        return self.project.save_draft(case, mask, slices=slices)

    def exclude(self, case: str, reason: str) -> None:
        """Take a case out of the pool, with a reason."""
        self.project.exclude(case, reason)

    def include(self, case: str) -> None:
        """Take an excluded case back into the pool."""
        self.project.include(case)

    def skip(self, case: str, reason: str = "") -> None:
        """Pass a case over; it comes again when nothing else is left."""
        self.project.skip(case, reason)

    # Learning ---------------------------------------------------------------------------

    def fine_tune(
        self,
        seconds: float | None = None,
        *,
        steps: int | None = None,
        fresh: bool = False,
        progress: Progress = no_progress,
        cancel: Cancel | None = None,
    ) -> TrainingReport:
        """Train on all labels for ``seconds`` (60 by default) or ``steps``, from the model in use.

        A model that does worse on the validation cases than the one before is rolled back.
        ``fresh`` starts from new weights instead and keeps the result in any case.

        Raises:
            NoLabelError: there is nothing to train on.
            CancelledError: asked to stop; the next call goes on from there.
        """
        return fine_tune(
            self.bench,
            seconds=seconds,
            steps=steps,
            fresh=fresh,
            progress=progress,
            cancel=cancel,
        )

    def replan(self) -> list[str]:
        """Make the plan anew for this pool and device; the next training starts afresh."""
        return list(self.bench.replan().reasons)

    def models(self) -> list[ModelRecord]:
        """Return the records of all models, oldest first."""
        return self.bench.checkpoints.records()

    def rollback(self, version: int) -> ModelRecord:
        """Take an earlier model into use again; later ones are kept, but no longer used.

        Raises:
            UnknownModelError: there is no such model.
        """
        from dataclasses import replace

        records = {r.version: r for r in self.models()}
        if version not in records:
            raise UnknownModelError(
                f"There is no model {version}.",
                path=self.project.folder,
                remedy=f"There are {', '.join(map(str, records)) or 'none'}.",
            )
        for later in records.values():
            if later.version > version and later.accepted:
                reason = f"Rolled back to model {version} by hand."
                self.bench.checkpoints.write_record(replace(later, accepted=False, reason=reason))
        chosen = replace(records[version], accepted=True)
        self.bench.checkpoints.write_record(chosen)
        self.project.record("rolled_back", model=version)
        return chosen

    # Predicting -------------------------------------------------------------------------

    def predict(
        self,
        case: str,
        *,
        uncertainty: bool = True,
        on_labels: Callable[[Prediction], None] | None = None,
        progress: Progress = no_progress,
        cancel: Cancel | None = None,
    ) -> Prediction:
        """Return the model's proposal for a case and where it is unsure.

        ``on_labels`` gets the proposal as soon as it is there, before the uncertainty.

        Raises:
            NoModelError: nothing was trained yet.
            ImageError: the image cannot be used.
        """

        def labelled(proposal: Prediction) -> None:
            # Kept from the moment that someone may see it.
            self._proposals.store(case, proposal.labels, proposal.model)
            if on_labels is not None:
                on_labels(proposal)

        return predict(
            self.bench,
            case,
            uncertainty=uncertainty,
            on_labels=labelled,
            progress=progress,
            cancel=cancel,
        )

    def warm_up(self) -> None:
        """Load the model in use, if there is one, and run it once, so that a click need not wait.

        Raises what loading and running a model raise.
        """
        model = self.bench.model_or_none()
        if model is not None:
            plan = self.bench.plan
            smallest = torch.zeros(plan.channels, *plan.window_divisor)
            model.inference.probability(smallest, self.bench.limits)

    def keep_proposal(self, case: str, labels: np.ndarray, model: int) -> None:
        """Keep an earlier prediction, (z, y, x), as the proposal that a saved label will judge.

        Nothing happens where a proposal is kept already.
        """
        if not self._proposals.has(case):
            self._proposals.store(case, labels, model)

    def predict_to(
        self,
        cases: Sequence[str] | None,
        out: str | Path,
        *,
        progress: Progress = no_progress,
        cancel: Cancel | None = None,
        on_error: Callable[[str, ActiveSuggestError], None] | None = None,
    ) -> list[Path]:
        """Write ``out/CASE.seg.nrrd`` for the cases (default: all unlabelled) and return the files.

        A case that cannot be predicted is reported to ``on_error`` and stops none of the others.
        """
        if cases is None:
            cases = [c.name for c in self.project.cases("unlabelled") if not c.missing]
        names = [self.project.case(name).name for name in cases]
        if self.bench.model_or_none() is None:
            raise NoModelError(
                "There is no trained model yet.",
                path=self.project.folder,
                remedy="Label some cases and train first.",
            )
        folder = Path(out)
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for done, name in enumerate(names):
            progress(done, len(names), name)
            try:
                tell = part_of(progress, done, len(names), name)
                prediction = predict(
                    self.bench, name, uncertainty=False, progress=tell, cancel=cancel
                )
            except ActiveSuggestError as error:
                if error.kind == "cancelled":
                    raise
                self.bench.report(name, error)
                if on_error is not None:
                    on_error(name, error)
                continue
            target = folder / f"{name}.seg.nrrd"
            self._write(target, prediction)
            written.append(target)
        progress(len(names), len(names))
        return written

    def _write(self, target: Path, prediction: Prediction) -> None:
        def content(path: Path) -> None:
            write_label(
                path,
                prediction.labels,
                prediction.geometry,
                self.project.segments,
                plane=self.project.plane,
            )

        atomic_write(target, content)

    # State ------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """Return where the project stands, JSON-able: counts, device, plan, model, warnings."""
        accepted = self.bench.checkpoints.accepted()
        plan = self.bench.stored_plan()
        return {
            "project": str(self.project.folder),
            "name": self.project.name,
            "counts": self.project.counts(),
            "segments": list(self.bench.classes.names),
            "classes": self.project.class_counts(),
            "device": self.bench.device.description,
            "plan": list(plan.reasons) if plan else [],
            "model": _facts(accepted[0]) if accepted else None,
            "validation_cases": list(self.project.validation_cases),
            "warnings": self._warnings(),
        }

    def _warnings(self) -> list[str]:
        """Return what a person should know: leaks, unreadable images."""
        trained = {case for record in self.models() for case in record.labels}
        leaked = sorted(trained & set(self.project.validation_cases))
        warnings = []
        if leaked:
            warnings.append(
                f"{len(leaked)} validation cases were trained on by some model "
                f"({', '.join(leaked[:3])}): its Dice is too good to be true."
            )
        plan = self.bench.stored_plan()
        if plan is not None and plan.device_kind == "cpu" and not self.bench.device.is_cpu:
            warnings.append(
                "The plan was made for a CPU and there is a GPU now; a new plan would use it "
                "(`activesuggest train --replan`), starting with a new model."
            )
        return warnings


def _facts(record: ModelRecord) -> dict[str, Any]:
    return {
        "version": record.version,
        "validation_dice": record.validation_dice,
        "validation_cases": record.validation_cases,
        "labels": len(record.labels),
        "steps": record.steps,
        "seconds": record.seconds,
        "created": record.created,
        "reason": record.reason,
    }
