"""The panel as a whole: its sections on one session, and what Slicer tells them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import qt
import vtk
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from . import preferences
from .file_browser import show_folder
from .panels import looks
from .panels.details_dialog import DetailsDialog
from .panels.edit_panel import EditPanel
from .panels.guard import Guard
from .panels.install_bar import InstallBar
from .panels.learning_panel import LearningPanel
from .panels.project_panel import AskFolder, ProjectPanel, ask_folder
from .panels.save_panel import SavePanel
from .panels.suggest_panel import SuggestPanel
from .panels.trouble_bar import TroubleBar
from .parameters import Parameters
from .shortcuts import Shortcuts
from .troubles import Trouble

if TYPE_CHECKING:
    from .session import Session

TICK_MS = 400
NOTICE_SECONDS = 12.0
STATUS_LINES = 2


class ModulePanel(VTKObservationMixin):
    """All sections of the panel, bound to the session of ``logic``.

    ``root`` is the loaded form and ``ui`` its widgets by name; ``resource_path(name)`` gives the
    path of a file of the module's resources. ``ask`` asks for a folder and ``dependencies``
    installs packages: by default the system's dialog and the module of that name.
    """

    def __init__(
        self,
        root: Any,
        ui: Any,
        logic: Any,
        resource_path: Callable[[str], str],
        *,
        ask: AskFolder | None = None,
        dependencies: Any = None,
    ) -> None:
        VTKObservationMixin.__init__(self)
        self._root, self._ui, self._logic = root, ui, logic
        self.session: Session = logic.session
        self.parameters: Any = None
        self._settings = qt.QSettings()
        self._gui_tag: int | None = None
        self._notice, self._notice_until = "", 0.0
        self._entered = False
        self.guard = Guard(self.show_trouble)
        self.buttons = looks.Buttons()
        self._status = ui.statusLabel
        looks.reserve_lines(self._status, STATUS_LINES)
        ask = ask or ask_folder(root)
        self.details = DetailsDialog(resource_path("UI/Details.ui"), root)
        self.troubles = TroubleBar(
            ui, on_action=self.guard(self._act), on_details=self.guard(self._show_details)
        )
        self.install = InstallBar(
            ui,
            self.session,
            self.guard,
            ask=ask,
            on_trouble=self.show_trouble,
            dependencies=dependencies,
        )
        self.project = ProjectPanel(
            ui,
            self.session,
            self.guard,
            resource_path=resource_path,
            ask=ask,
            on_open_case=self.open_case,
        )
        self.suggest = SuggestPanel(
            ui,
            self.session,
            self.guard,
            buttons=self.buttons,
            on_open_case=self.open_case,
            on_any_case=self.project.show_cases,
            on_strategy=self._strategy_chosen,
            needs_learner=self.install.needs,
        )
        self.edit = EditPanel(ui, self.session, self.guard, buttons=self.buttons)
        self.save = SavePanel(ui, self.session, self.guard, buttons=self.buttons)
        self.learning = LearningPanel(
            ui,
            self.session,
            self.guard,
            buttons=self.buttons,
            needs_learner=self.install.needs,
        )
        self.shortcuts = Shortcuts(
            {
                "next_place": self.guard(self.edit.next_place),
                "previous_place": self.guard(self.edit.previous_place),
                "next_slice": self.guard(self.edit.next_slice),
                "previous_slice": self.guard(self.edit.previous_slice),
                "toggle_overlay": self.guard(self.edit.toggle_overlay),
                "save": self.guard(self.save.save),
                "save_and_next": self.guard(self.save.save_and_next),
            }
        )
        self._timer = qt.QTimer(root)
        self._timer.setInterval(TICK_MS)
        self._timer.connect("timeout()", self.guard(self._tick))
        self._fit_timer = qt.QTimer(root)
        self._fit_timer.setSingleShot(True)
        self._fit_timer.setInterval(0)
        self._fit_timer.connect("timeout()", self.guard(self.refit))
        self._connections = (
            (self.session.project_changed, self.guard(self._project_changed)),
            (self.session.overview_changed, self.guard(self.refresh)),
            (self.session.suggestions_changed, self.guard(self._suggestions_changed)),
            (self.session.case_changed, self.guard(self._case_changed)),
            (self.session.jobs_changed, self.guard(self._jobs_changed)),
            (self.session.models_changed, self.guard(self.learning.refresh)),
            (self.session.trouble, self.show_trouble),
            (self.session.notice, self.guard(self.show_notice)),
            (self.session.saved, self.guard(self.save.on_saved)),
        )
        for signal, slot in self._connections:
            signal.connect(slot)
        self.refresh()

    # What Slicer tells ------------------------------------------------------------------

    def enter(self) -> None:
        """The user came to the module."""
        self._entered = True
        self.bind_parameters()
        self.edit.editor.enter()
        self.shortcuts.install()
        self._timer.start()
        self.refresh()
        # The widths are known when the layout is done.
        self._fit_timer.start()
        self.guard(self.install.resume)()

    def exit(self) -> None:
        """The user went to another module: what was edited is kept as a draft."""
        self._entered = False
        self._timer.stop()
        self._fit_timer.stop()
        self.shortcuts.uninstall()
        self.guard(self.session.autosave)()
        self.edit.editor.exit()
        self._unbind_parameters()

    def cleanup(self) -> None:
        """The panel goes away for good."""
        self._entered = False
        self._timer.stop()
        self._fit_timer.stop()
        self.shortcuts.uninstall()
        for signal, slot in self._connections:
            signal.disconnect(slot)
        self._unbind_parameters()
        self.edit.editor.cleanup()
        self.project.cleanup()
        self.details.cleanup()
        self.session.shut_down()

    def scene_start_close(self) -> None:
        """Slicer closes the scene: keep what was edited before its nodes go away."""
        self.guard(self.session.close_case)()
        self.edit.scene_start_close()
        self._unbind_parameters()

    def scene_end_close(self, is_entered: bool) -> None:
        """The scene is empty now."""
        if is_entered:
            self.bind_parameters()
        self.refresh()

    # Parameters -------------------------------------------------------------------------

    def bind_parameters(self) -> None:
        """Bind the widgets to the scene's parameter node."""
        self._unbind_parameters()
        self.parameters = Parameters(self._logic.getParameterNode())  # type: ignore[call-arg]
        preferences.recall(self.parameters, self._settings)
        self._gui_tag = self.parameters.connectGui(self._ui)
        self.addObserver(
            self.parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self._parameters_changed
        )
        self._parameters_changed()

    def _unbind_parameters(self) -> None:
        if self.parameters is not None:
            self.removeObservers()
            self.parameters.disconnectGui(self._gui_tag)
            self.parameters, self._gui_tag = None, None

    def _parameters_changed(self, _caller: Any = None, _event: Any = None) -> None:
        if self.parameters is None:
            return
        self.suggest.choose_strategy(self.parameters.strategy)
        self.session.train_after_save = self.parameters.trainAfterSave
        self.session.train_seconds = float(self.parameters.trainSeconds)
        self.session.rank_after_training = self.parameters.rankAfterTraining
        preferences.remember(self.parameters, self._settings)

    def _strategy_chosen(self, name: str) -> None:
        if self.parameters is not None and self.parameters.strategy != name:
            self.parameters.strategy = name

    # What the session tells -------------------------------------------------------------

    def refresh(self) -> None:
        """Show everything anew."""
        self.project.refresh()
        self.suggest.refresh()
        self.edit.refresh()
        self.save.refresh()
        self.learning.refresh()
        self._show_status()

    def show_notice(self, sentence: str) -> None:
        """Show a sentence for a while."""
        self._notice, self._notice_until = sentence, time.monotonic() + NOTICE_SECONDS
        self._show_status()

    def show_trouble(self, trouble: Trouble) -> None:
        """Show what went wrong; what can be installed is offered at once."""
        if trouble.action == "install" and not self.install.is_shown:
            self.guard(self.install.offer)()
            if self.install.is_shown:
                return
        self.troubles.show(trouble)

    def open_case(self, case: str, slice_index: int | None = None) -> None:
        """Show a case, at a slice if one is given."""
        self.session.open_case(case, slice_index)

    def refit(self) -> None:
        """Fit texts and curve to the width of the panel."""
        for panel in (self.project, self.suggest, self.edit, self.save, self.learning):
            panel.refit()

    def _project_changed(self) -> None:
        is_open = self.session.folder is not None
        if is_open:
            self.troubles.clear("not_a_project", "worker_died")
            for name in ("suggestSection", "learningSection"):
                getattr(self._ui, name).collapsed = False
        self.refresh()

    def _suggestions_changed(self) -> None:
        self.suggest.refresh()
        self._show_status()

    def _case_changed(self) -> None:
        if self.session.current is not None and self.session.scene.shown is not None:
            for name in ("editSection", "saveSection"):
                getattr(self._ui, name).collapsed = False
        self.suggest.refresh()
        self.edit.refresh()
        self.save.refresh()
        self._show_status()

    def _jobs_changed(self) -> None:
        self.project.refresh()
        self.suggest.refresh_buttons()
        self.learning.refresh_job()
        self._show_status()

    def _tick(self) -> None:
        self.edit.tick()
        self.save.tick()
        self.refit()
        self.troubles.recolour()
        self.install.recolour()
        if self._notice and time.monotonic() > self._notice_until:
            self._show_status()

    def _show_status(self) -> None:
        if self._notice and time.monotonic() > self._notice_until:
            self._notice = ""
        self._set_primary()
        text = self._notice or self._next_step()
        if self._status.text != text:
            self._status.text = text
            self._status.toolTip = text

    def _set_primary(self) -> None:
        session = self.session
        job = session.jobs.get("suggest")
        if session.current is not None:
            self.buttons.set_primary(self._ui.saveNextButton)
        elif session.folder is not None and (job is None or job.background):
            self.buttons.set_primary(self._ui.suggestButton)
        else:
            self.buttons.set_primary(None)

    def _next_step(self) -> str:
        """Say what the user can do next."""
        session = self.session
        if session.worker_state in ("starting", "creating") or "create" in session.jobs:
            return _("The project is being opened.")
        if session.folder is None:
            return _("Make a project of a folder of images, or open one.")
        job = session.jobs.get("suggest")
        if job is not None and not job.background:
            return _("Looking for what is worth labelling next.")
        if session.current is not None:
            return _("Correct the segmentation below, then press Save and next.")
        if any(s.state not in ("done", "failed") for s in session.suggestions):
            return _("Double-click a row of the table to open the case.")
        return _("Press Suggest next to see what is worth labelling.")

    # Troubles ---------------------------------------------------------------------------

    def _act(self, trouble: Trouble) -> None:
        action = trouble.action
        if action == "install":
            self.install.offer()
        elif action == "restart":
            self.session.restart_worker()
        elif action == "show-log":
            self._show_details(trouble)
        elif action == "locate-images":
            self.project.locate_images()
        elif action == "open-project":
            self.project.open()
        elif action == "rescan":
            self.session.rescan()
        elif action == "open-folder" and trouble.path:
            show_folder(trouble.path)

    def _show_details(self, trouble: Trouble) -> None:
        self.details.show(trouble, self.session.log())
