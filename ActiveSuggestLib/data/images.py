"""Images: one case's voxels, read from whatever files they lie in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import (
    ActiveSuggestError,
    ChannelGeometryError,
    ConstantImageError,
    NonFiniteVoxelsError,
    TooManyDimensionsError,
    UnreadableImageError,
    VanishedImageError,
)
from .formats import integrity, nifti
from .formats.naming import PICTURES, case_name, check_content, data_files
from .geometry import Geometry, check

__all__ = [
    "Image",
    "ImageSource",
    "case_name",
    "content_hash",
    "read_image",
    "read_voxels",
    "signature",
]

CHANNEL_TOLERANCE = 0.05
"""How far, in voxels, a channel's grid may stray from the first one's: writers round."""


@dataclass(frozen=True)
class ImageSource:
    """The files of one case.

    ``file``: one file. ``channels``: one file a channel. ``dicom``: one series, sorted.
    """

    paths: tuple[Path, ...]
    kind: Literal["file", "dicom", "channels"]

    def files(self) -> tuple[Path, ...]:
        """Every file that holds a part of the image, the raw data beside a header too."""
        if self.kind == "dicom":
            return self.paths
        return tuple(f for path in self.paths for f in (path, *data_files(path)))


@dataclass(frozen=True)
class Image:
    """Voxels as float32 (C, z, y, x), their grid, and what is worth knowing about them."""

    array: NDArray[np.float32]
    geometry: Geometry
    notes: tuple[str, ...] = ()


def read_image(source: ImageSource, *, case: str | None = None) -> Image:
    """Read a case's voxels; 2D pictures have one slice, channels come first.

    Raises ``VanishedImageError``, ``UnreadableImageError``, ``NonFiniteVoxelsError``,
    ``ConstantImageError``, ``TooManyDimensionsError``, ``AbsurdSpacingError``,
    ``SkewedAxesError``, ``ChannelGeometryError``, ``MissingSlicesError``, ``MixedSeriesError``.
    """
    voxels, geometry, notes = read_voxels(source, case=case)
    # What does not fit becomes infinite, and is counted below.
    with np.errstate(over="ignore"):
        array = np.ascontiguousarray(voxels, dtype=np.float32)
    notes += _check_voxels(array, source.paths[0], case)
    return Image(array, geometry, (*notes, *geometry.notes()))


def read_voxels(
    source: ImageSource, *, case: str | None = None
) -> tuple[NDArray[Any], Geometry, tuple[str, ...]]:
    """Read a case's voxels (C, z, y, x) as they are stored, for showing: their grid, and notes.

    Their values are not judged. Raises what ``read_image`` raises about files and grids.
    """
    try:
        voxels, geometry, notes = _read(source, case)
    except ActiveSuggestError:
        raise
    except FileNotFoundError as error:
        raise _vanished(Path(error.filename or source.paths[0]), case) from error
    except MemoryError as error:
        raise UnreadableImageError(
            f"{source.paths[0].name} does not fit into this computer's memory.",
            case=case,
            path=source.paths[0],
            remedy="Close other programs, or resample the image to a coarser grid.",
        ) from error
    except Exception as error:
        # A damaged file can trip any line of the libraries that parse it.
        raise UnreadableImageError(
            f"{source.paths[0].name} cannot be read: {type(error).__name__}: {error}.",
            case=case,
            path=source.paths[0],
            remedy="It may be damaged or cut short: copy or export it again.",
        ) from error
    check(geometry, case=case, path=source.paths[0])
    return voxels, geometry, notes


def signature(source: ImageSource) -> str:
    """Return a cheap mark of the files' state: names, sizes and times of change, no content.

    Raises ``VanishedImageError``.
    """
    digest = hashlib.blake2b(source.kind.encode(), digest_size=16)
    try:
        for path in source.files():
            state = path.stat()
            digest.update(
                f"{path.name}\0{state.st_size}\0{state.st_mtime_ns}\n".encode("utf-8", "replace")
            )
    except FileNotFoundError as error:
        raise _vanished(Path(error.filename), None) from error
    return digest.hexdigest()


def content_hash(source: ImageSource) -> str:
    """Return the BLAKE2b hash of the files' bytes, in order."""
    digest = hashlib.blake2b(digest_size=32)
    for path in source.files():
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _read(source: ImageSource, case: str | None) -> tuple[NDArray[Any], Geometry, tuple[str, ...]]:
    if source.kind == "dicom":
        from .formats.dicom_images import read_series

        return read_series(source.paths, case=case)
    parts = [read_file(path, case=case) for path in source.paths]
    voxels, geometry, notes = parts[0]
    if len(parts) == 1:
        return voxels, geometry, notes
    for path, (channel, grid, _) in zip(source.paths, parts, strict=True):
        if not geometry.matches(grid, CHANNEL_TOLERANCE):
            raise ChannelGeometryError(
                f"Channel {path.name} does not lie on the grid of {source.paths[0].name}: "
                f"{geometry.difference(grid)}.",
                case=case,
                path=path,
                remedy="Resample the channels onto one grid (registered to each other).",
            )
        if channel.shape[0] != 1:
            raise TooManyDimensionsError(
                f"Channel {path.name} holds {channel.shape[0]} values a voxel.",
                case=case,
                path=path,
                remedy="Save each channel as a file of its own, in grey.",
            )
    return (
        np.concatenate([np.asarray(p[0], dtype=np.float32) for p in parts]),
        geometry,
        tuple(dict.fromkeys(note for part in parts for note in part[2])),
    )


def read_file(
    path: Path, *, case: str | None = None
) -> tuple[NDArray[Any], Geometry, tuple[str, ...]]:
    """Return the voxels (C, z, y, x) of one file in their own type, its grid, and notes."""
    kind = check_content(path, case=case)
    integrity.check(path, kind, case=case)
    if kind == "dicom":
        from .formats.dicom_images import read_series

        return read_series((path,), case=case)
    if kind == "nifti":
        return _read_nifti(path, case)
    if kind in PICTURES:
        from .formats.pictures import read_picture

        return read_picture(path, kind, case=case)
    from .formats.itk import file_reader, read_itk, voxels_of

    image = read_itk(file_reader(path), path, case=case)
    if image.GetDimension() > 3:
        if any(n > 1 for n in image.GetSize()[3:]):
            raise _too_many(path, case, " × ".join(str(n) for n in image.GetSize()))
        image = image[(slice(None),) * 3 + (0,) * (image.GetDimension() - 3)]
    return _grey_or_colour(voxels_of(image), path, case, Geometry.from_sitk(image))


def _read_nifti(path: Path, case: str | None) -> tuple[NDArray[Any], Geometry, tuple[str, ...]]:
    from .formats.itk import read_information

    voxels, header = nifti.read_voxels(path, case=case)
    geometry = Geometry.from_sitk(read_information(path, case=case))
    voxels, geometry, notes = _grey_or_colour(voxels, path, case, geometry)
    if nifti.has_sheared_sform(header):
        notes += ("The header's sform is not at right angles; its qform is used, as in Slicer.",)
    return voxels, geometry, notes


def _grey_or_colour(
    voxels: NDArray[Any], path: Path, case: str | None, geometry: Geometry
) -> tuple[NDArray[Any], Geometry, tuple[str, ...]]:
    from .formats.pictures import without_colour

    channels = voxels.shape[0]
    if channels == 1:
        return voxels, geometry, ()
    if channels in {3, 4} and voxels.dtype == np.uint8:
        voxels, notes = without_colour(voxels)
        return voxels, geometry, notes
    raise _too_many(path, case, f"{channels} values a voxel")


def _too_many(path: Path, case: str | None, what: str) -> TooManyDimensionsError:
    return TooManyDimensionsError(
        f"{path.name} has more than three dimensions ({what}) where three are expected.",
        case=case,
        path=path,
        remedy="Split it: time points into one file each, channels into CASE_0000, CASE_0001.",
    )


def _check_voxels(array: NDArray[np.float32], path: Path, case: str | None) -> tuple[str, ...]:
    lows, highs = array.min(axis=(1, 2, 3)), array.max(axis=(1, 2, 3))
    if not (np.isfinite(lows).all() and np.isfinite(highs).all()):
        nans = int(np.isnan(array).sum())
        infinite = int(np.isinf(array).sum())
        raise NonFiniteVoxelsError(
            f"{nans} voxels of {path.name} are not a number and {infinite} are infinite "
            f"(of {array.size}).",
            case=case,
            path=path,
            remedy="Set them to a number, such as that of air, and save the image again.",
        )
    flat = [i for i, (low, high) in enumerate(zip(lows, highs, strict=True)) if low == high]
    if len(flat) == len(lows):
        raise ConstantImageError(
            f"All voxels of {path.name} are {lows[0]:g}: there is nothing to see.",
            case=case,
            path=path,
            remedy="Export it again, or take it out of the folder.",
        )
    return tuple(f"Channel {i} is blank." for i in flat)


def _vanished(path: Path, case: str | None) -> VanishedImageError:
    return VanishedImageError(
        f"{path.name} is no longer there.",
        case=case,
        path=path,
        remedy="Put it back, or scan the folder again.",
    )
