"""Labels: which voxel belongs to which segment, read and written by segment name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import (
    ActiveSuggestError,
    LabelGeometryError,
    SliceRangeError,
    UnnamedValueError,
    UnreadableLabelError,
)
from .formats import integrity, nifti
from .formats.naming import PICTURES, check_content
from .geometry import Geometry
from .label_formats import seg_nrrd
from .label_formats.compose import Composer, map_values, unnamed_values, value_counts
from .label_formats.dataset_json import label_names, read_beside
from .label_formats.matching import FoundLabels, find_labels
from .label_formats.placement import cut_to, find_placement
from .segments import Segment

__all__ = [
    "UNKNOWN",
    "FoundLabels",
    "LabelMap",
    "find_labels",
    "label_from_array",
    "read_label",
    "write_label",
]

UNKNOWN = 255
"""The voxel value of "not labelled": in memory only, never in a file."""


@dataclass(frozen=True)
class LabelMap:
    """Voxels as uint8 (z, y, x) of the project's segment values, 0 background, 255 unknown.

    ``slices`` are the labelled slices along array axis ``plane_axis``; ``None`` means the whole.
    ``present`` names the segments that have voxels.
    """

    array: NDArray[np.uint8]
    geometry: Geometry
    slices: tuple[int, ...] | None = None
    plane_axis: int = 0
    present: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Stored:
    """What a label file holds: integer layers (L, z, y, x), their grid, and names if it has any."""

    layers: NDArray[Any]
    geometry: Geometry
    names: tuple[seg_nrrd.NamedSegment, ...] = ()
    slices: tuple[int, tuple[int, ...]] | None = None
    may_be_smaller: bool = False
    by_size: bool = False


def label_from_array(
    array: Any,
    geometry: Geometry,
    segments: tuple[Segment, ...],
    *,
    slices: Iterable[int] | None = None,
    plane: str = "axial",
    case: str | None = None,
) -> LabelMap:
    """Check an array (z, y, x) of segment values and return it as a label on ``geometry``.

    Without ``slices``, whole slices of 255 are taken as not labelled. A truth array stands for the
    project's only segment; a 2D array for the only slice.
    Raises ``LabelGeometryError``, ``UnnamedValueError``, ``SliceRangeError``.
    """
    voxels = np.asarray(array)
    if voxels.ndim == 2 and 1 in geometry.shape:
        voxels = (
            voxels.reshape(geometry.shape) if voxels.size == np.prod(geometry.shape) else voxels
        )
    if voxels.ndim == 4 and voxels.shape[0] == 1:
        voxels = voxels[0]
    if voxels.shape != geometry.shape:
        raise LabelGeometryError(
            f"The mask has the shape {voxels.shape}, the image {geometry.shape} (z, y, x).",
            case=case,
            remedy="Give the mask in the image's own voxels.",
        )
    if voxels.dtype == bool and len(segments) == 1:
        voxels = voxels.astype(np.uint8) * segments[0].value
    voxels = _whole_numbers(voxels, case=case, path=None)
    axis = geometry.plane_axis(plane)
    labelled = _chosen(slices, voxels, axis, case)
    inside = voxels if labelled is None else np.take(voxels, labelled, axis)
    names = {s.value: s.name for s in segments}
    unnamed = {v: n for v, n in value_counts(inside).items() if v != 0 and v not in names}
    if unnamed:
        raise unnamed_values(unnamed, names, case=case, path=None)
    checked = np.where((voxels > 0) & (voxels < UNKNOWN), voxels, 0).astype(np.uint8)
    return _label_map(checked, geometry, segments, labelled, axis)


def write_label(
    path: Path,
    array: Any,
    geometry: Geometry,
    segments: tuple[Segment, ...],
    *,
    slices: Iterable[int] | None = None,
    plane: str = "axial",
    extra: Mapping[str, str] | None = None,
) -> None:
    """Write an array (z, y, x) as ``.seg.nrrd``, as Slicer does: every segment, with its name.

    Slices that are not labelled are written as background and listed as not labelled in the
    header. Raises what ``label_from_array`` raises.
    """
    label = label_from_array(array, geometry, segments, slices=slices, plane=plane)
    keys = {}
    if label.slices is not None:
        keys[seg_nrrd.SLICES_KEY] = " ".join(str(n) for n in label.slices)
        keys[seg_nrrd.AXIS_KEY] = str(label.plane_axis)
        keys["ActiveSuggest_Plane"] = plane
    voxels = np.where(label.array == UNKNOWN, 0, label.array).astype(np.uint8)
    path.write_bytes(seg_nrrd.encode(voxels, geometry, segments, {**keys, **(extra or {})}))


def read_label(
    path: Path,
    segments: tuple[Segment, ...],
    geometry: Geometry | None,
    *,
    values: Mapping[int, str] | None = None,
    case: str | None = None,
) -> LabelMap:
    """Read a label in any format onto the image's grid, matched to segments by name.

    Names come from the file (``.seg.nrrd``, DICOM SEG), else from ``values``, else from a
    ``dataset.json`` beside or above the file; without any, values are the project's own.
    ``geometry`` is the image's; ``None`` keeps the file's grid. A label whose axes are permuted
    or flipped is turned exactly; nothing is interpolated.
    Raises ``UnreadableLabelError``, ``LabelGeometryError``, ``UnknownSegmentError``,
    ``UnnamedValueError``, ``OverlappingSegmentsError``.
    """
    path = Path(path)
    try:
        kind = check_content(path, case=case)
        if kind == "dicom":
            from .label_formats.dicom_seg import read_dicom_seg

            array, grid = read_dicom_seg(path, segments, geometry, case=case)
            return _label_map(array, grid, segments, None, 0)
        stored = _load(path, kind, case)
    except ActiveSuggestError as error:
        if error.kind in _AS_UNREADABLE:
            raise UnreadableLabelError(
                error.message, case=case, path=path, remedy=error.remedy
            ) from error
        raise
    except (OSError, RuntimeError, ValueError, MemoryError) as error:
        raise UnreadableLabelError(
            f"{path.name} cannot be read: {error}.",
            case=case,
            path=path,
            remedy="It may be damaged or cut short: copy or export it again.",
        ) from error
    array = _values_of(stored, path, segments, values, case)
    if stored.slices is None:
        labelled, axis = None, 0
    else:
        axis, labelled = stored.slices
    grid = stored.geometry
    if geometry is not None:
        length = array.shape[axis]
        placed = find_placement(
            grid,
            geometry,
            may_be_smaller=stored.may_be_smaller,
            by_size=stored.by_size,
            case=case,
            path=path,
        )
        kept, where = cut_to(array, placed, geometry, case=case, path=path)
        array = np.zeros(geometry.shape, dtype=np.uint8)
        array[where] = kept
        grid = geometry
        if labelled is not None:
            moved = [placed.index(axis, n, length) for n in labelled]
            axis = placed.axes.index(axis)
            labelled = tuple(sorted(n for _, n in moved))
    if labelled is not None and not all(0 <= n < grid.shape[axis] for n in labelled):
        raise SliceRangeError(
            f"{path.name} lists labelled slices outside the volume.",
            case=case,
            path=path,
            remedy="Export the label again.",
        )
    return _label_map(array, grid, segments, labelled, axis)


_AS_UNREADABLE = {
    "unreadable_image",
    "vanished_image",
    "absurd_spacing",
    "skewed_axes",
    "too_many_dimensions",
}


def _label_map(
    array: NDArray[np.uint8],
    geometry: Geometry,
    segments: tuple[Segment, ...],
    slices: tuple[int, ...] | None,
    axis: int,
) -> LabelMap:
    if slices is not None:
        unlabelled = np.ones(array.shape[axis], dtype=bool)
        unlabelled[list(slices)] = False
        array = array.copy()
        np.moveaxis(array, axis, 0)[unlabelled] = UNKNOWN
    found = value_counts(array)
    present = tuple(s.name for s in segments if s.value in found)
    return LabelMap(array, geometry, slices, axis, present)


def _load(path: Path, kind: str, case: str | None) -> _Stored:
    integrity.check(path, kind, case=case)
    if kind == "nifti":
        from .formats.itk import read_information

        voxels, _ = nifti.read_voxels(path, case=case)
        grid = Geometry.from_sitk(read_information(path, case=case))
        return _Stored(_one_layer(voxels, path, case), grid)
    if kind in PICTURES:
        from .formats.pictures import read_indices, read_picture

        indices = read_indices(path) if kind == "png" else None
        voxels, grid, _ = read_picture(path, kind, case=case)
        if indices is not None:
            voxels = indices
        return _Stored(_one_layer(voxels, path, case), grid, by_size=True)
    from .formats.itk import file_reader, read_itk, voxels_of

    image = read_itk(file_reader(path), path, case=case)
    while image.GetDimension() > 3 and image.GetSize()[-1] == 1:
        image = image[(slice(None),) * (image.GetDimension() - 1) + (0,)]
    if image.GetDimension() > 3:
        raise _has_layers(path, case)
    voxels = voxels_of(image)
    grid = Geometry.from_sitk(image)
    keys = seg_nrrd.read_keys(path) if kind == "nrrd" else {}
    names = seg_nrrd.named_segments(keys)
    if not names:
        return _Stored(_one_layer(voxels, path, case), grid)
    if "fractional" in keys.get("Segmentation_MasterRepresentation", "").lower():
        raise UnreadableLabelError(
            f"{path.name} holds fractions of segments, not voxels that belong to one.",
            case=case,
            path=path,
            remedy="Save the segmentation with the binary labelmap as its source representation.",
        )
    return _Stored(voxels, grid, names, seg_nrrd.labelled_slices(keys), may_be_smaller=True)


def _one_layer(voxels: NDArray[Any], path: Path, case: str | None) -> NDArray[Any]:
    if voxels.shape[0] == 1:
        return voxels
    if voxels.dtype == np.uint8 and voxels.shape[0] in {3, 4}:
        raise UnreadableLabelError(
            f"{path.name} is in colour, and a colour does not say which segment is meant.",
            case=case,
            path=path,
            remedy="Save the label in grey (or with a palette), one value a segment.",
        )
    raise _has_layers(path, case)


def _has_layers(path: Path, case: str | None) -> UnreadableLabelError:
    return UnreadableLabelError(
        f"{path.name} has several layers (4D) and does not name their segments.",
        case=case,
        path=path,
        remedy="Save it as .seg.nrrd with named segments, or as one layer with a value a segment.",
    )


def _values_of(
    stored: _Stored,
    path: Path,
    segments: tuple[Segment, ...],
    values: Mapping[int, str] | None,
    case: str | None,
) -> NDArray[np.uint8]:
    layers = _whole_numbers(stored.layers, case=case, path=path)
    if stored.names:
        return _by_header(layers, stored.names, segments, path, case)
    layer = layers[0]
    names = dict(values) if values is not None else label_names(read_beside(path.parent))
    if names is None:
        names = {s.value: s.name for s in segments}
        # A mask painted black and white can only mean the one segment there is.
        if len(segments) == 1 and value_counts(layer).keys() <= {0, 255}:
            names = {255: segments[0].name}
    return map_values(layer, names, segments, case=case, path=path)


def _by_header(
    layers: NDArray[Any],
    names: tuple[seg_nrrd.NamedSegment, ...],
    segments: tuple[Segment, ...],
    path: Path,
    case: str | None,
) -> NDArray[np.uint8]:
    for index, layer in enumerate(layers):
        known = {n.value: n.name for n in names if n.layer == index}
        unnamed = {v: n for v, n in value_counts(layer).items() if v != 0 and v not in known}
        if unnamed:
            raise unnamed_values(unnamed, known, case=case, path=path)
    composer = Composer(layers.shape[1:], segments)
    for named in names:
        if named.layer < len(layers):
            composer.add(named.name, layers[named.layer] == named.value)
    return composer.finish(case=case, path=path)


def _whole_numbers(array: NDArray[Any], *, case: str | None, path: Path | None) -> NDArray[Any]:
    if array.dtype == bool:
        return array.astype(np.uint8)
    if np.issubdtype(array.dtype, np.integer):
        return array
    if np.issubdtype(array.dtype, np.floating) and np.isfinite(array).all():
        rounded = np.rint(array)
        if np.array_equal(rounded, array) and np.abs(rounded).max(initial=0) < 2**31:
            return rounded.astype(np.int32)
    raise UnreadableLabelError(
        "The label holds values that are not whole numbers, so it is no label but an image or a "
        "map of probabilities.",
        case=case,
        path=path,
        remedy="Give a mask with one whole number a segment.",
    )


def _chosen(
    slices: Iterable[int] | None, voxels: NDArray[Any], axis: int, case: str | None
) -> tuple[int, ...] | None:
    count = voxels.shape[axis]
    if slices is not None:
        chosen = tuple(sorted({int(n) for n in slices}))
        outside = [n for n in chosen if not 0 <= n < count]
        if outside or not chosen:
            said = ", ".join(str(n) for n in outside) or "none"
            raise SliceRangeError(
                f"Slices {said} were named; the volume has slices 0 to {count - 1}.",
                case=case,
                remedy="Count slices from 0.",
            )
        return chosen
    unknown = np.moveaxis(voxels, axis, 0).reshape(count, -1) == UNKNOWN
    if not unknown.any():
        return None
    whole, partly = unknown.all(axis=1), unknown.any(axis=1)
    if (whole != partly).any() or whole.all():
        raise UnnamedValueError(
            f"{int(unknown.sum())} voxels have the value {UNKNOWN}, which means not labelled; "
            "only whole slices can be left so.",
            case=case,
            remedy="Give these voxels a segment's value or 0, or name the labelled slices.",
        )
    return tuple(int(n) for n in np.flatnonzero(~whole))
