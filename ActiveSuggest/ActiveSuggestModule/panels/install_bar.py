"""The bar that installs what the model needs: explains, asks, shows progress, goes on after."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from ..troubles import Trouble, trouble_from_exception
from . import looks
from .guard import Guard
from .project_panel import AskFolder

if TYPE_CHECKING:
    from ..session import Session

Action = Callable[[], None]


def _dependencies() -> ModuleType:
    # Only now: the panel opens faster without it.
    from .. import dependencies

    return dependencies


class InstallBar:
    """Stands above the sections while something is missing that an action needs.

    ``dependencies`` has the functions of the module of that name; ``on_trouble`` gets what went
    wrong.
    """

    def __init__(
        self,
        ui: Any,
        session: Session,
        guard: Guard,
        *,
        ask: AskFolder,
        on_trouble: Callable[[Trouble], None],
        dependencies: Any = None,
    ) -> None:
        self._ui, self._session, self._ask, self._on_trouble = ui, session, ask, on_trouble
        self._given = dependencies
        self._then: Action | None = None
        self._buttons = looks.Buttons()
        self._progress = looks.FittedText(ui.installProgress)
        self._torch_from = ""
        self._project = ""
        self._restart = False
        self._running = False
        ui.installButton.connect("clicked()", guard(self._install))
        ui.installWheels.connect("clicked()", guard(self._install_from_wheels))
        ui.installLater.connect("clicked()", guard(self.hide))
        self.hide()

    @property
    def is_shown(self) -> bool:
        """Whether the bar asks for something now."""
        return not self._ui.installBar.isHidden()

    @property
    def is_running(self) -> bool:
        """Whether an installation is under way."""
        return self._running

    def needs(self, then: Action) -> bool:
        """Say whether something must be installed first; then ask for it, and do ``then`` after."""
        if self._running:
            return True
        # It may turn out only later that something is missing.
        self._then = then
        if self._session.worker_state not in ("no-learner", "none", "dead"):
            return False
        if not self._lacks():
            return False
        self.offer()
        return True

    def offer(self) -> None:
        """Explain what is missing, and ask; what was wanted last is done when it is installed."""
        if self._running:
            return
        dependencies = self._dependencies
        lacks = self._lacks()
        if not lacks:
            # It is all there: the worker has only to look again.
            self._session.restart_worker()
            return
        self._torch_from, self._restart = dependencies.EXTENSION, False
        self._show(dependencies.explain(lacks), _("Install"))

    def resume(self) -> None:
        """Offer to go on with an installation that a restart of Slicer interrupted."""
        unfinished = self._dependencies.unfinished()
        if unfinished is None:
            return
        if unfinished.project:
            self._project = unfinished.project
        lacks = self._lacks()
        if not lacks:
            self._dependencies.forget_unfinished()
            if self._project and self._session.folder is None:
                self._session.open(self._project)
            return
        self._torch_from, self._restart = unfinished.torch_from, False
        text = _("Slicer was closed while this was being installed.")
        self._show(f"{text} {self._dependencies.explain(lacks)}", _("Go on"))

    def hide(self) -> None:
        """Close the bar; what waited for it is forgotten."""
        if self._running:
            return
        if self.is_shown and self._project:
            self._dependencies.forget_unfinished()
        self._then, self._project = None, ""
        self._ui.installBar.hide()

    def recolour(self) -> None:
        """Take the colours from the palette, which may have turned dark."""
        bar = self._ui.installBar
        # The parent's palette: the bar's own takes the colour of its style sheet over.
        colour = looks.tint(bar.parentWidget().palette, 60, 130, 220, 0.2)
        sheet = f"QFrame#installBar {{ background-color: {colour}; border-radius: 4px; }}"
        if bar.styleSheet != sheet:
            bar.setStyleSheet(sheet)

    @property
    def _dependencies(self) -> Any:
        return self._given if self._given is not None else _dependencies()

    def _lacks(self) -> Any:
        return self._dependencies.missing()

    def _show(self, text: str, button: str, *, wheels: bool = True) -> None:
        ui = self._ui
        ui.installText.text = text
        self._progress.set("")
        ui.installProgress.setVisible(False)
        ui.installButton.text = button
        ui.installWheels.setVisible(wheels)
        for widget in (ui.installButton, ui.installWheels, ui.installLater):
            self._buttons.allow(widget)
        self.recolour()
        ui.installBar.show()

    def _install_from_wheels(self) -> None:
        folder = self._ask(_("Folder of wheel files"), "")
        if folder:
            self._run(wheels=folder)

    def _install(self) -> None:
        if self._restart:
            slicer.app.restart()
            return
        self._run(wheels=None)

    def _run(self, wheels: str | None) -> None:
        ui = self._ui
        running = _("The installation is under way.")
        for widget in (ui.installButton, ui.installWheels, ui.installLater):
            self._buttons.allow(widget, running)
        ui.installProgress.setVisible(True)
        self._progress.set(_("Beginning…"))
        project = str(self._session.folder or self._project)
        self._running = True
        try:
            outcome = self._dependencies.install(
                progress=self._progress.set,
                wheels=wheels,
                torch_from=self._torch_from,
                project=project,
            )
        except Exception as error:
            self._running = False
            self.offer()
            self._on_trouble(trouble_from_exception(error))
            return
        self._running = False
        self._ended(outcome)

    def _ended(self, outcome: Any) -> None:
        dependencies = self._dependencies
        text = " ".join(part for part in (outcome.sentence, outcome.remedy) if part)
        if outcome.is_ready:
            then, project = self._then, self._project
            self._project = ""
            self.hide()
            self._session.notice.emit(outcome.sentence)
            if self._session.folder is not None:
                self._session.restart_worker()
            elif project:
                self._session.open(project)
            if then is not None:
                then()
        elif outcome.state == dependencies.NEEDS_EXTENSION:
            self._torch_from = dependencies.INDEX
            self._show(text, _("Install without the extension"))
        elif outcome.state == dependencies.RESTART:
            self._restart = True
            self._show(text, _("Restart Slicer"), wheels=False)
        else:
            self._show(text, _("Try again"))
            if outcome.state == dependencies.FAILED:
                self._on_trouble(
                    Trouble(
                        sentence=outcome.sentence,
                        remedy=outcome.remedy,
                        details=outcome.details,
                        kind="install_failed",
                    )
                )
