"""One slice of a case with what the model proposed, where it was unsure, and the truth."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..data.geometry import Geometry
from ..data.store import atomic_write
from ..models.orientation import orientation_of


@dataclass(frozen=True)
class Picture:
    """Arrays (row, column) of one slice, seen from the feet (axial) or from the front or left.

    ``image`` is 0 to 1, or (row, column, 3) in colour; labels hold segment values;
    ``uncertainty`` is in the model's own unit. ``aspect`` is the height of a pixel over its width.
    """

    image: np.ndarray
    truth: np.ndarray
    proposal: np.ndarray | None
    uncertainty: np.ndarray | None
    aspect: float
    slice: int

    def save(self, path: Path) -> None:
        """Write the picture as a compressed .npz file, whole or not at all."""
        arrays: dict[str, np.ndarray] = {
            "image": self.image.astype(np.float16),
            "truth": self.truth,
            "aspect": np.array(self.aspect),
            "slice": np.array(self.slice),
        }
        if self.proposal is not None:
            arrays["proposal"] = self.proposal
        if self.uncertainty is not None:
            arrays["uncertainty"] = self.uncertainty.astype(np.float32)
        atomic_write(path, functools.partial(_write_arrays, arrays))

    @classmethod
    def load(cls, path: Path) -> Picture:
        """Read what ``save`` wrote."""
        with np.load(path) as arrays:
            return cls(
                image=arrays["image"].astype(np.float32),
                truth=arrays["truth"],
                proposal=arrays.get("proposal"),
                uncertainty=arrays.get("uncertainty"),
                aspect=float(arrays["aspect"]),
                slice=int(arrays["slice"]),
            )


def take_picture(
    image: np.ndarray,
    geometry: Geometry,
    plane: str,
    index: int,
    *,
    truth: np.ndarray,
    proposal: np.ndarray | None = None,
    uncertainty: np.ndarray | None = None,
) -> Picture:
    """Cut slice ``index`` of ``plane`` out of an image (C, z, y, x) and its maps (z, y, x)."""
    orientation = orientation_of(geometry, plane)
    axes, spacing = orientation.axes, geometry.array_spacing

    def cut(array: np.ndarray) -> np.ndarray:
        oriented = orientation.apply(array)
        row = int(np.flatnonzero(orientation.slice_indices(geometry.shape[axes[0]]) == index)[0])
        flat = oriented[..., row, :, :]
        # Rows run to the patient's back in axial slices, but to the head in the others.
        return np.ascontiguousarray(flat if plane == "axial" else flat[..., ::-1, :])

    return Picture(
        image=_shown(cut(image)),
        truth=cut(truth),
        proposal=None if proposal is None else cut(proposal),
        uncertainty=None if uncertainty is None else cut(uncertainty),
        aspect=float(spacing[axes[1]] / spacing[axes[2]]),
        slice=index,
    )


def fullest_slice(label: np.ndarray, geometry: Geometry, plane: str) -> int:
    """Return the slice of ``plane`` that shows the largest labelled area (the middle if none)."""
    axis = geometry.plane_axis(plane)
    area = np.count_nonzero(label, axis=tuple(a for a in range(3) if a != axis))
    return int(np.argmax(area)) if area.any() else label.shape[axis] // 2


def _shown(channels: np.ndarray) -> np.ndarray:
    """Scale to 0 … 1; three channels of 0 … 255 stay a colour picture, others show the first."""
    if len(channels) == 3 and channels.min() >= 0 and channels.max() <= 255:
        return np.moveaxis(channels, 0, -1) / np.float32(255)
    low, high = np.percentile(channels[0], [0.5, 99.5])
    return np.clip((channels[0] - low) / max(float(high - low), 1e-6), 0, 1).astype(np.float32)


def _write_arrays(arrays: Mapping[str, np.ndarray], path: Path) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
