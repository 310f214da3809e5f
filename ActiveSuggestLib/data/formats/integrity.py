"""Integrity: whether a file is as long as its own header says, for formats where ITK looks away.

ITK pads truncated BMP and JPEG pictures and complains about MetaImages only on standard error.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path

from ...errors import AbsurdSpacingError, UnreadableImageError
from .naming import data_files

_META_BYTES = {
    "CHAR": 1,
    "UCHAR": 1,
    "SHORT": 2,
    "USHORT": 2,
    "INT": 4,
    "UINT": 4,
    "LONG": 4,
    "ULONG": 4,
    "LONG_LONG": 8,
    "ULONG_LONG": 8,
    "FLOAT": 4,
    "DOUBLE": 8,
}


def check(path: Path, kind: str, *, case: str | None = None) -> None:
    """Raise ``UnreadableImageError`` if a file of format ``kind`` is cut short."""
    if kind == "jpeg":
        _check_jpeg(path, case)
    elif kind == "bmp":
        _check_bmp(path, case)
    elif kind == "meta":
        _check_meta(path, case)
    for data_file in data_files(path):
        if not data_file.is_file():
            raise UnreadableImageError(
                f"{path.name} keeps its voxels in {data_file.name}, which is not there.",
                case=case,
                path=path,
                remedy="Copy both files together, under their own names.",
            )


def _check_jpeg(path: Path, case: str | None) -> None:
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - 65536))
        if b"\xff\xd9" not in file.read():
            raise _cut_short(path, case, "its end mark is missing")


def _check_bmp(path: Path, case: str | None) -> None:
    with path.open("rb") as file:
        header = file.read(54)
    if len(header) < 54:
        raise _cut_short(path, case, "its header is incomplete")
    offset = struct.unpack_from("<I", header, 10)[0]
    width, height = struct.unpack_from("<ii", header, 18)
    bits, compression = struct.unpack_from("<HI", header, 28)
    wanted = offset + (abs(width) * bits + 31) // 32 * 4 * abs(height)
    if compression in {0, 3} and path.stat().st_size < wanted:
        raise _cut_short(path, case, f"it holds {path.stat().st_size} of {wanted} bytes")


def _check_meta(path: Path, case: str | None) -> None:
    with path.open("rb") as file:
        start = file.read(65536)
    fields: dict[str, str] = {}
    end = 0
    for line in start.split(b"\n"):
        end += len(line) + 1
        name, equals, value = line.partition(b"=")
        if not equals:
            continue
        fields[name.strip().decode("latin-1")] = value.strip().decode("utf-8", "replace")
        if name.strip() == b"ElementDataFile":
            break
    if "ElementDataFile" not in fields:
        raise _cut_short(path, case, "its header is incomplete")
    _check_meta_spacing(fields, path, case)
    if fields["ElementDataFile"] == "LOCAL":
        there = path.stat().st_size - end
    else:
        found = [p for p in data_files(path) if p.is_file()]
        if not found:
            return
        there = found[0].stat().st_size
    wanted = _meta_bytes(fields)
    if wanted is not None and there < wanted:
        raise _cut_short(path, case, f"it holds {max(there, 0)} of {wanted} bytes of voxels")


def _meta_bytes(fields: dict[str, str]) -> int | None:
    try:
        if fields.get("CompressedData", "False").lower() == "true":
            return int(fields["CompressedDataSize"])
        bytes_each = _META_BYTES[fields["ElementType"].removeprefix("MET_").removesuffix("_ARRAY")]
        channels = int(fields.get("ElementNumberOfChannels", "1"))
        skipped = max(int(fields.get("HeaderSize", "0")), 0)
        return (
            math.prod(int(n) for n in fields["DimSize"].split()) * channels * bytes_each + skipped
        )
    except (KeyError, ValueError):
        return None


def _check_meta_spacing(fields: dict[str, str], path: Path, case: str | None) -> None:
    text = fields.get("ElementSpacing", fields.get("ElementSize", ""))
    for part in text.split():
        try:
            spacing = float(part)
        except ValueError:
            spacing = math.nan
        if not (math.isfinite(spacing) and spacing > 0):
            raise AbsurdSpacingError(
                f"The voxel spacing in the header is '{text}' mm.",
                case=case,
                path=path,
                remedy="Correct ElementSpacing in the file's header.",
            )


def _cut_short(path: Path, case: str | None, how: str) -> UnreadableImageError:
    return UnreadableImageError(
        f"{path.name} is cut short: {how}.",
        case=case,
        path=path,
        remedy="Copy or export it again.",
    )
