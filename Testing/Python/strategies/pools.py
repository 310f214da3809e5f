"""Pools whose statistics are known."""

from __future__ import annotations

import numpy as np

from ActiveSuggestLib.learning.pool_view import UnitStatistics
from ActiveSuggestLib.models.statistics import AGGREGATORS, MEASURES, CaseStatistics
from ActiveSuggestLib.strategies.base import Appearance, Unit


def statistics(values, slices=3, measure="variance", mass=None, class_entropy=None):
    """Return the statistics of a case by ``values``: aggregator → value; slice 1 has twice that.

    ``mass`` (S, C) is Σ_v p̄_c of each slice; without it all classes have the same. So it is with
    ``class_entropy`` (S, C), Σ_v PE·p̄_c.
    """
    volume = np.zeros((len(MEASURES), len(AGGREGATORS)))
    for name, value in values.items():
        volume[MEASURES.index(measure), AGGREGATORS.index(name)] = value
    by_slice = np.zeros((slices, *volume.shape), np.float32)
    by_slice[:] = volume
    by_slice[1:2] *= 2
    mass = np.ones((slices, 3)) if mass is None else np.asarray(mass, float)
    entropy = np.ones((slices, 3)) if class_entropy is None else np.asarray(class_entropy, float)
    return CaseStatistics(volume, by_slice, entropy, mass, np.zeros(4), np.zeros((slices, 4)))


def volumes(*patients):
    """Return one volume a name of a patient."""
    return [Unit(f"c{i:03d}", p) for i, p in enumerate(patients)]


def slices(case, indices, spacing=1.0):
    """Return slices of a case, which is its own patient."""
    return [Unit(case, case, i, i * spacing) for i in indices]


class Pool:
    """A pool view over given statistics."""

    planned_samples, segments, round = 20, ("ball", "core"), 1

    def __init__(self, cases, units=None, seed=0, labelled=()):
        self.cases = cases
        self.units = units or [Unit(c, c) for c in cases]
        self.kind = "volume" if self.units[0].slice is None else "slice"
        self.labelled = list(labelled)
        self.seed = seed
        self.asked = []
        self.looks = None

    @property
    def rng(self):
        return np.random.default_rng(self.seed)

    fair_rng = rng

    def appearance(self):
        """Return ``looks``, or that everything looks the same."""
        looks = np.zeros((len(self.units), 1)) if self.looks is None else self.looks
        return Appearance(
            looks, np.ones(len(looks), bool), np.zeros((0, looks.shape[1])), len(looks)
        )

    def statistics(self, samples):
        self.asked.append(samples)
        return UnitStatistics(self.units, self.cases)
