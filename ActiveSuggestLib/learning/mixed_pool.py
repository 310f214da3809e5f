"""A project's volumes and slices as one pool, for the ranking by gain and effort."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..models.inference import Samples
from ..strategies.base import Unit
from ..strategies.mixed import Contents, LabelTime, slice_worth
from .pool_view import ProjectPool
from .workbench import Workbench

WHOLE, SOME = "label_volume", "label_slices"


class MixedPool:
    """The candidates of both kinds as ``strategies.mixed.MixedPoolView``."""

    def __init__(self, bench: Workbench, volumes: ProjectPool | None, slices: ProjectPool) -> None:
        self._bench = bench
        self.volumes = volumes
        self.slices = slices
        self.used_model = True

    @property
    def units(self) -> Sequence[Unit]:
        """The volumes, then the slices."""
        whole = self.volumes.units if self.volumes is not None else []
        return [*whole, *self.slices.units]

    def worst_slice(self, unit: Unit) -> int | None:
        """Return the slice to look at first: the unit's own, or a volume's most uncertain one."""
        # The statistics were gathered for the slices.
        return self.slices.worst_slice(unit)

    def keep_common(self) -> None:
        """Leave out of both views what is unusable in one of them."""
        # What lies in a unit is asked for next, and drops what cannot be read.
        self.slices.statistics(self._samples)
        if self.volumes is None:
            return
        gone = {u.case for u in self.volumes.started_with} - {u.case for u in self.volumes.units}
        self.slices.units = [u for u in self.slices.units if u.case not in gone]
        left = {u.case for u in self.slices.units}
        self.volumes.units = [u for u in self.volumes.units if u.case in left]

    def contents(self) -> Contents:
        """Return what lies in each unit, from the same statistics for both kinds."""
        units = self.slices.units
        table = self.slices.statistics(self._samples)
        pixels = self._pixels(units)
        in_foreground = table.class_entropy()[:, 1:].sum(axis=1)
        entropy = 0.5 * (table.values("entropy", "sum") + in_foreground) * pixels
        wrong = table.values("least_confidence", "sum") * pixels
        ones = np.ones(len(units))
        parts = [np.stack([entropy, wrong, ones])]
        if self.volumes is not None:
            rows: dict[str, list[int]] = {}
            for i, unit in enumerate(units):
                rows.setdefault(unit.case, []).append(i)
            worth = [self._worth(u.case) for u in self.volumes.units]
            whole = [
                [w * entropy[rows[u.case]].sum(), wrong[rows[u.case]].sum(), len(rows[u.case])]
                for u, w in zip(self.volumes.units, worth, strict=True)
            ]
            parts.insert(0, np.array(whole, float).reshape(-1, 3).T)
        found = np.concatenate(parts, axis=1)
        return Contents(found[0], found[1], found[2])

    def label_times(self) -> list[LabelTime]:
        """Return the timed labels of the journal; a volume has as many slices as its image."""
        project = self._bench.project
        slices = {
            c.name: c.geometry.shape[c.geometry.plane_axis(project.plane)]
            for c in project.cases()
            if c.geometry
        }
        whole = [
            LabelTime(t.seconds, slices[t.case], True)
            for t in project.timings(WHOLE)
            if t.case in slices
        ]
        return whole + [LabelTime(t.seconds, int(t.amount), False) for t in project.timings(SOME)]

    @property
    def _samples(self) -> Samples:
        return Samples(self._bench.plan.samples)

    def _worth(self, case: str) -> float:
        geometry = self._bench.project.case(case).geometry
        assert geometry is not None
        axis = geometry.plane_axis(self._bench.project.plane)
        return slice_worth(float(geometry.array_spacing[axis]))

    def _pixels(self, units: Sequence[Unit]) -> np.ndarray:
        """Return how many pixels of the image one of the network's grid stands for, (N,)."""
        plan, plane = self._bench.plan, self._bench.project.plane
        factors: dict[str, float] = {}
        for unit in units:
            if unit.case not in factors:
                geometry = self._bench.project.case(unit.case).geometry
                assert geometry is not None
                axis = geometry.plane_axis(plane)
                spacing = [s for a, s in enumerate(geometry.array_spacing) if a != axis]
                factors[unit.case] = float(np.prod(plan.spacing[1:]) / np.prod(spacing))
        return np.array([factors[u.case] for u in units])
