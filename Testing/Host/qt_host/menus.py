"""QMenu whose actions are the host's."""

from __future__ import annotations

from typing import Any

from PySide6.QtGui import QAction, QIcon
from PySide6.QtWidgets import QMenu

from .facade import facade


class HostMenu(QMenu):
    """``addAction("text")`` returns an action with PythonQt's properties."""

    def addAction(self, *arguments: Any) -> Any:
        if isinstance(arguments[0], QAction):
            QMenu.addAction(self, arguments[0])
            return None
        action = facade(QAction)(self)
        for argument in arguments:
            if isinstance(argument, QIcon):
                action.setIcon(argument)
            elif isinstance(argument, str):
                action.setText(argument)
        QMenu.addAction(self, action)
        return action
