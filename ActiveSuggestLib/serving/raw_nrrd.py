"""Uncompressed NRRD files: quick to write, quick for Slicer to read, one slice readable alone."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import store
from ..data.label_formats.seg_nrrd import read_keys, vector

if TYPE_CHECKING:
    from ..data.geometry import Geometry

__all__ = ["map_voxels", "read_keys", "write_quickly", "write_volume"]

_TYPES = {
    "i1": "int8",
    "u1": "uint8",
    "i2": "int16",
    "u2": "uint16",
    "i4": "int32",
    "u4": "uint32",
    "f4": "float",
    "f8": "double",
}
_READ = {**{name: code for code, name in _TYPES.items()}, "unsigned char": "u1"}


def volume_header(geometry: Geometry, kind: np.dtype[Any], keys: Mapping[str, str]) -> bytes:
    """Return what stands before the voxels of a volume on ``geometry`` with numbers of ``kind``.

    Raises ``KeyError`` for a kind of number that NRRD readers do not share.
    """
    x, y, z = geometry.size
    columns = geometry.matrix[:3, :3].T
    lines = [
        "NRRD0004",
        f"type: {_TYPES[kind.str[1:]]}",
        "dimension: 3",
        "space: left-posterior-superior",
        f"sizes: {x} {y} {z}",
        "space directions: " + " ".join(vector(column) for column in columns),
        "kinds: domain domain domain",
        f"endian: {sys.byteorder}",
        "encoding: raw",
        f"space origin: {vector(geometry.origin)}",
        *(f"{name}:={text}" for name, text in keys.items()),
    ]
    return "\n".join(lines).encode() + b"\n\n"


def write_volume(
    path: Path, array: np.ndarray, geometry: Geometry, keys: Mapping[str, str] | None = None
) -> None:
    """Write an array (z, y, x) on its grid.

    Numbers that Slicer cannot show (64-bit integers, half floats) become 32-bit floats.
    """
    voxels = storable(array)
    with path.open("wb") as stream:
        stream.write(volume_header(geometry, voxels.dtype, keys or {}))
        stream.write(voxels.data)


def write_quickly(path: Path, *parts: bytes | np.ndarray) -> None:
    """Write a file of a cache, and its folder where there is none; see ``store.write_quickly``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    store.write_quickly(path, *(p if isinstance(p, bytes) else p.data for p in parts))


def storable(array: np.ndarray) -> np.ndarray:
    """Return the array in a kind of number that every NRRD reader knows, contiguous, native."""
    kind = array.dtype.newbyteorder("=")
    if array.dtype == bool:
        kind = np.dtype(np.uint8)
    elif kind.str[1:] not in _TYPES:
        kind = np.dtype(np.float32)
    return np.ascontiguousarray(array, dtype=kind)


def map_voxels(path: Path) -> np.ndarray:
    """Return the voxels (z, y, x) of an uncompressed file, mapped: only what is looked at is read.

    Raises ``OSError`` or ``ValueError`` if the file is gone, cut short or not of this kind.
    """
    fields: dict[str, str] = {}
    with path.open("rb") as stream:
        for line in stream:
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            if not text:
                break
            found = re.fullmatch(r"([a-z ]+): (.*)", text)
            if found:
                fields[found.group(1)] = found.group(2)
        offset = stream.tell()
    if fields.get("encoding") != "raw" or fields.get("type") not in _READ:
        raise ValueError(f"{path.name} is not an uncompressed volume")
    shape = tuple(int(n) for n in fields["sizes"].split()[::-1])
    kind = np.dtype(_READ[fields["type"]])
    return np.memmap(path, kind, "r", offset, shape)
