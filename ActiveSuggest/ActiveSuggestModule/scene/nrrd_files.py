"""NRRD files before Slicer reads them: is this one there, whole, and how many values a voxel."""

from __future__ import annotations

from math import prod
from pathlib import Path

from .errors import CaseNotShownError

_BYTES = {
    "int8": 1, "uint8": 1, "char": 1, "signed char": 1, "unsigned char": 1, "uchar": 1,
    "int16": 2, "uint16": 2, "short": 2, "unsigned short": 2, "ushort": 2,
    "int": 4, "int32": 4, "uint32": 4, "unsigned int": 4, "uint": 4, "float": 4,
    "int64": 8, "uint64": 8, "long long": 8, "unsigned long long": 8, "double": 8,
}  # fmt: skip
_LONGEST_HEADER = 1 << 20
_SPATIAL = {"domain", "space"}


def check_nrrd(path: Path, case: str) -> int:
    """Return how many values a voxel has; looks at the header only.

    Raises ``CaseNotShownError`` if the file is missing, no NRRD, or shorter than it says.
    Slicer itself would report these in its log only, or show noise.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(_LONGEST_HEADER)
    except OSError as error:
        raise CaseNotShownError(
            f"{path.name} cannot be opened: {error.strerror or error}.",
            case=case,
            path=path,
            remedy="Open the case again; if this repeats, check that the disk is there.",
        ) from error
    header, blank, _ = start.partition(b"\n\n")
    if b"\r\n\r\n" in start and (not blank or start.index(b"\r\n\r\n") < len(header)):
        header, blank, _ = start.partition(b"\r\n\r\n")
    fields = _fields(header)
    if not start.startswith(b"NRRD000") or not blank or "sizes" not in fields:
        raise _damaged(path, case, "it is empty or no NRRD file")
    try:
        sizes = [int(n) for n in fields["sizes"].split()]
        width = _BYTES[fields["type"]]
    except (KeyError, ValueError) as error:
        raise _damaged(path, case, "its header is not valid") from error
    expected = prod(sizes) * width
    there = size - len(header) - len(blank)
    attached = "data file" not in fields and "datafile" not in fields
    if attached and fields.get("encoding") == "raw" and there < expected:
        raise _damaged(path, case, f"{expected - there} of {expected} bytes are missing")
    if attached and there == 0:
        raise _damaged(path, case, "it has no voxels")
    return _values_a_voxel(sizes, fields.get("kinds", "").split())


def _fields(header: bytes) -> dict[str, str]:
    fields = {}
    for line in header.decode("utf-8", "replace").splitlines():
        name, colon, value = line.partition(": ")
        if colon and ":=" not in line:
            fields[name.strip().lower()] = value.strip().lower()
    return fields


def _values_a_voxel(sizes: list[int], kinds: list[str]) -> int:
    if len(sizes) < 4:
        return 1
    lists = [n for n, kind in zip(sizes, kinds, strict=False) if kind not in _SPATIAL]
    return prod(lists) if lists else sizes[0]


def _damaged(path: Path, case: str, what: str) -> CaseNotShownError:
    return CaseNotShownError(
        f"{path.name} cannot be shown: {what}.",
        case=case,
        path=path,
        remedy="Open the case again: it is then written anew. If this repeats, look whether the "
        "disk is full.",
    )
