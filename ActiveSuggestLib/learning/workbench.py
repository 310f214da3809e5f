"""A project with its device, plan and model: what scoring, fine-tuning and prediction share."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..data.cases import CaseRow
from ..data.project import Project
from ..data.store import atomic_write
from ..errors import (
    ActiveSuggestError,
    DamagedCheckpointError,
    EmptyPoolError,
    ForeignCheckpointError,
    ImageError,
    NoModelError,
    UnreadableImageError,
    VanishedImageError,
)
from ..models.checkpoints import Checkpoints, ModelRecord
from ..models.device import Device, choose_device
from ..models.inference import Inference
from ..models.memory import Limits
from ..models.plan import Plan, fingerprint, make_plan
from ..models.preparing import Prepared, prepare
from ..pauses import Pauses
from .classes import SegmentClasses

PLAN_FILE = "plan.json"
SAMPLES_AT_ONCE = {"cpu": 4, "gpu": 10}
PLAN_OPTIONS = ("dimensions", "features", "seconds_a_volume", "samples", "dropout")
NoticeCallback = Callable[[str, str, dict[str, Any]], None]


@dataclass
class LoadedModel:
    """A model that is ready to run, and its record."""

    record: ModelRecord
    inference: Inference


class Workbench:
    """What one learner works with. ``on_notice(kind, message, data)`` hears what happens aside."""

    def __init__(
        self,
        project: Project,
        *,
        device: str | None = None,
        seed: int = 0,
        threads: int | None = None,
        on_notice: NoticeCallback | None = None,
    ) -> None:
        self.project = project
        self.device: Device = choose_device(device, threads=threads)
        self.seed = seed
        self.on_notice = on_notice
        if threads:
            torch.set_num_threads(threads)
        self.classes = SegmentClasses(project.segments)
        self.checkpoints = Checkpoints(project.folder / "models")
        self.limits = self._fresh_limits()
        # The true label of a case, (z, y, x) of segment values; a simulation alone knows it.
        self.truth: Callable[[str], np.ndarray] | None = None
        self._plan: Plan | None = None
        self._model: LoadedModel | None = None
        self._told: set[str] = set()
        self.pauses = Pauses(around=self._keep_random_numbers)
        if device not in (None, "cpu") and self.device.is_cpu and on_notice is not None:
            on_notice("device", self.device.description, {})

    # What happens aside -----------------------------------------------------------------

    def notice(self, kind: str, message: str, **data: Any) -> None:
        """Tell what happened aside, and record it."""
        self.project.record("notice", case=data.get("case"), notice=kind, message=message)
        if self.on_notice is not None:
            self.on_notice(kind, message, data)

    def report(self, case: str, error: ActiveSuggestError) -> None:
        """Record that a case cannot be used, and go on without it."""
        if isinstance(error, ImageError) and not isinstance(error, VanishedImageError):
            self.project.report_problem(case, error)
        if self.on_notice is not None:
            self.on_notice(error.kind, str(error), {"case": case, "error": error.to_dict()})

    # Plan -------------------------------------------------------------------------------

    @property
    def plan(self) -> Plan:
        """The project's plan, made at first use and kept in ``models/plan.json``.

        Raises:
            EmptyPoolError: there is no usable image to plan for.
        """
        if self._plan is None:
            self._plan = self._stored_plan() or self.replan()
        return self._plan

    def stored_plan(self) -> Plan | None:
        """Return the plan if there is one, without making it."""
        return self._plan or self._stored_plan()

    def replan(self) -> Plan:
        """Make the plan anew for the pool and the device as they are now, and store it.

        A model of another plan is left aside, so the next training starts afresh.
        """
        plan = self.made_plan()
        self.checkpoints.folder.mkdir(parents=True, exist_ok=True)
        # With its hash, so that a model's record can be held against it without torch.
        form = {"hash": plan.hash, **plan.to_dict()}
        text = json.dumps(form, indent=1, ensure_ascii=False)
        atomic_write(self.checkpoints.folder / PLAN_FILE, text.encode("utf-8"))
        self.project.record("planned", plan=plan.hash, reasons=list(plan.reasons))
        self._plan, self._model = plan, None
        return plan

    def made_plan(self, **options: Any) -> Plan:
        """Return a plan for the pool and the device as they are now, without storing it.

        ``options`` of ``make_plan`` override the project's settings.

        Raises:
            EmptyPoolError: there is no usable image to plan for.
        """
        usable = [c for c in self.project.cases() if c.state != "excluded" and c.geometry]
        if not usable:
            raise EmptyPoolError(
                "The project has no usable image.",
                path=self.project.folder,
                remedy="Add images to the image folder and rescan, or include excluded cases.",
            )
        settings = self.project.settings
        chosen = {k: settings[k] for k in PLAN_OPTIONS if settings.get(k) is not None}
        pool = fingerprint(
            [c.geometry for c in usable if c.geometry is not None],
            [c.intensity for c in usable],
            channels=usable[0].channels,
            modality=self.project.modality,
            plane=self.project.plane,
        )
        return make_plan(
            pool,
            self.device,
            classes=len(self.project.segments) + 1,
            plane=self.project.plane,
            **{**chosen, **options},
        )

    def with_plan(self, plan: Plan) -> Workbench:
        """Return the same workbench under another plan that is not stored; it has no model."""
        other = copy.copy(self)
        other._plan, other._model = plan, None
        return other

    def _stored_plan(self) -> Plan | None:
        try:
            text = (self.checkpoints.folder / PLAN_FILE).read_text("utf-8")
            plan = Plan.from_dict(json.loads(text))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            self.notice("damaged_plan", f"The stored plan cannot be read ({error}); made anew.")
            return None
        return plan if plan.classes == len(self.project.segments) + 1 else None

    # Limits -----------------------------------------------------------------------------

    def _fresh_limits(self) -> Limits:
        kind = "cpu" if self.device.is_cpu else "gpu"
        return Limits(self.device.name, batch=1, samples_at_once=SAMPLES_AT_ONCE[kind])

    def hear_memory(self, kind: str, message: str) -> None:
        """Pass on what ``with_less_memory`` tells."""
        self.notice(kind, message)

    def _keep_random_numbers(self) -> AbstractContextManager[None]:
        """Return a context that leaves torch's random numbers as they were."""
        on_gpu = self.device.name.startswith("cuda")
        return torch.random.fork_rng(devices=[self.device.torch] if on_gpu else [])

    # Model ------------------------------------------------------------------------------

    def model(self) -> LoadedModel:
        """Return the model in use: the newest accepted one that is sound.

        Raises:
            NoModelError: nothing was trained yet, or nothing sound is left.
        """
        for record in self.checkpoints.accepted():
            if self._model is not None and self._model.record.hash == record.hash:
                self._model.record = record
                return self._model
            try:
                network = self.checkpoints.load(record, self.plan, self.classes.names)
            except (DamagedCheckpointError, ForeignCheckpointError) as error:
                if record.hash not in self._told:
                    self._told.add(record.hash)
                    self.notice(error.kind, str(error), version=record.version)
                continue
            inference = Inference(network, self.plan, mixed=self.device.mixed_precision)
            self._model = LoadedModel(record, inference)
            return self._model
        raise NoModelError(
            "There is no trained model yet.",
            path=self.project.folder,
            remedy="Label some cases and train first.",
        )

    def model_or_none(self) -> LoadedModel | None:
        """Return the model in use, or ``None`` while there is none."""
        try:
            return self.model()
        except NoModelError:
            return None

    # Images -----------------------------------------------------------------------------

    def load(self, case: CaseRow) -> Prepared:
        """Read and prepare the image of a case.

        Raises:
            ImageError: it cannot be used; ``report`` it and go on.
        """
        image = self.project.read_image(case.name)
        if len(image.array) != self.plan.channels:
            raise UnreadableImageError(
                f"The image has {len(image.array)} channels and the plan {self.plan.channels}.",
                case=case.name,
                remedy="Exclude the case, or rescan the images.",
            )
        return prepare(image, self.plan)
