"""SimpleITK at arm's length: it reads, quietly, and its errors become ours."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import AbsurdSpacingError, ActiveSuggestError, SkewedAxesError, UnreadableImageError


def quiet_itk() -> Any:
    """Return the SimpleITK module, its warnings on standard error switched off."""
    import SimpleITK

    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
    return SimpleITK


def file_reader(path: Path) -> Any:
    """Return an ``ImageFileReader`` for one file."""
    reader = quiet_itk().ImageFileReader()
    reader.SetFileName(str(path))
    return reader


def read_itk(reader: Any, path: Path, *, case: str | None = None) -> Any:
    """Execute a SimpleITK reader on ``path``; its exceptions become named errors."""
    quiet_itk()
    try:
        return reader.Execute()
    except RuntimeError as error:
        raise translated(error, path, case) from error


def read_information(path: Path, *, case: str | None = None) -> Any:
    """Return a reader that has read a file's header only."""
    reader = file_reader(path)
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise translated(error, path, case) from error
    return reader


def voxels_of(image: Any) -> NDArray[Any]:
    """Return a SimpleITK image's voxels as (C, z, y, x); a 2D one has a single slice."""
    sitk = quiet_itk()
    array = sitk.GetArrayViewFromImage(image)
    several = image.GetNumberOfComponentsPerPixel() > 1
    array = np.moveaxis(array, -1, 0) if several else array[None]
    if image.GetDimension() == 2:
        array = array[:, None]
    # The view dies with the image.
    return np.array(array)


def translated(error: RuntimeError, path: Path, case: str | None) -> ActiveSuggestError:
    """Return the named error for what ITK said."""
    said = str(error)
    if "orthonormal" in said:
        return SkewedAxesError(
            f"The axes of {path.name} are not at right angles.",
            case=case,
            path=path,
            remedy="Resample it onto a regular grid (in Slicer: Resample Scalar/Vector/DWI Volume)"
            " and use the result.",
        )
    if "Zero-valued spacing" in said or "_space_directions" in said or "determinant" in said:
        return AbsurdSpacingError(
            f"The voxel spacing of {path.name} is zero or not a number.",
            case=case,
            path=path,
            remedy="Correct it in the file's header and save the image again.",
        )
    return UnreadableImageError(
        f"{path.name} cannot be read: {_essence(said)}.",
        case=case,
        path=path,
        remedy="It may be damaged or cut short: copy or export it again.",
    )


def _essence(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    essence = lines[-1] if lines else "no reason given"
    essence = re.sub(r"^(ITK ERROR|sitk::ERROR):\s*(\w+\(0x[0-9a-f]+\):\s*)?", "", essence)
    essence = re.sub(r"^_?nrrd\w*:\s*|^\[nrrd\]\s*\w*:?\s*", "", essence)
    return essence.rstrip(". ") or "no reason given"
