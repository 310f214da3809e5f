"""DICOM headers: which files hold images, which of them make one series, and on what grid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import (
    AbsurdSpacingError,
    MissingSlicesError,
    MixedSeriesError,
    SkewedAxesError,
    UnreadableImageError,
)
from ..geometry import Geometry

_TAGS = [
    "SOPClassUID",
    "SOPInstanceUID",
    "SeriesInstanceUID",
    "StudyInstanceUID",
    "PatientID",
    "Modality",
    "SeriesDescription",
    "SeriesNumber",
    "InstanceNumber",
    "Rows",
    "Columns",
    "NumberOfFrames",
    "SamplesPerPixel",
    "BitsAllocated",
    "PhotometricInterpretation",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "SliceThickness",
    "SpacingBetweenSlices",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
]
_NOT_IMAGES = ("1.2.840.10008.5.1.4.1.1.66", "1.2.840.10008.5.1.4.1.1.481.2")
"""Segmentations and other derived maps, and RT dose: they have rows and columns all the same."""

_SAME_PLACE = 0.01
_PARALLEL = 0.05
_EVEN = 0.1


@dataclass(frozen=True)
class Slice:
    """One DICOM file (or one frame of it): where it lies (LPS mm) and which series it is of."""

    path: Path
    series: str = ""
    instance: str = ""
    patient: str = ""
    modality: str = ""
    description: str = ""
    number: int | None = None
    order: int = 0
    rows: int = 0
    columns: int = 0
    frames: int = 1
    photometric: str = ""
    position: tuple[float, ...] | None = None
    orientation: tuple[float, ...] | None = None
    spacing: tuple[float, ...] | None = None
    thickness: float | None = None

    @property
    def normal(self) -> NDArray[np.float64]:
        """The unit vector along which slices of this orientation are stacked."""
        across, down = np.reshape(self.orientation or (1, 0, 0, 0, 1, 0), (2, 3))
        return np.cross(across, down)

    @property
    def height(self) -> float:
        """How far along the normal the slice lies, in mm."""
        return float(np.dot(self.position or (0, 0, 0), self.normal))


def read_slice(path: Path) -> Slice | None:
    """Read a file's header; ``None`` if it holds no image (a segmentation, a report, a plan).

    Raises ``UnreadableImageError``.
    """
    header = read_header(path, tags=_TAGS)
    kind = str(header.get("SOPClassUID", ""))
    if not header.get("Rows") or not header.get("Columns") or kind.startswith(_NOT_IMAGES):
        return None
    frames = int(header.get("NumberOfFrames") or 1)
    _check_length(path, header, frames)
    return Slice(
        path=path,
        series=str(header.get("SeriesInstanceUID") or ""),
        instance=str(header.get("SOPInstanceUID") or path),
        patient=str(header.get("PatientID") or "").strip(),
        modality=str(header.get("Modality") or ""),
        description=str(header.get("SeriesDescription") or "").strip(),
        number=_integer(header.get("SeriesNumber")),
        order=_integer(header.get("InstanceNumber")) or 0,
        rows=int(header.Rows),
        columns=int(header.Columns),
        frames=frames,
        photometric=str(header.get("PhotometricInterpretation") or ""),
        position=numbers_in(header.get("ImagePositionPatient"), 3),
        orientation=numbers_in(header.get("ImageOrientationPatient"), 6),
        spacing=numbers_in(header.get("PixelSpacing"), 2)
        or numbers_in(header.get("ImagerPixelSpacing"), 2),
        thickness=number_in(header.get("SpacingBetweenSlices"))
        or number_in(header.get("SliceThickness")),
    )


def read_header(path: Path, *, tags: list[str] | None = None, voxels: bool = False) -> Any:
    """Return the pydicom data set of a file; raises ``UnreadableImageError``."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    wanted: list[Any] | None = list(tags) if tags else None
    try:
        header = pydicom.dcmread(
            path, stop_before_pixels=not voxels, specific_tags=wanted, force=False
        )
    except InvalidDicomError:
        header = _without_preamble(path, wanted, voxels)
    except FileNotFoundError:
        raise
    except Exception as error:
        # pydicom raises whatever its parsing trips over: struct.error, KeyError, ValueError, ….
        raise _damaged(path, str(error)) from error
    return header


def _without_preamble(path: Path, tags: list[Any] | None, voxels: bool) -> Any:
    import pydicom

    with path.open("rb") as file:
        if file.read(2) not in {b"\x02\x00", b"\x08\x00"}:
            raise _damaged(path, "it has no DICOM header")
    try:
        header = pydicom.dcmread(
            path, stop_before_pixels=not voxels, specific_tags=tags, force=True
        )
        usable = "SOPClassUID" in header
    except Exception as error:
        raise _damaged(path, str(error)) from error
    if not usable:
        raise _damaged(path, "it has no DICOM header")
    return header


def frames_of(single: Slice) -> tuple[Slice, ...]:
    """Return one ``Slice`` a frame of a multi-frame file, in stored order, from its own header."""
    if single.frames == 1 and single.position is not None:
        return (single,)
    header = read_header(single.path, tags=_TAGS)
    shared = first_item(header.get("SharedFunctionalGroupsSequence"))
    frames = header.get("PerFrameFunctionalGroupsSequence") or []
    slices = []
    scales = set()
    for frame in frames:
        measures = functional_group("PixelMeasuresSequence", frame, shared)
        scale = functional_group("PixelValueTransformationSequence", frame, shared)
        scales.add((str(scale.get("RescaleSlope")), str(scale.get("RescaleIntercept"))))
        slices.append(
            replace(
                single,
                frames=1,
                position=numbers_in(
                    functional_group("PlanePositionSequence", frame, shared).get(
                        "ImagePositionPatient"
                    ),
                    3,
                ),
                orientation=numbers_in(
                    functional_group("PlaneOrientationSequence", frame, shared).get(
                        "ImageOrientationPatient"
                    ),
                    6,
                ),
                spacing=numbers_in(measures.get("PixelSpacing"), 2) or single.spacing,
                thickness=number_in(measures.get("SpacingBetweenSlices"))
                or number_in(measures.get("SliceThickness")),
            )
        )
    if len(scales) > 1:
        raise MixedSeriesError(
            f"{single.path.name} scales its frames differently.",
            path=single.path,
            remedy="Convert it to NIfTI or NRRD with a DICOM converter, and use that file.",
        )
    return tuple(slices)


def sort_slices(slices: Sequence[Slice]) -> tuple[Slice, ...]:
    """Return slices from the lowest to the highest along their normal; copies are dropped."""
    unique = {s.instance: s for s in sorted(slices, key=lambda s: str(s.path), reverse=True)}
    return tuple(sorted(unique.values(), key=lambda s: (s.height, s.order, str(s.path))))


def series_geometry(slices: Sequence[Slice], *, case: str | None = None) -> Geometry:
    """Return the grid of sorted slices.

    Raises ``MixedSeriesError``, ``MissingSlicesError`` or ``SkewedAxesError``.
    """
    first = slices[0]
    folder = first.path.parent
    _check_alike(slices, case)
    across, down = np.reshape(first.orientation or (1, 0, 0, 0, 1, 0), (2, 3))
    direction = np.column_stack([across, down, first.normal])
    step = first.thickness if first.thickness and first.thickness > 0 else 1.0
    if len(slices) > 1:
        places = np.array([s.position for s in slices], dtype=float)
        step = _step(places, first.normal, folder, case)
    rows_apart, columns_apart = first.spacing or (1.0, 1.0)
    if min(rows_apart, columns_apart) <= 0:
        raise AbsurdSpacingError(
            f"The pixel spacing is {columns_apart:g} × {rows_apart:g} mm.",
            case=case,
            path=first.path,
            remedy="Correct PixelSpacing in the DICOM files, or export the series again.",
        )
    x, y, z = (float(p) for p in first.position or (0.0, 0.0, 0.0))
    return Geometry(
        size=(first.columns, first.rows, len(slices)),
        spacing=(float(columns_apart), float(rows_apart), step),
        origin=(x, y, z),
        direction=tuple(float(c) for c in direction.ravel()),
    )


def _check_alike(slices: Sequence[Slice], case: str | None) -> None:
    first = slices[0]

    def mixed(what: str) -> MixedSeriesError:
        return MixedSeriesError(
            f"The DICOM files of one series in {first.path.parent.name} differ in {what}.",
            case=case,
            path=first.path.parent,
            remedy="Take scouts and other stray images out, or export each part as its own series.",
        )

    sizes = Counter((s.columns, s.rows) for s in slices)
    if len(sizes) > 1:
        raise mixed("size: " + " and ".join(f"{n} of {x} × {y}" for (x, y), n in sizes.items()))
    if len(slices) > 1 and any(s.position is None or s.orientation is None for s in slices):
        without = sum(s.position is None or s.orientation is None for s in slices)
        raise mixed(f"kind: {without} of {len(slices)} say not where they lie")
    if any(not _close(s.orientation, first.orientation, 1e-3) for s in slices):
        raise mixed("orientation")
    if any(not _close(s.spacing, first.spacing, 1e-3) for s in slices):
        raise mixed("pixel spacing")


def _step(
    places: NDArray[np.float64], normal: NDArray[np.float64], folder: Path, case: str | None
) -> float:
    moves = np.diff(places, axis=0)
    heights = moves @ normal
    repeated = int((heights < _SAME_PLACE).sum())
    if repeated:
        raise MixedSeriesError(
            f"{repeated} of {len(places)} slices of one series in {folder.name} lie at a place "
            "that another holds: it mixes several time points, phases or echoes.",
            case=case,
            path=folder,
            remedy="Export each of them as its own series.",
        )
    step = float(np.median(heights))
    smallest = float(heights.min())
    if smallest < (1 - _EVEN) * step:
        step = smallest
    missing = int(np.round(heights / step - 1).sum())
    if missing:
        after = int(np.argmax(heights)) + 1
        raise MissingSlicesError(
            f"About {missing} slices of the series in {folder.name} are missing, the first after "
            f"slice {after} of {len(places)} ({heights.max():.4g} mm instead of {step:.4g} mm).",
            case=case,
            path=folder,
            remedy="Export the whole series again.",
        )
    if heights.max() > (1 + _EVEN) * step:
        raise MissingSlicesError(
            f"The slices of the series in {folder.name} are unevenly spaced "
            f"({heights.min():.4g} to {heights.max():.4g} mm).",
            case=case,
            path=folder,
            remedy="Export the whole series again, or resample it (in Slicer, the DICOM module "
            "regularises the acquisition geometry) and use the result.",
        )
    sideways = np.linalg.norm(moves - np.outer(heights, normal), axis=1)
    if (sideways > _PARALLEL * heights).any():
        angle = float(np.degrees(np.arctan2(sideways, heights)).max())
        raise SkewedAxesError(
            f"The slices of the series in {folder.name} are stacked at a slant of {angle:.1f} "
            "degrees (a tilted gantry).",
            case=case,
            path=folder,
            remedy="Resample it onto a straight grid (Slicer's DICOM module regularises the "
            "acquisition geometry) and use the result.",
        )
    return float((places[-1] - places[0]) @ normal) / (len(places) - 1)


def _check_length(path: Path, header: Any, frames: int) -> None:
    syntax = getattr(getattr(header, "file_meta", None), "TransferSyntaxUID", None)
    try:
        compressed = syntax is None or syntax.is_compressed
    except ValueError:
        return
    if compressed:
        return
    samples = int(header.get("SamplesPerPixel") or 1)
    bits = int(header.get("BitsAllocated") or 8)
    wanted = int(header.Rows) * int(header.Columns) * frames * samples * bits // 8
    if str(header.get("PhotometricInterpretation", "")).endswith("_422"):
        wanted = wanted * 2 // 3
    there = path.stat().st_size
    if there < wanted:
        raise UnreadableImageError(
            f"{path.name} is cut short: it holds {there} bytes, and its voxels alone are {wanted}.",
            path=path,
            remedy="Copy or export it again.",
        )


def _damaged(path: Path, why: str) -> UnreadableImageError:
    return UnreadableImageError(
        f"{path.name} cannot be read as DICOM: {why}.",
        path=path,
        remedy="Copy or export it again.",
    )


def functional_group(name: str, frame: Any, shared: Any) -> Any:
    found = first_item(frame.get(name))
    if found is None and shared is not None:
        found = first_item(shared.get(name))
    return found if found is not None else {}


def first_item(sequence: Any) -> Any:
    return sequence[0] if sequence else None


def numbers_in(value: Any, count: int) -> tuple[float, ...] | None:
    try:
        numbers = tuple(float(v) for v in value)
    except (TypeError, ValueError):
        return None
    return numbers if len(numbers) == count and np.isfinite(numbers).all() else None


def number_in(value: Any) -> float | None:
    try:
        return abs(float(value))
    except (TypeError, ValueError):
        return None


def _integer(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def _close(a: tuple[float, ...] | None, b: tuple[float, ...] | None, tolerance: float) -> bool:
    if a is None or b is None:
        return a is b
    return bool(np.allclose(a, b, atol=tolerance))
