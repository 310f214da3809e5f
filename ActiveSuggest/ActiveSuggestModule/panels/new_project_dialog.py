"""The New project dialog: which images, what to label, and where the project is kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from ActiveSuggestLib.data.segments import Segment, check_segments
from ActiveSuggestLib.errors import InvalidSegmentsError

from .guard import Guard
from .segments_table import SegmentsTable

PLANES = (None, "axial", "coronal", "sagittal")


class NewProjectDialog:
    """Asks for what ``Session.create`` needs; ``on_create(spec)`` gets it."""

    def __init__(
        self,
        ui_path: str,
        parent: Any,
        guard: Guard,
        on_create: Callable[[dict[str, Any]], None],
    ) -> None:
        self._on_create = on_create
        self._proposed_folder = ""
        self.dialog = slicer.util.loadUI(ui_path)
        self.dialog.setParent(parent, self.dialog.windowFlags())
        self.dialog.setModal(True)
        self.ui = slicer.util.childWidgetVariables(self.dialog)
        self.segments = SegmentsTable(self.ui.segmentsTable, guard, self.check)
        ui = self.ui
        ui.addSegmentButton.connect("clicked()", guard(self.segments.add))
        ui.removeSegmentButton.connect("clicked()", guard(self.segments.remove_selected))
        ui.imagesEdit.connect("currentPathChanged(QString)", guard(self._images_changed))
        for edit in (ui.labelsEdit, ui.folderEdit):
            edit.connect("currentPathChanged(QString)", guard(self._path_changed))
        ui.patientEdit.connect("textChanged(QString)", guard(self._path_changed))
        ui.createButton.connect("clicked()", guard(self._create))
        ui.cancelButton.connect("clicked()", self.dialog.reject)
        # Paths of the last project would be taken for this one's.
        for edit in (ui.imagesEdit, ui.labelsEdit, ui.folderEdit):
            edit.currentPath = ""
        self.segments.add()
        self.check()

    def open(self) -> None:
        """Show it."""
        self.dialog.open()

    def spec(self) -> dict[str, Any]:
        """Return what ``Session.create`` takes."""
        ui = self.ui
        folder = Path(ui.folderEdit.currentPath.strip())
        labels, pattern = ui.labelsEdit.currentPath.strip(), ui.patientEdit.text.strip()
        return {
            "folder": str(folder),
            "name": folder.name,
            "images": ui.imagesEdit.currentPath.strip(),
            "labels": labels or None,
            "segments": self.segments.segments(),
            "plane": PLANES[ui.planeCombo.currentIndex],
            "patient_pattern": pattern or None,
        }

    def check(self) -> str:
        """Say what keeps the project from being made; Create can be pressed when nothing does."""
        problem = self._problem()
        self.ui.problemLabel.text = problem
        self.ui.createButton.enabled = not problem
        self.ui.createButton.toolTip = problem or _("Read the images and make the project.")
        return problem

    def _problem(self) -> str:
        ui = self.ui
        images = ui.imagesEdit.currentPath.strip()
        if not images:
            return _("Choose the folder that holds the images.")
        if not Path(images).is_dir():
            return _("There is no folder {path}.").format(path=images)
        labels = ui.labelsEdit.currentPath.strip()
        if labels and not Path(labels).is_dir():
            return _("There is no folder {path}.").format(path=labels)
        return self._segments_problem() or self._folder_problem(images) or self._pattern_problem()

    def _segments_problem(self) -> str:
        forms = self.segments.segments()
        if not forms:
            return _("Name at least one segment to label: click into the table.")
        try:
            check_segments(tuple(Segment.from_dict(form) for form in forms))
        except InvalidSegmentsError as error:
            return str(error)
        return ""

    def _folder_problem(self, images: str) -> str:
        text = self.ui.folderEdit.currentPath.strip()
        if not text:
            return _("Choose a new folder for the project.")
        folder = Path(text)
        if folder.is_dir() and any(folder.iterdir()):
            if (folder / "project.json").exists():
                return _("There is a project in this folder already: use Open… for it.")
            return _("The project's folder holds other files: choose a new or an empty one.")
        inside = Path(images).resolve() in (folder.resolve(), *folder.resolve().parents)
        if inside:
            return _("The project cannot lie among the images: choose another folder.")
        return ""

    def _pattern_problem(self) -> str:
        pattern = self.ui.patientEdit.text.strip()
        try:
            groups = re.compile(pattern).groups if pattern else 1
        except re.error as error:
            return _("The pattern for patients cannot be read: {error}.").format(error=error)
        return "" if groups else _("The pattern for patients needs a (group).")

    def _images_changed(self, path: str) -> None:
        edit = self.ui.folderEdit
        if path and edit.currentPath in ("", self._proposed_folder):
            images = Path(path)
            proposal = images.parent / f"{images.name}-project"
            number = 2
            while proposal.exists():
                proposal = images.parent / f"{images.name}-project-{number}"
                number += 1
            self._proposed_folder = str(proposal)
            edit.currentPath = self._proposed_folder
        self.check()

    def _path_changed(self, _text: str) -> None:
        self.check()

    def _create(self) -> None:
        if self.check():
            return
        spec = self.spec()
        self.dialog.accept()
        self._on_create(spec)
