"""Predictions kept for the case's next opening: what Slicer reads, and a record beside it."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.images import signature
from ..data.label_formats import seg_nrrd
from ..data.store import discard
from .bounded import keep_newest, tidy, used_now
from .overview import current_model
from .raw_nrrd import map_voxels, storable, volume_header, write_quickly
from .thumbnails import display_extent, display_slice, png, render

if TYPE_CHECKING:
    from ..data.cases import CaseRow

FORMAT = 1
MOST_CASES = 24
MOST_BYTES = 4 * 1024**3
LEAST_CASES = 4
_FILES = {"labels": ".seg.nrrd", "uncertainty": ".uncertainty.nrrd", "thumbnail": ".png"}


class PredictionFiles:
    """The folder ``cache/predictions`` of one project: ``vN/CASE.*`` of model N.

    ``CASE.json`` is written last: without it the other files count as nothing.
    """

    def __init__(self, project: Any) -> None:
        self._project = project
        self.folder = Path(project.folder) / "cache" / "predictions"

    def find(self, row: CaseRow) -> dict[str, Any] | None:
        """Return what ``store`` returned, if the model in use gave it for the image as it is now.

        Raises ``VanishedImageError``.
        """
        model = current_model(self._project.folder)
        if model is None:
            return None
        record_path = self._path(row.name, int(model["version"]), ".json")
        try:
            record = json.loads(record_path.read_text("utf-8"))
            mark = (record["format"], record["model_hash"], record["image"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if mark != (FORMAT, model.get("hash"), signature(row.source)):
            return None
        answer = self._answer(row.name, record)
        if not all(Path(answer[name]).is_file() for name in ("labels", "uncertainty")):
            return None
        used_now(record_path)
        return answer

    def store_labels(self, prediction: Any) -> Path:
        """Write the proposal alone, before its uncertainty is known, and return its file.

        Raises ``OSError``.
        """
        case, version = prediction.case, int(prediction.model)
        record = self._path(case, version, ".json")
        discard(record)
        tidy(record.parent)
        path = self._path(case, version, _FILES["labels"])
        header = seg_nrrd.header(prediction.geometry, self._project.segments, {}, encoding="raw")
        write_quickly(path, header, np.ascontiguousarray(prediction.labels))
        return path

    def store(self, prediction: Any, row: CaseRow, model_hash: str) -> dict[str, Any]:
        """Add to ``store_labels`` what is known since, and return the answer to ``predict``.

        case; labels, uncertainty and thumbnail (paths; the last ``None`` if it could not be
        made); worst_slice; model; slices (slice and uncertainty of each slice along the project's
        plane, most uncertain first).
        Raises ``OSError``, ``VanishedImageError``.
        """
        version = int(prediction.model)
        record = {
            "format": FORMAT,
            "model_hash": model_hash,
            "image": signature(row.source),
            "model": version,
            "worst_slice": prediction.worst_slice,
            "slices": ranked_slices(prediction.slice_uncertainty),
        }
        heat = storable(prediction.uncertainty)
        write_quickly(
            self._path(row.name, version, _FILES["uncertainty"]),
            volume_header(prediction.geometry, heat.dtype, {}),
            heat,
        )
        self._draw(prediction, row.name)
        write_quickly(self._path(row.name, version, ".json"), json.dumps(record).encode())
        self.prune()
        return self._answer(row.name, record)

    def layers(self, row: CaseRow) -> tuple[np.ndarray, np.ndarray] | None:
        """Return the labels and uncertainty (z, y, x) of ``find``, mapped from their files."""
        answer = self.find(row)
        if answer is None:
            return None
        with contextlib.suppress(OSError, ValueError):
            return map_voxels(Path(answer["labels"])), map_voxels(Path(answer["uncertainty"]))
        return None

    def prune(self) -> None:
        """Drop the predictions that were not used for longest."""
        groups = []
        for record in self.folder.glob("v*/*.json"):
            case = record.name.removesuffix(".json")
            groups.append([record, *(record.with_name(case + end) for end in _FILES.values())])
        keep_newest(groups, MOST_CASES, MOST_BYTES, LEAST_CASES)

    def _draw(self, prediction: Any, case: str) -> None:
        geometry, plane = prediction.geometry, self._project.plane
        path = self._path(case, int(prediction.model), _FILES["thumbnail"])
        discard(path)
        layers = [
            display_slice(array, geometry, plane, prediction.worst_slice)
            for array in (prediction.uncertainty, prediction.labels)
        ]
        picture = render(
            prediction.picture,
            display_extent(geometry, plane),
            heat=layers[0],
            labels=layers[1],
            colors=segment_colors(self._project),
        )
        # A list without a picture is still a list.
        with contextlib.suppress(OSError):
            write_quickly(path, png(picture))

    def _answer(self, case: str, record: dict[str, Any]) -> dict[str, Any]:
        paths = {name: self._path(case, record["model"], end) for name, end in _FILES.items()}
        return {
            "case": case,
            "labels": str(paths["labels"]),
            "uncertainty": str(paths["uncertainty"]),
            "worst_slice": record["worst_slice"],
            "model": record["model"],
            "thumbnail": str(paths["thumbnail"]) if paths["thumbnail"].is_file() else None,
            "slices": record["slices"],
        }

    def _path(self, case: str, version: int, ending: str) -> Path:
        return self.folder / f"v{version}" / f"{case}{ending}"


def ranked_slices(uncertainty: np.ndarray) -> list[dict[str, Any]]:
    """Return each slice with its uncertainty, the most uncertain first."""
    order = np.argsort(-uncertainty, kind="stable")
    return [{"slice": int(i), "uncertainty": float(uncertainty[i])} for i in order]


def segment_colors(project: Any) -> dict[int, tuple[float, float, float]]:
    """Return the colour (0…1) of each segment by its voxel value."""
    return {segment.value: segment.color for segment in project.segments}
