"""The ensemble of a project: members trained on its labels, kept, and run over the pool.

Everything lies under ``cache/ensembles``, by the labels, the plan, the seed and the kind of
ensemble. A finished member is a file of its own and an unfinished one goes on where it stood, so
that a cancelled or killed training costs little.
"""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..data.cases import CaseRow
from ..data.store import atomic_write, file_hash
from ..errors import NoLabelError
from ..models.batches import LabelledCase
from ..models.checkpoints import Checkpoints
from ..models.ensemble import (
    SUGGESTIVE,
    EnsembleSpec,
    bootstrap,
    combined,
    draw_alone,
    member_network,
    side_by_side,
)
from ..models.inference import Inference, Samples, VolumeResult
from ..models.memory import Limits, with_less_memory
from ..models.networks import EncoderDecoder
from ..models.preparing import Prepared
from ..models.statistics import CaseStatistics, summarise
from ..models.suggestive_network import suggestive_plan
from ..models.training import Budget, Hooks, TrainingState, train
from ..progress import Cancel, Progress, no_progress
from .kept_trainings import bounded, keep_newest
from .scoring import gather_cached
from .statistics_cache import StatisticsCache
from .training_cases import TrainingMaterial, Validation
from .workbench import Workbench

FORMAT = 1
VALIDATION_SHARE = 0.05
FEWEST_FOR_VALIDATION = 5


@dataclass(frozen=True)
class Member:
    """A trained network, how many steps it has seen, and the hash of its file."""

    inference: Inference
    steps: int
    digest: str


class PoolEnsemble:
    """The ensemble of one ``spec`` on the labels that a project has now.

    The project's settings ``ensemble_seconds`` and ``ensemble_steps`` bound its training.
    """

    def __init__(
        self,
        bench: Workbench,
        spec: EnsembleSpec,
        *,
        progress: Progress = no_progress,
        cancel: Cancel | None = None,
    ) -> None:
        self.spec = bounded(spec, bench.project.settings, "ensemble")
        if spec.network == SUGGESTIVE:
            bench = bench.with_plan(suggestive_plan(bench.made_plan(dimensions=2)))
        self.bench = bench
        self.progress = progress
        self.cancel = cancel or Cancel()
        self.root = bench.project.folder / "cache" / "ensembles"
        self._members: list[Member] | None = None

    def members(self) -> list[Member]:
        """Return the trained members, trained now as far as they are not kept.

        Raises:
            NoLabelError: nothing is labelled that may be trained on.
            CancelledError: asked to stop; the next call goes on from there.
        """
        if self._members is not None:
            return self._members
        material = TrainingMaterial(self.bench, self.bench.project.validation_cases, {})
        cases = [replace(c, is_new=False) for c in material.cases()]
        if not cases:
            raise NoLabelError(
                "No case is labelled that an ensemble can be trained on.",
                path=self.bench.project.folder,
                remedy="Save a label first.",
            )
        folder = self.root / self._key(cases)
        missing = [i for i in range(self.spec.members) if self._load(folder, i) is None]
        if missing:
            started = time.monotonic()
            self._train(folder, missing, cases)
            keep_newest(folder)
        found = [self._load(folder, i) for i in range(self.spec.members)]
        self._members = [m for m in found if m is not None]
        if missing:
            self.bench.project.record(
                "ensemble",
                network=self.spec.network,
                steps=[m.steps for m in self._members],
                labels=len(cases),
                seconds=round(time.monotonic() - started, 2),
            )
        return self._members

    def statistics(self, cases: Sequence[CaseRow]) -> dict[str, CaseStatistics]:
        """Return what the members find in each case, by name; unusable ones are reported."""
        members = self.members()
        digest = hashlib.sha256("|".join(m.digest for m in members).encode()).hexdigest()
        cache: StatisticsCache[CaseStatistics] = StatisticsCache(
            self.bench.project.folder / "cache" / "statistics",
            f"ensemble-{digest}",
            self.bench.plan.hash,
            Samples(len(members)),
        )
        return gather_cached(
            self.bench, cases, cache, self._of_case, progress=self.progress, cancel=self.cancel
        )

    def _of_case(self, prepared: Prepared, tell: Progress) -> CaseStatistics:
        tell(0.0, 1.0)

        def one(inference: Inference) -> VolumeResult:
            def work(limits: Limits) -> VolumeResult:
                return inference.mean(prepared.array, limits, cancel=self.cancel)

            result, self.bench.limits = with_less_memory(
                work, self.bench.limits, self.bench.hear_memory
            )
            return result

        result = combined(one(m.inference) for m in self.members())
        return summarise(
            result.maps, result.embedding, result.slice_embeddings, prepared.image_slices()
        )

    # Training ---------------------------------------------------------------------------

    def _train(self, folder: Path, missing: Sequence[int], cases: Sequence[LabelledCase]) -> None:
        """Train the missing members, as many at once as the device allows, within the time."""
        bench, spec = self.bench, self.spec
        # What torch was told to use, which may be less than the processor has.
        threads = torch.get_num_threads()
        at_once = min(len(missing), side_by_side(spec.members, bench.plan, bench.device, threads))
        turns = -(-spec.members // at_once)
        budget = Budget(spec.seconds / turns if spec.seconds else None, spec.steps)
        shares = _Shares(self.progress, spec.members, spec.members - len(missing))
        stop = _Together(self.cancel)
        # Made before the threads begin: their first weights come from torch's own random numbers.
        networks = {m: member_network(spec, bench.plan, m, bench.seed) for m in missing}

        def work(member: int) -> None:
            stop.raise_if_cancelled()
            torch.set_num_threads(max(1, threads // at_once))
            try:
                self._train_member(
                    folder, member, networks.pop(member), cases, budget, shares.of(member), stop
                )
            except BaseException:
                stop.failed.set()  # The others need not go on for nothing.
                raise

        # Whoever trains sets torch's own seed: the caller gets its random numbers back.
        with torch.random.fork_rng(devices=[]), ThreadPoolExecutor(at_once) as pool:
            try:
                futures = [pool.submit(work, member) for member in missing]
                errors = [e for f in futures if (e := f.exception()) is not None]
            finally:
                torch.set_num_threads(threads)
        self.cancel.raise_if_cancelled()
        if errors:
            raise errors[0]

    def _train_member(
        self,
        folder: Path,
        member: int,
        network: EncoderDecoder,
        cases: Sequence[LabelledCase],
        budget: Budget,
        progress: Progress,
        cancel: Cancel,
    ) -> None:
        bench, spec = self.bench, self.spec
        device, seed = bench.device.name, bench.seed
        draw_alone(network, member, seed, device)
        rest, judge = self._validation(cases, member)
        drawn = [rest[i] for i in bootstrap(len(rest), member, seed)]
        unfinished = Checkpoints(folder / f"member-{member}")

        def keep(state: TrainingState) -> None:
            unfinished.keep_unfinished(state)

        def validate(trained: EncoderDecoder, seconds: float) -> dict[str, float]:
            assert judge is not None
            inference = Inference(trained, bench.plan, mixed=bench.device.mixed_precision)
            return judge.dice(inference, seconds, cancel)

        with _stream(device):
            outcome = train(
                network,
                bench.plan,
                drawn,
                budget,
                replace(Limits(device), batch=bench.plan.batch),
                seed=seed * 1_000 + member,
                warm=False,
                mixed=bench.device.mixed_precision,
                threads=max(1, bench.device.threads // spec.members),
                state=unfinished.unfinished(),
                hooks=Hooks(
                    validate=validate if judge is not None else None,
                    check_voxels=judge.voxels() if judge is not None else (),
                    keep=keep,
                    notice=bench.hear_memory,
                    progress=progress,
                    cancel=cancel,
                ),
            )
        content = {"format": FORMAT, "steps": outcome.steps, "weights": _on_cpu(outcome.weights)}
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write(_path(folder, member), functools.partial(torch.save, content))
        shutil.rmtree(unfinished.folder, ignore_errors=True)

    def _validation(
        self, cases: Sequence[LabelledCase], member: int
    ) -> tuple[list[LabelledCase], Validation | None]:
        """Return the cases without 5 % that are drawn to choose the model, and these."""
        if not self.spec.validated or len(cases) < FEWEST_FOR_VALIDATION:
            return list(cases), None
        count = max(1, round(VALIDATION_SHARE * len(cases)))
        order = np.random.default_rng([self.bench.seed, member, len(cases)]).permutation(len(cases))
        apart = {cases[i].name for i in order[:count]}
        return [c for c in cases if c.name not in apart], Validation(self.bench, sorted(apart))

    # Files ------------------------------------------------------------------------------

    def _key(self, cases: Sequence[LabelledCase]) -> str:
        facts = {
            "format": FORMAT,
            "plan": self.bench.plan.hash,
            "seed": self.bench.seed,
            "segments": list(self.bench.classes.names),
            "labels": {c.name: c.label_hash for c in cases},
            **asdict(self.spec),
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]

    def _load(self, folder: Path, member: int) -> Member | None:
        """Return a finished member, or ``None``; a torn file counts as nothing."""
        path = _path(folder, member)
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
            network = member_network(self.spec, self.bench.plan, member, self.bench.seed)
            network.load_state_dict(content["weights"])
        except Exception:  # A torn file raises whatever the unpickler meets first.
            return None
        inference = Inference(network, self.bench.plan, mixed=self.bench.device.mixed_precision)
        return Member(inference, int(content["steps"]), file_hash(path))


class _Together(Cancel):
    """Stops all members when the person asks for it, or when one of them has failed."""

    def __init__(self, outer: Cancel) -> None:
        super().__init__()
        self.outer = outer
        self.failed = threading.Event()

    @property
    def cancelled(self) -> bool:
        return self.outer.cancelled or self.failed.is_set()


class _Shares:
    """The progress of members that train at the same time, told as one."""

    def __init__(self, progress: Progress, members: int, done: int) -> None:
        self._progress = progress
        self._members = members
        self._done = done
        self._share: dict[int, float] = {}
        self._lock = threading.Lock()

    def of(self, member: int) -> Progress:
        def tell(done: float, total: float, message: str = "", **data: Any) -> None:
            del data  # One member's loss and time left are not the ensemble's.
            with self._lock:
                self._share[member] = min(1.0, done / total if total else 0.0)
                together = self._done + sum(self._share.values())
                self._progress(together, self._members, f"member {member + 1}: {message}")

        return tell


def _path(folder: Path, member: int) -> Path:
    return folder / f"member-{member}.pt"


def _on_cpu(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value.cpu() for name, value in weights.items()}


def _stream(device: str) -> Any:
    """Return a stream of a thread's own, so that the work of several overlaps on a GPU."""
    return torch.cuda.stream(torch.cuda.Stream(device)) if "cuda" in device else nullcontext()
