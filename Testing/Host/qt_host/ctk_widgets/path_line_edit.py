"""ctkPathLineEdit: an editable path with a history and a browse button."""

from __future__ import annotations

from enum import IntFlag
from pathlib import Path

from PySide6.QtCore import Property, QSettings, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy, QToolButton, QWidget

from ..modal import watch


class PathLineEdit(QWidget):
    """A combo box with a path in it, and a button that asks for another."""

    class Filters(IntFlag):
        """What the browse button offers; the numbers are those of QDir::Filter."""

        Dirs = 0x001
        Files = 0x002
        Drives = 0x004
        NoSymLinks = 0x008
        Readable = 0x010
        Writable = 0x020
        Executable = 0x040
        Hidden = 0x100
        System = 0x200
        NoDot = 0x2000
        NoDotDot = 0x4000
        PermissionMask = 0x070

    class Options(IntFlag):
        """How it asks."""

        ShowDirsOnly = 0x001
        DontResolveSymlinks = 0x002
        DontConfirmOverwrite = 0x004
        DontUseNativeDialog = 0x010

    currentPathChanged = Signal(str)
    validInputChanged = Signal(bool)

    def __init__(self, *arguments: object) -> None:
        parent = next((a for a in arguments if isinstance(a, QWidget)), None)
        super().__init__(parent)
        self._key, self._label = "", ""
        self._filters = self.Filters(0)
        self._options = self.Options(0)
        self._name_filters: list[str] = []
        self._valid = False
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        self._box = QComboBox(self)
        self._box.setEditable(True)
        self._box.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._box.setMinimumContentsLength(10)
        self._box.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self._button = QToolButton(self)
        self._button.setText("…")
        layout.addWidget(self._box)
        layout.addWidget(self._button)
        self._box.currentTextChanged.connect(self._on_text)
        self._button.clicked.connect(lambda: self.browse())

    def _on_text(self, text: str) -> None:
        valid = bool(text) and Path(text).exists()
        if valid != self._valid:
            self._valid = valid
            self.validInputChanged(valid)
        self.currentPathChanged(text)

    def comboBox(self) -> QComboBox:
        """Return the combo box inside."""
        return self._box

    def _get_path(self) -> str:
        return self._box.currentText()

    def setCurrentPath(self, path: str) -> None:
        """Write a path."""
        self._box.setEditText(path)

    def browse(self) -> None:
        """Ask for a path."""
        chosen = watch.ask("ctkPathLineEdit.browse", self._label, "")
        if chosen:
            self.setCurrentPath(str(chosen))
            self.addCurrentPathToHistory()

    def addCurrentPathToHistory(self) -> None:
        """Put the path on top of the history, kept under ``settingKey``."""
        path = self._box.currentText()
        if not path:
            return
        history = [path, *(p for p in self._history() if p != path)][:20]
        if self._key:
            QSettings().setValue(self._key, history)
        self._fill(history, path)

    def _history(self) -> list[str]:
        if not self._key:
            return [self._box.itemText(i) for i in range(self._box.count())]
        value = QSettings().value(self._key) or []
        return [value] if isinstance(value, str) else list(value)

    def _fill(self, history: list[str], path: str) -> None:
        blocked = self._box.blockSignals(True)
        self._box.clear()
        self._box.addItems(history)
        self._box.setEditText(path)
        self._box.blockSignals(blocked)

    def retrieveHistory(self) -> None:
        """Fill the history from the settings; an empty field takes the newest path."""
        history = self._history()
        path = self._box.currentText() or (history[0] if history else "")
        changed = path != self._box.currentText()
        self._fill(history, path)
        if changed:
            self._on_text(path)

    def _get_key(self) -> str:
        return self._key

    def _set_key(self, key: str) -> None:
        self._key = key
        self.retrieveHistory()

    def _get_label(self) -> str:
        return self._label

    def _set_label(self, label: str) -> None:
        self._label = label

    def _get_filters(self) -> int:
        return self._filters

    def _set_filters(self, filters: int) -> None:
        self._filters = self.Filters(filters)

    def _get_options(self) -> int:
        return self._options

    def _set_options(self, options: int) -> None:
        self._options = self.Options(options)

    def _get_name_filters(self) -> list[str]:
        return self._name_filters

    def _set_name_filters(self, filters: list[str]) -> None:
        self._name_filters = list(filters)

    def _get_show_button(self) -> bool:
        return not self._button.isHidden()

    def _set_show_button(self, shown: bool) -> None:
        self._button.setVisible(shown)

    def _get_show_history(self) -> bool:
        return True

    def _set_show_history(self, shown: bool) -> None:
        rule = "" if shown else "QComboBox::drop-down { width: 0px; border: none; }"
        self._box.setStyleSheet(rule)

    def _get_length(self) -> int:
        return self._box.minimumContentsLength()

    def _set_length(self, length: int) -> None:
        self._box.setMinimumContentsLength(length)

    currentPath = Property(str, _get_path, setCurrentPath)
    settingKey = Property(str, _get_key, _set_key)
    label = Property(str, _get_label, _set_label)
    filters = Property(int, _get_filters, _set_filters)
    options = Property(int, _get_options, _set_options)
    nameFilters = Property("QStringList", _get_name_filters, _set_name_filters)
    showBrowseButton = Property(bool, _get_show_button, _set_show_button)
    showHistoryButton = Property(bool, _get_show_history, _set_show_history)
    minimumContentsLength = Property(int, _get_length, _set_length)
