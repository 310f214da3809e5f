"""Where the images are: found again when the project, the images or both were moved."""

from __future__ import annotations

import json
import os
from pathlib import Path

from ..journaling.journal import Journal


class ImageFolder:
    """The folder of images of one project, which is never written to."""

    def __init__(self, folder: Path, record: dict[str, str], journal: Journal) -> None:
        self._folder = folder
        self._record = record
        self._journal = journal
        self._found: Path | None = None

    def path(self) -> Path:
        """Return the folder; the likeliest place if it is nowhere at this moment."""
        if self._found is not None:
            return self._found
        places = self._places()
        there = [place for place in places if place.is_dir()]
        found = next((place for place in there if self._holds_the_pool(place)), None)
        if found is None and there and not self._some_path():
            found = there[0]
        self._found = found
        return found or places[0]

    def record(self) -> dict[str, str]:
        """Return both ways to the folder, as project.json is to hold them from now on."""
        return image_folder_record(self._folder, self.path())

    def _places(self) -> list[Path]:
        places = []
        if self._record.get("relative"):
            places.append(Path(os.path.normpath(self._folder / self._record["relative"])))
        if self._record.get("absolute"):
            places.append(Path(self._record["absolute"]))
        return places or [self._folder]

    def _holds_the_pool(self, place: Path) -> bool:
        # Another folder may have come to lie where the relative path points now.
        path = self._some_path()
        return bool(path) and (place / path).exists()

    def _some_path(self) -> str:
        row = self._journal.row(
            "SELECT i.record FROM images i JOIN cases c ON c.name = i.name"
            " WHERE NOT c.missing ORDER BY i.name LIMIT 1"
        )
        return str(json.loads(row[0])["source"]["paths"][0]) if row else ""


def image_folder_record(folder: Path, images: Path) -> dict[str, str]:
    """Return both ways to the image folder: from the project, and from anywhere."""
    images = Path(os.path.abspath(images))  # noqa: PTH100 - resolve() would follow links
    record = {"absolute": images.as_posix()}
    try:
        record["relative"] = Path(os.path.relpath(images, folder)).as_posix()
    except ValueError:  # another drive on Windows
        return record
    return record
