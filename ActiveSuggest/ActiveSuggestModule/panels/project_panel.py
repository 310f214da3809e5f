"""The Project section: make, open and close a project; its counts and the device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from ActiveSuggestLib.errors import NotAProjectError

from . import looks, words
from .cases_dialog import CasesDialog
from .guard import Guard
from .new_project_dialog import NewProjectDialog

if TYPE_CHECKING:
    from ..session import Session

AskFolder = Callable[[str, str], str]
"""(title, where to begin) → the chosen folder, or an empty text."""

JOBS = ("create", "open", "rescan", "import_labels")


def ask_folder(parent: Any) -> AskFolder:
    """Return a function that asks for a folder with the system's dialog."""

    def ask(title: str, begin: str) -> str:
        return str(qt.QFileDialog.getExistingDirectory(parent, title, begin) or "")

    return ask


class ProjectPanel:
    """Binds the Project section to the session."""

    def __init__(
        self,
        ui: Any,
        session: Session,
        guard: Guard,
        *,
        resource_path: Callable[[str], str],
        ask: AskFolder,
        on_open_case: Callable[[str], None],
    ) -> None:
        self._ui, self._session, self._guard = ui, session, guard
        self._resource_path, self._ask, self._on_open_case = resource_path, ask, on_open_case
        self._buttons = looks.Buttons()
        self._name = looks.FittedText(ui.projectName, keep_end=True)
        self._counts = looks.FittedText(ui.projectCounts)
        self._device = looks.FittedText(ui.projectDevice)
        ui.projectIdleText.setTextFormat(qt.Qt.RichText)
        ui.projectIdleText.connect("linkActivated(QString)", guard(self._show_left_out))
        self._progress = looks.ProgressRow(ui.projectStack, ui.projectBar, ui.projectText)
        self._menu = qt.QMenu(ui.recentButton)
        self._recent_shown: list[str] = []
        ui.recentButton.setMenu(self._menu)
        self.new_dialog: NewProjectDialog | None = None
        self.cases_dialog: CasesDialog | None = None
        self._menu.connect("aboutToShow()", guard(self._fill_recent))
        self._menu.connect("triggered(QAction*)", guard(self._open_recent))
        for button, slot in (
            (ui.newButton, self.new),
            (ui.openButton, self.open),
            (ui.casesButton, self.show_cases),
            (ui.rescanButton, self._rescan),
            (ui.importButton, self._import_labels),
            (ui.closeButton, self._close),
            (ui.projectCancel, self._cancel),
        ):
            button.connect("clicked()", guard(slot))

    def refresh(self) -> None:
        """Show what the session says of the project."""
        session, ui = self._session, self._ui
        is_open = session.folder is not None
        name = str(session.overview.get("name") or "") if is_open else _("No project is open")
        folder = str(session.folder or "")
        self._name.set(f"{name} — {folder}" if name and is_open else name or folder, folder)
        numbers = session.overview.get("counts") or {}
        others = int(session.overview.get("sessions_here") or 0)
        text = words.counts(numbers) if numbers else ""
        if others:
            text += " · " + _("open in another Slicer as well")
        self._counts.set(text)
        self._device.set(words.device(session.worker_state, session.device))
        ui.projectIdleText.text = _left_out(int(numbers.get("excluded") or 0))
        job = self._job()
        self._progress.show(job)
        busy = _("Wait until this is done, or cancel it.") if job is not None else ""
        none = "" if is_open else _("Open a project first.")
        for button in (ui.casesButton, ui.closeButton):
            self._buttons.allow(button, none)
        for button in (ui.rescanButton, ui.importButton):
            self._buttons.allow(button, none or busy)
        for button in (ui.newButton, ui.openButton):
            self._buttons.allow(button, busy)
        self._buttons.allow(ui.recentButton, busy)
        self._buttons.set_primary(None if is_open or job is not None else ui.newButton)

    def refit(self) -> None:
        """Fit the texts to the width of the panel."""
        for text in (self._name, self._counts, self._device, self._progress):
            text.refit()

    def cleanup(self) -> None:
        """Close what is open beside the panel."""
        if self.cases_dialog is not None:
            self.cases_dialog.close()
            self.cases_dialog = None
        self._forget_new_dialog()

    def new(self) -> None:
        """Ask what the new project is to be."""
        self._forget_new_dialog()
        self.new_dialog = NewProjectDialog(
            self._resource_path("UI/NewProject.ui"),
            self._ui.newButton.window(),
            self._guard,
            self._create,
        )
        self.new_dialog.open()

    def open(self) -> None:
        """Ask for a project's folder and open it."""
        recent = self._session.recent
        begin = str(Path(recent[0]).parent) if recent else ""
        folder = self._ask(_("Open a project's folder"), begin)
        if folder:
            self.open_folder(folder)

    def open_folder(self, folder: str) -> None:
        """Open a project. Raises ``NotAProjectError`` for another folder."""
        if not any((Path(folder) / name).exists() for name in ("project.json", "journal.sqlite")):
            raise NotAProjectError(
                _("There is no project in this folder."),
                path=folder,
                remedy=_("Choose the folder that holds project.json, or press New…"),
            )
        self._session.open(folder)

    def show_cases(self, state: str = "") -> None:
        """List the cases in a state, or all."""
        if self.cases_dialog is None:
            self.cases_dialog = CasesDialog(
                self._resource_path("UI/Cases.ui"),
                self._ui.casesButton.window(),
                self._session,
                self._guard,
                self._on_open_case,
            )
        self.cases_dialog.show(state)

    def locate_images(self) -> None:
        """Ask where the images are now, and look there."""
        folder = self._ask(_("Where are the images now?"), "")
        if folder:
            self._session.rescan(folder)

    def _forget_new_dialog(self) -> None:
        if self.new_dialog is not None:
            self.new_dialog.dialog.close()
            self.new_dialog.dialog.deleteLater()
            self.new_dialog = None

    def _create(self, spec: dict[str, Any]) -> None:
        self._session.create(spec)

    def _fill_recent(self) -> None:
        self._menu.clear()
        self._recent_shown = list(self._session.recent)
        for folder in self._recent_shown:
            action = self._menu.addAction(f"{Path(folder).name} — {folder}")
            action.setData(folder)
        if not self._recent_shown:
            action = self._menu.addAction(_("No project was opened yet"))
            action.enabled = False

    def _open_recent(self, action: Any) -> None:
        folder = str(action.data() or "")
        if folder:
            self.open_folder(folder)

    def _show_left_out(self, _link: str) -> None:
        self.show_cases("excluded")

    def _rescan(self) -> None:
        self._session.rescan()

    def _import_labels(self) -> None:
        folder = self._ask(_("Import labels from a folder"), "")
        if folder:
            self._session.import_labels(folder)

    def _close(self) -> None:
        self._session.close()

    def _cancel(self) -> None:
        job = self._job()
        if job is not None:
            self._session.cancel(job.kind)

    def _job(self) -> Any:
        jobs = self._session.jobs
        return next((jobs[kind] for kind in JOBS if kind in jobs), None)


def _left_out(number: int) -> str:
    if not number:
        return ""
    if number == 1:
        return '<a href="#">' + _("1 case is left out: see why") + "</a>"
    return '<a href="#">' + _("{n} cases are left out: see why").format(n=number) + "</a>"
