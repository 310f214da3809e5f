"""Recent projects, kept in Slicer's settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SETTING = "ActiveSuggest/RecentProjects"
KEPT = 8


class RecentProjects:
    """Folders of projects, newest first; without ``settings`` they last as long as the object."""

    def __init__(self, settings: Any = None) -> None:
        self._settings = settings
        self._folders: list[str] = []

    def folders(self) -> list[str]:
        """Return the folders that still hold a project."""
        return [folder for folder in self._all() if (Path(folder) / "project.json").is_file()]

    def add(self, folder: Path) -> None:
        """Put a folder on top."""
        path = str(folder)
        # Those on a drive that is away now stay: they may come back.
        self._keep([path, *(other for other in self._all() if other != path)][:KEPT])

    def _all(self) -> list[str]:
        if self._settings is None:
            return list(self._folders)
        # One text with line breaks: a list of one comes back from some settings as a text.
        stored = self._settings.value(SETTING)
        lines = stored.split("\n") if isinstance(stored, str) else list(stored or [])
        return [str(line) for line in lines if line]

    def _keep(self, folders: list[str]) -> None:
        self._folders = folders
        if self._settings is not None:
            self._settings.setValue(SETTING, "\n".join(folders))
