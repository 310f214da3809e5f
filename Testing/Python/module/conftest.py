"""Fixtures for the module in Slicer: the Qt host, its panel, pictures and a tiny project."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
pytest.importorskip("PySide6", reason="the module's tests need PySide6-Essentials")
pytest.importorskip("slicer", reason="the module's tests need slicer-core")

from Testing.Host.qt_host.host import SlicerHost, install_stand_ins

install_stand_ins()

REPOSITORY = Path(__file__).resolve().parents[3]
MODULE = REPOSITORY / "ActiveSuggest" / "ActiveSuggest.py"
ARTEFACTS = REPOSITORY / "Testing" / "Artefacts"
if str(MODULE.parent) not in sys.path:
    sys.path.insert(0, str(MODULE.parent))


@pytest.fixture(scope="session")
def _host(tmp_path_factory: pytest.TempPathFactory) -> SlicerHost:
    return SlicerHost(tmp_path_factory.mktemp("slicer"))


@pytest.fixture
def slicer_host(_host: SlicerHost, tmp_path: Path) -> Iterator[SlicerHost]:
    """A Slicer with an empty scene and a main window; a slot that raised fails the test."""
    _host.start(tmp_path)
    yield _host
    complaints = _host.finish()
    if complaints:
        pytest.fail("\n".join(complaints))


@pytest.fixture
def headless_host(_host: SlicerHost, tmp_path: Path) -> Iterator[SlicerHost]:
    """A Slicer without main window: ``slicer.app.layoutManager()`` is None."""
    _host.start(tmp_path, main_window=False)
    yield _host
    complaints = _host.finish()
    if complaints:
        pytest.fail("\n".join(complaints))


@pytest.fixture
def module_widget(slicer_host: SlicerHost) -> Any:
    """The ActiveSuggest panel as Slicer opens it: loaded, set up, entered; the Python object."""
    import slicer

    slicer_host.module_manager.load("ActiveSuggest", MODULE)
    slicer_host.app.startupCompleted()
    slicer.util.selectModule("ActiveSuggest")
    slicer_host.process_events()
    return slicer.util.getModuleWidget("ActiveSuggest")


@pytest.fixture
def wait_until(slicer_host: SlicerHost) -> Callable[..., Any]:
    """``wait_until(predicate, seconds)`` processes events until the predicate holds."""
    return slicer_host.wait_until


@pytest.fixture
def screenshot(slicer_host: SlicerHost) -> Callable[..., Path]:
    """``screenshot(widget, name, ratio=1.0)`` writes Testing/Artefacts/NAME.png."""

    def take(widget: Any, name: str, *, ratio: float = 1.0) -> Path:
        return slicer_host.screenshot(widget, ARTEFACTS / f"{name}.png", ratio=ratio)

    return take


@pytest.fixture
def render_slice_view(slicer_host: SlicerHost) -> Callable[..., Path]:
    """``render_slice_view("Red", name=None, size=(400, 400))`` writes a PNG of the view."""

    def take(view: str, name: str | None = None, size: tuple[int, int] = (400, 400)) -> Path:
        path = ARTEFACTS / f"{name or 'view-' + view}.png"
        return slicer_host.render_slice_view(view, path, size)

    return take
