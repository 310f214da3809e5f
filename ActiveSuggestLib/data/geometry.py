"""Geometry: where the voxels of an image lie in the patient, in ITK's LPS millimetres."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import AbsurdSpacingError, SkewedAxesError

PLANES = ("sagittal", "coronal", "axial")
"""The planes, in the order of the physical axis (L, P, S) that stands on each."""

LARGEST_SPACING = 100.0
SMALLEST_SPACING = 1e-4
_TILT_SHOWN = 0.5


@dataclass(frozen=True)
class Geometry:
    """A voxel grid: size, spacing (mm) and origin (mm) as (x, y, z), direction row by row (LPS)."""

    size: tuple[int, int, int]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

    @property
    def shape(self) -> tuple[int, int, int]:
        """The size as an array's shape: (z, y, x)."""
        x, y, z = self.size
        return (z, y, x)

    @property
    def array_spacing(self) -> tuple[float, float, float]:
        """The spacing in mm in the order of the array's axes: (z, y, x)."""
        x, y, z = self.spacing
        return (z, y, x)

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The 4x4 matrix from voxel indices (x, y, z, 1) to LPS millimetres."""
        matrix = np.eye(4)
        matrix[:3, :3] = self._cosines * np.asarray(self.spacing)
        matrix[:3, 3] = self.origin
        return matrix

    @property
    def _cosines(self) -> NDArray[np.float64]:
        return np.asarray(self.direction, dtype=np.float64).reshape(3, 3)

    @property
    def is_left_handed(self) -> bool:
        """Whether the axes form a left-handed system (a mirrored grid)."""
        return bool(np.linalg.det(self._cosines) < 0)

    @property
    def tilt_degrees(self) -> float:
        """The largest angle between an axis of the grid and the body axis nearest to it."""
        nearest = np.abs(self._cosines).max(axis=0).clip(0, 1)
        return float(np.degrees(np.arccos(nearest.min())))

    def plane_axis(self, plane: str) -> int:
        """Return the array axis (0 z, 1 y, 2 x) along which slices of ``plane`` are stacked.

        Each plane gets an axis of its own, the three chosen together. An image of a single slice
        has that slice in every plane.
        """
        single = [axis for axis, n in enumerate(self.shape) if n == 1]
        if len(single) == 1:
            return single[0]
        cosines = np.abs(self._cosines)
        columns = max(
            itertools.permutations(range(3)),
            key=lambda order: sum(cosines[row, column] for row, column in enumerate(order)),
        )
        return 2 - columns[PLANES.index(plane)]

    def matches(self, other: Geometry, tol: float = 1e-3) -> bool:
        """Whether both grids agree: same size, and every corner within ``tol`` of a voxel."""
        return self.size == other.size and self._largest_shift(other) <= tol

    def difference(self, other: Geometry) -> str:
        """Say in words how ``other`` differs from this grid; empty if it does not."""
        parts = []
        if self.size != other.size:
            parts.append(f"size {_times(other.size)} instead of {_times(self.size)} voxels")
        if not np.allclose(self.spacing, other.spacing, rtol=1e-3):
            parts.append(f"spacing {_times(other.spacing)} instead of {_times(self.spacing)} mm")
        if not np.allclose(self.direction, other.direction, atol=1e-3):
            parts.append("axes that point another way")
        shift = float(np.linalg.norm(np.subtract(self.origin, other.origin)))
        if shift > 1e-3 * min(self.spacing):
            parts.append(f"an origin {shift:.4g} mm away")
        if not parts and not self.matches(other):
            parts.append(f"voxels that drift apart by {self._largest_shift(other):.2g} of a voxel")
        return ", ".join(parts)

    def notes(self) -> tuple[str, ...]:
        """Say in words what is unusual about the grid, though usable."""
        notes = []
        if self.tilt_degrees > _TILT_SHOWN:
            notes.append(f"The axes are tilted by {self.tilt_degrees:.1f} degrees.")
        if self.is_left_handed:
            notes.append("The axes are left-handed (a mirrored grid).")
        return tuple(notes)

    def to_dict(self) -> dict[str, Any]:
        """Return a form that JSON can hold."""
        return {
            "size": list(self.size),
            "spacing": list(self.spacing),
            "origin": list(self.origin),
            "direction": list(self.direction),
        }

    @classmethod
    def from_dict(cls, form: dict[str, Any]) -> Geometry:
        """Rebuild a geometry from ``to_dict``."""
        x, y, z = (int(n) for n in form["size"])
        return cls(
            size=(x, y, z),
            spacing=_triple(form["spacing"]),
            origin=_triple(form["origin"]),
            direction=tuple(float(n) for n in form["direction"]),
        )

    @classmethod
    def from_sitk(cls, image: Any) -> Geometry:
        """Take the grid of a SimpleITK image (or reader); 2D gets one slice, 4D its first volume.

        A fourth axis is dropped: whether it may be there is the caller's question.
        """
        size, spacing = list(image.GetSize()), list(image.GetSpacing())
        origin = list(image.GetOrigin())
        n = len(size)
        cosines = np.eye(3)
        kept = min(n, 3)
        cosines[:kept, :kept] = np.reshape(image.GetDirection(), (n, n))[:kept, :kept]
        missing = 3 - kept
        x, y, z = (size + [1] * missing)[:3]
        return cls(
            size=(int(x), int(y), int(z)),
            spacing=_triple((spacing + [1.0] * missing)[:3]),
            origin=_triple((origin + [0.0] * missing)[:3]),
            direction=tuple(float(c) for c in cosines.ravel()),
        )

    def _largest_shift(self, other: Geometry) -> float:
        corners = np.array(list(itertools.product(*[(0, n - 1) for n in self.size])), dtype=float)
        points = np.c_[corners, np.ones(len(corners))] @ (other.matrix - self.matrix).T
        along_axes = points[:, :3] @ np.linalg.inv(self.matrix[:3, :3]).T
        return float(np.abs(along_axes).max())


def check(geometry: Geometry, *, case: str | None = None, path: Any = None) -> None:
    """Raise ``AbsurdSpacingError`` or ``SkewedAxesError`` if the grid cannot be real."""
    for name, spacing, count in zip("xyz", geometry.spacing, geometry.size, strict=True):
        if count == 1 and math.isfinite(spacing) and spacing > 0:
            continue
        if not (math.isfinite(spacing) and SMALLEST_SPACING <= spacing <= LARGEST_SPACING):
            raise AbsurdSpacingError(
                f"The voxel spacing along {name} is {spacing:g} mm.",
                case=case,
                path=path,
                remedy="Correct it in the file's header (in Slicer: Volumes, Volume Information) "
                "and save the image again.",
            )
    if not all(math.isfinite(part) for part in (*geometry.origin, *geometry.direction)):
        raise AbsurdSpacingError(
            "The image's position or axes are not finite numbers.",
            case=case,
            path=path,
            remedy="Export the image again from its source.",
        )
    cosines = np.reshape(geometry.direction, (3, 3))
    if not np.allclose(cosines.T @ cosines, np.eye(3), atol=1e-3):
        raise SkewedAxesError(
            "The image's axes are not at right angles.",
            case=case,
            path=path,
            remedy="Resample it onto a regular grid (in Slicer: Resample Scalar/Vector/DWI Volume)"
            " and use the result.",
        )


def _triple(values: Any) -> tuple[float, float, float]:
    a, b, c = (float(v) for v in values)
    return (a, b, c)


def _times(values: tuple[float, ...] | tuple[int, ...]) -> str:
    return " × ".join(f"{v:g}" for v in values)
