"""Files for the tests of images, labels and the pool: good ones, and every odd kind there is."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from ActiveSuggestLib.data.images import Image, ImageSource, read_image

VOLUME_EXTENSIONS = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"
SEG_CLASS = "1.2.840.10008.5.1.4.1.1.66.4"
RTSTRUCT_CLASS = "1.2.840.10008.5.1.4.1.1.481.3"


def noise(shape: Sequence[int] = (6, 8, 10), seed: int = 0) -> np.ndarray:
    """Return int16 noise around 100."""
    return np.random.default_rng(seed).normal(100, 20, tuple(shape)).astype(np.int16)


def one(path: Path) -> ImageSource:
    """Return the source of a single file."""
    return ImageSource((path,), "file")


def read(path: Path) -> Image:
    """Read a single file."""
    return read_image(one(path))


def a_volume(
    path: Path,
    array: np.ndarray | None = None,
    *,
    spacing: Sequence[float] = (1.0, 1.5, 2.0),
    origin: Sequence[float] = (3.0, -4.0, 5.0),
    direction: Sequence[float] | None = None,
    compressed: bool = False,
    vector: bool = False,
) -> Path:
    """Write a volume with SimpleITK; folders above it are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(noise() if array is None else array, isVector=vector)
    dimension = image.GetDimension()
    image.SetSpacing([*spacing, 1.0][:dimension])
    image.SetOrigin([*origin, 0.0][:dimension])
    if direction is not None:
        image.SetDirection(direction)
    sitk.WriteImage(image, str(path), useCompression=compressed)
    return path


def a_picture(path: Path, array: np.ndarray | None = None) -> Path:
    """Write a picture (y, x) or (y, x, C) with SimpleITK."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if array is None:
        array = np.random.default_rng(0).integers(0, 255, (12, 9)).astype(np.uint8)
    sitk.WriteImage(sitk.GetImageFromArray(array, isVector=array.ndim == 3), str(path))
    return path


def colour(seed: int = 0) -> np.ndarray:
    """Return a picture with three different channels."""
    return np.random.default_rng(seed).integers(0, 255, (12, 9, 3)).astype(np.uint8)


def cut(path: Path, share: float = 0.6) -> Path:
    """Keep only the first part of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def a_nifti_with(path: Path, *patches: tuple[str, int, tuple[float, ...]]) -> Path:
    """Write a ``.nii`` and overwrite header fields: (struct format, offset, values)."""
    a_volume(path, spacing=(1.0, 1.0, 2.0), origin=(0.0, 0.0, 0.0))
    content = bytearray(path.read_bytes())
    for kind, offset, values in patches:
        struct.pack_into(f"<{kind}", content, offset, *values)
    path.write_bytes(content)
    return path


def a_raw_nrrd(path: Path, *lines: str, array: np.ndarray | None = None) -> Path:
    """Write an NRRD by hand, with further header lines."""
    array = noise() if array is None else array
    kind = {"int16": "short", "uint8": "uchar"}[str(array.dtype)]
    sizes = " ".join(str(n) for n in reversed(array.shape))
    header = [
        "NRRD0004",
        f"type: {kind}",
        f"dimension: {array.ndim}",
        "space: left-posterior-superior",
        f"sizes: {sizes}",
        "endian: little",
        "encoding: raw",
        *lines,
    ]
    path.write_bytes("\n".join(header).encode() + b"\n\n" + array.tobytes())
    return path


def a_slicer_segmentation(
    path: Path,
    layers: np.ndarray,
    segments: Iterable[tuple[str, int, int]],
    *,
    spacing: Sequence[float] = (1.0, 1.5, 2.0),
    origin: Sequence[float] = (3.0, -4.0, 5.0),
    keys: Iterable[str] = (),
) -> Path:
    """Write what Slicer writes for (name, value, layer) segments; layers are (L, z, y, x)."""
    x, y, z = spacing
    lines = [
        f"space origin: ({origin[0]},{origin[1]},{origin[2]})",
        "Segmentation_MasterRepresentation:=Binary labelmap",
        *keys,
    ]
    directions = f"({x},0,0) (0,{y},0) (0,0,{z})"
    for index, (name, value, layer) in enumerate(segments):
        lines += [
            f"Segment{index}_ID:=Segment_{index}",
            f"Segment{index}_Name:={name}",
            f"Segment{index}_LabelValue:={value}",
            f"Segment{index}_Layer:={layer}",
        ]
    layers = np.asarray(layers, dtype=np.uint8)
    if len(layers) == 1:
        kinds = ["kinds: domain domain domain", f"space directions: {directions}"]
        return a_raw_nrrd(path, *kinds, *lines, array=layers[0])
    kinds = ["kinds: list domain domain domain", f"space directions: none {directions}"]
    return a_raw_nrrd(path, *kinds, *lines, array=np.ascontiguousarray(np.moveaxis(layers, 0, -1)))


def a_dicom_file(path: Path, array: np.ndarray, **fields: object) -> Path:
    """Write one uncompressed DICOM slice (y, x); ``fields`` overwrite or add elements."""
    path.parent.mkdir(parents=True, exist_ok=True)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    kind = str(fields.get("SOPClassUID", CT_CLASS))
    meta.MediaStorageSOPClassUID = pydicom.uid.UID(kind)
    meta.MediaStorageSOPInstanceUID = generate_uid()
    file = Dataset()
    file.file_meta = meta
    file.SOPClassUID = kind
    file.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    file.PatientID = "P1"
    file.Modality = "CT"
    file.SeriesInstanceUID = "1.2.3"
    file.StudyInstanceUID = "1.2"
    file.Rows, file.Columns = array.shape[:2]
    file.SamplesPerPixel = 1 if array.ndim == 2 else array.shape[2]
    file.PhotometricInterpretation = "MONOCHROME2" if array.ndim == 2 else "RGB"
    file.BitsAllocated = file.BitsStored = array.dtype.itemsize * 8
    file.HighBit = file.BitsStored - 1
    file.PixelRepresentation = int(array.dtype.kind == "i")
    if array.ndim == 3:
        file.PlanarConfiguration = 0
    file.PixelSpacing = [0.5, 0.75]
    file.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    for name, value in fields.items():
        if value is None:
            delattr(file, name)
        else:
            setattr(file, name, value)
    file.PixelData = array.tobytes()
    file.save_as(path, enforce_file_format=True)
    return path


def a_series(
    folder: Path,
    array: np.ndarray | None = None,
    *,
    heights: Sequence[float] | None = None,
    shift: float = 0.0,
    prefix: str = "IM",
    **fields: object,
) -> list[Path]:
    """Write a DICOM series, one file a slice, names in an order that is not that of the slices.

    ``shift`` moves each slice sideways by so many mm, as a tilted gantry does.
    """
    array = noise() if array is None else array
    heights = [2.5 * i for i in range(len(array))] if heights is None else heights
    paths = []
    for index, (voxels, height) in enumerate(zip(array, heights, strict=True)):
        name = f"{prefix}{(index * 7 + 3) % 101:04d}.dcm"
        position = [10.0, -20.0 + shift * index, height]
        own = {"ImagePositionPatient": position, "InstanceNumber": index + 1, **fields}
        paths.append(a_dicom_file(folder / name, voxels, **own))
    return paths
