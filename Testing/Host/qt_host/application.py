"""``slicer.app``: the application object over the test's scene."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from PySide6.QtCore import (
    Property,
    QCoreApplication,
    QEventLoop,
    QObject,
    QProcessEnvironment,
    QSettings,
    Signal,
)
from PySide6.QtWidgets import QApplication

from .facade import facade


def _write_launcher(path: Path) -> None:
    """Write Slicer's Python for child processes: a script, as Slicer's is a launcher too."""
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', "utf-8")
    path.chmod(0o755)


class Application(QObject):
    """The part of qSlicerApplication that modules use."""

    aboutToQuit = Signal()
    startupCompleted = Signal()
    lastWindowClosed = Signal()
    mrmlSceneChanged = Signal(object)
    paletteChanged = Signal(object)

    def __init__(self, host: Any, folder: Path) -> None:
        super().__init__()
        self._host, self._folder = host, folder
        self._paused = 0
        self.opened_urls: list[str] = []
        self.restarts = 0
        for name in ("bin", "temp", "cache"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        _write_launcher(folder / "bin" / "PythonSlicer")

    # What belongs to the scene

    def mrmlScene(self) -> Any:
        """Return the scene."""
        return self._host.world.scene

    def applicationLogic(self) -> Any:
        """Return the application logic."""
        return self._host.world.application_logic

    def layoutManager(self) -> Any:
        """Return the layout manager; None without a main window."""
        return self._host.layout_manager

    def moduleManager(self) -> Any:
        """Return the module manager."""
        return self._host.module_manager

    def moduleLogic(self, name: str) -> Any:
        """Return the logic of one of Slicer's own modules."""
        return self._host.world.module_logics[name.lower()]

    def coreIOManager(self) -> Any:
        """Return what loads and saves files."""
        return self._host.io_manager

    ioManager = coreIOManager

    # Events and windows

    def processEvents(self, *arguments: Any) -> None:
        """Handle what waits in the event queue."""
        if arguments:
            QCoreApplication.processEvents(*arguments)
        else:
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents)

    def topLevelWidgets(self) -> list[Any]:
        """Return the main window, and other windows that are open."""
        return [w for w in QApplication.topLevelWidgets() if w is not None]

    def testingEnabled(self) -> bool:
        """Say whether Slicer runs in testing mode; the host does not: users see dialogs."""
        return bool(self._host.testing_enabled)

    def setOverrideCursor(self, cursor: Any) -> None:
        """Show another cursor."""
        QApplication.setOverrideCursor(cursor)

    def restoreOverrideCursor(self) -> None:
        """Show the cursor of before."""
        QApplication.restoreOverrideCursor()

    def overrideCursor(self) -> Any:
        """Return the cursor that is shown instead, or None."""
        return QApplication.overrideCursor()

    def palette(self, *_arguments: Any) -> Any:
        """Return the application's palette."""
        return QApplication.palette()

    def font(self, *_arguments: Any) -> Any:
        """Return the application's font."""
        return QApplication.font()

    def style(self) -> Any:
        """Return the application's style."""
        return QApplication.style()

    def clipboard(self) -> Any:
        """Return the clipboard."""
        return QApplication.clipboard()

    def focusWidget(self) -> Any:
        """Return the widget that has the keyboard, or None."""
        return QApplication.focusWidget()

    def activeWindow(self) -> Any:
        """Return the window in front, or None."""
        return QApplication.activeWindow()

    def activeModalWidget(self) -> Any:
        """Return the modal dialog that is open, or None."""
        return QApplication.activeModalWidget()

    def keyboardModifiers(self) -> Any:
        """Return the keys held down."""
        return QApplication.keyboardModifiers()

    def primaryScreen(self) -> Any:
        """Return the first screen."""
        return QApplication.primaryScreen()

    def devicePixelRatio(self) -> float:
        """Return the pixels of the screen per pixel of Qt."""
        return 1.0

    def pauseRender(self) -> None:
        """Render nothing until :meth:`resumeRender`."""
        self._paused += 1

    def resumeRender(self) -> None:
        """Undo one :meth:`pauseRender`."""
        self._paused -= 1

    def setRenderPaused(self, paused: bool) -> None:
        """Pause or resume."""
        self._paused += 1 if paused else -1

    def installEventFilter(self, watcher: QObject) -> None:
        """Let a watcher see all events of the application."""
        QCoreApplication.instance().installEventFilter(watcher)

    def removeEventFilter(self, watcher: QObject) -> None:
        """Undo :meth:`installEventFilter`."""
        QCoreApplication.instance().removeEventFilter(watcher)

    def openUrl(self, url: Any) -> bool:
        """Record which address would be opened."""
        self.opened_urls.append(str(url))
        return True

    def confirmRestart(self, _message: str = "") -> bool:
        """Record that a restart was offered."""
        self.restarts += 1
        return False

    def restart(self) -> None:
        """Record that a restart was asked for."""
        self.restarts += 1

    # Settings, environment, texts

    def settings(self) -> QSettings:
        """Return the settings of this Slicer's revision; here, the user's."""
        return self.userSettings()

    def userSettings(self) -> QSettings:
        """Return the user's settings."""
        return facade(QSettings)()

    def revisionUserSettings(self) -> QSettings:
        """Return the settings of this Slicer's revision; here, the user's."""
        return self.userSettings()

    def startupEnvironment(self) -> QProcessEnvironment:
        """Return the environment without Slicer's own variables."""
        return QProcessEnvironment.systemEnvironment()

    def environment(self) -> QProcessEnvironment:
        """Return the environment."""
        return QProcessEnvironment.systemEnvironment()

    def translate(self, _context: str, text: str) -> str:
        """Return a text in the user's language; here, English."""
        return text

    def moduleDocumentationUrl(self, module: str) -> str:
        """Return the address of a module's page."""
        return f"https://slicer.readthedocs.io/en/latest/user_guide/modules/{module.lower()}.html"

    slicerHome = Property(str, lambda self: str(self._folder))
    temporaryPath = Property(str, lambda self: str(self._folder / "temp"))
    cachePath = Property(str, lambda self: str(self._folder / "cache"))
    defaultScenePath = Property(str, lambda self: str(self._folder / "temp"))
    startupWorkingPath = Property(str, lambda self: str(self._folder))
    slicerSharePath = Property(str, lambda _self: "share/Slicer-5.12")
    applicationName = Property(str, lambda _self: "Slicer")
    applicationVersion = Property(str, lambda _self: "5.12.3-2026-08-01")
    applicationLocaleName = Property(str, lambda _self: "en_US")
    mainApplicationName = Property(str, lambda _self: "Slicer")
    majorVersion = Property(int, lambda _self: 5)
    minorVersion = Property(int, lambda _self: 12)
    revision = Property(str, lambda _self: "34567")
    repositoryRevision = Property(str, lambda _self: "34567")
    isInstalled = Property(bool, lambda _self: True)
    platform = Property(str, lambda _self: "linux-amd64")
    arch = Property(str, lambda _self: "amd64")
    os = Property(str, lambda _self: {"nt": "win"}.get(os.name, "linux"))
    extensionsInstallPath = Property(str, lambda self: str(self._folder / "extensions"))
    documentationBaseUrl = Property(str, lambda _self: "https://slicer.readthedocs.io/en/latest/")
    slicerUserSettingsFilePath = Property(str, lambda self: self.userSettings().fileName())
