"""The Suggest section: what to label next, and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from ActiveSuggestLib.strategies import catalogue

from . import looks
from .guard import Guard
from .ranking_table import RankingTable

if TYPE_CHECKING:
    from ..session import Session

SUMMARY_LINES = 3
UNITS = ("volume", "slice", "mixed")


class SuggestPanel:
    """Binds the Suggest section to the session.

    ``on_any_case()`` opens the list of all cases; ``on_strategy(name)`` hears what was chosen;
    ``needs_learner(action)`` says whether the action must wait for something to be installed.
    """

    def __init__(
        self,
        ui: Any,
        session: Session,
        guard: Guard,
        *,
        buttons: looks.Buttons,
        on_open_case: Callable[[str, int | None], None],
        on_any_case: Callable[[], None],
        on_strategy: Callable[[str], None],
        needs_learner: Callable[[Callable[[], None]], bool],
    ) -> None:
        self._ui, self._session, self._buttons = ui, session, buttons
        self._on_open_case, self._on_strategy = on_open_case, on_strategy
        self._needs_learner = needs_learner
        self._strategies: list[dict[str, Any]] = []
        self._progress = looks.ProgressRow(ui.suggestStack, ui.suggestBar, ui.suggestText)
        self._model = looks.FittedText(ui.suggestIdleText)
        self.table = RankingTable(ui.rankingTable)
        looks.reserve_lines(ui.strategyText, SUMMARY_LINES)
        self._fill([entry.to_dict() for entry in catalogue.own()])
        ui.strategyCombo.connect("currentIndexChanged(int)", guard(self._strategy_changed))
        ui.unitCombo.connect("currentIndexChanged(int)", guard(self._unit_changed))
        ui.suggestButton.connect("clicked()", guard(self._suggest_or_cancel))
        ui.rankingTable.connect("cellDoubleClicked(int,int)", guard(self._open_row))
        ui.rankingTable.connect("itemSelectionChanged()", guard(self.refresh_buttons))
        ui.openSelectedButton.connect("clicked()", guard(self._open_selected))
        ui.anyCaseButton.connect("clicked()", guard(on_any_case))

    @property
    def strategy(self) -> str:
        """The name of the chosen strategy."""
        return str(self._ui.strategyCombo.currentText)

    def choose_strategy(self, name: str) -> None:
        """Choose a strategy by name; one that is not known changes nothing."""
        index = self._ui.strategyCombo.findText(name)
        if index >= 0 and index != self._ui.strategyCombo.currentIndex:
            self._ui.strategyCombo.setCurrentIndex(index)

    def refresh(self) -> None:
        """Show the ranking, the strategies and the job."""
        session = self._session
        if session.strategies and session.strategies != self._strategies:
            self._fill(session.strategies)
        open_case = session.current.case if session.current is not None else None
        self.table.show(session.suggestions, open_case)
        self.refresh_buttons()

    def refresh_buttons(self) -> None:
        """Show what can be done now."""
        ui, session = self._ui, self._session
        job = session.jobs.get("suggest")
        self._progress.show(job)
        self._model.set(_model(session.overview) if session.folder is not None else "")
        none = "" if session.folder is not None else _("Open a project first.")
        if job is not None and not job.background:
            ui.suggestButton.text = _("Cancel")
            stopping = _("It is being stopped.") if job.state == "cancelling" else ""
            self._buttons.allow(ui.suggestButton, stopping)
        else:
            ui.suggestButton.text = _("Suggest next")
            self._buttons.allow(ui.suggestButton, none or self._why_not())
        selected = self.table.selected()
        self._buttons.allow(
            ui.openSelectedButton, "" if selected else _("Select a row of the table first.")
        )
        self._buttons.allow(ui.anyCaseButton, none)

    def refit(self) -> None:
        """Fit the texts to the width of the panel."""
        self._progress.refit()
        self._model.refit()

    def suggest(self) -> None:
        """Rank with what is chosen in the section; the best opens, unless a case is open."""
        if not self._needs_learner(self.suggest):
            self._session.suggest(
                self.strategy,
                self._unit(),
                int(self._ui.countSpin.value),
                # A case that is being worked on is not taken away.
                open_first=self._session.current is None,
            )

    def _why_not(self) -> str:
        session = self._session
        if session.worker_state in ("starting", "creating"):
            return _("The project is being opened.")
        numbers = session.overview.get("counts") or {}
        is_empty = numbers and not (numbers.get("unlabelled", 0) + numbers.get("draft", 0))
        # Slices of a case that is labelled in part can still be suggested.
        return _("Every case has a label.") if is_empty and self._unit() == "volume" else ""

    def _unit(self) -> str:
        return UNITS[max(0, self._ui.unitCombo.currentIndex)]

    def _suggest_or_cancel(self) -> None:
        job = self._session.jobs.get("suggest")
        if job is not None and not job.background:
            self._session.cancel("suggest")
        else:
            self.suggest()

    def _fill(self, strategies: list[dict[str, Any]]) -> None:
        combo, chosen = self._ui.strategyCombo, self.strategy or "default"
        self._strategies = list(strategies)
        combo.blockSignals(True)
        combo.clear()
        for entry in self._strategies:
            combo.addItem(str(entry["name"]))
        combo.setCurrentIndex(max(0, combo.findText(chosen)))
        combo.blockSignals(False)
        self._explain()

    def _strategy_changed(self, _index: int) -> None:
        self._explain()
        self._on_strategy(self.strategy)

    def _unit_changed(self, _index: int) -> None:
        self.refresh_buttons()

    def _explain(self) -> None:
        entry = next((e for e in self._strategies if e["name"] == self.strategy), None)
        label = self._ui.strategyText
        text = str((entry or {}).get("explanation") or (entry or {}).get("summary") or "")
        label.text = text
        label.toolTip = text

    def _open_row(self, row: int, _column: int) -> None:
        suggestion = self.table.at(row)
        if suggestion is not None:
            first = suggestion.slices[0] if suggestion.slices else None
            self._on_open_case(suggestion.case, first)

    def _open_selected(self) -> None:
        self._open_row(self._ui.rankingTable.currentRow(), 0)


def _model(overview: dict[str, Any]) -> str:
    model = overview.get("model")
    if not model:
        return _("No model yet: it begins with your first labels.")
    labels = model.get("labels") or ()
    count = labels if isinstance(labels, int) else len(labels)
    return _("Ranked by model v{version}, trained on {n} labels.").format(
        version=model.get("version"), n=count
    )
