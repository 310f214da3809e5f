"""The ranked table: picture, case with its score, and why it was picked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from . import looks, words

if TYPE_CHECKING:
    from ..suggestions import Suggested

PICTURE, CASE, WHY = range(3)
ROW_HEIGHT, CASE_WIDTH = 72, 124


class RankingTable:
    """Shows suggestions in a ``QTableWidget``; the rows keep their place while they change."""

    def __init__(self, table: Any) -> None:
        self._table = table
        self._rows: list[Suggested] = []
        self._kinds_differ = False
        self._icons: dict[tuple[str, float], Any] = {}
        looks.stretch_column(table, WHY, {PICTURE: 72, CASE: CASE_WIDTH})
        table.verticalHeader().setMinimumSectionSize(ROW_HEIGHT)

    def show(self, suggestions: Sequence[Suggested], open_case: str | None) -> None:
        """Show the suggestions; the open case stands out, the finished ones step back."""
        table = self._table
        if [s.case for s in suggestions] != [s.case for s in self._rows]:
            table.clearSelection()
            table.setCurrentCell(-1, -1)
        self._rows = list(suggestions)
        # Beside single slices it is said of a volume that it is meant as a whole.
        self._kinds_differ = any(s.slices for s in suggestions)
        if table.rowCount != len(self._rows):
            table.setRowCount(len(self._rows))
        for row, suggestion in enumerate(self._rows):
            table.setRowHeight(row, ROW_HEIGHT)
            self._show_row(row, suggestion, is_open=suggestion.case == open_case)

    def selected(self) -> Suggested | None:
        """Return the selected suggestion."""
        return self.at(self._table.currentRow())

    def at(self, row: int) -> Suggested | None:
        """Return the suggestion of a row."""
        return self._rows[row] if 0 <= row < len(self._rows) else None

    def _show_row(self, row: int, suggestion: Suggested, *, is_open: bool) -> None:
        table = self._table
        metrics = table.fontMetrics()
        # Names of cases mostly differ at their end.
        name = metrics.elidedText(suggestion.case, qt.Qt.ElideMiddle, CASE_WIDTH - 12)
        lines = [name]
        if suggestion.slices:
            lines.append(_slices(suggestion.slices))
        elif self._kinds_differ:
            lines.append(_("whole volume"))
        state = _("open") if is_open else _state(suggestion.state)
        lines.append(
            _("no. {rank} · {score}").format(rank=suggestion.rank, score=_score(suggestion))
        )
        if state:
            lines.append(state)
        why = suggestion.error or "\n".join(suggestion.reasons)
        texts = ("", "\n".join(lines), why)
        picked = _("Picked by {strategy}.").format(strategy=suggestion.strategy)
        tip = "\n".join([suggestion.case, *lines[1:], _("Double-click to open."), picked])
        tips = ("", tip, why)
        finished = suggestion.state in ("done", "failed")
        group = qt.QPalette.Disabled if finished else qt.QPalette.Active
        brush = qt.QBrush(table.palette.color(group, qt.QPalette.Text))
        font = qt.QFont(table.font)
        font.setBold(is_open)
        for column, (text, tip) in enumerate(zip(texts, tips, strict=True)):
            item = table.item(row, column)
            if item is None:
                item = qt.QTableWidgetItem(text)
                table.setItem(row, column, item)
            elif item.text() != text:
                item.setText(text)
            item.setData(qt.Qt.ToolTipRole, tip)
            item.setData(qt.Qt.FontRole, font if column == CASE else None)
            item.setForeground(brush)
        icon = self._icon(suggestion.thumbnail)
        table.item(row, PICTURE).setIcon(icon if icon is not None else qt.QIcon())

    def _icon(self, path: Path | None) -> Any:
        if path is None:
            return None
        try:
            key = (str(path), path.stat().st_mtime)
        except OSError:
            return None
        if key not in self._icons:
            pixmap = qt.QPixmap(str(path))
            self._icons[key] = None if pixmap.isNull() else qt.QIcon(pixmap)
        return self._icons[key]


def _score(suggestion: Suggested) -> str:
    return f"{suggestion.score:.3g}"


def _slices(slices: Sequence[int]) -> str:
    if len(slices) == 1:
        return _("slice {n}").format(n=slices[0])
    return _("slices {n}").format(n=words.slices(slices, shown=3))


def _state(state: str) -> str:
    return {
        "fetching": _("getting ready…"),
        "ready": _("ready"),
        "failed": _("cannot be used"),
        "done": _("done"),
    }.get(state, "")
