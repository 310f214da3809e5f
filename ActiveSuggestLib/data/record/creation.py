"""Creating a project: from a folder of images to a pool that can be ranked."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ImageFolderError, LabelFolderError, ProjectExistsError, ProjectPlaceError
from ...progress import Cancel, Progress
from .. import store
from ..scan.image_folder import image_folder_record
from ..scan.patients import patient_finder
from ..scan.scanning import PLANES
from ..segments import Segment, parse_segments
from .case_classes import check_class_table
from .project_file import BACKUP, NAME, ProjectFile, write_project_file

if TYPE_CHECKING:
    from ..project import Project

PATIENTS = "patients.csv"
"""The project's own copy of the table of patients."""

_IGNORED = {".ds_store", "thumbs.db", "desktop.ini"}


def create_project(
    folder: str | Path,
    images: str | Path,
    *,
    labels: str | Path | None = None,
    segments: str | Iterable[str | Segment],
    name: str | None = None,
    plane: str | None = None,
    modality: str | None = None,
    patient_pattern: str | None = None,
    patient_csv: str | Path | None = None,
    classes: str | Path | None = None,
    settings: dict[str, Any] | None = None,
    rater: str | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Project:
    """Make a project of all images in a folder, take in the labels that exist, and open it.

    Without ``plane`` and ``modality`` the images tell. ``classes`` is a CSV file of case,class,
    what whole images show; it is taken in last. If this is interrupted, open the project and
    ``rescan``: what was found is kept. Raises ``ProjectExistsError``, ``ProjectPlaceError``,
    ``ImageFolderError``, ``PatientGroupingError``, ``LabelFolderError``, ``ClassTableError``,
    ``InvalidSegmentsError``, ``DiskFullError``, ``SaveFailedError``, ``CancelledError``.
    """
    from ..project import Project

    folder, images = Path(folder), Path(images)
    content = ProjectFile(
        name=name or folder.resolve().name or "project",
        segments=parse_segments(segments),
        plane=_checked_plane(plane),
        modality=modality or "",
        images=image_folder_record(folder.absolute(), images),
        patient_pattern=patient_pattern,
        patient_csv=None if patient_csv is None else PATIENTS,
        pending_labels=None if labels is None else str(Path(labels).absolute()),
        settings=dict(settings or {}),
    )
    table = None if patient_csv is None else Path(patient_csv)
    _check_places(folder, images, labels)
    patient_finder(patient_pattern, table)
    if classes is not None:
        check_class_table(Path(classes))
    store.make_folder(folder)
    if table is not None:
        store.atomic_write(folder / PATIENTS, table.read_bytes())
    write_project_file(folder, content)
    project = Project(folder, content, rater)
    try:
        project.record("created", name=content.name, images=str(images))
        project.rescan(progress, cancel)
        if classes is not None:
            project.import_classes(classes)
    except BaseException:
        project.close()
        raise
    return project


def _check_places(folder: Path, images: Path, labels: str | Path | None) -> None:
    if not images.is_dir():
        raise ImageFolderError(
            "The folder of images is not there.",
            path=images,
            remedy="Name a folder that holds the images.",
        )
    if labels is not None and not Path(labels).is_dir():
        raise LabelFolderError(
            "The folder of labels is not there.",
            path=labels,
            remedy="Name a folder that holds one label file a case.",
        )
    if (folder / NAME).exists() or (folder / BACKUP).exists():
        raise ProjectExistsError(
            "There is a project in this folder already.",
            path=folder,
            remedy="Open it (and rescan it for new images), or choose another folder.",
        )
    if folder.exists() and not folder.is_dir():
        raise ProjectExistsError(
            "There is a file of this name.", path=folder, remedy="Choose another folder."
        )
    if folder.is_dir() and any(_is_foreign(entry.name) for entry in folder.iterdir()):
        raise ProjectExistsError(
            "The folder holds other files.",
            path=folder,
            remedy="Choose a new or an empty folder for the project.",
        )
    if images.resolve() in (folder.resolve(), *folder.resolve().parents):
        raise ProjectPlaceError(
            "The project would lie among the images, and its labels would be taken for some.",
            path=folder,
            remedy="Choose a folder outside the folder of images; it is never written to.",
        )


def _is_foreign(name: str) -> bool:
    return name.lower() not in {PATIENTS, *_IGNORED} and not name.startswith(store.TEMPORARY)


def _checked_plane(plane: str | None) -> str:
    if plane is None or plane.lower() in PLANES:
        return (plane or "").lower()
    raise ProjectPlaceError(
        f"There is no plane called {plane!r}.", remedy=f"Choose one of {', '.join(PLANES)}."
    )
