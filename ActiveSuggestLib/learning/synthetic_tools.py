"""What makes and judges the synthetics of a project: trained on its labels, kept, found again.

The judge is the project's Bayesian network (``bayesian_network``). The rest lies under
``cache/synthetics``, by the labels, the plan, that network, the seed and the sizes. Each of its two
trainings (mask autoencoder, GAN) ends in a file of its own, and an unfinished one goes on where it
stood.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch.nn import functional

from ..data.labels import UNKNOWN
from ..data.store import atomic_write, discard, file_hash
from ..errors import NoLabelError
from ..models.batches import LabelledCase
from ..models.gan import Generator
from ..models.gan_losses import Encoder
from ..models.gan_plan import GanPlan, gan_plan
from ..models.gan_training import GanLearning, LabelledPictures, MaskLearning
from ..models.heteroscedastic import HeteroscedasticNetwork
from ..models.mask_autoencoder import MaskAutoencoder
from ..models.memory import Limits, with_less_memory
from ..models.networks import SegmentationNetwork
from ..models.stepping import Learning, Unfinished, learn
from ..models.synthesis import Synthesiser, SyntheticSpec
from ..models.training import Budget
from ..progress import Cancel, Progress, between, no_progress
from .bayesian_network import BayesianSpec, PoolBayesianNetwork
from .kept_trainings import bounded, keep_newest
from .workbench import Workbench

FORMAT = 1
MASKS, GAN = "masks", "gan"
# How the time is divided among the trainings, and the most steps that each needs.
SHARES = {MASKS: 0.2, GAN: 0.8}
MOST_STEPS = {MASKS: 400, GAN: 1_500}
NAMES = {MASKS: "mask autoencoder", GAN: "GAN"}
# The share of the progress that is the Bayesian network's, and how long that learns for the paper.
JUDGE_SHARE = 0.25
PAPER_JUDGE = BayesianSpec(steps=6_000, seconds=900.0)

Made = TypeVar("Made")


@dataclass(frozen=True)
class Tools:
    """A trained synthesiser and judge, the identity of both, and how long each learnt.

    ``steps`` are those of the synthesiser's parts, ``judge_steps`` those of the judge.
    """

    synthesiser: Synthesiser
    judge: PoolBayesianNetwork
    judge_steps: int
    digest: str
    steps: dict[str, int]
    trained_on: int


class SyntheticTools:
    """The tools of one ``spec`` on the labels that a project has now.

    A 3D plan gives way to a 2D one of the same pool, as the method draws pictures; the Bayesian
    network then starts from new weights, for the project's model does not fit it. The project's
    settings ``synthetic_seconds`` and ``synthetic_steps`` bound the trainings of what draws.
    """

    def __init__(
        self,
        bench: Workbench,
        spec: SyntheticSpec,
        *,
        progress: Progress = no_progress,
        cancel: Cancel | None = None,
    ) -> None:
        self.spec = bounded(spec, bench.project.settings, "synthetic")
        flat = bench.plan.dimensions == 2
        self.bench = bench if flat else bench.with_plan(bench.made_plan(dimensions=2))
        self.progress = between(progress, JUDGE_SHARE, 1.0)
        self.cancel = cancel or Cancel()
        self.judge = PoolBayesianNetwork(
            self.bench,
            PAPER_JUDGE if spec.paper else None,
            fresh=not flat,
            progress=_named("Bayesian network", between(progress, 0.0, JUDGE_SHARE)),
            cancel=self.cancel,
        )
        self.root = root_folder(bench)
        self._tools: Tools | None = None

    def tools(self) -> Tools:
        """Return the trained tools, trained now as far as they are not kept.

        Raises:
            NoLabelError: nothing is labelled that may be trained on.
            NoModelError: the Bayesian network has no model to start from.
            CancelledError: asked to stop; the next call goes on from there.
        """
        if self._tools is None:
            # New networks draw their first weights from torch's own random numbers.
            with torch.random.fork_rng(devices=[]):
                self._tools = self._made()
        return self._tools

    def _made(self) -> Tools:
        bench = self.bench
        cases = self.judge.cases()
        slices = labelled_slices(cases)
        if not slices:
            raise NoLabelError(
                "No case is labelled that synthetic images can be made from.",
                path=bench.project.folder,
                remedy="Save a label first.",
            )
        largest = max(max(mask.shape) for _, _, mask in slices)
        plan = gan_plan(
            bench.plan.channels,
            bench.plan.classes,
            largest,
            on_cpu=bench.device.is_cpu,
            paper=self.spec.paper,
        )
        judge = self.judge.trained(cases)
        folder = self.root / self._key(plan, cases, judge.digest)
        started = time.monotonic()
        missing = [part for part in SHARES if _read(folder / f"{part}.pt") is None]
        pictures = self._pictures(slices, plan) if MASKS in missing or GAN in missing else None
        seed = bench.seed

        masks = MaskAutoencoder(plan)
        self._part(folder, MASKS, masks, plan.batch, lambda limits: _one(MaskLearning(
            replace(plan, batch=limits.batch), _there(pictures), seed=seed, device=limits.device
        )))  # fmt: skip
        generator = Generator(plan)
        extra = self._part(folder, GAN, generator, plan.batch, lambda limits: self._gan(
            plan, _there(pictures), masks, judge.network, cases, limits
        ))  # fmt: skip
        synthesiser = Synthesiser(plan, tuple(extra["reach"]), masks, generator)
        contents = {part: _read(folder / f"{part}.pt") or {} for part in SHARES}
        steps = {part: int(content["steps"]) for part, content in contents.items()}
        if missing:
            keep_newest(folder)
            bench.project.record(
                "synthetics",
                labels=len(cases),
                steps=steps,
                side=plan.side,
                seconds=round(time.monotonic() - started, 2),
            )
        digests = [judge.digest, *(file_hash(folder / f"{part}.pt") for part in SHARES)]
        digest = "".join(d[:8] for d in digests)
        return Tools(synthesiser, self.judge, judge.steps, digest, steps, len(cases))

    def _gan(
        self,
        plan: GanPlan,
        pictures: LabelledPictures,
        masks: MaskAutoencoder,
        judge: HeteroscedasticNetwork,
        cases: Sequence[LabelledCase],
        limits: Limits,
    ) -> tuple[GanLearning, torch.nn.Module, dict[str, Any]]:
        device = limits.device
        network = self._encoder_network(judge).to(device).eval()
        encoder = encoder_of(network, pictures.reach)
        learning = GanLearning(
            replace(plan, batch=limits.batch),
            pictures,
            masks,
            encoder,
            seed=self.bench.seed,
            device=device,
        )
        facts = {
            "reach": list(pictures.reach),
            "gan": asdict(plan),
            "plan": self.bench.plan.hash,
            "segments": list(self.bench.classes.names),
            "cases": {c.name: c.label_hash for c in cases},
        }
        return learning, learning.generator, facts

    def _encoder_network(self, judge: HeteroscedasticNetwork) -> SegmentationNetwork:
        """Return a copy of the segmentation network inside the judge, for its encoder."""
        inner = judge.segmentation
        network = SegmentationNetwork(inner.architecture)
        network.load_state_dict(inner.state_dict())
        return network

    def _part(
        self,
        folder: Path,
        part: str,
        network: torch.nn.Module,
        batch: int,
        start: Callable[[Limits], tuple[Learning, torch.nn.Module, dict[str, Any]]],
    ) -> dict[str, Any]:
        """Load a trained part into ``network``, trained now if it is not kept; return its file."""
        path = folder / f"{part}.pt"
        content = _read(path)
        if content is None:
            self.cancel.raise_if_cancelled()

            def work(limits: Limits) -> tuple[int, torch.nn.Module, dict[str, Any]]:
                learning, trained, facts = start(limits)
                return self._learn(folder, part, learning), trained, facts

            limits = Limits(self.bench.device.name, batch=batch)
            found, _ = with_less_memory(work, limits, self.bench.hear_memory)
            steps, trained, facts = found
            content = {
                "format": FORMAT,
                "steps": steps,
                "weights": {k: v.cpu() for k, v in trained.state_dict().items()},
                **facts,
            }
            atomic_write(path, functools.partial(torch.save, content))
            discard(folder / f"unfinished-{part}.pt")
        network.load_state_dict(content["weights"])
        return content

    def _learn(self, folder: Path, part: str, learning: Learning) -> int:
        spec, path = self.spec, folder / f"unfinished-{part}.pt"
        folder.mkdir(parents=True, exist_ok=True)
        stored = _read(path)
        unfinished = None
        if stored is not None:
            unfinished = Unfinished(stored["step"], stored["elapsed"], stored["state"])

        def keep(state: Unfinished) -> None:
            content = {"format": FORMAT, **vars(state)}
            atomic_write(path, functools.partial(torch.save, content))

        most = MOST_STEPS[part] * (20 if spec.paper else 1)
        seconds = spec.seconds * SHARES[part] if spec.seconds else None
        before = list(SHARES.values())[: list(SHARES).index(part)]
        return learn(
            learning,
            Budget(seconds, spec.steps or most),
            name=NAMES[part],
            unfinished=unfinished,
            keep=keep,
            progress=between(self.progress, sum(before), sum(before) + SHARES[part]),
            cancel=self.cancel,
            pauses=self.bench.pauses,
        )

    def _pictures(
        self, slices: Sequence[tuple[str, np.ndarray, np.ndarray]], plan: GanPlan
    ) -> LabelledPictures:
        return LabelledPictures.of([(picture, mask) for _, picture, mask in slices], plan.side)

    def _key(self, plan: GanPlan, cases: Sequence[LabelledCase], judge: str) -> str:
        bench = self.bench
        facts = {
            "format": FORMAT,
            "gan": plan.hash,
            "plan": bench.plan.hash,
            "judge": judge,
            "seed": bench.seed,
            "segments": list(bench.classes.names),
            "labels": {c.name: c.label_hash for c in cases},
            "budget": [self.spec.seconds, self.spec.steps],
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def root_folder(bench: Workbench) -> Path:
    """Return where a project's synthetic tools are kept."""
    return bench.project.folder / "cache" / "synthetics" / "tools"


def labelled_slices(
    cases: Sequence[LabelledCase],
) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Return (case, picture (C, H, W), mask (H, W)) of every slice that is wholly labelled."""
    found: list[tuple[str, np.ndarray, np.ndarray]] = []
    for case in cases:
        known = (case.label != UNKNOWN).all(axis=(1, 2))
        found.extend((case.name, case.image[:, i], case.label[i]) for i in np.flatnonzero(known))
    return found


def newest_synthesiser(bench: Workbench) -> tuple[Synthesiser, str] | None:
    """Return the newest synthesiser of this plan and these segments, with its identity, if any.

    None that was trained on a patient who is kept for validation since.
    """
    project = bench.project
    rows = {c.name: c for c in project.cases()}
    apart = {rows[name].patient for name in project.validation_cases if name in rows}
    with contextlib.suppress(OSError):
        folders = sorted(
            root_folder(bench).iterdir(), key=lambda f: f.stat().st_mtime, reverse=True
        )
        for folder in folders:
            gan, masks = _read(folder / f"{GAN}.pt"), _read(folder / f"{MASKS}.pt")
            if gan is None or masks is None or gan["plan"] != bench.plan.hash:
                continue
            if gan["segments"] != list(bench.classes.names):
                continue
            if any(name in rows and rows[name].patient in apart for name in gan["cases"]):
                continue
            plan = GanPlan(**gan["gan"])
            with torch.random.fork_rng(devices=[]):
                autoencoder, generator = MaskAutoencoder(plan), Generator(plan)
            autoencoder.load_state_dict(masks["weights"])
            generator.load_state_dict(gan["weights"])
            made = Synthesiser(plan, tuple(gan["reach"]), autoencoder, generator)
            return made, file_hash(folder / f"{GAN}.pt")[:16]
    return None


def encoder_of(network: SegmentationNetwork, reach: Sequence[float]) -> Encoder:
    """Return the encoder of a segmentation network for pictures within ±1.

    All scales but the first, which sees pixels; the pictures are padded to what divides.
    """
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    divisor = network.architecture.divisor

    def encode(pictures: torch.Tensor) -> list[torch.Tensor]:
        scale = pictures.new_tensor(tuple(reach))[:, None, None]
        height, width = (
            max(2 * d, -(-n // d) * d) for n, d in zip(pictures.shape[2:], divisor, strict=True)
        )
        rows, columns = height - pictures.shape[2], width - pictures.shape[3]
        padded = functional.pad(pictures * scale, (0, columns, 0, rows))
        return network.encode(padded)[1:]

    return encode


def _named(name: str, progress: Progress) -> Progress:
    """Return a progress whose messages begin with a name."""

    def tell(done: float, total: float, message: str = "", **data: Any) -> None:
        progress(done, total, f"{name}, {message}" if message else name, **data)

    return tell


def _one(learning: Any) -> tuple[Learning, torch.nn.Module, dict[str, Any]]:
    return learning, learning.network, {}


def _there(made: Made | None) -> Made:
    assert made is not None
    return made


def _read(path: Path) -> dict[str, Any] | None:
    """Return what was stored, or ``None``; a torn file counts as nothing."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # A torn file raises whatever the unpickler meets first.
        return None
    return content if content.get("format") == FORMAT else None
