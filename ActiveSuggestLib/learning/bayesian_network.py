"""The Bayesian network of a project: trained from its model on its labels, kept, run on the pool.

Mahapatra et al. (MICCAI 2018) rank images by the epistemic and aleatoric uncertainty of such a
network. Ours starts from the model in use, whose encoder and decoder know the task already, and
learns the noise of its logits by Kendall and Gal's loss; under another plan than the project's,
which no model fits, it starts from new weights. It lies under ``cache/bayesian``, by model, labels,
plan, seed and spec; an unfinished training goes on where it stood, so that a cancelled or killed
one costs little.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ..data.cases import CaseRow
from ..data.store import atomic_write, file_hash
from ..errors import NoLabelError
from ..models.batches import LabelledCase
from ..models.checkpoints import Checkpoints
from ..models.ensemble import in_words
from ..models.heteroscedastic import HeteroscedasticNetwork, Output, Parts, kendall_gal_loss
from ..models.inference import Samples, VolumeResult
from ..models.memory import Limits, with_less_memory
from ..models.networks import SegmentationNetwork
from ..models.noise_inference import NoiseInference, PartStatistics, summarise_parts
from ..models.preparing import Prepared
from ..models.training import Budget, Hooks, train
from ..progress import Cancel, Progress, no_progress
from .kept_trainings import bounded, keep_newest
from .scoring import gather_cached
from .statistics_cache import StatisticsCache
from .training_cases import TrainingMaterial
from .workbench import LoadedModel, Workbench

FORMAT = 1


@dataclass(frozen=True)
class BayesianSpec:
    """How the network is trained: ``draws`` of noise a step, for ``steps`` or ``seconds``.

    With both, whichever is first.
    """

    draws: int = 10
    steps: int | None = None
    seconds: float | None = 60.0


@dataclass(frozen=True)
class BayesianNetwork:
    """A trained network ready to run, how many steps it has seen, and the hash of its file."""

    inference: NoiseInference
    steps: int
    digest: str

    @property
    def network(self) -> HeteroscedasticNetwork:
        """The network itself, in evaluation mode."""
        assert isinstance(self.inference.network, HeteroscedasticNetwork)
        return self.inference.network


class PoolBayesianNetwork:
    """The Bayesian network of the model and the labels that a project has now.

    The project's settings ``bayesian_seconds`` and ``bayesian_steps`` bound its training. ``fresh``
    starts it from new weights, for a bench under another plan than the model's.
    """

    def __init__(
        self,
        bench: Workbench,
        spec: BayesianSpec | None = None,
        *,
        fresh: bool = False,
        progress: Progress = no_progress,
        cancel: Cancel | None = None,
    ) -> None:
        self.spec = bounded(spec or BayesianSpec(), bench.project.settings, "bayesian")
        self.bench = bench
        self.fresh = fresh
        self.progress = progress
        self.cancel = cancel or Cancel()
        self.root = bench.project.folder / "cache" / "bayesian"
        self._trained: BayesianNetwork | None = None

    def cases(self) -> list[LabelledCase]:
        """Return what the network is trained on: the labelled cases that do not validate."""
        material = TrainingMaterial(self.bench, self.bench.project.validation_cases, {})
        return [replace(c, is_new=False) for c in material.cases()]

    def trained(self, cases: Sequence[LabelledCase] | None = None) -> BayesianNetwork:
        """Return the network, trained now unless it is kept.

        ``cases`` are those of ``cases()``, from a caller that has them at hand.

        Raises:
            NoModelError: there is no model to start from, and it is not ``fresh``.
            NoLabelError: nothing is labelled that may be trained on.
            CancelledError: asked to stop; the next call goes on from there.
        """
        if self._trained is not None:
            return self._trained
        model = None if self.fresh else self.bench.model()
        cases = self.cases() if cases is None else cases
        if not cases:
            raise NoLabelError(
                "No case is labelled that the Bayesian network can be trained on.",
                path=self.bench.project.folder,
                remedy="Save a label first.",
            )
        folder = self.root / self._key(model.record.hash if model else "", cases)
        found = self._load(folder)
        if found is None:
            started = time.monotonic()
            self._train(folder, cases, model)
            found = self._load(folder)
            assert found is not None
            keep_newest(folder)
            self.bench.project.record(
                "bayesian_network",
                steps=found.steps,
                labels=len(cases),
                seconds=round(time.monotonic() - started, 2),
            )
        self._trained = found
        return found

    def in_words(self) -> str:
        """Return how long the network was trained, in words."""
        return in_words([self.trained().steps], self.spec.steps).removesuffix(" each")

    def of(self, cases: Sequence[CaseRow], samples: Samples) -> dict[str, PartStatistics]:
        """Return what the network finds in each case, by name; unusable ones are reported."""
        trained = self.trained()
        cache: StatisticsCache[PartStatistics] = StatisticsCache(
            self.bench.project.folder / "cache" / "statistics",
            f"bayesian-{trained.digest}",
            self.bench.plan.hash,
            samples,
            PartStatistics,
        )

        def compute(prepared: Prepared, tell: Progress) -> PartStatistics:
            parts, result = self.maps(prepared.array, samples, progress=tell)
            return summarise_parts(parts, result, prepared.image_slices())

        return gather_cached(
            self.bench, cases, cache, compute, progress=self.progress, cancel=self.cancel
        )

    def of_slices(self, pictures: torch.Tensor, samples: Samples) -> PartStatistics:
        """Return what the network finds in prepared slices (S, C, H, W), whose plan is 2D."""
        parts, result = self.maps(pictures.movedim(1, 0), samples)
        return summarise_parts(parts, result, np.arange(len(pictures)))

    def maps(
        self, volume: torch.Tensor, samples: Samples, *, progress: Progress = no_progress
    ) -> tuple[Parts, VolumeResult]:
        """Return both parts, (S, H, W) each, of a prepared volume (C, S, H, W); its statistics."""
        inference = self.trained().inference

        def work(limits: Limits) -> tuple[Parts, VolumeResult]:
            return inference.parts(volume, samples, limits, progress=progress, cancel=self.cancel)

        found, self.bench.limits = with_less_memory(work, self.bench.limits, self.bench.hear_memory)
        return found

    # Training ---------------------------------------------------------------------------

    def _train(
        self, folder: Path, cases: Sequence[LabelledCase], model: LoadedModel | None
    ) -> None:
        bench, spec = self.bench, self.spec
        unfinished = Checkpoints(folder)
        # First weights come from torch's own random numbers.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(bench.seed)
            if model is None:
                network = HeteroscedasticNetwork(bench.plan.architecture)
            else:
                assert isinstance(model.inference.network, SegmentationNetwork)
                network = HeteroscedasticNetwork.of(model.inference.network)
        outcome = train(
            network,
            bench.plan,
            cases,
            Budget(spec.seconds, spec.steps),
            replace(Limits(bench.device.name), batch=bench.plan.batch),
            seed=bench.seed,
            warm=model is not None,
            mixed=bench.device.mixed_precision,
            threads=bench.device.threads,
            loss=_NoisyLoss(spec.draws, bench.seed),
            state=unfinished.unfinished(),
            hooks=Hooks(
                keep=unfinished.keep_unfinished,
                notice=bench.hear_memory,
                progress=self.progress,
                cancel=self.cancel,
                pauses=bench.pauses,
            ),
        )
        weights = {name: value.cpu() for name, value in outcome.weights.items()}
        content = {"format": FORMAT, "steps": outcome.steps, "weights": weights}
        # By way of memory: in a file torch keeps that file's name, and the hash would follow it.
        buffer = io.BytesIO()
        torch.save(content, buffer)
        folder.mkdir(parents=True, exist_ok=True)
        atomic_write(_path(folder), buffer.getvalue())
        unfinished.discard_unfinished()

    # Files ------------------------------------------------------------------------------

    def _key(self, model: str, cases: Sequence[LabelledCase]) -> str:
        facts = {
            "format": FORMAT,
            "model": model,
            "plan": self.bench.plan.hash,
            "seed": self.bench.seed,
            "labels": {c.name: c.label_hash for c in cases},
            **asdict(self.spec),
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]

    def _load(self, folder: Path) -> BayesianNetwork | None:
        """Return the finished network, or ``None``; a torn file counts as nothing."""
        path = _path(folder)
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
            network = HeteroscedasticNetwork(self.bench.plan.architecture)
            network.load_state_dict(content["weights"])
        except Exception:  # A torn file raises whatever the unpickler meets first.
            return None
        inference = NoiseInference(
            network, self.bench.plan, mixed=self.bench.device.mixed_precision
        )
        return BayesianNetwork(inference, int(content["steps"]), file_hash(path))


class _NoisyLoss:
    """``kendall_gal_loss`` of what a heteroscedastic network gives, with noise of its own."""

    def __init__(self, draws: int, seed: int) -> None:
        self.draws = draws
        self.seed = seed
        self._generator: torch.Generator | None = None

    def __call__(self, output: Output, target: torch.Tensor) -> torch.Tensor:
        """Return the scalar loss."""
        logits, log_variance = output
        if self._generator is None or self._generator.device != logits.device:
            # Where the logits are: noise from elsewhere would be copied at every draw.
            self._generator = torch.Generator(logits.device).manual_seed(self.seed)
        return kendall_gal_loss(
            logits, log_variance, target, draws=self.draws, generator=self._generator
        )


def _path(folder: Path) -> Path:
    return folder / "network.pt"
