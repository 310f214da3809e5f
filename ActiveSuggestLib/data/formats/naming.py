"""Formats: what a file's name says it holds, and what its first bytes say."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

from ...errors import UnreadableImageError, VanishedImageError

_BY_EXTENSION = {
    ".nii.gz": "nifti",
    ".nii": "nifti",
    ".seg.nrrd": "nrrd",
    ".seg.nhdr": "nrrd",
    ".nrrd": "nrrd",
    ".nhdr": "nrrd",
    ".mha": "meta",
    ".mhd": "meta",
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".bmp": "bmp",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".dcm": "dicom",
    ".dicom": "dicom",
    ".ima": "dicom",
}
_EXTENSIONS = sorted(_BY_EXTENSION, key=len, reverse=True)
_NAMES = {
    "nifti": "NIfTI",
    "nrrd": "NRRD",
    "meta": "MetaImage (MHA, MHD)",
    "png": "PNG",
    "jpeg": "JPEG",
    "bmp": "BMP",
    "tiff": "TIFF",
    "dicom": "DICOM",
    "": "something else",
}
_USUAL_EXTENSION = {
    "nifti": ".nii.gz",
    "nrrd": ".nrrd",
    "meta": ".mha",
    "png": ".png",
    "jpeg": ".jpg",
    "bmp": ".bmp",
    "tiff": ".tif",
    "dicom": ".dcm",
}
PICTURES = frozenset({"png", "jpeg", "bmp", "tiff"})
_NEVER_IMAGES = frozenset(
    f".{ending}"
    for line in (
        "txt csv tsv json xml md rst html htm pdf py ipynb log yaml yml toml ini cfg",
        "xls xlsx doc docx ppt pptx zip tar gz 7z rar bz2 raw zraw img hdr bval bvec",
        "db sqlite pt pth onnx npy npz mat pkl h5 hdf5 lock tmp part mrml mrb stl",
        "vtk vtp obj gif svg webp mp4 avi mov exe dll so sh bat",
    )
    for ending in line.split()
)


def extension(path: Path) -> str:
    """Return the image extension of a file's name (``.nii.gz`` is one), or ``""``."""
    name = path.name.lower()
    return next((e for e in _EXTENSIONS if name.endswith(e) and len(name) > len(e)), "")


def case_name(path: Path) -> str:
    """Return a file's name without its extensions.

    >>> case_name(Path("a/case.01.nii.gz"))
    'case.01'
    """
    known = extension(path)
    return path.name[: len(path.name) - len(known)] if known else path.name


def named_format(path: Path) -> str:
    """Return the format that the file's name claims, such as ``"nifti"``, or ``""``."""
    return _BY_EXTENSION.get(extension(path), "")


def is_segmentation(path: Path) -> bool:
    """Whether the name is that of a segmentation, which is never an image of the pool."""
    return extension(path) in {".seg.nrrd", ".seg.nhdr"}


def may_be_dicom(path: Path) -> bool:
    """Whether the name leaves it open that the file is DICOM (often there is no extension)."""
    claimed = named_format(path)
    return claimed == "dicom" or (not claimed and path.suffix.lower() not in _NEVER_IMAGES)


def sniff(path: Path) -> str:
    """Return the format that the file's first bytes show, or ``""``."""
    with path.open("rb") as file:
        start = file.read(2048)
    if start[:2] == b"\x1f\x8b":
        try:
            start = zlib.decompressobj(wbits=31).decompress(start, 1024)
        except zlib.error:
            return ""
    return _format_of(start)


def _format_of(start: bytes) -> str:
    magic = {
        b"NRRD": "nrrd",
        b"\x89PNG": "png",
        b"\xff\xd8\xff": "jpeg",
        b"BM": "bmp",
        b"II*\x00": "tiff",
        b"MM\x00*": "tiff",
        b"II+\x00": "tiff",
        b"MM\x00+": "tiff",
    }
    for signature, name in magic.items():
        if start.startswith(signature):
            return name
    if start[128:132] == b"DICM":
        return "dicom"
    if start[344:347] in {b"n+1", b"ni1"} or start[4:7] == b"n+2":
        return "nifti"
    if re.search(rb"^\s*NDims\s*=", start, re.MULTILINE):
        return "meta"
    return ""


def check_content(path: Path, *, case: str | None = None) -> str:
    """Return the file's format, having made sure that it is there, not empty, and named rightly.

    Raises ``VanishedImageError`` or ``UnreadableImageError``.
    """
    try:
        length = path.stat().st_size
    except FileNotFoundError as error:
        raise VanishedImageError(
            f"{path.name} is no longer there.",
            case=case,
            path=path,
            remedy="Put it back, or scan the folder again.",
        ) from error
    except OSError as error:
        raise _not_open(path, case, error) from error
    if length == 0:
        raise UnreadableImageError(
            f"{path.name} is empty (0 bytes).",
            case=case,
            path=path,
            remedy="Copy or export it again.",
        )
    try:
        found = sniff(path)
    except OSError as error:
        raise _not_open(path, case, error) from error
    claimed = named_format(path)
    if found == claimed or (found and not claimed):
        return found
    if found:
        raise UnreadableImageError(
            f"{path.name} is named as {_NAMES[claimed]} but holds {_NAMES[found]}.",
            case=case,
            path=path,
            remedy=f"Rename it to {case_name(path)}{_USUAL_EXTENSION[found]}.",
        )
    if claimed == "dicom":
        return claimed
    raise UnreadableImageError(
        f"{path.name} does not hold {_NAMES[claimed]}: it is damaged, cut short, or misnamed."
        if claimed
        else f"{path.name} is in no format that is known here.",
        case=case,
        path=path,
        remedy="Copy or export it again.",
    )


def data_files(path: Path) -> tuple[Path, ...]:
    """Return the further files that hold a header's voxels (``.mhd``, ``.nhdr``); often none."""
    kind = extension(path)
    if kind not in {".mhd", ".nhdr", ".seg.nhdr"}:
        return ()
    pattern = (
        rb"^\s*ElementDataFile\s*=\s*(.+?)\s*$" if kind == ".mhd" else rb"^data ?file:\s*(.+?)\s*$"
    )
    with path.open("rb") as file:
        header = file.read(65536)
    found = re.search(pattern, header, re.MULTILINE | re.IGNORECASE)
    if found is None:
        return ()
    name = found.group(1).decode("utf-8", "replace")
    if name.upper().startswith(("LOCAL", "LIST")) or "%" in name:
        return ()
    return (path.parent / name,)


def _not_open(path: Path, case: str | None, error: OSError) -> UnreadableImageError:
    return UnreadableImageError(
        f"{path.name} cannot be opened: {error.strerror or error}.",
        case=case,
        path=path,
        remedy="Check the permissions of the file and its folder, and that the drive is connected.",
    )
