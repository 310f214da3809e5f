"""Choosing a terminology entry with Slicer's own navigator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _


@dataclass(frozen=True)
class Term:
    """A chosen entry: Slicer's string for it, its name, and its colour (0 to 1) if it has one."""

    entry: str
    name: str
    color: tuple[float, float, float] | None


def term_name(entry: str) -> str:
    """Return the readable name in an entry, such as ``Liver``; empty for none.

    The third part of an entry is the type: coding scheme, code, meaning.
    """
    parts = entry.split("~")
    if len(parts) < 3:
        return ""
    names = [part.split("^")[2] for part in parts[2:4] if part.count("^") >= 2]
    return ", ".join(name for name in names if name)


def is_available() -> bool:
    """Return whether Slicer's terminologies are loaded."""
    return hasattr(slicer.modules, "terminologies")


class TerminologyDialog:
    """Slicer's terminology navigator in a dialog of our own; ``chosen(Term)`` on Select."""

    def __init__(self, parent: Any, entry: str, chosen: Callable[[Term], None]) -> None:
        self._chosen = chosen
        self._logic = slicer.modules.terminologies.logic()
        self.dialog = qt.QDialog(parent)
        self.dialog.windowTitle = _("Terminology")
        self.dialog.setModal(True)
        self.navigator = slicer.qSlicerTerminologyNavigatorWidget()
        self.navigator.overrideSectionVisible = False
        layout = qt.QVBoxLayout(self.dialog)
        layout.addWidget(self.navigator)
        row = qt.QHBoxLayout()
        row.addStretch(1)
        self.cancel = qt.QPushButton(_("Cancel"))
        self.select = qt.QPushButton(_("Select"))
        for button in (self.cancel, self.select):
            row.addWidget(button)
        layout.addLayout(row)
        self.dialog.resize(860, 560)
        start = slicer.vtkSlicerTerminologyEntry()
        if entry and self._logic.DeserializeTerminologyEntry(entry, start):
            self.navigator.setTerminologyEntry(start)
        self.cancel.connect("clicked()", self.dialog.reject)
        self.select.connect("clicked()", self._accept)

    def open(self) -> None:
        """Show it."""
        self.dialog.open()

    def _accept(self) -> None:
        entry = slicer.vtkSlicerTerminologyEntry()
        if not self.navigator.terminologyEntry(entry):
            return
        text = self._logic.SerializeTerminologyEntry(entry)
        color = self.navigator.recommendedColorFromTerminology(entry)
        known = (color.redF(), color.greenF(), color.blueF()) if color.isValid() else None
        self.dialog.accept()
        self._chosen(Term(text, term_name(text), known))
