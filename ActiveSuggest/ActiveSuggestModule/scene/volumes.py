"""Volumes: a case's image as a node, read straight from an uncompressed NRRD."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from vtk.util.numpy_support import get_vtk_array_type, vtk_to_numpy

from ActiveSuggestLib.data.geometry import Geometry

from .nrrd_files import NrrdHeader, check_is_there, check_nrrd, damaged

SOFT_TISSUE = (-160.0, 240.0)
"""What is shown of a CT image, in Hounsfield units: window 400, level 40."""

_PERCENTILES = (0.5, 99.5)
_SAMPLES = 200_000
_SCALARS, _VECTORS = "vtkMRMLScalarVolumeNode", "vtkMRMLVectorVolumeNode"


def read_volume(path: Path, case: str) -> Any:
    """Return a volume node with the file's voxels and grid; it is in no scene yet.

    What the worker wrote, uncompressed, is read straight into the node, in half the time of
    Slicer's reader; anything else (the case's own image, where the disk had no room for a quicker
    file) as Slicer does. No storage node is left behind, so that saving the scene never writes
    into the project. Raises ``CaseNotShownError``.
    """
    if path.suffix.lower() not in {".nrrd", ".nhdr"}:
        check_is_there(path, case)
        storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
        storage.SetSingleFile(True)
        return _read_as_slicer_does(storage, path, case, _SCALARS, _VECTORS)
    header = check_nrrd(path, case)
    if header.is_plain:
        return _read_plain(header)
    kind = _VECTORS if header.values_a_voxel > 1 else _SCALARS
    return _read_as_slicer_does(slicer.vtkMRMLNRRDStorageNode(), path, case, kind)


def _read_plain(header: NrrdHeader) -> Any:
    image = vtk.vtkImageData()
    image.SetDimensions(*header.sizes)
    image.AllocateScalars(get_vtk_array_type(header.kind.newbyteorder("=")), 1)
    flat = voxels_of(image).reshape(-1).view(np.uint8)
    try:
        with header.path.open("rb") as file:
            file.seek(header.start)
            count = file.readinto(flat.data)
    except OSError as error:
        raise damaged(header.path, header.case, error.strerror or str(error)) from error
    if count < flat.size:
        raise damaged(header.path, header.case, "it changed while it was read")
    node = slicer.vtkMRMLScalarVolumeNode()
    node.SetIJKToRASMatrix(as_matrix(header.matrix()))
    node.SetAndObserveImageData(image)
    return node


def _read_as_slicer_does(storage: Any, path: Path, case: str, *kinds: str) -> Any:
    storage.SetFileName(str(path))
    for kind in kinds:
        node = getattr(slicer, kind)()
        if storage.ReadData(node, True) and node.GetImageData() is not None:
            _let_go_of_file(node)
            return node
    raise damaged(path, case, "Slicer could not read it")


def _let_go_of_file(node: Any) -> None:
    # The node's image hangs on a pipeline that ends in the reader; a copy that shares the voxels
    # does not.
    image = vtk.vtkImageData()
    image.ShallowCopy(node.GetImageData())
    node.SetAndObserveImageData(image)
    for name in node.GetAttributeNames():
        node.RemoveAttribute(name)


def show_window(
    display: Any, voxels: NDArray[Any], window: tuple[float, float] | None, modality: str
) -> None:
    """Set the window and level of a display node: as given, else for CT, else by percentiles."""
    low, high = window or _usual_window(voxels, modality)
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(low, high)


def _usual_window(voxels: NDArray[Any], modality: str) -> tuple[float, float]:
    if modality.strip().upper() == "CT":
        return SOFT_TISSUE
    flat = voxels.reshape(-1)
    sample = flat[:: max(1, flat.size // _SAMPLES)]
    low, high = (float(n) for n in np.percentile(sample, _PERCENTILES))
    if high <= low:
        low, high = float(voxels.min()), float(voxels.max())
    return low, max(high, low + 1e-6)


def voxels_of(image: Any) -> NDArray[Any]:
    """Return the voxels of a ``vtkImageData`` as a view (z, y, x), or (z, y, x, values)."""
    x, y, z = image.GetDimensions()
    scalars = image.GetPointData().GetScalars()
    if scalars is None or not scalars.GetNumberOfTuples():
        return np.zeros((z, y, x), dtype=np.uint8)
    array = vtk_to_numpy(scalars)
    return array.reshape((z, y, x) if array.ndim == 1 else (z, y, x, array.shape[1]))


def geometry_of(volume: Any) -> Geometry:
    """Return the voxel grid of a volume node, in LPS as everywhere outside Slicer."""
    size = tuple(int(n) for n in volume.GetImageData().GetDimensions())
    ijk_to_lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ ijk_to_ras(volume)
    spacing = np.linalg.norm(ijk_to_lps[:3, :3], axis=0)
    direction = ijk_to_lps[:3, :3] / spacing
    return Geometry(
        size=(size[0], size[1], size[2]),
        spacing=_triple(spacing),
        origin=_triple(ijk_to_lps[:3, 3]),
        direction=tuple(float(c) for c in direction.ravel()),
    )


def ijk_to_ras(volume: Any) -> NDArray[np.float64]:
    """Return the 4x4 matrix from a volume's voxel indices to its own RAS millimetres."""
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    return as_array(matrix)


def as_array(matrix: Any) -> NDArray[np.float64]:
    """Return a ``vtkMatrix4x4`` as an array."""
    return np.array([[matrix.GetElement(i, j) for j in range(4)] for i in range(4)])


def as_matrix(array: NDArray[np.float64]) -> Any:
    """Return an array as a ``vtkMatrix4x4``."""
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy([float(n) for n in array.ravel()])
    return matrix


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    return (float(values[0]), float(values[1]), float(values[2]))
