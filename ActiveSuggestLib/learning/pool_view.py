"""The pool as a strategy sees it, over a project and the model in use."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Container, Mapping, Sequence
from functools import cached_property

import numpy as np

from ..data.cases import CaseRow
from ..errors import PoolExhaustedError
from ..models.ensemble import EnsembleSpec, in_words
from ..models.inference import Samples
from ..models.miniatures import of_volumes, principal_components
from ..models.statistics import CaseStatistics
from ..models.synthesis import SyntheticSpec
from ..progress import Cancel, Progress, no_progress
from ..strategies.base import (
    SLICE,
    Appearance,
    ClassView,
    Directions,
    Embeddings,
    EnsembleView,
    Latents,
    LossView,
    PartsView,
    RaceView,
    SyntheticView,
    Unit,
)
from ..strategies.race import RaceSpec
from .appearance import look_at
from .bayesian_network import PoolBayesianNetwork
from .classification import PoolClasses
from .ensembles import PoolEnsemble
from .predicted_loss import PoolLosses
from .racing import PoolRace
from .synthetics import PoolSynthetics
from .truth import true_dice
from .workbench import Workbench

# All who draw by lot draw what ``random`` does, so that a simulation compares them in pairs.
FAIR = "random"
Gather = Callable[[Sequence[CaseRow], Samples], dict[str, CaseStatistics]]
Encode = Callable[[Sequence[CaseRow], str], dict[str, np.ndarray]]
Direct = Callable[[Sequence[CaseRow], Sequence[Unit], str, str], Directions]


class ProjectPool:
    """The candidates of a project as ``strategies.base.PoolView``.

    ``used_model`` tells whether a strategy has looked at anything that the model said.
    """

    def __init__(
        self,
        bench: Workbench,
        candidates: Sequence[CaseRow],
        labelled: Sequence[CaseRow],
        kind: str,
        strategy: str,
        gather: Gather,
        encode: Encode,
        direct: Direct,
        *,
        progress: Progress = no_progress,
        cancel: Cancel | None = None,
    ) -> None:
        self._bench = bench
        self._progress = progress
        self._cancel = cancel
        self._direct = direct
        self._encode = encode
        self._encoded: dict[str, dict[str, np.ndarray]] = {}
        self._cases = {c.name: c for c in candidates}
        self._labelled_cases = {c.name: c for c in labelled if c.geometry and not c.missing}
        self._gather = gather
        self._found: dict[Samples, dict[str, CaseStatistics]] = {}
        self._asked: dict[Samples, set[str]] = {}
        self._ensembles: dict[EnsembleSpec, PoolEnsemble] = {}
        self._bayesian: PoolBayesianNetwork | None = None
        self._worst: dict[str, int] = {}
        self.used_model = False
        self.kind = kind
        plane = bench.project.plane
        self.units: Sequence[Unit] = [u for c in candidates for u in open_units(c, kind, plane)]
        self.started_with = tuple(self.units)
        self.labelled: Sequence[Unit] = [
            u for c in labelled for u in labelled_units(c, kind, plane)
        ]
        done = ",".join(f"{u.case}/{u.slice}" for u in self.labelled)
        self._seeds = {
            drawn_by: [bench.seed, *(zlib.crc32(text.encode()) for text in (drawn_by, done))]
            for drawn_by in (strategy, FAIR)
        }
        self._strategy = strategy

    @property
    def segments(self) -> Sequence[str]:
        """The names of the foreground classes 1, 2, …"""
        return self._bench.classes.names

    @cached_property
    def round(self) -> int:
        """How many trainings had labels that those before had not; 0 while there is no model."""
        if self._bench.model_or_none() is None:
            return 0
        records = self._bench.checkpoints.records()
        return len({tuple(sorted(r.labels.items())) for r in records})

    @property
    def planned_samples(self) -> int:
        """The number of Monte-Carlo samples that the plan foresees."""
        return self._bench.plan.samples

    @property
    def rng(self) -> np.random.Generator:
        """Random numbers that depend on the seed, the strategy and what is labelled."""
        return np.random.default_rng(self._seeds[self._strategy])

    @property
    def fair_rng(self) -> np.random.Generator:
        """Random numbers that depend on the seed and what is labelled, whoever draws by them."""
        return np.random.default_rng(self._seeds[FAIR])

    def statistics(self, samples: Samples) -> UnitStatistics:
        """Gather the statistics of the candidates; unusable ones leave ``units``."""
        found = self._gathered(self._cases, samples)
        self._keep(found)
        return UnitStatistics(self.units, found)

    def embeddings(self, samples: Samples) -> Embeddings:
        """Gather the embeddings of candidates and labelled; unusable ones leave both lists."""
        found = self._gathered({**self._labelled_cases, **self._cases}, samples)
        self._keep(found)
        self.labelled = [u for u in self.labelled if u.case in found]
        candidates = UnitStatistics(self.units, found).embeddings()
        labelled = UnitStatistics(self.labelled, found).embeddings()
        if not len(labelled):
            labelled = np.empty((0, *candidates.shape[1:]))
        return Embeddings(candidates, labelled)

    def _keep(self, usable: Container[str]) -> None:
        """Leave out the units of other cases.

        Raises:
            PoolExhaustedError: no unit is left.
        """
        self.units = [u for u in self.units if u.case in usable]
        if not self.units:
            raise PoolExhaustedError(
                "None of the remaining images can be used.",
                path=self._bench.project.folder,
                remedy="See the excluded cases and their reasons with `activesuggest status`.",
            )

    def _gathered(self, cases: dict[str, CaseRow], samples: Samples) -> dict[str, CaseStatistics]:
        """Return the statistics of cases, asked for once however often a strategy wants them."""
        self.used_model = True
        found = self._found.setdefault(samples, {})
        asked = self._asked.setdefault(samples, set())
        missing = [c for name, c in cases.items() if name not in asked]
        if missing:
            found.update(self._gather(missing, samples))
            asked.update(c.name for c in missing)
        return found

    def worst_slice(self, unit: Unit) -> int | None:
        """Return the slice of a unit to look at first, if what was gathered so far tells."""
        if unit.slice is not None:
            return unit.slice
        known = (found[unit.case] for found in self._found.values() if unit.case in found)
        return next((statistics.worst_slice for statistics in known), self._worst.get(unit.case))

    def latents(self, kind: str) -> Latents:
        """Encode candidates and labelled units; unusable ones leave ``units`` and ``labelled``."""
        if kind not in self._encoded:
            everything = {**self._labelled_cases, **self._cases}
            self._encoded[kind] = self._encode(list(everything.values()), kind)
        found = self._encoded[kind]
        self._keep(found)
        self.labelled = [u for u in self.labelled if u.case in found]
        return Latents(_latent_rows(self.units, found), _latent_rows(self.labelled, found))

    def ensemble(self, spec: EnsembleSpec, *, with_labelled: bool) -> EnsembleView:
        """Run an ensemble over candidates and labelled; unusable ones leave both lists."""
        # An unusable image must not make another ensemble of it half-way.
        if spec not in self._ensembles:
            self._ensembles[spec] = PoolEnsemble(
                self._bench, spec, progress=self._progress, cancel=self._cancel
            )
        ensemble = self._ensembles[spec]
        members = ensemble.members()
        wanted = {**(self._labelled_cases if with_labelled else {}), **self._cases}
        found = ensemble.statistics(list(wanted.values()))
        self._keep(found)
        table = UnitStatistics(self.units, found)
        labelled = np.empty((0, 0), np.float32)
        if with_labelled:
            self.labelled = [u for u in self.labelled if u.case in found]
            labelled = UnitStatistics(self.labelled, found).embeddings()
        training = in_words([m.steps for m in members], ensemble.spec.steps)
        return EnsembleView(table, labelled, len(members), training)

    def race(self, spec: RaceSpec) -> RaceView:
        """Race the candidates for the top; unusable ones leave ``units``."""
        self.used_model = True
        slices: dict[str, list[int]] | None = None
        if self.kind == SLICE:
            slices = {}
            for unit in self.units:
                if unit.slice is not None:
                    slices.setdefault(unit.case, []).append(unit.slice)
        running = PoolRace(self._bench, spec, progress=self._progress, cancel=self._cancel)
        result, found = running.run(list(self._cases.values()), slices)
        self._keep(result.estimates)
        places = {c: {s: i for i, s in enumerate(own)} for c, own in (slices or {}).items()}
        rows = [(u.case, 0 if u.slice is None else places[u.case][u.slice]) for u in self.units]
        whole = max(1, spec.samples * len(result.estimates))
        return RaceView(
            UnitStatistics(self.units, found),
            np.array([result.estimates[case][i] for case, i in rows]),
            np.array([result.drawn[case] for case, _ in rows], int),
            np.array([result.confidence[case][i] for case, i in rows]),
            result.places,
            result.passes / whole,
        )

    def predicted_losses(self) -> LossView:
        """Learn the loss on the labels and predict it; unusable candidates leave ``units``."""
        self.used_model = True
        losses = PoolLosses(self._bench, progress=self._progress, cancel=self._cancel)
        found = losses.of(list(self._cases.values()))
        self._keep(found.slices)
        own = [found.slices[u.case] for u in self.units]
        values = [
            float(s.mean()) if u.slice is None else float(s[u.slice])
            for u, s in zip(self.units, own, strict=True)
        ]
        worst = np.array([int(s.argmax()) for s in own], int)
        counts = np.array([len(s) for s in own], int)
        return LossView(np.array(values), worst, counts, found.right_pairs, found.trained_on)

    def bayesian(self, samples: Samples) -> PartsView:
        """Run the Bayesian network over the candidates; unusable ones leave ``units``."""
        self.used_model = True
        if self._bayesian is None:
            self._bayesian = PoolBayesianNetwork(
                self._bench, progress=self._progress, cancel=self._cancel
            )
        found = self._bayesian.of(list(self._cases.values()), samples)
        self._keep(found)
        return PartsView(UnitStatistics(self.units, found), self._bayesian.in_words())

    def class_uncertainty(self, *, samples: int) -> ClassView:
        """Learn the classes of whole images; unusable candidates leave ``units``."""
        self.used_model = True
        classes = PoolClasses(self._bench, progress=self._progress, cancel=self._cancel)
        found = classes.of(list(self._cases.values()), samples=samples)
        self._keep(found.cases)
        place = {case: row for row, case in enumerate(found.cases)}
        rows = [place[u.case] for u in self.units]
        return ClassView(
            found.uncertainty.epistemic[rows],
            found.uncertainty.aleatoric[rows],
            found.uncertainty.probability[rows],
            found.names,
            found.trained_on,
            found.auc,
            found.held_out,
        )

    def synthetics(self, spec: SyntheticSpec) -> SyntheticView | None:
        """Make synthetics of the candidates and judge them; unusable ones leave ``units``."""
        made = PoolSynthetics(
            self._bench,
            spec,
            by_slice=self.kind == SLICE,
            progress=self._progress,
            cancel=self._cancel,
        )
        if self._bench.model_or_none() is None:
            return None
        self.used_model = True
        found = made.of(list(self._cases.values()))
        self._keep(found.rows)
        view = found.of_units([(u.case, u.slice) for u in self.units], made.spec.samples)
        worst = zip(self.units, view.worst_slices.tolist(), strict=True)
        self._worst.update({u.case: int(index) for u, index in worst})
        return view

    def true_dice(self) -> np.ndarray | None:
        """Compare the predictions with the truth; unusable candidates leave ``units``."""
        rows = list(self._cases.values()) if self._bench.model_or_none() is not None else []
        found = true_dice(self._bench, rows, progress=self._progress, cancel=self._cancel)
        if not rows:
            return None
        self.used_model = True
        self._keep(found)
        return np.array(
            [
                found[u.case].volume if u.slice is None else found[u.case].slices[u.slice]
                for u in self.units
            ]
        )

    def appearance(self) -> Appearance:
        """Look at a part of the pool, or all; unusable cases leave ``units`` and ``labelled``."""
        known = {**self._labelled_cases, **self._cases}
        look = look_at(
            self._bench,
            list(known.values()),
            np.random.default_rng(self._bench.seed),
            progress=self._progress,
            cancel=self._cancel,
        )
        self._keep(known.keys() - look.unusable)
        self.labelled = [u for u in self.labelled if u.case not in look.unusable]
        seen = np.array([u.case in look.miniatures for u in self.units], bool)
        units = [u for u in (*self.units, *self.labelled) if u.case in look.miniatures]
        rows = _miniature_rows(units, look.miniatures)
        points = principal_components(rows, np.random.default_rng(self._bench.seed))
        candidates = np.zeros((len(self.units), points.shape[1]), np.float32)
        candidates[seen] = points[: seen.sum()]
        return Appearance(candidates, seen, points[seen.sum() :], len(look.miniatures))

    def directions(self, kind: str, mode: str) -> Directions:
        """Move the newest labelled units along their loss gradient."""
        cases = [self._labelled_cases[name] for name in sorted({u.case for u in self.labelled})]
        return self._direct(cases, self.labelled, kind, mode)


class UnitStatistics:
    """One row a unit, from the statistics of their volumes."""

    def __init__(self, units: Sequence[Unit], cases: Mapping[str, CaseStatistics]) -> None:
        self._units = units
        self._cases = cases

    def values(self, measure: str, aggregator: str) -> np.ndarray:
        """Return one number a unit, (N,)."""
        return self._rows(
            lambda s: s.value(measure, aggregator), lambda s: s.slice_values(measure, aggregator)
        )

    def worst_slices(self) -> np.ndarray:
        """Return the most uncertain slice of each unit's volume, (N,)."""
        return np.array([self._cases[u.case].worst_slice for u in self._units], int)

    def slice_counts(self) -> np.ndarray:
        """Return how many slices each unit's volume has, (N,); a picture has one."""
        return np.array([len(self._cases[u.case].slices) for u in self._units], int)

    def embeddings(self) -> np.ndarray:
        """Return the bottleneck embedding of each unit, (N, E)."""
        return self._rows(lambda s: s.embedding, lambda s: s.slice_embeddings)

    def foreground_shares(self) -> np.ndarray:
        """Return the predicted share of foreground voxels of each unit, (N,)."""
        mass = self.class_mass()
        return 1.0 - mass[:, 0] / np.maximum(mass.sum(axis=1), 1e-12)

    def class_entropy(self) -> np.ndarray:
        """Return Σ_v PE·p̄_c of each unit, (N, C)."""
        return self._rows(lambda s: s.class_entropy.sum(axis=0), lambda s: s.class_entropy)

    def class_mass(self) -> np.ndarray:
        """Return Σ_v p̄_c in voxels of the network's grid of each unit, (N, C)."""
        return self._rows(lambda s: s.class_mass.sum(axis=0), lambda s: s.class_mass)

    def _rows(
        self,
        of_volume: Callable[[CaseStatistics], float | np.ndarray],
        of_slices: Callable[[CaseStatistics], np.ndarray],
    ) -> np.ndarray:
        by_case: dict[str, np.ndarray] = {}
        rows = []
        for unit in self._units:
            if unit.slice is None:
                rows.append(of_volume(self._cases[unit.case]))
                continue
            if unit.case not in by_case:
                by_case[unit.case] = of_slices(self._cases[unit.case])
            rows.append(by_case[unit.case][unit.slice])
        return np.asarray(rows, dtype=float)


def _latent_rows(units: Sequence[Unit], latents: dict[str, np.ndarray]) -> np.ndarray:
    """Return one latent a unit, (N, d): a slice's own, a volume's mean over its slices."""
    size = next((z.shape[1] for z in latents.values()), 0)
    rows = np.empty((len(units), size), np.float32)
    for row, unit in zip(rows, units, strict=True):
        z = latents[unit.case]
        row[:] = z.mean(axis=0) if unit.slice is None else z[unit.slice]
    return rows


def _miniature_rows(units: Sequence[Unit], miniatures: dict[str, np.ndarray]) -> np.ndarray:
    """Return what each unit looks like, (N, D): a slice's miniature, or a volume's blocks."""
    if not units:
        return np.empty((0, 0), np.float32)
    if units[0].slice is None:
        return of_volumes([miniatures[u.case] for u in units])
    return np.stack([miniatures[u.case][u.slice].ravel() for u in units])


def open_units(case: CaseRow, kind: str, plane: str) -> list[Unit]:
    """Return the units of a case that are not labelled yet."""
    if kind != SLICE:
        return [Unit(case.name, case.patient)]
    done = set(case.labelled_slices or ())
    return [u for u in _slices(case, plane) if u.slice not in done]


def labelled_units(case: CaseRow, kind: str, plane: str) -> list[Unit]:
    """Return the units of a labelled case that are labelled."""
    if kind != SLICE:
        return [Unit(case.name, case.patient)]
    if case.labelled_slices is None:
        return _slices(case, plane)
    done = set(case.labelled_slices)
    return [u for u in _slices(case, plane) if u.slice in done]


def _slices(case: CaseRow, plane: str) -> list[Unit]:
    assert case.geometry is not None
    axis = case.geometry.plane_axis(plane)
    step = case.geometry.array_spacing[axis]
    return [
        Unit(case.name, case.patient, index, index * step)
        for index in range(case.geometry.shape[axis])
    ]
