"""The list of all cases: filter it, open any of them, take back what was left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from . import looks, words
from .guard import Guard

if TYPE_CHECKING:
    from ..session import Session

STATES = ("", "unlabelled", "draft", "labelled", "excluded")
SHOWN = 400


class CasesDialog:
    """Stands beside the work: it does not block it, and follows what changes."""

    def __init__(
        self,
        ui_path: str,
        parent: Any,
        session: Session,
        guard: Guard,
        on_open: Callable[[str], None],
    ) -> None:
        self._session = session
        self._on_open = on_open
        self._rows: list[dict[str, Any]] = []
        self._buttons = looks.Buttons()
        self.dialog = slicer.util.loadUI(ui_path)
        self.dialog.setParent(parent, self.dialog.windowFlags())
        self.ui = ui = slicer.util.childWidgetVariables(self.dialog)
        looks.stretch_column(ui.casesTable, 2, {0: 150, 1: 90})
        ui.filterEdit.connect("textChanged(QString)", guard(self._filter_changed))
        ui.stateCombo.connect("currentIndexChanged(int)", guard(self._filter_changed))
        ui.casesTable.connect("cellDoubleClicked(int,int)", guard(self._open_row))
        ui.casesTable.connect("itemSelectionChanged()", guard(self._selection_changed))
        ui.openCaseButton.connect("clicked()", guard(self._open_selected))
        ui.includeButton.connect("clicked()", guard(self._include))
        ui.closeCasesButton.connect("clicked()", self.dialog.close)
        self._refreshed = guard(self.refresh)
        session.overview_changed.connect(self._refreshed)

    def show(self, state: str = "") -> None:
        """Show the cases in a state, or all."""
        self.ui.stateCombo.setCurrentIndex(STATES.index(state))
        self.dialog.show()
        self.dialog.activateWindow()
        self.refresh()

    def close(self) -> None:
        """Close it for good, and stop following the session."""
        self._session.overview_changed.disconnect(self._refreshed)
        self.dialog.close()
        self.dialog.deleteLater()

    def refresh(self) -> None:
        """List the cases anew, the selection kept."""
        if not self.dialog.visible:
            return
        chosen = self._selected()
        wanted = self.ui.filterEdit.text.strip().casefold()
        state = STATES[self.ui.stateCombo.currentIndex]
        fitting = [
            row
            for row in self._session.cases
            if (not state or row.get("state") == state) and (not wanted or wanted in _text(row))
        ]
        self._rows = fitting[:SHOWN]
        table = self.ui.casesTable
        table.setRowCount(len(self._rows))
        for index, row in enumerate(self._rows):
            remarks = _remarks(row)
            texts = (str(row["case"]), words.state_name(str(row.get("state", ""))), remarks)
            for column, text in enumerate(texts):
                item = table.item(index, column)
                if item is None:
                    item = qt.QTableWidgetItem(text)
                    table.setItem(index, column, item)
                elif item.text() != text:
                    item.setText(text)
                item.setData(qt.Qt.ToolTipRole, text)
        self.ui.countLabel.text = _count(len(self._rows), len(fitting), len(self._session.cases))
        names = [str(row["case"]) for row in self._rows]
        if chosen is not None and chosen["case"] in names:
            table.setCurrentCell(names.index(chosen["case"]), 0)
        self._selection_changed()

    def _selected(self) -> dict[str, Any] | None:
        row = self.ui.casesTable.currentRow()
        return self._rows[row] if 0 <= row < len(self._rows) else None

    def _selection_changed(self) -> None:
        row = self._selected()
        is_out = row is not None and row.get("state") == "excluded"
        why_not_open = _("Select a case first.") if row is None else ""
        if is_out:
            why_not_open = _("This case is left out: take it back first.")
        self._buttons.allow(self.ui.openCaseButton, why_not_open)
        why_not_include = "" if is_out else _("Only a case that was left out can be taken back.")
        self._buttons.allow(self.ui.includeButton, why_not_include)

    def _filter_changed(self, _value: Any = None) -> None:
        self.refresh()

    def _open_row(self, _row: int, _column: int) -> None:
        self._open_selected()

    def _open_selected(self) -> None:
        row = self._selected()
        if row is not None and row.get("state") != "excluded":
            self._on_open(str(row["case"]))

    def _include(self) -> None:
        row = self._selected()
        if row is not None:
            self._session.include(str(row["case"]))


def _text(row: dict[str, Any]) -> str:
    parts = (row.get("case"), row.get("patient"), _remarks(row))
    return " ".join(str(part) for part in parts if part).casefold()


def _remarks(row: dict[str, Any]) -> str:
    parts = [str(row["reason"])] if row.get("reason") else []
    labelled = row.get("labelled_slices")
    if labelled:
        parts.append(_("slices {slices}").format(slices=words.slices(labelled, shown=words.SOME)))
    if row.get("has_draft"):
        parts.append(_("has a draft"))
    if row.get("skipped"):
        parts.append(_("skipped"))
    parts += [str(note) for note in row.get("notes") or ()]
    return "; ".join(parts)


def _count(shown: int, fitting: int, total: int) -> str:
    if shown < fitting:
        return _("The first {shown} of {n} cases: narrow the list by part of a name.").format(
            shown=shown, n=fitting
        )
    return _("{n} of {total} cases").format(n=fitting, total=total)
