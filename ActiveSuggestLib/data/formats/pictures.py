"""Pictures: PNG, JPEG, BMP and TIFF as images of one slice, in grey or three channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ActiveSuggestError, UnreadableImageError
from ..geometry import Geometry
from .itk import file_reader, read_itk, voxels_of


def read_picture(
    path: Path, kind: str, *, case: str | None = None
) -> tuple[NDArray[Any], Geometry, tuple[str, ...]]:
    """Return a picture's voxels (1 or 3, z, y, x), a grid of 1 mm pixels, and notes.

    Dots per inch say how to print, not how large the patient is: they are not used.
    Only a TIFF of several pages has several slices.
    """
    try:
        voxels = voxels_of(read_itk(file_reader(path), path, case=case))
    except ActiveSuggestError as error:
        if "Unknown PixelType" not in error.message:
            raise
        # ITK cannot read grey pictures with an alpha channel.
        voxels = _read_with_pillow(path, case)
    voxels, notes = without_colour(voxels)
    _, z, y, x = voxels.shape
    if z > 1:
        notes += (f"The {z} pages of the {kind.upper()} are taken as slices.",)
    return voxels, Geometry((x, y, z), (1.0, 1.0, 1.0)), notes


def without_colour(voxels: NDArray[Any]) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Drop an alpha channel, and make colour with equal channels grey; say so in notes.

    >>> without_colour(np.zeros((4, 1, 2, 2)))[0].shape
    (1, 1, 2, 2)
    """
    notes: tuple[str, ...] = ()
    if voxels.shape[0] in {2, 4}:
        voxels = voxels[:-1]
        notes += ("The alpha channel is not used.",)
    if voxels.shape[0] == 3 and bool((voxels[:1] == voxels[1:]).all()):
        voxels = voxels[:1]
        notes += ("The colour channels are equal: taken as grey.",)
    return voxels, notes


def read_indices(path: Path) -> NDArray[Any] | None:
    """Return the palette indices (1, 1, y, x) of a picture stored with a palette, else ``None``.

    Labels are often drawn so; ITK gives only the colours.
    """
    try:
        from PIL import Image as PillowImage
    except ImportError:
        return None
    with PillowImage.open(path) as picture:
        return np.array(picture)[None, None] if picture.mode == "P" else None


def _read_with_pillow(path: Path, case: str | None) -> NDArray[Any]:
    try:
        from PIL import Image as PillowImage

        with PillowImage.open(path) as picture:
            array = np.array(picture)
    except (ImportError, OSError) as error:
        raise UnreadableImageError(
            f"{path.name} cannot be read: {error}.",
            case=case,
            path=path,
            remedy="Save it without transparency.",
        ) from error
    return np.moveaxis(array, -1, 0)[:, None] if array.ndim == 3 else array[None, None]
