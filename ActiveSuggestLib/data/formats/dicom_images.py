"""DICOM voxels: one series, or one multi-frame file, as a volume."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ActiveSuggestError, TooManyDimensionsError, UnreadableImageError
from ..geometry import Geometry
from .dicom import Slice, frames_of, read_slice, series_geometry, sort_slices
from .itk import file_reader, quiet_itk, read_itk, voxels_of


def read_series(
    paths: Sequence[Path], *, case: str | None = None
) -> tuple[NDArray[Any], Geometry, tuple[str, ...]]:
    """Return voxels (C, z, y, x), grid and notes of the files of one series.

    Raises the errors of ``dicom.series_geometry``, ``UnreadableImageError`` and
    ``TooManyDimensionsError``.
    """
    try:
        slices = [s for path in paths if (s := read_slice(path)) is not None]
        if not slices:
            raise UnreadableImageError(
                f"{paths[0].name} is DICOM, but holds no image.",
                path=paths[0],
                remedy="Give the image series; segmentations are read as labels.",
            )
        several = len(slices) > 1
        if several and any(s.frames > 1 for s in slices):
            raise TooManyDimensionsError(
                f"The series in {paths[0].parent.name} has several multi-frame files.",
                path=paths[0].parent,
                remedy="Give each multi-frame file a series of its own.",
            )
        if several:
            return _stack(sort_slices(slices), case)
        return _one_file(slices[0], case)
    except ActiveSuggestError as error:
        error.case = error.case or case
        raise


def _stack(
    slices: Sequence[Slice], case: str | None
) -> tuple[NDArray[Any], Geometry, tuple[str, ...]]:
    geometry = series_geometry(slices, case=case)
    sitk = quiet_itk()
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(s.path) for s in slices])
    # Each slice may have its own rescale factors: integers of the first one's kind would clip.
    if slices[0].photometric.startswith("MONOCHROME"):
        reader.SetOutputPixelType(sitk.sitkFloat32)
    voxels = voxels_of(read_itk(reader, slices[0].path.parent, case=case))
    return voxels, geometry, _notes(slices[0])


def _one_file(single: Slice, case: str | None) -> tuple[NDArray[Any], Geometry, tuple[str, ...]]:
    voxels = voxels_of(read_itk(file_reader(single.path), single.path, case=case))
    if single.frames == 1:
        return voxels, series_geometry(frames_of(single) or (single,), case=case), _notes(single)
    frames = frames_of(single)
    if not frames or any(f.position is None for f in frames):
        raise TooManyDimensionsError(
            f"{single.path.name} has {single.frames} frames that lie nowhere: a film.",
            case=case,
            path=single.path,
            remedy="Save the frames that matter as pictures of their own.",
        )
    order = sorted(range(len(frames)), key=lambda i: frames[i].height)
    geometry = series_geometry([frames[i] for i in order], case=case)
    return np.ascontiguousarray(voxels[:, order]), geometry, _notes(single)


def _notes(single: Slice) -> tuple[str, ...]:
    if single.photometric == "MONOCHROME1":
        return ("The series shows air bright (MONOCHROME1); it was inverted.",)
    return ()
