"""ctkMessageBox: a message box with "Don't show this message again"."""

from __future__ import annotations

from PySide6.QtCore import Property
from PySide6.QtWidgets import QWidget

from ..modal import ModalMessageBox


class MessageBox(ModalMessageBox):
    """Remembers whether it is to be shown again under ``dontShowAgainSettingsKey``."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._key = ""
        self._visible = False

    def _get_key(self) -> str:
        return self._key

    def _set_key(self, key: str) -> None:
        self._key = key

    def _get_visible(self) -> bool:
        return self._visible

    def _set_visible(self, visible: bool) -> None:
        self._visible = visible

    dontShowAgainSettingsKey = Property(str, _get_key, _set_key)
    dontShowAgainVisible = Property(bool, _get_visible, _set_visible)
