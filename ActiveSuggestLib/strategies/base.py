"""What a strategy is given, and what it returns.

A strategy scores and selects; it does not load, train or save. It sees the pool through
``PoolView`` and returns numbers and reasons. Adding one is a file and a line in the registry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..models.ensemble import EnsembleSpec
from ..models.inference import Samples
from ..models.synthesis import SyntheticSpec
from .diversity import pick_diverse
from .race import RaceSpec

VOLUME, SLICE, MIXED = "volume", "slice", "mixed"


@dataclass(frozen=True)
class Unit:
    """One thing that can be labelled: a volume, or one slice of it.

    ``slice`` is the image's slice index along the project's plane, ``position`` its place along
    the plane's normal in mm; both mean nothing for a volume.
    """

    case: str
    patient: str
    slice: int | None = None
    position: float = 0.0


@dataclass(frozen=True)
class Scores:
    """One score a unit, the higher the sooner to label, with reasons that a person reads."""

    values: np.ndarray
    reasons: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Suggestion:
    """A unit that is worth labelling next, and why.

    ``worst_slice`` is the slice to look at first: the most uncertain one of a volume, where the
    strategy asked the model, or the slice itself; ``None`` if nothing tells.
    """

    rank: int
    case: str
    slice: int | None
    score: float
    reasons: tuple[str, ...]
    strategy: str
    patient: str
    worst_slice: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-able form."""
        return {**vars(self), "reasons": list(self.reasons)}

    def to_row(self) -> dict[str, Any]:
        """Return what a table of scores has of it: rank, case, slice, patient, score, reasons."""
        return {
            "rank": self.rank,
            "case": self.case,
            "slice": self.slice,
            "patient": self.patient,
            "score": self.score,
            "reasons": " ".join(self.reasons),
        }


@dataclass(frozen=True)
class Pick:
    """A selected unit, with the reasons that only the selection knows."""

    index: int
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Embeddings:
    """Bottleneck embeddings of the candidates (N, E) and of what is labelled (M, E).

    Rows in the order of ``PoolView.units`` and ``PoolView.labelled``.
    """

    candidates: np.ndarray
    labelled: np.ndarray


@dataclass(frozen=True)
class Latents:
    """Autoencoder latents, float32: ``candidates`` (N, d) as ``PoolView.units``, and ``labelled``.

    ``labelled`` (M, d) are in the order of ``PoolView.labelled``. A volume's is the mean over its
    slices.
    """

    candidates: np.ndarray
    labelled: np.ndarray


@dataclass(frozen=True)
class Appearance:
    """What units look like, of as much of the pool as is quickly read, float32.

    ``seen`` (N,) tells which of ``candidates`` (N, d) are there; the rest are zero. ``labelled``
    (M, d) are those of ``PoolView.labelled`` that were read; ``images`` is how many images were.
    """

    candidates: np.ndarray
    seen: np.ndarray
    labelled: np.ndarray
    images: int


@dataclass(frozen=True)
class Directions:
    """Labelled units of last round as rows of ``PoolView.labelled`` (m,), the highest loss first.

    ``starts`` and ``ends`` (m, d) are z and z', where the loss gradient moves z; ``losses`` (m,).
    """

    rows: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    losses: np.ndarray


class StatisticsTable(Protocol):
    """Monte-Carlo statistics of the candidate units, rows in the order of ``PoolView.units``."""

    def values(self, measure: str, aggregator: str) -> np.ndarray:
        """Return one number a unit, (N,)."""
        ...

    def worst_slices(self) -> np.ndarray:
        """Return the most uncertain slice of each unit's volume, (N,)."""
        ...

    def slice_counts(self) -> np.ndarray:
        """Return how many slices each unit's volume has, (N,); a picture has one."""
        ...

    def embeddings(self) -> np.ndarray:
        """Return the bottleneck embedding of each unit, (N, E)."""
        ...

    def foreground_shares(self) -> np.ndarray:
        """Return the predicted share of foreground voxels of each unit, (N,)."""
        ...

    def class_entropy(self) -> np.ndarray:
        """Return Σ_v PE·p̄_c of each unit, (N, C)."""
        ...

    def class_mass(self) -> np.ndarray:
        """Return Σ_v p̄_c in voxels of the network's grid of each unit, (N, C)."""
        ...


@dataclass(frozen=True)
class EnsembleView:
    """What an ensemble finds in the candidates, and how its members were trained.

    ``labelled`` (M, E) are the descriptors of ``PoolView.labelled``; those of the candidates are
    the table's embeddings. ``training`` says in words what the members have learnt.
    """

    table: StatisticsTable
    labelled: np.ndarray
    members: int
    training: str


@dataclass(frozen=True)
class RaceView:
    """How a race for the top k ended, rows in the order of ``PoolView.units``.

    ``values`` (N,): the variance with all samples, or what it is expected to be; ``drawn`` (N,):
    the samples it rests on; ``confidence`` (N,): how sure it is that a unit is not among the top
    ``places``; ``share``: the passes made of those that all samples would have taken.
    """

    table: StatisticsTable
    values: np.ndarray
    drawn: np.ndarray
    confidence: np.ndarray
    places: int
    share: float


@dataclass(frozen=True)
class LossView:
    """The predicted loss of each unit, (N,), in the order of ``PoolView.units``; higher is worse.

    ``worst_slices`` and ``slice_counts`` (N,) are of each unit's volume; ``right_pairs`` is the
    share of pairs of labelled slices left out that were ordered rightly (NaN if not known).
    """

    values: np.ndarray
    worst_slices: np.ndarray
    slice_counts: np.ndarray
    right_pairs: float
    trained_on: int


@dataclass(frozen=True)
class PartsView:
    """What the Bayesian network finds in the candidates.

    The ``table`` also has the measures ``epistemic``, ``aleatoric`` and ``total``, on the logit
    scale. ``training`` says in words how the network was trained.
    """

    table: StatisticsTable
    training: str


@dataclass(frozen=True)
class ClassView:
    """How unsure the class of each unit's whole image is, rows in the order of ``PoolView.units``.

    ``epistemic`` and ``aleatoric`` (N,) on the logit scale, ``probability`` (N, C) of the classes
    ``names``; ``auc``, one against the rest, is on ``held_out`` patients (NaN if not known).
    """

    epistemic: np.ndarray
    aleatoric: np.ndarray
    probability: np.ndarray
    names: Sequence[str]
    trained_on: int
    auc: float
    held_out: int


@dataclass(frozen=True)
class SyntheticView:
    """What a Bayesian network makes of synthetics, (N,) each, in the order of ``PoolView.units``.

    ``epistemic`` and ``aleatoric`` are means over the synthetics of a unit and their pixels, on the
    logit scale; the ``…_foreground`` ones over the predicted structures, whose share of the area is
    ``foreground``. ``counts`` synthetics were made; ``unseen`` has no structure in its mask.
    ``worst_slices`` and ``slice_counts`` are of each unit's volume. ``training`` says in words what
    the networks have learnt.
    """

    epistemic: np.ndarray
    aleatoric: np.ndarray
    epistemic_foreground: np.ndarray
    aleatoric_foreground: np.ndarray
    foreground: np.ndarray
    counts: np.ndarray
    unseen: np.ndarray
    worst_slices: np.ndarray
    slice_counts: np.ndarray
    samples: int
    training: str


class PoolView(Protocol):
    """The pool as a strategy sees it. Nothing here writes.

    ``units`` are the candidates. A unit whose image turns out to be unusable when the statistics
    are gathered is dropped from ``units`` (and from ``labelled`` when the embeddings are), so
    gather first and look at ``units`` after.
    """

    @property
    def units(self) -> Sequence[Unit]:
        """The candidates, by case name and slice."""
        ...

    @property
    def labelled(self) -> Sequence[Unit]:
        """What is labelled already, in the same kind of unit."""
        ...

    @property
    def kind(self) -> str:
        """``volume`` or ``slice``."""
        ...

    @property
    def rng(self) -> np.random.Generator:
        """Random numbers that depend on the seed, the strategy and what is labelled."""
        ...

    @property
    def fair_rng(self) -> np.random.Generator:
        """Random numbers that depend on the seed and what is labelled, whoever draws by them."""
        ...

    @property
    def segments(self) -> Sequence[str]:
        """The names of the foreground classes 1, 2, …"""
        ...

    @property
    def round(self) -> int:
        """How many trainings had labels that those before had not; 0 while there is no model."""
        ...

    @property
    def planned_samples(self) -> int:
        """The number of Monte-Carlo samples that the plan foresees."""
        ...

    def statistics(self, samples: Samples) -> StatisticsTable:
        """Gather the statistics of all candidates; cached by model, plan and image."""
        ...

    def embeddings(self, samples: Samples) -> Embeddings:
        """Gather the embeddings of candidates and labelled units through the same cache."""
        ...

    def latents(self, kind: str) -> Latents:
        """Encode the pool by an autoencoder (``models.autoencoder_plan``) trained on it once.

        Units whose image turns out to be unusable leave ``units`` and ``labelled``.
        """
        ...

    def ensemble(self, spec: EnsembleSpec, *, with_labelled: bool) -> EnsembleView:
        """Train an ensemble on the labels, or take the one that is kept, and run it over the pool.

        Descriptors of what is labelled are gathered only ``with_labelled``.
        """
        ...

    def race(self, spec: RaceSpec) -> RaceView:
        """Sample volumes under dropout only while one of their units can reach the top."""
        ...

    def predicted_losses(self) -> LossView:
        """Learn the model's loss on the labels and predict it for the candidates."""
        ...

    def synthetics(self, spec: SyntheticSpec) -> SyntheticView | None:
        """Make synthetics of the candidates and judge them; none without a model.

        Raises:
            NoTruthError: ``spec.truth``, and this is no simulation.
        """
        ...

    def bayesian(self, samples: Samples) -> PartsView:
        """Train the Bayesian network, or take the one that is kept, and run it over the pool."""
        ...

    def class_uncertainty(self, *, samples: int) -> ClassView:
        """Learn the classes of whole images and tell how unsure those of the candidates are.

        Raises:
            NoClassError: fewer than two classes have a case to learn from.
        """
        ...

    def true_dice(self) -> np.ndarray | None:
        """Return the true Dice of the model's prediction of each unit, (N,); none without a model.

        Raises:
            NoTruthError: this is no simulation.
        """
        ...

    def appearance(self) -> Appearance:
        """Look at as much of the pool as is quickly read, by patients drawn at random.

        Units whose image turns out to be unusable leave ``units`` and ``labelled``.
        """
        ...

    def directions(self, kind: str, mode: str) -> Directions:
        """Move the newest labelled units along their loss gradient (``models.latent_gradient``)."""
        ...


class Strategy(Protocol):
    """Decides what is worth labelling next.

    One that has an attribute ``target`` with the value ``"class"`` decides what to classify next:
    its candidates are the images without a class, and ``PoolView.labelled`` are those with one.

    One that needs latents after the first training may name their kind as ``autoencoder``: a
    simulation in which each strategy chooses its own first labels makes them once for all.
    """

    name: str
    summary: str
    needs_model: bool

    def score(self, pool: PoolView) -> Scores:
        """Score every unit of the pool."""
        ...

    def select(
        self, pool: PoolView, scores: Scores, allowed: np.ndarray, count: int
    ) -> Sequence[int | Pick]:
        """Return the units to suggest, best first, by index or with reasons of their own.

        ``allowed`` (N,) is false for units that someone else is labelling just now.
        """
        ...


class RankingStrategy:
    """A strategy that takes the highest scores under the diversity constraints."""

    name = ""
    summary = ""
    needs_model = True

    def select(
        self, pool: PoolView, scores: Scores, allowed: np.ndarray, count: int
    ) -> Sequence[int | Pick]:
        """Return the best ``count`` units: no patient twice unless no other is left."""
        order = ranking(scores.values)
        order = [i for i in order if allowed[i]]
        return pick_diverse(order, pool.units, pool.labelled, count)


def ranking(values: np.ndarray) -> list[int]:
    """Return indices by falling value, ties by index.

    >>> ranking(np.array([1.0, 3.0, 3.0]))
    [1, 2, 0]
    """
    return [int(i) for i in np.argsort(-np.asarray(values, float), kind="stable")]
