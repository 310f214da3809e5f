"""Synthetics of a pool's candidates, judged by the Bayesian network."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch

from ..data.cases import CaseRow
from ..errors import ActiveSuggestError, NoTruthError
from ..models.inference import Samples
from ..models.mask_edits import EditRanges, draw_edit, present_classes
from ..models.memory import Limits, with_less_memory
from ..models.noise_inference import PartStatistics
from ..models.preparing import Prepared, prepare_label, restore_labels
from ..models.synthesis import SyntheticSpec
from ..progress import Cancel, Progress, between, no_progress
from ..strategies.base import SyntheticView
from .array_files import ArrayFiles
from .kept_trainings import keep_newest
from .reading import read_ahead
from .synthetic_tools import GAN, SyntheticTools
from .workbench import Workbench

A_VOLUME, A_SLICE = 8, 2
PAPER_RANGES = EditRanges(mirrored=0.5)
TRAINING_SHARE = 0.7
KEPT = 4
JUDGED_AT_ONCE = 32
# The columns of ``judged_rows``, as ``SyntheticView`` calls them.
PARTS = (
    "epistemic",
    "aleatoric",
    "epistemic_foreground",
    "aleatoric_foreground",
    "foreground",
)


@dataclass(frozen=True)
class JudgedPool:
    """What was judged: by case an array (rows, 7).

    The columns are ``PARTS``, the image's slice, and whether its mask had any structure. By slices,
    a row is the mean over the synthetics of a slice, in the image's order; otherwise each synthetic
    of a volume has one. ``training`` says in words how the tools came about.
    """

    rows: dict[str, np.ndarray]
    slices: dict[str, int]
    per_image: int
    training: str

    def of_units(self, places: Sequence[tuple[str, int | None]], samples: int) -> SyntheticView:
        """Return the view of units, each a case and a slice of it (none: the volume)."""
        own = [self.rows[case] for case, _ in places]
        rows = [
            r.mean(axis=0) if index is None else r[index]
            for r, (_, index) in zip(own, places, strict=True)
        ]
        table = np.stack(rows)
        inside = [r[:, 2] * r[:, 4] + r[:, 3] * r[:, 4] for r in own]
        parts = {name: table[:, i] for i, name in enumerate(PARTS)}
        return SyntheticView(
            **parts,
            counts=np.full(len(places), self.per_image),
            unseen=table[:, len(PARTS) + 1] == 0,
            worst_slices=np.array(
                [r[int(i.argmax()), len(PARTS)] for r, i in zip(own, inside, strict=True)], int
            ),
            slice_counts=np.array([self.slices[case] for case, _ in places], int),
            samples=samples,
            training=self.training,
        )


@dataclass(frozen=True)
class _Waiting:
    """Synthetics (N, C, H, W) of slice ``index`` of an image, and whether it shows a structure."""

    pictures: torch.Tensor
    index: int
    shown: bool


class PoolSynthetics:
    """Makes synthetics of candidates by ``spec`` and judges them; cached by tools and image."""

    def __init__(
        self,
        bench: Workbench,
        spec: SyntheticSpec,
        *,
        by_slice: bool,
        progress: Progress = no_progress,
        cancel: Cancel | None = None,
    ) -> None:
        self.bench = bench
        self.by_slice = by_slice
        self.per_image = spec.per_image or (A_SLICE if by_slice else A_VOLUME)
        self.cancel = cancel or Cancel()
        self.progress = between(progress, TRAINING_SHARE, 1.0)
        self.tools = SyntheticTools(
            bench, spec, progress=between(progress, 0.0, TRAINING_SHARE), cancel=self.cancel
        )
        self.spec = self.tools.spec
        self.ranges = PAPER_RANGES if spec.paper else EditRanges()
        if spec.truth and bench.truth is None:
            raise NoTruthError(
                "The paper ranks synthetic images made with the true masks of unlabelled images, "
                "and outside a simulation nobody knows them.",
                path=bench.project.folder,
                remedy="Leave the preset out, or use `activesuggest simulate`.",
            )

    def of(self, cases: Sequence[CaseRow]) -> JudgedPool:
        """Return what is said of each case's synthetics; unusable cases are left out.

        Raises:
            NoModelError, NoLabelError: nothing was trained or labelled yet.
            CancelledError: asked to stop; what is done is kept.
        """
        model = self.bench.model()
        tools = self.tools.tools()
        root = self.tools.root.with_name("judged")
        files = ArrayFiles(root / self._key(tools.digest, model.record.hash))
        found = {c.name: np.array(a) for c in cases if (a := files.load(c)) is not None}
        missing = [c for c in cases if c.name not in found]
        flat = self.tools.bench
        for case, prepared in read_ahead(flat, missing, self.cancel):
            self.progress(len(found), len(cases), f"synthetics of {case.name}")
            self.bench.pauses.give_way()
            if isinstance(prepared, Prepared):
                try:
                    rows = self._judged(case, prepared)
                except ActiveSuggestError as error:
                    if error.kind == "cancelled":
                        raise
                    self.bench.report(case.name, error)
                    continue
                found[case.name] = np.array(files.store(case, rows))
            else:
                self.bench.report(case.name, prepared)
        if missing:
            keep_newest(files.folder, KEPT)
        plane = self.bench.project.plane
        slices = {c.name: c.geometry.shape[c.geometry.plane_axis(plane)] for c in cases
                  if c.geometry}  # fmt: skip
        training = in_words(tools.steps[GAN], tools.judge_steps, tools.trained_on)
        return JudgedPool(found, slices, self.per_image, training)

    def _judged(self, case: CaseRow, prepared: Prepared) -> np.ndarray:
        mask = self._mask(case, prepared)
        of_image = prepared.image_slices()
        if self.by_slice:
            chosen, counts = np.arange(len(of_image)), np.full(len(of_image), self.per_image)
        else:
            chosen, counts = shown_slices(mask[of_image], self.per_image)
        parts: list[np.ndarray] = []
        waiting: list[_Waiting] = []
        for index, count in zip(chosen, counts, strict=True):
            own = int(of_image[index])
            waiting.append(self._made(case, prepared, mask[own], own, int(index), int(count)))
            # Small slices are judged many at once.
            if sum(len(w.pictures) for w in waiting) >= JUDGED_AT_ONCE:
                parts.append(self._rows(waiting))
                waiting = []
        if waiting:
            parts.append(self._rows(waiting))
        return np.concatenate(parts)

    def _made(
        self,
        case: CaseRow,
        prepared: Prepared,
        mask: np.ndarray,
        own: int,
        index: int,
        count: int,
    ) -> _Waiting:
        """Return so many synthetics of prepared slice ``own``, which is ``index`` of the image."""
        rng = np.random.default_rng([self.bench.seed, zlib.crc32(case.name.encode()), own])
        classes = present_classes(mask)
        edits = [draw_edit(classes, self.ranges, rng) for _ in range(count)]
        picture = prepared.array[:, own].numpy()
        synthesiser = self.tools.tools().synthesiser

        def work(limits: Limits) -> torch.Tensor:
            return synthesiser.make(picture, mask, edits, device=limits.device).pictures

        made, self.bench.limits = with_less_memory(work, self.bench.limits, self.bench.hear_memory)
        return _Waiting(made, index, bool(classes))

    def _rows(self, waiting: Sequence[_Waiting]) -> np.ndarray:
        """Return the rows of ``JudgedPool`` of synthetics that wait to be judged."""
        judge = self.tools.tools().judge
        pictures = torch.cat([w.pictures for w in waiting])
        judged = judged_rows(judge.of_slices(pictures, Samples(self.spec.samples)))
        ends = np.cumsum([len(w.pictures) for w in waiting])
        parts = []
        for w, rows in zip(waiting, np.split(judged, ends[:-1]), strict=True):
            kept = rows.mean(axis=0, keepdims=True) if self.by_slice else rows
            facts = np.array([w.index, w.shown], float)
            parts.append(np.column_stack([kept, np.tile(facts, (len(kept), 1))]))
        return np.concatenate(parts)

    def _mask(self, case: CaseRow, prepared: Prepared) -> np.ndarray:
        """Return the mask uint8 (S, H, W) on the grid of the tools: predicted, or the true one."""
        bench, flat = self.bench, self.tools.bench
        assert case.geometry is not None
        if self.spec.truth:
            assert bench.truth is not None
            label = bench.classes.from_values(np.asarray(bench.truth(case.name)))
            return prepare_label(label, case.geometry, flat.plan).numpy()
        same = bench.plan.hash == flat.plan.hash
        seen = prepared if same else bench.load(case)

        def work(limits: Limits) -> torch.Tensor:
            return bench.model().inference.probability(seen.array, limits, cancel=self.cancel)

        probability, bench.limits = with_less_memory(work, bench.limits, bench.hear_memory)
        if same:
            return probability.argmax(dim=0).to(torch.uint8).numpy()
        return prepare_label(restore_labels(probability, seen), case.geometry, flat.plan).numpy()

    def _key(self, digest: str, model: str) -> str:
        facts = {
            "tools": digest,
            "model": model,
            "by_slice": self.by_slice,
            "per_image": self.per_image,
            "samples": self.spec.samples,
            "truth": self.spec.truth,
            "ranges": asdict(self.ranges),
            "seed": self.bench.seed,
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def judged_rows(found: PartStatistics) -> np.ndarray:
    """Return ``PARTS`` of each slice, (S, 5), on the logit scale (eq. 6).

    Plain means over a slice, means weighted by w = 1 − p̄_background, and the mean of w.
    """
    means = [
        found.slice_values(part, aggregator)
        for aggregator in ("mean", "foreground")
        for part in ("epistemic", "aleatoric")
    ]
    mass = found.class_mass.astype(float)
    return np.column_stack([*means, mass[:, 1:].sum(axis=1) / mass.sum(axis=1)])


def shown_slices(mask: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which slices of a mask (S, H, W) get how many of ``count`` synthetics.

    Evenly spaced among the slices with any foreground, or among all where there is none.
    """
    shown = np.flatnonzero(((mask != 0) & (mask != 255)).any(axis=(1, 2)))
    if not len(shown):
        shown = np.arange(len(mask))
    slots = np.round(np.linspace(0, len(shown) - 1, count)).astype(int)
    chosen, counts = np.unique(shown[slots], return_counts=True)
    return chosen, counts


def in_words(gan: int, judge: int, labels: int) -> str:
    """Return how the tools were trained, in words.

    >>> in_words(350, 300, 6)
    'GAN trained 350 steps and Bayesian network 300 on 6 labelled images'
    """
    images = f"{labels} labelled image{'s' if labels != 1 else ''}"
    return f"GAN trained {gan} steps and Bayesian network {judge} on {images}"
