"""qSlicerTerminologyNavigatorWidget: two lists, with a few entries of SNOMED CT."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Property
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QListWidget, QVBoxLayout, QWidget

CONTEXT = "Segmentation category and type - 3D Slicer General Anatomy list"
TISSUE = ("SCT", "85756007", "Tissue")
# Type (scheme, code, meaning) and the colour that Slicer recommends.
TYPES = (
    (("SCT", "10200004", "Liver"), (221, 130, 101)),
    (("SCT", "64033007", "Kidney"), (185, 102, 83)),
    (("SCT", "78961009", "Spleen"), (157, 108, 162)),
    (("SCT", "4421005", "Hippocampus"), (222, 169, 101)),
)


class TerminologyNavigator(QWidget):
    """Chooses one entry."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._override = True
        layout = QVBoxLayout(self)
        self._list = QListWidget(self)
        for (_scheme, _code, meaning), _colour in TYPES:
            self._list.addItem(meaning)
        layout.addWidget(self._list)

    def choose(self, meaning: str) -> None:
        """Choose the entry of that meaning; a test does it in the place of the user."""
        names = [kind[2] for kind, _colour in TYPES]
        self._list.setCurrentRow(names.index(meaning))

    def setTerminologyEntry(self, entry: Any) -> None:
        """Choose what an entry says."""
        code = entry.GetTypeObject().GetCodeMeaning() if entry.GetTypeObject() else ""
        names = [kind[2] for kind, _colour in TYPES]
        self._list.setCurrentRow(names.index(code) if code in names else -1)

    def terminologyEntry(self, entry: Any) -> bool:
        """Fill an entry with what is chosen; say whether something is."""
        row = self._list.currentRow()
        if row < 0:
            return False
        kind, _colour = TYPES[row]
        entry.SetTerminologyContextName(CONTEXT)
        for target, values in ((entry.GetCategoryObject(), TISSUE), (entry.GetTypeObject(), kind)):
            target.SetCodingSchemeDesignator(values[0])
            target.SetCodeValue(values[1])
            target.SetCodeMeaning(values[2])
        return True

    def recommendedColorFromTerminology(self, _entry: Any) -> QColor:
        """Return the colour of what is chosen."""
        row = self._list.currentRow()
        return QColor(*TYPES[row][1]) if row >= 0 else QColor()

    def _get_override(self) -> bool:
        return self._override

    def _set_override(self, visible: bool) -> None:
        self._override = visible

    overrideSectionVisible = Property(bool, _get_override, _set_override)
    FOR_TESTS = frozenset({"choose"})
