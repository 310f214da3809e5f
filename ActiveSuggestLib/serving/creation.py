"""Making a project in the worker: from what a person chose to a project that is open."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..data.project import Project, create_project
from ..data.record.project_file import BACKUP, NAME
from ..data.segments import Segment, default_color, parse_segments
from ..errors import BadRequestError, InvalidSegmentsError, ProjectExistsError
from ..progress import Cancel, Progress

NEEDED = ("images", "segments")
OPTIONAL = (
    "labels",
    "name",
    "plane",
    "modality",
    "patient_pattern",
    "patient_csv",
    "classes",
    "settings",
)


def read_spec(path: Path) -> dict[str, Any]:
    """Return the arguments of ``create_project`` that a JSON file holds.

    images (folder); segments, as text (``"liver,tumour"``) or a list of objects with name and, if
    wanted, value, color (three numbers 0…1) and terminology; and ``OPTIONAL``. ``None`` counts as
    not given. Raises ``BadRequestError``, ``InvalidSegmentsError``.
    """
    try:
        spec = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadRequestError(f"What to create cannot be read: {error}.", path=path) from error
    if not isinstance(spec, dict):
        raise BadRequestError("What to create is not a JSON object.", path=path)
    given = {name: value for name, value in spec.items() if value is not None}
    unknown = [name for name in given if name not in (*NEEDED, *OPTIONAL)]
    missing = [name for name in NEEDED if not given.get(name)]
    for words, wrong in (("there is no", unknown), ("it needs", missing)):
        if wrong:
            raise BadRequestError(f"To create a project, {words} {', '.join(wrong)}.", path=path)
    return given | {"segments": segments_of(given["segments"])}


def segments_of(chosen: str | list[Any]) -> tuple[Segment, ...]:
    """Return segments from text, or from a list of names and objects; free values are given out.

    Raises ``InvalidSegmentsError``.
    """
    if isinstance(chosen, str):
        return parse_segments(chosen)
    forms = [{"name": one} if isinstance(one, str) else dict(one) for one in chosen]
    taken = {int(form["value"]) for form in forms if form.get("value") is not None}
    free = iter(value for value in range(1, 256) if value not in taken)
    segments = []
    for form in forms:
        if not form.get("name"):
            raise InvalidSegmentsError("A segment has no name.", remedy="Name each of them.")
        value = form.get("value")
        value = int(next(free) if value is None else value)
        color = form.get("color") or default_color(value)
        segments.append(Segment.from_dict({**form, "value": value, "color": color}))
    return parse_segments(segments)


def create_or_complete(
    folder: Path,
    spec: dict[str, Any],
    *,
    rater: str | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Project:
    """Make the project that ``spec`` describes and open it; go on where an earlier call stopped.

    Raises what ``create_project`` raises; ``ProjectExistsError`` too if the folder holds a project
    on other images or with other segments.
    """
    if not (folder / NAME).is_file() and not (folder / BACKUP).is_file():
        return create_project(folder, rater=rater, progress=progress, cancel=cancel, **spec)
    project = Project.open(folder, rater=rater)
    try:
        same_images = project.image_folder.resolve() == Path(spec["images"]).resolve()
        if not same_images or _names(project.segments) != _names(spec["segments"]):
            raise ProjectExistsError(
                "There is another project in this folder already.",
                path=folder,
                remedy="Open it, or choose another folder for the new one.",
            )
        project.rescan(progress, cancel)
    except BaseException:
        project.close()
        raise
    return project


def _names(segments: tuple[Segment, ...]) -> list[tuple[str, int]]:
    return [(segment.name, segment.value) for segment in segments]
