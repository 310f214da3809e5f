"""NIfTI voxels, read whole and counted: ITK fills a truncated file with zeros and says nothing."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import AbsurdSpacingError, TooManyDimensionsError, UnreadableImageError

_TYPES = {
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    64: "f8",
    128: "u1",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
    2304: "u1",
}
_COMPONENTS = {128: 3, 2304: 4}


@dataclass(frozen=True)
class NiftiHeader:
    """The fields of a NIfTI-1 or -2 header that voxels depend on."""

    order: str
    dim: tuple[int, ...]
    pixdim: tuple[float, ...]
    datatype: int
    offset: int
    slope: float
    intercept: float
    sform: NDArray[np.float64] | None


def read_voxels(path: Path, *, case: str | None = None) -> tuple[NDArray[Any], NiftiHeader]:
    """Return voxels (C, z, y, x), scaled if the header says so, and the header.

    Raises ``UnreadableImageError`` (truncated, damaged, complex numbers), ``AbsurdSpacingError``
    and ``TooManyDimensionsError``.
    """
    data = _content(path, case)
    header = parse_header(data, path, case=case)
    _check_spacing(header, path, case)
    if any(n > 1 for n in header.dim[4:]):
        raise TooManyDimensionsError(
            f"{path.name} has {len(header.dim) - 1} dimensions "
            f"({' × '.join(str(n) for n in header.dim[1:])}) where three are expected.",
            case=case,
            path=path,
            remedy="Split it: time points into one file each, channels into CASE_0000, CASE_0001.",
        )
    kind = _TYPES.get(header.datatype)
    if kind is None:
        raise UnreadableImageError(
            f"{path.name} holds voxels of a kind that cannot be shown in grey "
            f"(NIfTI data type {header.datatype}, such as complex numbers).",
            case=case,
            path=path,
            remedy="Save the magnitude image as 32-bit floating point.",
        )
    dtype = np.dtype(header.order + kind)
    components = _COMPONENTS.get(header.datatype, 1)
    x, y, z = (*header.dim[1:4], 1, 1)[:3]
    count = x * y * z * components
    if len(data) - header.offset < count * dtype.itemsize:
        raise _truncated(path, case, len(data) - header.offset, count * dtype.itemsize)
    flat = np.frombuffer(data, dtype, count, header.offset)
    voxels = np.moveaxis(flat.reshape(z, y, x, components), -1, 0)
    if header.slope not in {0.0, 1.0} or (header.slope == 1.0 and header.intercept != 0.0):
        voxels = voxels.astype(np.float64) * header.slope + header.intercept
    return voxels, header


def parse_header(data: bytes, path: Path, *, case: str | None = None) -> NiftiHeader:
    """Read the header from the file's first bytes; raises ``UnreadableImageError``."""
    for order in "<>":
        size = struct.unpack_from(order + "i", data)[0] if len(data) >= 4 else 0
        if size == 348 and len(data) >= 348:
            return _version_1(data, order)
        if size == 540 and len(data) >= 540:
            return _version_2(data, order)
    raise UnreadableImageError(
        f"{path.name} is cut short or damaged: its NIfTI header is incomplete.",
        case=case,
        path=path,
        remedy="Copy or export it again.",
    )


def has_sheared_sform(header: NiftiHeader) -> bool:
    """Whether the header's sform is set and its axes are not at right angles."""
    if header.sform is None:
        return False
    lengths = np.linalg.norm(header.sform, axis=0)
    if not np.all(lengths > 0):
        return True
    axes = header.sform / lengths
    return not np.allclose(axes.T @ axes, np.eye(3), atol=1e-3)


def _version_1(data: bytes, order: str) -> NiftiHeader:
    dim = struct.unpack_from(order + "8h", data, 40)
    slope, intercept = struct.unpack_from(order + "2f", data, 112)
    rows = np.reshape(struct.unpack_from(order + "12f", data, 280), (3, 4))[:, :3]
    return NiftiHeader(
        order=order,
        dim=_dimensions(dim),
        pixdim=struct.unpack_from(order + "8f", data, 76),
        datatype=struct.unpack_from(order + "h", data, 70)[0],
        offset=max(int(struct.unpack_from(order + "f", data, 108)[0]), 352),
        slope=slope if math.isfinite(slope) else 0.0,
        intercept=intercept if math.isfinite(intercept) else 0.0,
        sform=rows if struct.unpack_from(order + "h", data, 254)[0] > 0 else None,
    )


def _version_2(data: bytes, order: str) -> NiftiHeader:
    dim = struct.unpack_from(order + "8q", data, 16)
    slope, intercept = struct.unpack_from(order + "2d", data, 176)
    rows = np.reshape(struct.unpack_from(order + "12d", data, 400), (3, 4))[:, :3]
    return NiftiHeader(
        order=order,
        dim=_dimensions(dim),
        pixdim=struct.unpack_from(order + "8d", data, 104),
        datatype=struct.unpack_from(order + "h", data, 12)[0],
        offset=max(struct.unpack_from(order + "q", data, 168)[0], 544),
        slope=slope if math.isfinite(slope) else 0.0,
        intercept=intercept if math.isfinite(intercept) else 0.0,
        sform=rows if struct.unpack_from(order + "i", data, 348)[0] > 0 else None,
    )


def _dimensions(dim: tuple[int, ...]) -> tuple[int, ...]:
    used = dim[0] if 1 <= dim[0] <= 7 else 3
    return (used, *(max(n, 1) for n in dim[1 : used + 1]))


def _check_spacing(header: NiftiHeader, path: Path, case: str | None) -> None:
    for name, count, spacing in zip("xyz", header.dim[1:4], header.pixdim[1:4], strict=False):
        if count > 1 and not (math.isfinite(spacing) and spacing > 0):
            raise AbsurdSpacingError(
                f"The voxel spacing along {name} is {spacing:g} mm.",
                case=case,
                path=path,
                remedy="Correct it in the file's header and save the image again.",
            )


def _content(path: Path, case: str | None) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except EOFError as error:
        raise UnreadableImageError(
            f"{path.name} is cut short: the compressed data end too early.",
            case=case,
            path=path,
            remedy="Copy or export it again.",
        ) from error
    except (zlib.error, gzip.BadGzipFile) as error:
        raise UnreadableImageError(
            f"{path.name} is damaged: {error}.",
            case=case,
            path=path,
            remedy="Copy or export it again.",
        ) from error


def _truncated(path: Path, case: str | None, found: int, wanted: int) -> UnreadableImageError:
    return UnreadableImageError(
        f"{path.name} is cut short: it holds {max(found, 0)} of {wanted} bytes of voxels.",
        case=case,
        path=path,
        remedy="Copy or export it again.",
    )
