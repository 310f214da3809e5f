"""A slice as a small picture, with the model's uncertainty as heat and its proposal as outlines."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.formats.itk import quiet_itk
from ..models.orientation import orientation_of

if TYPE_CHECKING:
    from ..data.geometry import Geometry

LONGEST = 192
SHORTEST = 16
GREY_PERCENTILES = (1.0, 99.5)
HEAT = np.array(
    [(70, 10, 110), (190, 50, 80), (245, 130, 30), (250, 225, 80)], np.float32
)  # From a little to very uncertain.
HEAT_FROM = 0.15
HEAT_OPACITY = 0.75


def display_slice(array: np.ndarray, geometry: Geometry, plane: str, index: int) -> np.ndarray:
    """Return slice ``index`` along ``plane`` of an array (z, y, x) as radiologists look at it.

    Rows run down (to posterior, or to inferior), columns to the right (to left, or to posterior),
    as in Slicer's slice views.
    """
    orientation = orientation_of(geometry, plane)
    first, second, third = orientation.axes
    face = np.take(array, index, axis=first)
    if second > third:
        face = face.T
    rows, columns = orientation.flips[1:]
    face = face[:: -1 if rows else 1, :: -1 if columns else 1]
    return face if plane == "axial" else face[::-1]


def display_extent(geometry: Geometry, plane: str) -> tuple[float, float]:
    """Return the height and width in mm of what ``display_slice`` returns."""
    axes = orientation_of(geometry, plane).axes
    lengths = [geometry.shape[a] * geometry.array_spacing[a] for a in axes[1:]]
    return lengths[0], lengths[1]


def render(
    grey: np.ndarray,
    extent: tuple[float, float],
    *,
    heat: np.ndarray | None = None,
    labels: np.ndarray | None = None,
    colors: Mapping[int, tuple[float, float, float]] | None = None,
) -> np.ndarray:
    """Return a picture uint8 (rows, columns, 3), at most ``LONGEST`` pixels long.

    ``grey``, ``heat`` (the higher, the less certain) and ``labels`` are 2D arrays over the same
    box of ``extent`` (height, width) in mm, each on a grid of its own. ``colors`` (0…1) are those
    of the label values; a value without one has no outline. Black and white are percentiles of
    ``grey``.
    """
    size = _size(extent)
    values = np.nan_to_num(grey.astype(np.float32))
    low, high = np.percentile(values, GREY_PERCENTILES)
    scaled = (_resized(values, size) - low) / max(float(high) - float(low), 1e-6)
    picture = np.repeat(255.0 * np.clip(scaled, 0, 1)[..., None], 3, axis=2)
    if heat is not None:
        picture = _with_heat(picture, _resized(heat.astype(np.float32), size))
    if labels is not None:
        picture = _with_outlines(picture, _nearest(labels, size), colors or {})
    return np.rint(np.clip(picture, 0, 255)).astype(np.uint8)


def png(picture: np.ndarray) -> bytes:
    """Return a picture uint8 (rows, columns, 3) as a PNG file's bytes."""
    rows, columns, _ = picture.shape
    # Each row begins with its filter: none.
    lines = np.concatenate([np.zeros((rows, 1), np.uint8), picture.reshape(rows, -1)], axis=1)
    header = struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _size(extent: tuple[float, float]) -> tuple[int, int]:
    scale = LONGEST / max(extent)
    rows, columns = (max(SHORTEST, round(length * scale)) for length in extent)
    return rows, columns


def _resized(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return an array on a grid of ``size`` over the same box, smoothed first where it shrinks."""
    sitk = quiet_itk()
    image: Any = sitk.GetImageFromArray(np.ascontiguousarray(array))
    shrink = [old / new for old, new in zip(array.shape[::-1], size[::-1], strict=True)]
    if max(shrink) > 1.0:
        variance = [(0.5 * s) ** 2 if s > 1 else 0.0 for s in shrink]
        image = sitk.DiscreteGaussian(image, variance, 32, 0.01, False)
    # The middles of the outer voxels move inwards or outwards, the box stays.
    origin = [0.5 * s - 0.5 for s in shrink]
    resample = sitk.ResampleImageFilter()
    resample.SetSize(size[::-1])
    resample.SetOutputSpacing(shrink)
    resample.SetOutputOrigin(origin)
    resample.SetInterpolator(sitk.sitkLinear)
    resample.UseNearestNeighborExtrapolatorOn()
    return sitk.GetArrayFromImage(resample.Execute(image))


def _nearest(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    rows, columns = (
        np.minimum(((np.arange(new) + 0.5) * old / new).astype(int), old - 1)
        for old, new in zip(array.shape, size, strict=True)
    )
    return array[np.ix_(rows, columns)]


def _with_heat(picture: np.ndarray, heat: np.ndarray) -> np.ndarray:
    strongest = float(heat.max(initial=0.0))
    if strongest <= 0:
        return picture
    share = np.clip(heat / strongest, 0, 1)
    place = share * (len(HEAT) - 1)
    below = np.minimum(place.astype(int), len(HEAT) - 2)
    part = (place - below)[..., None]
    color = HEAT[below] * (1 - part) + HEAT[below + 1] * part
    opacity = (HEAT_OPACITY * np.clip((share - HEAT_FROM) / (1 - HEAT_FROM), 0, 1) ** 0.7)[
        ..., None
    ]
    return picture * (1 - opacity) + color * opacity


def _with_outlines(
    picture: np.ndarray,
    labels: np.ndarray,
    colors: Mapping[int, tuple[float, float, float]],
) -> np.ndarray:
    around = np.pad(labels, 1, mode="edge")
    inside = (
        (around[:-2, 1:-1] == labels)
        & (around[2:, 1:-1] == labels)
        & (around[1:-1, :-2] == labels)
        & (around[1:-1, 2:] == labels)
    )
    picture = picture.copy()
    for value, color in colors.items():
        picture[(labels == value) & ~inside] = 255.0 * np.asarray(color)
    return picture
