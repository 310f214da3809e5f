"""project.json: what the project is about, with a good copy beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ...errors import (
    DamagedProjectError,
    InvalidSegmentsError,
    NewerProjectError,
    NotAProjectError,
    ProjectError,
)
from ..journaling.journal import NEWER_REMEDY, Journal
from ..segments import Segment
from ..store import atomic_write
from .known_files import stat_of

NAME = "project.json"
BACKUP = "project.json.bak"
FORMAT = 1


@dataclass(frozen=True)
class ProjectFile:
    """The content of project.json.

    ``plane`` and ``modality`` are empty until a scan has told. ``images`` holds the image folder
    twice: relative to the project, and absolute. ``pending_labels`` is a folder of labels whose
    import has not been completed.
    ``validation`` names the cases that are never trained on, once they are fixed.
    """

    name: str
    segments: tuple[Segment, ...]
    plane: str = ""
    modality: str = ""
    images: dict[str, str] = field(default_factory=dict)
    patient_pattern: str | None = None
    patient_csv: str | None = None
    pending_labels: str | None = None
    validation: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "format": FORMAT,
            "name": self.name,
            "segments": [segment.to_dict() for segment in self.segments],
            "plane": self.plane,
            "modality": self.modality,
            "images": self.images,
            "patient_pattern": self.patient_pattern,
            "patient_csv": self.patient_csv,
            "pending_labels": self.pending_labels,
            "validation": list(self.validation),
            "settings": self.settings,
        }

    @classmethod
    def from_dict(cls, form: dict[str, Any]) -> ProjectFile:
        """Read the JSON form; raises ``KeyError``, ``TypeError`` or ``ValueError``."""
        return cls(
            name=str(form["name"]),
            segments=tuple(Segment.from_dict(segment) for segment in form["segments"]),
            plane=str(form["plane"]),
            modality=str(form["modality"]),
            images={str(k): str(v) for k, v in form["images"].items()},
            patient_pattern=form["patient_pattern"],
            patient_csv=form["patient_csv"],
            pending_labels=form["pending_labels"],
            validation=tuple(form["validation"]),
            settings=dict(form["settings"]),
        )

    def with_settings(self, **changes: Any) -> ProjectFile:
        """Return a copy with some settings changed; ``None`` removes one."""
        merged = {**self.settings, **changes}
        return replace(self, settings={k: v for k, v in merged.items() if v is not None})


def write_project_file(folder: Path, content: ProjectFile) -> None:
    """Write project.json and its copy, each whole.

    Raises ``DiskFullError`` or ``SaveFailedError``.
    """
    text = json.dumps(content.to_dict(), indent=2, ensure_ascii=False) + "\n"
    atomic_write(folder / NAME, text.encode("utf-8"))
    atomic_write(folder / BACKUP, text.encode("utf-8"))


def read_project_file(folder: Path) -> tuple[ProjectFile, str]:
    """Return the content and, if it had to come from the copy, what was wrong with project.json.

    Raises ``NotAProjectError``, ``DamagedProjectError``, ``NewerProjectError``.
    """
    main, backup = folder / NAME, folder / BACKUP
    if not main.is_file() and not backup.is_file():
        raise NotAProjectError(
            "There is no ActiveSuggest project in this folder.",
            path=folder,
            remedy="Choose a folder that holds project.json, or create a project.",
        )
    try:
        return _parse(main), ""
    except DamagedProjectError as damage:
        try:
            return _parse(backup), damage.message
        except DamagedProjectError:
            raise damage from None


class LiveProjectFile:
    """project.json of an open project: read again whenever another process has written it."""

    def __init__(self, folder: Path, journal: Journal, content: ProjectFile) -> None:
        self._folder = folder
        self._journal = journal
        self._seen = stat_of(folder / NAME)
        self._content = content

    @property
    def content(self) -> ProjectFile:
        """What the file holds now; what it held last, if it cannot be read at this moment."""
        now = stat_of(self._folder / NAME)
        if now != self._seen:
            with suppress(ProjectError):
                self._content, self._seen = read_project_file(self._folder)[0], now
        return self._content

    def update(self, change: Callable[[ProjectFile], ProjectFile]) -> ProjectFile:
        """Change the content; two processes that do so at once do not lose either change."""
        with self._journal.transaction():
            changed = change(self.content)
            write_project_file(self._folder, changed)
            self._content, self._seen = changed, stat_of(self._folder / NAME)
        return changed


def _parse(path: Path) -> ProjectFile:
    try:
        form = json.loads(path.read_text(encoding="utf-8"))
        version = form["format"]
        if isinstance(version, int) and version > FORMAT:
            raise NewerProjectError(
                f"This project was written by a newer version (format {version},"
                f" this version knows {FORMAT}).",
                path=path,
                remedy=NEWER_REMEDY,
            )
        return ProjectFile.from_dict(form)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, InvalidSegmentsError) as e:
        raise DamagedProjectError(
            f"{path.name} cannot be read: {type(e).__name__}: {e}.",
            path=path,
            remedy="Put back a copy of project.json from a backup, or create the project anew on"
            " the same images and import the folder labels of this one.",
        ) from e
