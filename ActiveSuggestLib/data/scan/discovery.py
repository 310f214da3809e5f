"""Discovery: which files in a folder make which case, before any voxel is read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from ...errors import ImageFolderError, UnreadableImageError
from ..formats.channels import channel_folders, files_of, without_labels
from ..formats.naming import is_segmentation, may_be_dicom, named_format
from ..formats.series import dicom_cases
from ..images import ImageSource
from .case_naming import named
from .found import Found, Known
from .walk import files_below


def discover(
    folder: Path,
    *,
    known: Known | None = None,
    looked_at: Callable[[int], None] = lambda _count: None,
) -> list[Found]:
    """Return the cases below ``folder``, sorted by name; raises ``ImageFolderError``.

    ``looked_at`` is told how many files were looked at, and may raise to stop.
    """
    if not folder.is_dir():
        raise ImageFolderError(
            f"There is no folder {folder}.",
            path=folder,
            remedy="Give the folder that holds the images.",
        )
    known = known or Known()
    closed: list[OSError] = []
    by_folder: dict[Path, list[Path]] = defaultdict(list)
    dicom: list[Path] = []
    for count, path in enumerate(files_below(folder, on_error=closed.append)):
        if count % 200 == 0:
            looked_at(count)
        if may_be_dicom(path):
            dicom.append(path)
        elif named_format(path) and not is_segmentation(path):
            by_folder[path.parent].append(path)
    found = [_closed_folder(error) for error in closed]
    found += dicom_cases(dicom, folder, known, looked_at)
    images = {parent: without_labels(paths) for parent, paths in by_folder.items()}
    of_channels = channel_folders(images, folder, known)
    found += of_channels
    grouped = {path.parent for case in of_channels for path in case.source.paths}
    for parent, paths in images.items():
        if parent not in grouped:
            found += files_of(paths)
    return named(found, folder, known.names)


def _closed_folder(error: OSError) -> Found:
    path = Path(str(error.filename))
    return Found(
        path.name,
        ImageSource((path,), "file"),
        problem=UnreadableImageError(
            f"The folder {path.name} cannot be listed: {error.strerror}.",
            path=path,
            remedy="Check its permissions, and that the drive is connected.",
        ),
    )
