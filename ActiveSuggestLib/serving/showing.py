"""What is needed to show a case: its files for the scene, its facts, and small pictures."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data.images import signature
from ..errors import LabelGeometryError, SliceRangeError
from .bounded import keep_newest, tidy, used_now
from .overview import case_facts, current_model
from .prediction_files import PredictionFiles, segment_colors
from .raw_nrrd import write_quickly
from .scene_files import SceneFiles, channel_names, windows
from .thumbnails import display_extent, display_slice, png, render

if TYPE_CHECKING:
    from ..data.cases import CaseRow
    from ..progress import Cancel

MOST_THUMBNAILS = 500
MOST_BYTES = 64 * 1024**2


def prepare_case(project: Any, case: str, cancel: Cancel | None = None) -> dict[str, Any]:
    """Make a case ready to be shown, and return where everything is.

    The facts of ``case_facts``, and: images (path, name and window of each channel, uncompressed),
    label and draft (paths or ``None``), plane, slice_count along it, window of the first channel,
    prediction (what ``predict`` answered, if the model in use has predicted the image as it is
    now) and thumbnail (path or ``None``).
    Raises ``ImageError``, ``UnknownCaseError``, ``CancelledError``.
    """
    row: CaseRow = project.case(case)
    paths = SceneFiles(Path(project.folder)).prepare(row, cancel)
    names, shown = channel_names(row, len(paths)), windows(row, len(paths))
    images = [
        {"path": str(path), "name": name, "window": window}
        for path, name, window in zip(paths, names, shown, strict=True)
    ]
    prediction = PredictionFiles(project).find(row)
    small = prediction["thumbnail"] if prediction else None
    with contextlib.suppress(OSError):
        small = small or draw_thumbnail(project, case)["path"]
    draft = Path(project.folder) / "drafts" / f"{row.name}.seg.nrrd"
    return case_facts(row) | {
        "images": images,
        "label": project.label_path(row.name),
        "draft": str(draft) if row.has_draft and draft.is_file() else None,
        "plane": project.plane,
        "slice_count": _slice_count(project, row),
        "window": shown[0] if shown else None,
        "prediction": prediction,
        "thumbnail": small,
    }


def draw_thumbnail(project: Any, case: str, index: int | None = None) -> dict[str, Any]:
    """Return case, slice and path of a PNG of one slice along the project's plane.

    Without ``index``: the most uncertain slice where there is a prediction, else the middle one.
    Where there is a prediction it shows the uncertainty and the proposal's outlines too.
    Raises ``ImageError``, ``SliceRangeError``, ``LabelGeometryError`` (an image that could never be
    read), ``UnknownCaseError``, ``OSError``.
    """
    row: CaseRow = project.case(case)
    count = _slice_count(project, row)
    files = PredictionFiles(project)
    prediction = files.find(row)
    if index is None:
        index = count // 2 if prediction is None else int(prediction["worst_slice"])
    if not 0 <= index < count:
        raise SliceRangeError(
            f"There is no slice {index}; the volume has slices 0 to {count - 1}.", case=row.name
        )
    model = current_model(project.folder) if prediction else None
    path = _thumbnail_path(project, row, index, (model or {}).get("hash", ""))
    if path.is_file():
        used_now(path)
    else:
        layers = files.layers(row) if prediction else None
        _draw(project, row, index, layers, path)
    return {"case": row.name, "slice": index, "path": str(path)}


def _draw(project: Any, row: CaseRow, index: int, layers: Any, path: Path) -> None:
    geometry, plane = row.geometry, project.plane
    assert geometry is not None
    axis = geometry.plane_axis(plane)
    face = SceneFiles(Path(project.folder)).slice(row, axis, index)
    # A volume of that one slice: the same axes, and nothing else was read.
    flat = display_slice(face.reshape(_flattened(geometry.shape, axis)), geometry, plane, 0)
    over = [display_slice(layer, geometry, plane, index) for layer in layers or ()]
    picture = render(
        flat,
        display_extent(geometry, plane),
        labels=over[0] if over else None,
        heat=over[1] if over else None,
        colors=segment_colors(project),
    )
    tidy(path.parent)
    write_quickly(path, png(picture))
    groups = [[small] for small in path.parent.glob("*.png")]
    keep_newest(groups, MOST_THUMBNAILS, MOST_BYTES, MOST_THUMBNAILS // 10)


def _flattened(shape: tuple[int, int, int], axis: int) -> tuple[int, ...]:
    return tuple(1 if place == axis else size for place, size in enumerate(shape))


def _slice_count(project: Any, row: CaseRow) -> int:
    if row.geometry is None:
        raise LabelGeometryError(
            f"The image of {row.name} could not be read when it was scanned.",
            case=row.name,
            remedy="Repair or replace the image, then rescan.",
        )
    return row.geometry.shape[row.geometry.plane_axis(project.plane)]


def _thumbnail_path(project: Any, row: CaseRow, index: int, model: str) -> Path:
    mark = f"{signature(row.source)}|{project.plane}|{model}".encode()
    name = f"{row.name}.{index}.{hashlib.blake2b(mark, digest_size=6).hexdigest()}.png"
    return Path(project.folder) / "cache" / "thumbnails" / name
