"""Cases made for the scene's tests: files as the worker writes them, and a scene to show them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk
from ActiveSuggestModule.scene.case_files import CaseFiles, ImageFile
from ActiveSuggestModule.scene.case_scene import CaseScene
from ActiveSuggestModule.scene.labelmaps import Labelmap
from ActiveSuggestModule.scene.masks import BINARY, segments_of
from ActiveSuggestModule.scene.volumes import as_array, ijk_to_ras

from ActiveSuggestLib.data.geometry import Geometry
from ActiveSuggestLib.data.label_formats import seg_nrrd
from ActiveSuggestLib.data.segments import Segment, parse_segments
from ActiveSuggestLib.serving.raw_nrrd import write_volume
from Testing.Host.qt_host.scene import Scene
from Testing.Host.qt_host.slice_views import render

SEGMENTS = parse_segments("liver=1,tumour=2")

_COS, _SIN = np.cos(0.4), np.sin(0.4)
TURNED = (_COS, -_SIN, 0.0, _SIN, _COS, 0.0, 0.0, 0.0, 1.0)
_TILT = np.array([[1, 0, 0], [0, np.cos(0.3), -np.sin(0.3)], [0, np.sin(0.3), np.cos(0.3)]])
OBLIQUE = tuple(float(n) for n in (np.reshape(TURNED, (3, 3)) @ _TILT).ravel())
MIRRORED = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
CORONAL_STACK = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, -1.0, 0.0)

GEOMETRIES = {
    "straight": Geometry((20, 24, 12), (1.0, 1.0, 2.0), (-10.0, 5.0, 30.0)),
    "oblique": Geometry((20, 24, 12), (0.9, 1.1, 2.0), (40.0, -60.0, 7.0), OBLIQUE),
    "mirrored": Geometry((20, 24, 12), (1.0, 1.0, 2.0), (3.0, 4.0, 5.0), MIRRORED),
    "coronal stack": Geometry((20, 24, 12), (1.0, 1.0, 3.0), (0.0, 0.0, 0.0), CORONAL_STACK),
    "picture": Geometry((40, 30, 1), (0.5, 0.5, 1.0)),
}


def ball(shape: tuple[int, ...], radius: float, at: Sequence[float] | None = None) -> np.ndarray:
    """A ball of ones in voxels."""
    centre = [(n - 1) / 2 for n in shape] if at is None else at
    axes = np.meshgrid(
        *(np.arange(n) - c for n, c in zip(shape, centre, strict=True)), indexing="ij"
    )
    return (sum(a**2 for a in axes) <= radius**2).astype(np.uint8)


def two_segments(shape: tuple[int, ...]) -> np.ndarray:
    """A liver with a tumour, off the centre so that no flip goes unseen."""
    labels = ball(shape, min(7.0, max(shape) / 4))
    labels[ball(shape, 2.2, [min(n - 1, n * 0.6) for n in shape]) > 0] = 2
    return labels


def picture_of(labels: np.ndarray) -> np.ndarray:
    """Grey values in which the segments can be seen, int16."""
    ramp = np.linspace(0, 40, labels.shape[2])[None, None, :]
    return (100 + 60 * labels + ramp).astype(np.int16)


def save_labels(
    path: Path, labels: np.ndarray, geometry: Geometry, segments: tuple[Segment, ...] = SEGMENTS
) -> Path:
    """Write labels as the project does."""
    path.write_bytes(seg_nrrd.encode(labels, geometry, segments, {}))
    return path


def save_volume(path: Path, voxels: np.ndarray, geometry: Geometry) -> Path:
    """Write voxels as the worker does."""
    write_volume(path, voxels, geometry)
    return path


def make_case(
    folder: Path,
    name: str = "case-1",
    geometry: Geometry = GEOMETRIES["straight"],
    *,
    labels: np.ndarray | None = None,
    with_labels: bool = True,
    with_uncertainty: bool = True,
    plane: str = "axial",
    slice_: int | None = None,
    **more: Any,
) -> CaseFiles:
    """Write the files of a case under ``folder`` and say what to show."""
    folder.mkdir(parents=True, exist_ok=True)
    labels = two_segments(geometry.shape) if labels is None else labels
    image = save_volume(folder / f"{name}.nrrd", picture_of(labels), geometry)
    segmentation = heat = None
    if with_labels:
        segmentation = save_labels(folder / f"{name}.seg.nrrd", labels, geometry)
    if with_uncertainty:
        unsure = 0.6 * ball(geometry.shape, 3.0, [n * 0.6 for n in geometry.shape])
        path = folder / f"{name}.uncertainty.nrrd"
        heat = save_volume(path, unsure.astype(np.float32), geometry)
    return CaseFiles(
        case=name,
        images=(ImageFile(image, name),),
        segmentation=segmentation,
        source="proposal" if with_labels else "empty",
        uncertainty=heat,
        plane=plane,
        slice=slice_,
        **more,
    )


def paint(
    node: Any, name: str, box: tuple[slice, slice, slice], *, own_layer: bool = False
) -> None:
    """Paint into a segment as the Segment Editor does; over others, or beside them in a layer."""
    segmentation = node.GetSegmentation()
    identifier = segmentation.GetSegmentIdBySegmentName(name)
    geometry = slicer.vtkOrientedImageData()
    text = segmentation.GetConversionParameter(
        slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName()
    )
    slicer.vtkSegmentationConverter.DeserializeImageGeometry(text, geometry, False)
    x, y, z = geometry.GetDimensions()
    matrix = vtk.vtkMatrix4x4()
    geometry.GetImageToWorldMatrix(matrix)
    voxels = np.zeros((z, y, x), dtype=np.uint8)
    voxels[box] = 1
    brush = Labelmap(voxels, as_array(matrix)).to_vtk()
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    others = [] if own_layer else [i for i, _ in segments_of(segmentation) if i != identifier]
    assert logic.SetBinaryLabelmapToSegment(
        brush, node, identifier, logic.MODE_MERGE_MASK, brush.GetExtent(), False, others
    )


def set_voxels(node: Any, name: str, voxels: np.ndarray, matrix: np.ndarray) -> None:
    """Give a segment voxels (z, y, x) on a grid of their own."""
    segmentation = node.GetSegmentation()
    segment = segmentation.GetSegment(segmentation.GetSegmentIdBySegmentName(name))
    segment.AddRepresentation(BINARY, Labelmap(voxels, matrix).to_vtk())
    segment.SetLabelValue(int(voxels.max()))


def matrix_of(volume: Any) -> np.ndarray:
    """Return a volume's matrix from voxels to RAS."""
    return ijk_to_ras(volume)


def rendered(world: Scene, view: str, path: Path, size: int = 300) -> np.ndarray:
    """Render a slice view; returns the pixels (y from the top, x, RGB)."""
    from PIL import Image

    file = render(world.slice_logics[view], world.application_logic, path, (size, size))
    return np.asarray(Image.open(file).convert("RGB"))


def pixel_of(world: Scene, view: str, ras: Sequence[float], size: int = 300) -> tuple[int, int]:
    """Return the row and column of a picture at which a point (RAS) is seen."""
    node = world.slice_logics[view].GetSliceNode()
    width, height = node.GetDimensions()[:2]
    inverse = np.linalg.inv(as_array(node.GetXYToRAS()))
    x, y = (inverse @ np.array([*ras, 1.0]))[:2]
    # The picture keeps the centre and the height in millimetres of a square view.
    return round(size - 1 - y * size / height), round(x * size / width)


def case_scene(world: Scene) -> CaseScene:
    """Return a case scene as the module makes it."""
    return CaseScene(world.scene, world.application_logic)


def node_names(scene: Any) -> list[str]:
    """Return the names of all nodes, sorted."""
    return sorted(
        f"{scene.GetNthNode(i).GetClassName()} {scene.GetNthNode(i).GetName()}"
        for i in range(scene.GetNumberOfNodes())
    )
