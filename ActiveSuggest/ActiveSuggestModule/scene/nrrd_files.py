"""NRRD files: is this one there and whole, how many values a voxel has, and a label's voxels."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import CaseNotShownError

_TYPES = {
    "i1": ("int8", "int8_t", "signed char", "char"),
    "u1": ("uint8", "uint8_t", "unsigned char", "uchar"),
    "i2": ("int16", "int16_t", "short", "short int", "signed short"),
    "u2": ("uint16", "uint16_t", "unsigned short", "ushort"),
    "i4": ("int", "int32", "int32_t", "signed int"),
    "u4": ("uint32", "uint32_t", "unsigned int", "uint"),
    "i8": ("int64", "int64_t", "long long", "longlong"),
    "u8": ("uint64", "uint64_t", "unsigned long long", "ulonglong"),
    "f4": ("float",),
    "f8": ("double",),
}
_CODES = {name: code for code, names in _TYPES.items() for name in names}
_LONGEST_HEADER = 1 << 20
_SPATIAL = {"domain", "space"}
_AXES = {"left": (0, -1), "right": (0, 1), "posterior": (1, -1), "anterior": (1, 1),
         "inferior": (2, -1), "superior": (2, 1)}  # fmt: skip


@dataclass(frozen=True)
class NrrdHeader:
    """The fields of a header (names in small letters), and where the voxels begin."""

    path: Path
    case: str
    fields: dict[str, str]
    start: int
    size: int

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of samples along each axis, the fastest first."""
        return tuple(int(n) for n in self.fields["sizes"].split())

    @property
    def kind(self) -> np.dtype[Any]:
        """The kind of number, in the file's byte order."""
        big = self.fields.get("endian", "little").lower() == "big"
        return np.dtype(f"{'>' if big else '<'}{_CODES[self.fields['type'].lower()]}")

    @property
    def is_attached(self) -> bool:
        """Whether the voxels follow the header, in the same file."""
        return "data file" not in self.fields and "datafile" not in self.fields

    @property
    def is_plain(self) -> bool:
        """Whether this is one value a voxel, uncompressed, in this computer's byte order."""
        return (
            self.is_attached
            and len(self.sizes) == 3
            and self.fields.get("encoding") == "raw"
            and self.kind.isnative
            and {"space", "space directions", "space origin"} <= self.fields.keys()
            and "none" not in self.fields["space directions"]
            and set(self.fields["space"].lower().split("-")) <= _AXES.keys()
            and not {"line skip", "lineskip", "byte skip", "byteskip"} & self.fields.keys()
        )

    @property
    def values_a_voxel(self) -> int:
        """How many values a voxel has: the length of the axis that is not in space."""
        kinds = self.fields.get("kinds", "").lower().split()
        if len(self.sizes) < 4:
            return 1
        lists = [n for n, kind in zip(self.sizes, kinds, strict=False) if kind not in _SPATIAL]
        return prod(lists) if lists else self.sizes[0]

    def matrix(self) -> NDArray[np.float64]:
        """Return the 4x4 matrix from voxels (x, y, z) to RAS millimetres."""
        directions = [
            _numbers(part)
            for part in re.findall(r"none|\([^)]*\)", self.fields["space directions"])
            if part != "none"
        ]
        matrix = np.eye(4)
        matrix[:3, :3] = np.array(directions).T
        matrix[:3, 3] = _numbers(self.fields["space origin"])
        turn = np.zeros((4, 4))
        turn[3, 3] = 1
        for axis, word in enumerate(self.fields["space"].lower().split("-")):
            where, sign = _AXES[word]
            turn[where, axis] = sign
        return turn @ matrix


def check_nrrd(path: Path, case: str) -> NrrdHeader:
    """Return the header of a file, after a look whether its voxels are all there.

    Raises ``CaseNotShownError`` if the file is missing, no NRRD, or shorter than it says.
    Slicer itself would report these in its log only, show noise, or end (a cut gzip stream).
    """
    size, begin = _open(path, case)
    found = re.search(rb"\r?\n\r?\n", begin)
    if not begin.startswith(b"NRRD000") or not found:
        raise damaged(path, case, "it is empty or no NRRD file")
    header = NrrdHeader(path, case, _fields(begin[: found.start()]), found.end(), size)
    try:
        expected = prod(header.sizes) * header.kind.itemsize
    except (KeyError, ValueError) as error:
        raise damaged(path, case, "its header is not valid") from error
    there = size - header.start
    if header.is_attached and header.fields.get("encoding") == "raw" and there < expected:
        raise damaged(path, case, f"{expected - there} of {expected} bytes are missing")
    return header


def read_layers(header: NrrdHeader) -> NDArray[Any]:
    """Return the voxels (layer, z, y, x), uncompressed or gzipped; not to be written to.

    Raises ``CaseNotShownError`` where they are damaged, or stored in another way.
    """
    if not header.is_attached:
        raise damaged(header.path, header.case, "its voxels lie in another file")
    encoding = header.fields.get("encoding", "").lower()
    shape = header.sizes[::-1]
    voxels: NDArray[Any]
    if encoding == "raw":
        voxels = np.memmap(header.path, header.kind, "r", header.start, shape)
    elif encoding in {"gzip", "gz"}:
        voxels = _unzipped(header).reshape(shape)
    else:
        raise damaged(header.path, header.case, f"its encoding '{encoding}' is not known")
    if len(shape) == 3:
        return voxels[None]
    if len(shape) == 4 and header.values_a_voxel == shape[-1]:
        return np.moveaxis(voxels, -1, 0)
    raise damaged(header.path, header.case, f"it has {len(shape)} dimensions")


def check_is_there(path: Path, case: str) -> None:
    """Raise ``CaseNotShownError`` if a file cannot be opened or is empty."""
    size, _ = _open(path, case)
    if not size:
        raise damaged(path, case, "it is empty")


def damaged(path: Path, case: str, what: str) -> CaseNotShownError:
    """Return the error for a file that cannot be shown."""
    return CaseNotShownError(
        f"{path.name} cannot be shown: {what}.",
        case=case,
        path=path,
        remedy="Open the case again: what the module made itself is then made anew. If this "
        "repeats, look whether the disk is full.",
    )


def _unzipped(header: NrrdHeader) -> NDArray[Any]:
    expected = prod(header.sizes) * header.kind.itemsize
    with header.path.open("rb") as file:
        file.seek(header.start)
        packed = file.read()
    try:
        stream = zlib.decompressobj(wbits=31)
        plain = stream.decompress(packed, expected + 1)
        whole = len(plain) == expected and (stream.eof or not stream.decompress(b"", 1))
    except zlib.error as error:
        raise damaged(header.path, header.case, f"its voxels are damaged ({error})") from error
    if not whole or not _has_ended(stream):
        raise damaged(header.path, header.case, "its voxels are cut short")
    return np.frombuffer(plain, dtype=header.kind)


def _has_ended(stream: Any) -> bool:
    if not stream.eof:
        stream.decompress(stream.unconsumed_tail)
    return bool(stream.eof)


def _open(path: Path, case: str) -> tuple[int, bytes]:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            return size, file.read(_LONGEST_HEADER)
    except OSError as error:
        raise CaseNotShownError(
            f"{path.name} cannot be opened: {error.strerror or error}.",
            case=case,
            path=path,
            remedy="Open the case again; if this repeats, check that the disk is there.",
        ) from error


def _fields(header: bytes) -> dict[str, str]:
    fields = {}
    for line in header.decode("utf-8", "replace").splitlines():
        name, colon, value = line.partition(": ")
        if colon and ":=" not in name:
            fields[name.strip().lower()] = value.strip()
    return fields


def _numbers(vector: str) -> list[float]:
    return [float(n) for n in vector.strip("()").split(",")]
