"""The host: one QApplication for the session, a fresh scene for each test."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import slicer
from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QPoint, QSettings
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication, QWidget

from . import immortal_none, messages, modal, processes, slots, style
from .application import Application
from .facade import facade
from .install import install_stand_ins
from .io_manager import IOManager
from .layout import LayoutManager
from .main_window import MainWindow
from .module_manager import ModuleManager, ScriptedModule, ScriptedModuleWidget
from .scene import Scene, core_modules, new_scene
from .slice_views import render


class SlicerHost:
    """What stands in the place of a running Slicer.

    ``messages`` are the modal dialogs that were shown; ``slot_errors`` what slots raised.
    """

    def __init__(self, folder: Path) -> None:
        immortal_none.keep_none_alive()
        self.folder = folder
        self.testing_enabled = False
        self.world: Scene | None = None
        self.layout_manager: Any = None
        self.main_window: Any = None
        self.modal = modal.watch
        self.slot_errors = slots.slot_errors
        messages.install()
        QCoreApplication.setOrganizationName("NA-MIC")
        QCoreApplication.setApplicationName("Slicer")
        existing = QApplication.instance()
        self.qapplication = existing or QApplication(["Slicer"])
        self.qapplication.setQuitOnLastWindowClosed(False)
        self.theme = "light"
        style.apply(self.theme)
        self.module_manager = facade(ModuleManager, "host")()
        self.io_manager = IOManager(self)
        self.app = facade(Application, "host")(self, folder / "home")
        self._install()

    # Installing

    def _install(self) -> None:
        install_stand_ins()
        slicer.app = self.app
        slicer.modules = SimpleNamespace()
        slicer.qSlicerScriptedLoadableModule = ScriptedModule
        slicer.qSlicerScriptedLoadableModuleWidget = facade(ScriptedModuleWidget, "host")

    # One test

    def start(self, folder: Path, *, main_window: bool = True) -> None:
        """Begin a test: fresh scene, settings and windows."""
        if self.theme != "light":
            self.set_theme("light")
        # What was there before is not looked through when this test's objects are collected:
        # with torch loaded that would take longer than most tests.
        gc.freeze()
        QSettings.setDefaultFormat(QSettings.Format.IniFormat)
        QSettings.setPath(
            QSettings.Format.IniFormat, QSettings.Scope.UserScope, str(folder / "settings")
        )
        self.world = new_scene()
        slicer.mrmlScene = self.world.scene
        slicer.modules.__dict__.clear()
        core = core_modules(self.world)
        slicer.modules.__dict__.update(core)
        slicer.modules.sampleDataSources = {}
        self.module_manager.set_core_modules(core)
        self.modal.clear()
        slots.slot_errors.clear()
        self.testing_enabled = False
        if main_window:
            self.open_main_window()

    def open_main_window(self) -> None:
        """Show the main window and its layout, which ``--no-main-window`` leaves out."""
        world = self.world
        assert world is not None
        self.layout_manager = facade(LayoutManager, "host")(
            world.slice_logics, world.scene, world.application_logic
        )
        self.main_window = facade(MainWindow, "host", "qSlicerMainWindow")(self)
        self.main_window.resize(520, 900)
        self.main_window.show()

    def finish(self) -> list[str]:
        """End a test; return what it left undone, in words."""
        complaints = []
        for name in self.module_manager.loaded():
            with suppress_into(complaints, f"unloading {name}"):
                self.module_manager.unload(name)
        self.process_events(0.02)
        complaints += [
            f"a slot raised {type(error).__name__}: {error}" for error in slots.slot_errors
        ]
        complaints += [f"nobody answered the dialog {shown}" for shown in self.modal.unanswered]
        complaints += [f"a process still ran: {line}" for line in processes.end_processes()]
        slots.slot_errors.clear()
        self.modal.clear()
        for widget in QApplication.topLevelWidgets():
            widget.close()
            widget.deleteLater()
        self.main_window = None
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        if self.layout_manager is not None:
            self.layout_manager.release()
            self.layout_manager = None
        if self.world is not None:
            self.world.close()
        slicer.mrmlScene = None
        slicer.modules.__dict__.clear()
        self.world = None
        while QApplication.overrideCursor() is not None:
            QApplication.restoreOverrideCursor()
        gc.collect()
        return complaints

    # Time

    def process_events(self, seconds: float = 0.0) -> None:
        """Let the window live for a while."""
        end = monotonic() + seconds
        while True:
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
            if monotonic() >= end:
                return

    def wait_until(
        self, predicate: Callable[[], Any], seconds: float = 10.0, what: str = ""
    ) -> Any:
        """Process events until ``predicate()`` holds, and return its value.

        Raises AssertionError after so many seconds.
        """
        end = monotonic() + seconds
        while True:
            value = predicate()
            if value:
                return value
            if monotonic() > end:
                raise AssertionError(f"waited {seconds} s in vain{': ' + what if what else ''}")
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 20)

    # Pictures

    def screenshot(self, widget: QWidget, path: Path, *, ratio: float = 1.0) -> Path:
        """Render a widget to a PNG at a device pixel ratio."""
        self.process_events(0.02)
        size = QWidget.size(widget)
        image = QImage(size * ratio, QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(ratio)
        image.fill(QWidget.palette(widget).window().color())
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        QWidget.render(widget, painter, QPoint(0, 0))
        painter.end()
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(str(path))
        return path

    def render_slice_view(self, name: str, path: Path, size: tuple[int, int] = (400, 400)) -> Path:
        """Render the slice view Red, Green or Yellow to a PNG of so many pixels."""
        assert self.world is not None
        logic = self.world.slice_logics[name]
        return render(logic, self.world.application_logic, path, size)

    def set_theme(self, theme: str) -> None:
        """Dress the application in ``light`` or ``dark``, until the test ends."""
        self.theme = theme
        style.apply(theme)
        self.process_events(0.02)


class suppress_into:
    """Turns an exception into a complaint."""

    def __init__(self, complaints: list[str], what: str) -> None:
        self._complaints, self._what = complaints, what

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, _trace: Any) -> bool:
        if isinstance(error, Exception):
            self._complaints.append(f"{self._what} raised {type(error).__name__}: {error}")
            return True
        return False
