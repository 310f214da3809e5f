"""Walking a folder: its files in a fixed order, without what systems and projects leave there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

_PASSED_OVER = frozenset({"__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin"})


def files_below(
    folder: Path, *, on_error: Callable[[OSError], None] | None = None
) -> Iterator[Path]:
    """Yield every file below ``folder``, sorted; hidden files and project folders are left out.

    Links to folders are followed, each folder once. A folder that cannot be listed is reported to
    ``on_error`` and passed over.
    """
    yield from _files(os.fspath(folder), set(), on_error, top=True)


def _files(
    folder: str,
    seen: set[tuple[int, int]],
    on_error: Callable[[OSError], None] | None,
    *,
    top: bool = False,
) -> Iterator[Path]:
    try:
        state = os.stat(folder)  # noqa: PTH116 - with scandir, and much faster than Path
        identity = (state.st_dev, state.st_ino)
        if identity in seen and state.st_ino:
            return
        seen.add(identity)
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        if on_error is not None:
            on_error(error)
        return
    names = {entry.name for entry in entries}
    if not top and {"project.json", "journal.sqlite"} <= names:
        return
    folders = []
    for entry in entries:
        if entry.name.startswith(".") or entry.name.lower() in _PASSED_OVER:
            continue
        if entry.is_dir():
            folders.append(entry.path)
        elif entry.is_file():
            yield Path(entry.path)
    for below in folders:
        yield from _files(below, seen, on_error)
