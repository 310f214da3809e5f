"""What has been labelled, counted in every currency a budget may have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..data.geometry import Geometry
from ..data.project import Project

Foreground = Callable[[str], np.ndarray]


@dataclass(frozen=True)
class Spent:
    """Labels of a project: cases, slices, revealed pixels, and those that are foreground.

    A volume's pixels are its voxels. Foreground is what a person really outlines: background
    between structures costs next to nothing (nnActive, Lüth et al., TMLR 2025).
    """

    volume: int
    slice: int
    pixel: int
    foreground: int


def spent(project: Project, foreground: Foreground) -> Spent:
    """Count the labels of a project.

    ``foreground(case)`` gives the true foreground pixels of each slice of a case, (S,).
    """
    cases = slices = pixels = inside = 0
    for row in project.cases("labelled"):
        if row.geometry is None:
            continue
        by_slice = foreground(row.name)
        known = range(len(by_slice)) if row.labelled_slices is None else row.labelled_slices
        cases += 1
        slices += len(known)
        pixels += len(known) * slice_pixels(row.geometry, project.plane)
        inside += int(by_slice[list(known)].sum())
    return Spent(cases, slices, pixels, inside)


def slice_pixels(geometry: Geometry, plane: str) -> int:
    """Return how many pixels one slice has."""
    return int(np.prod(geometry.shape)) // geometry.shape[geometry.plane_axis(plane)]


def unit_cost(geometry: Geometry, plane: str, index: int | None, currency: str) -> int:
    """Return what labelling a volume (``index`` is ``None``) or a slice of it costs."""
    slices = 1 if index is not None else geometry.shape[geometry.plane_axis(plane)]
    if currency == "pixel":
        return slices * slice_pixels(geometry, plane)
    return slices if currency == "slice" else 1


def affordable(costs: Sequence[int], budget: int) -> int:
    """Return how many of the first units the budget pays for, at least one if there is any.

    >>> affordable([4, 4, 4], 9), affordable([40], 9)
    (2, 1)
    """
    if not costs:
        return 0
    return max(1, int(np.searchsorted(np.cumsum(costs), budget, side="right")))


def most_units(costs: Iterable[int], budget: int) -> int:
    """Return how many of the cheapest units a budget can pay for, at least one.

    >>> most_units([5, 2, 2], 4)
    2
    """
    return affordable(sorted(costs), budget) or 1
