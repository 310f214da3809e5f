"""The table of segments in the New project dialog: name, colour and terminology of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ctk
import qt
from slicer.i18n import tr as _

from ActiveSuggestLib.data.segments import default_color

from . import looks, terminology
from .guard import Guard

NAME, COLOUR, TERMINOLOGY = range(3)


class SegmentsTable:
    """Edits segments; ``on_changed()`` is called after each change."""

    def __init__(self, table: Any, guard: Guard, on_changed: Callable[[], Any]) -> None:
        self._table = table
        self._guard = guard
        self._on_changed = on_changed
        self._entries: list[str] = []
        self._colour_buttons: list[Any] = []
        self._term_buttons: list[Any] = []
        self._term_dialog: terminology.TerminologyDialog | None = None
        looks.stretch_column(table, NAME, {COLOUR: 60, TERMINOLOGY: 150})
        table.connect("cellChanged(int,int)", guard(self._cell_changed))

    def add(self, name: str = "", entry: str = "") -> None:
        """Add a segment at the end, ready to be named."""
        row = self._table.rowCount
        self._table.setRowCount(row + 1)
        self._table.setItem(row, NAME, qt.QTableWidgetItem(name))
        colour = ctk.ctkColorPickerButton()
        colour.displayColorName = False
        colour.toolTip = _("The colour of this segment.")
        colour.color = self._free_colour()
        term = qt.QPushButton(_("Choose…"))
        term.autoDefault = False
        term.toolTip = _("Say in a standard vocabulary what this segment is.")
        term.enabled = terminology.is_available()
        term.connect("clicked()", self._guard(lambda: self._choose_term(self._row_of(term))))
        self._table.setCellWidget(row, COLOUR, colour)
        self._table.setCellWidget(row, TERMINOLOGY, term)
        self._entries.append(entry)
        self._colour_buttons.append(colour)
        self._term_buttons.append(term)
        if entry:
            term.text = terminology.term_name(entry) or _("Chosen")
        self._table.setCurrentCell(row, NAME)
        self._on_changed()

    def remove_selected(self) -> None:
        """Remove the segment of the selected row."""
        row = self._table.currentRow()
        if not 0 <= row < len(self._entries):
            return
        for items in (self._entries, self._colour_buttons, self._term_buttons):
            items.pop(row)
        self._table.removeRow(row)
        self._on_changed()

    def segments(self) -> list[dict[str, Any]]:
        """Return the segments that have a name, with values 1, 2, … in their order."""
        found: list[dict[str, Any]] = []
        for row, entry in enumerate(self._entries):
            item = self._table.item(row, NAME)
            name = " ".join(item.text().split()) if item is not None else ""
            if not name:
                continue
            color = self._colour_buttons[row].color
            found.append(
                {
                    "name": name,
                    "value": len(found) + 1,
                    "color": [round(part, 4) for part in _parts(color)],
                    "terminology": entry,
                }
            )
        return found

    def _row_of(self, button: Any) -> int:
        # Rows move when others are removed.
        return self._term_buttons.index(button)

    def _free_colour(self) -> Any:
        used = {tuple(round(p, 2) for p in _parts(b.color)) for b in self._colour_buttons}
        for value in range(1, 255):
            parts = default_color(value)
            if tuple(round(part, 2) for part in parts) not in used:
                return qt.QColor(*(round(255 * part) for part in parts))
        return qt.QColor(128, 128, 128)

    def _cell_changed(self, _row: int, _column: int) -> None:
        self._on_changed()

    def _choose_term(self, row: int) -> None:
        def chosen(term: terminology.Term) -> None:
            self._entries[row] = term.entry
            self._term_buttons[row].text = term.name or _("Chosen")
            if term.color is not None:
                self._colour_buttons[row].color = qt.QColor(*(round(255 * p) for p in term.color))
            item = self._table.item(row, NAME)
            if item is not None and not item.text().strip():
                item.setText(term.name)
            self._on_changed()

        self._term_dialog = terminology.TerminologyDialog(
            self._table.window(), self._entries[row], chosen
        )
        self._term_dialog.open()


def _parts(color: Any) -> tuple[float, float, float]:
    return (color.redF(), color.greenF(), color.blueF())
