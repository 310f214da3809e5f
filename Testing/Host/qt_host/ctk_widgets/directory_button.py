"""ctkDirectoryButton: a button that shows and chooses a folder."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Property, Signal
from PySide6.QtWidgets import QPushButton, QStyle, QVBoxLayout, QWidget

from ..modal import watch


class DirectoryButton(QWidget):
    """Shows a folder; a click asks for another."""

    directoryChanged = Signal(str)
    directorySelected = Signal(str)

    def __init__(self, *arguments: object) -> None:
        parent = next((a for a in arguments if isinstance(a, QWidget)), None)
        super().__init__(parent)
        self._directory = next((a for a in arguments if isinstance(a, str)), "")
        self._caption, self._text = "", ""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._button = QPushButton(self)
        icon = QWidget.style(self).standardIcon(QStyle.StandardPixmap.SP_DirIcon)
        self._button.setIcon(icon)
        layout.addWidget(self._button)
        self._button.clicked.connect(lambda: self.browse())
        self._show()

    def _show(self) -> None:
        self._button.setText(self._text or self._directory)

    def _get_directory(self) -> str:
        return self._directory

    def _set_directory(self, directory: str) -> None:
        directory = str(Path(directory)) if directory else ""
        if directory == self._directory:
            return
        self._directory = directory
        self._show()
        self.directoryChanged(directory)

    def _get_caption(self) -> str:
        return self._caption

    def _set_caption(self, caption: str) -> None:
        self._caption = caption

    def _get_text(self) -> str:
        return self._text

    def _set_text(self, text: str) -> None:
        self._text = text
        self._show()

    def browse(self) -> None:
        """Ask for a folder."""
        chosen = watch.ask("ctkDirectoryButton.browse", self._caption, "")
        if chosen:
            self._set_directory(str(chosen))
            self.directorySelected(self._directory)

    directory = Property(str, _get_directory, _set_directory)
    caption = Property(str, _get_caption, _set_caption)
    text = Property(str, _get_text, _set_text)
