"""Projects: one self-contained folder in which nothing that a person did is ever lost."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..errors import (
    ActiveSuggestError,
    DiskFullError,
    MissingDraftError,
    ProjectBusyError,
    SaveFailedError,
    VanishedImageError,
)
from ..progress import Cancel, Progress
from .cases import CaseRow, CaseTable
from .journaling.claims import Session
from .journaling.journal import Journal
from .record.case_classes import CaseClasses, ClassReport
from .record.creation import create_project
from .record.label_store import LABEL_EVENTS, LabelStore, LabelVersion, SavedLabel
from .record.project_file import LiveProjectFile, ProjectFile, read_project_file, write_project_file
from .record.project_record import ProjectRecord
from .record.recovery import Recovery, recover
from .scan.image_folder import ImageFolder, image_folder_record
from .segments import Segment

if TYPE_CHECKING:
    import numpy as np

    from .images import Image
    from .labels import LabelMap
    from .record.label_import import ImportReport
    from .scan.scanning import ScanReport

__all__ = ["CaseRow", "Project", "SavedLabel", "create_project"]

JOURNAL = "journal.sqlite"


class Project(ProjectRecord):
    """An open project. Usable from several threads; several processes may open one folder.

    ``recovery`` tells what opening put right.
    """

    def __init__(self, folder: Path, content: ProjectFile, rater: str | None = None) -> None:
        self.folder = Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() follows links
        journal_path = self.folder / JOURNAL
        self.rater = rater or _login_name()
        session = Session(journal_path)
        super().__init__(Journal(journal_path, session=session.id, rater=self.rater), session)
        self._file = LiveProjectFile(self.folder, self._journal, content)
        self._images = ImageFolder(self.folder, content.images, self._journal)
        self._cases = CaseTable(self._journal, self._images)
        self.recovery = Recovery()

    @classmethod
    def open(cls, folder: str | Path, *, rater: str | None = None) -> Project:
        """Open a project and put right what a kill, a copy or a move left behind.

        Raises ``NotAProjectError``, ``DamagedProjectError``, ``NewerProjectError``.
        """
        folder = Path(folder)
        content, damage = read_project_file(folder)
        had_journal = (folder / JOURNAL).is_file()
        project = cls(folder, content, rater)
        try:
            if damage:
                write_project_file(project.folder, content)
                project.record("project_file_restored", damage=damage)
            if not had_journal:
                project.record("journal_rebuilt")
            project._recover()
        except BaseException:
            project.close()
            raise
        return project

    def close(self) -> None:
        """Close the project and free what was suggested to this session."""
        self._session.close()
        self._journal.close()

    def __enter__(self) -> Project:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # What the project is about ----------------------------------------------------------

    @property
    def name(self) -> str:
        """The project's name."""
        return self._file.content.name

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The structures to label."""
        return self._file.content.segments

    @property
    def plane(self) -> str:
        """The plane in which single slices are labelled: axial, coronal or sagittal."""
        return self._file.content.plane or "axial"

    @property
    def modality(self) -> str:
        """CT, MR or other."""
        return self._file.content.modality or "other"

    @property
    def settings(self) -> dict[str, Any]:
        """A copy of the settings; change them with ``update_settings``."""
        return dict(self._file.content.settings)

    @property
    def image_folder(self) -> Path:
        """Where the images are now."""
        return self._images.path()

    def update_settings(self, **changes: Any) -> dict[str, Any]:
        """Change some settings for good and return all; ``None`` removes one."""
        content = self._file.update(lambda now: now.with_settings(**changes))
        self.record("settings", **changes)
        return dict(content.settings)

    @property
    def validation_cases(self) -> tuple[str, ...]:
        """The cases that are never trained on; empty until they are fixed."""
        return self._file.content.validation

    def lock_validation(self, cases: Iterable[str]) -> tuple[str, ...]:
        """Fix the validation cases, once and for all; return those that hold.

        Those that are fixed already, by whichever process, stay: only a set that holds them all
        can take their place.
        """
        names = tuple(sorted(set(cases)))
        for name in names:
            self._cases.require(name)
        with self._journal.transaction():
            held = self._file.content.validation
            if not names or not set(held) < set(names):
                return held
            self.record("validation_locked", cases=list(names))
            return self._file.update(lambda now: replace(now, validation=names)).validation

    # Cases ------------------------------------------------------------------------------

    def cases(self, state: str | None = None) -> list[CaseRow]:
        """Return the cases (in one state), sorted by name."""
        return self._cases.all(state)

    def case(self, name: str) -> CaseRow:
        """Return one case; raises ``UnknownCaseError``."""
        return self._cases.get(name)

    def excluded(self, limit: int) -> list[tuple[str, str]]:
        """Return name and reason of the first excluded cases; instant at any size."""
        return self._cases.excluded(limit)

    def counts(self) -> dict[str, int]:
        """Return the number of cases in each state; instant at any size."""
        return self._cases.counts()

    def rescan(
        self,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
        *,
        images: str | Path | None = None,
    ) -> ScanReport:
        """Look at the image folder again (or at its new place); only what changed is read.

        Also completes a creation that was interrupted. Raises ``VanishedImageError``.
        """
        from .scan.scanning import scan_into

        if images is not None:
            self._use_images(image_folder_record(self.folder, Path(images)))
        table = self._file.content.patient_csv
        report = scan_into(
            self._journal,
            self._file.content,
            self.image_folder,
            patient_csv=None if table is None else self.folder / table,
            progress=progress,
            cancel=cancel,
        )
        content = self._file.content
        told = replace(
            content,
            plane=content.plane or report.plane,
            modality=content.modality or report.modality,
        )
        if told != content and report.found:
            self._file.update(lambda now: replace(now, plane=told.plane, modality=told.modality))
        self._recover()
        if content.pending_labels is not None:
            self._complete_import(Path(content.pending_labels), progress, cancel)
        return report

    def read_image(self, case: str) -> Image:
        """Read a case's image; raises ``ImageError``, and remembers if the file has vanished."""
        from .images import read_image

        row = self.case(case)
        try:
            image = read_image(row.source, case=case)
        except VanishedImageError:
            self._cases.set_missing(case, True)
            raise
        if row.missing:
            self._cases.set_missing(case, False)
        return image

    def exclude(self, case: str, reason: str) -> None:
        """Take a case out of the pool, with a reason."""
        self._cases.exclude(case, reason)

    def include(self, case: str) -> None:
        """Take a case back into the pool."""
        self._cases.include(case)

    def skip(self, case: str, reason: str = "") -> None:
        """Pass a case over for now."""
        self._cases.skip(case, reason)

    def note(self, case: str, text: str) -> None:
        """Record a remark on a case."""
        self._cases.require(case)
        self.record("note", case, text=text)

    def report_problem(self, case: str, error: ActiveSuggestError) -> None:
        """Record that a case cannot be used, and exclude it until its image changes."""
        if isinstance(error, VanishedImageError):
            self._cases.set_missing(case, True)
        else:
            self._cases.report_problem(case, error)

    # Classes ----------------------------------------------------------------------------

    def classes(self) -> dict[str, str]:
        """Return the image-level class by case; a case without one is not in it.

        Raises ``ClassTableError`` if ``classes.csv`` is damaged.
        """
        return self._classes.all()

    def class_counts(self) -> dict[str, int] | None:
        """Return how many cases have each class; ``None`` if ``classes.csv`` is damaged."""
        return self._classes.counts()

    def save_class(self, case: str, name: str | None) -> str | None:
        """Save what a whole image shows (``None``: not known) and return the name as it is spelt.

        Raises ``UnknownCaseError``, ``InvalidClassError``, ``ClassTableError``.
        """
        return self._classes.save(case, name)

    def import_classes(self, path: str | Path) -> ClassReport:
        """Take in a CSV file of case,class; see ``case_classes.CaseClasses.take_in``."""
        return self._classes.take_in(Path(path))

    # Labels -----------------------------------------------------------------------------

    def save_label(
        self,
        case: str,
        mask: np.ndarray | str | Path,
        *,
        slices: Sequence[int] | None = None,
        source: str = "user",
        rater: str | None = None,
        seconds: float | None = None,
        note: str = "",
        **facts: Any,
    ) -> SavedLabel:
        """Save a label: an array (z, y, x) of segment values, or a file in any readable format.

        ``slices`` (along the project's plane) are added to those labelled before; ``None`` is the
        whole volume. ``seconds`` is the person's time; ``facts`` go into the event. Raises
        ``LabelError`` before anything is written; ``DiskFullError`` or ``SaveFailedError`` with
        the earlier label untouched.
        """
        facts = {"source": source, "rater": rater, "seconds": seconds, "note": note, **facts}
        saved = self._labels.save(
            case,
            self.case(case).geometry,
            mask,
            slices=slices,
            event="imported" if source == "import" else "saved",
            **facts,
        )
        if seconds is not None:
            amount = 1 if slices is None else len(set(slices))
            task = "label_volume" if slices is None else "label_slices"
            self.record_timing(task, seconds, case=case, amount=amount)
        return saved

    def read_label(self, case: str, version: int | None = None) -> LabelMap | None:
        """Return a case's label (an earlier version of it), or ``None``."""
        return self._labels.read(case, self.case(case).geometry, version)

    def label_path(self, case: str) -> Path | None:
        """Return the file of a case's current label, or ``None``."""
        return self._labels.path(case) if self.case(case).has_label else None

    def label_history(self, case: str) -> list[LabelVersion]:
        """Return all versions of a case's label, oldest first."""
        return self._labels.versions(case)

    def labels_version(self) -> int:
        """Return a number that grows whenever there are other labels to train on; cheap."""
        return self._journal.newest(LABEL_EVENTS)

    def save_draft(
        self, case: str, mask: np.ndarray | str | Path, *, slices: Sequence[int] | None = None
    ) -> Path:
        """Keep an unfinished mask, so that it reopens where it was left; return its file."""
        return self._labels.save_draft(case, self.case(case).geometry, mask, slices)

    def read_draft(self, case: str) -> LabelMap | None:
        """Return the unfinished mask, or ``None``."""
        return self._labels.read_draft(case, self.case(case).geometry)

    def adopt_draft(self, case: str) -> Path:
        """Note the draft that someone has put at ``drafts/CASE.seg.nrrd``; return its file.

        The content is not looked at. Raises ``MissingDraftError`` where there is none.
        """
        path = self._labels.drafts.path(case)
        self._cases.require(case)
        if not path.is_file():
            raise MissingDraftError(
                f"There is no draft of {case}.",
                case=case,
                path=path,
                remedy="Save the mask there first, then ask again.",
            )
        self._labels.drafts.note(case)
        return path

    def discard_draft(self, case: str) -> None:
        """Take the unfinished mask away."""
        self._labels.drafts.discard(case)

    def import_labels(
        self,
        folder: str | Path,
        *,
        replace: bool = False,
        progress: Progress | None = None,
        cancel: Cancel | None = None,
    ) -> ImportReport:
        """Take in the label files of a folder by case name; see ``label_import.import_labels``."""
        from .record.label_import import import_labels

        return import_labels(self, Path(folder), replace=replace, progress=progress, cancel=cancel)

    # Parts ------------------------------------------------------------------------------

    @property
    def _labels(self) -> LabelStore:
        return LabelStore(self.folder, self._journal, self.segments, self.plane)

    @property
    def _classes(self) -> CaseClasses:
        return CaseClasses(self.folder, self._journal, self._cases)

    def _recover(self) -> None:
        self.recovery = recover(self.folder, self._journal, self._cases, self._labels)
        found = self._images.record()
        if found != self._file.content.images and self._images.path().is_dir():
            try:
                self._use_images(found)
            except (SaveFailedError, DiskFullError, ProjectBusyError) as error:
                self.recovery.left.append(error)

    def _complete_import(
        self, folder: Path, progress: Progress | None, cancel: Cancel | None
    ) -> None:
        """Take in the labels that creating the project was to take in."""
        if not folder.is_dir():
            self.record("labels_away", folder=str(folder))
            return
        self.import_labels(folder, progress=progress, cancel=cancel)
        self._file.update(lambda now: replace(now, pending_labels=None))

    def _use_images(self, record: dict[str, str]) -> None:
        """Note where the images are from now on."""
        with self._journal.transaction():
            self._file.update(lambda now: replace(now, images=record))
            self.record("images_moved", folder=record["absolute"])
        self._images = ImageFolder(self.folder, record, self._journal)
        self._cases = CaseTable(self._journal, self._images)


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a user without a name, as in containers
        return ""
