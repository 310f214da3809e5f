"""The main window: module selector, status bar, and the panel of the module in use."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMainWindow, QWidget

from .facade import facade


class ModuleSelector(QObject):
    """The tool bar that changes the module."""

    moduleSelected = Signal(str)

    def __init__(self, host: Any) -> None:
        super().__init__()
        self._host = host
        self.selectedModule = ""

    def selectModule(self, name: str) -> None:
        """Leave the module in use and enter another."""
        if name == self.selectedModule:
            return
        manager = self._host.module_manager
        before = manager.module(self.selectedModule) if self.selectedModule else None
        if before is not None and hasattr(before, "has_representation"):
            before.widgetRepresentation().exit()
        self.selectedModule = name
        module = manager.module(name)
        if module is not None and hasattr(module, "widgetRepresentation"):
            self._host.main_window.show_panel(module.widgetRepresentation())
            module.widgetRepresentation().enter()
        self.moduleSelected(name)


class MainWindow(QMainWindow):
    """qSlicerMainWindow."""

    def __init__(self, host: Any) -> None:
        super().__init__()
        QObject.setObjectName(self, "qSlicerMainWindow")
        self._selector = facade(ModuleSelector, "host")(host)
        QMainWindow.statusBar(self)

    def moduleSelector(self) -> Any:
        """Return the tool bar that changes the module."""
        return self._selector

    def show_panel(self, panel: QWidget) -> None:
        """Put a module's panel into the window."""
        before = QMainWindow.takeCentralWidget(self)
        if before is not None:
            QWidget.hide(before)
        QMainWindow.setCentralWidget(self, panel)
        QWidget.show(panel)
