"""Masks: what the segmentation in the scene says, in the voxels of the case."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Mask:
    """The edited segmentation as uint8 (z, y, x) of the project's segment values, 0 background.

    ``overlaps`` counts the voxels that more than one segment of the project claims (they go to the
    one that comes last in the project), ``unknown`` names segments with voxels that the project
    does not have, ``missing`` segments of the project that are no longer there (they count as
    empty), ``outside`` counts voxels painted outside the image.
    """

    array: NDArray[np.uint8]
    overlaps: int = 0
    unknown: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    outside: int = 0
