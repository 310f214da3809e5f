"""Modal dialogs in tests: answered by the test, recorded, and never waited for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QDialog, QFileDialog, QInputDialog, QMessageBox

from .slots import call_slot

PATIENCE_MS = 20_000


@dataclass(frozen=True)
class ShownDialog:
    """A modal dialog that was opened: its class, title and text."""

    kind: str
    title: str
    text: str
    details: str = ""


def _only_tells(box: QMessageBox) -> bool:
    """Say whether a message box leaves nothing to decide ("Show details" decides nothing)."""
    roles = [QMessageBox.buttonRole(box, button) for button in QMessageBox.buttons(box)]
    return sum(role != QMessageBox.ButtonRole.ActionRole for role in roles) <= 1


class ModalWatch:
    """Answers modal dialogs as the test said, and keeps what nobody answered."""

    def __init__(self) -> None:
        self.shown: list[ShownDialog] = []
        self.unanswered: list[ShownDialog] = []
        self._handlers: list[Callable[[Any], None]] = []
        self._values: list[Any] = []

    def clear(self) -> None:
        """Forget everything, before the next test."""
        for kept in (self.shown, self.unanswered, self._handlers, self._values):
            kept.clear()

    def on_next_dialog(self, handler: Callable[[Any], None]) -> None:
        """Call ``handler(dialog)`` in the event loop of the next dialog that is executed."""
        self._handlers.append(handler)

    def next_value(self, value: Any) -> None:
        """Give what the next static question (``QFileDialog.getExistingDirectory``) returns."""
        self._values.append(value)

    def ask(self, kind: str, title: str, default: Any) -> Any:
        """Return the value the test gave, or the default of a user who cancels."""
        shown = ShownDialog(kind, title, "")
        self.shown.append(shown)
        if self._values:
            return self._values.pop(0)
        self.unanswered.append(shown)
        return default

    def run(self, dialog: QDialog, execute: Callable[[], int]) -> int:
        """Execute a dialog with the test's handler, or close it at once."""
        box = isinstance(dialog, QMessageBox)
        shown = ShownDialog(
            type(dialog).__name__,
            QDialog.windowTitle(dialog),
            QMessageBox.text(dialog) if box else "",
            QMessageBox.detailedText(dialog) if box else "",
        )
        self.shown.append(shown)
        if self._handlers:
            handler = self._handlers.pop(0)
            QTimer.singleShot(0, dialog, lambda: call_slot(handler, dialog))
            QTimer.singleShot(PATIENCE_MS, dialog, lambda: QDialog.reject(dialog))
            return int(execute())
        if box and _only_tells(dialog):
            return int(QMessageBox.StandardButton.Ok)
        self.unanswered.append(shown)
        if box:
            return int(QMessageBox.StandardButton.Cancel)
        return int(QDialog.DialogCode.Rejected)


watch = ModalWatch()


class ModalDialog(QDialog):
    """QDialog whose ``exec`` asks the watch."""

    def exec(self) -> int:
        return watch.run(self, lambda: QDialog.exec(self))

    exec_ = exec


class ModalMessageBox(QMessageBox):
    """QMessageBox whose ``exec`` and static questions ask the watch."""

    def exec(self) -> int:
        return watch.run(self, lambda: QMessageBox.exec(self))

    exec_ = exec

    @staticmethod
    def _ask(kind: str, *arguments: Any) -> Any:
        button = QMessageBox.StandardButton.Ok
        title = " · ".join(str(argument) for argument in arguments[1:3])
        return watch.ask(kind, title, button)

    @staticmethod
    def question(*arguments: Any) -> Any:
        title = " · ".join(str(argument) for argument in arguments[1:3])
        return watch.ask("question", title, QMessageBox.StandardButton.No)

    @staticmethod
    def information(*arguments: Any) -> Any:
        return ModalMessageBox._ask("information", *arguments)

    @staticmethod
    def warning(*arguments: Any) -> Any:
        return ModalMessageBox._ask("warning", *arguments)

    @staticmethod
    def critical(*arguments: Any) -> Any:
        return ModalMessageBox._ask("critical", *arguments)


class ModalFileDialog(QFileDialog):
    """QFileDialog that asks the watch; in PythonQt its static questions return only paths."""

    def exec(self) -> int:
        return watch.run(self, lambda: QFileDialog.exec(self))

    exec_ = exec

    @staticmethod
    def getExistingDirectory(_parent: Any = None, caption: str = "", *_more: Any) -> str:
        return str(watch.ask("getExistingDirectory", caption, ""))

    @staticmethod
    def getOpenFileName(_parent: Any = None, caption: str = "", *_more: Any) -> str:
        return str(watch.ask("getOpenFileName", caption, ""))

    @staticmethod
    def getSaveFileName(_parent: Any = None, caption: str = "", *_more: Any) -> str:
        return str(watch.ask("getSaveFileName", caption, ""))

    @staticmethod
    def getOpenFileNames(_parent: Any = None, caption: str = "", *_more: Any) -> list[str]:
        return list(watch.ask("getOpenFileNames", caption, ()))


class ModalInputDialog(QInputDialog):
    """QInputDialog whose ``exec`` and static questions ask the watch."""

    def exec(self) -> int:
        return watch.run(self, lambda: QInputDialog.exec(self))

    exec_ = exec

    @staticmethod
    def getText(_parent: Any = None, title: str = "", *_more: Any) -> str:
        return str(watch.ask("getText", title, ""))

    @staticmethod
    def getItem(_parent: Any = None, title: str = "", *_more: Any) -> str:
        return str(watch.ask("getItem", title, ""))
