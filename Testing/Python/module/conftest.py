"""Fixtures for the module in Slicer: the Qt host, its panel, pictures and a tiny project."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
MISSING = [
    package
    for package, module in (("PySide6-Essentials", "PySide6"), ("slicer-core", "slicer"))
    if importlib.util.find_spec(module) is None
]
if MISSING:
    collect_ignore_glob = ["test_*.py"]
else:
    from Testing.Host.qt_host.host import SlicerHost
    from Testing.Host.qt_host.install import install_stand_ins
    from Testing.Host.qt_host.scene import Scene, new_scene

    install_stand_ins()

    from Testing.Python.module.session_stage import (  # noqa: F401 - fixtures
        clock,
        fresh_pool,
        stage,
        timed_stage,
        trained_pool,
        trained_template,
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it where the module's tests could not run."""
    if MISSING:
        missing = " and ".join(MISSING)
        terminalreporter.write_line(f"the module's tests were left out: {missing} is not installed")


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


@pytest.fixture
def world() -> Iterator[Scene]:
    """A scene with slice views and module logics, without any window."""
    made = new_scene()
    yield made
    made.close()


@dataclass(frozen=True)
class SmallProject:
    """A project on disk, and the true labels of all its cases (by the images' file names)."""

    folder: Path
    images: Path
    labels: Path

    def label_of(self, case: str) -> Path:
        """Return the file of a case's true label."""
        return self.labels / f"{case}.nii.gz"


@pytest.fixture
def small_project(tmp_path: Path) -> SmallProject:
    """Eight volumes of bright balls, none labelled; a training of them takes about a second."""
    from ActiveSuggestLib.data.project import create_project
    from Testing.Python import blobs

    pool = blobs.write_pool(tmp_path / "pool", 8)
    create_project(
        tmp_path / "balls",
        pool / "images",
        segments=blobs.SEGMENTS,
        patient_pattern=r"(p\d+)_v\d+",
        settings=blobs.SETTINGS,
    ).close()
    return SmallProject(tmp_path / "balls", pool / "images", pool / "labels")


@pytest.fixture
def hippocampus_project(tmp_path: Path, shared_data: Path) -> SmallProject:
    """Ten real MR volumes of the hippocampus, none labelled, with a network as tiny."""
    from ActiveSuggestLib.data.project import create_project
    from Testing.Python import blobs

    source, pool = shared_data / "hippocampus", tmp_path / "pool"
    for kind in ("images", "labels"):
        (pool / kind).mkdir(parents=True)
        for image in sorted((source / "images").glob("*.nii.gz"))[:10]:
            shutil.copy(source / kind / image.name, pool / kind / image.name)
    create_project(
        tmp_path / "hippocampus",
        pool / "images",
        segments="anterior,posterior",
        settings=blobs.SETTINGS,
    ).close()
    return SmallProject(tmp_path / "hippocampus", pool / "images", pool / "labels")


@pytest.fixture(autouse=True)
def _the_modules_own_files_stay_the_same() -> Iterator[None]:
    """Take back what a reload put into ``sys.modules``: the test files hold the earlier ones."""

    def ours() -> dict[str, Any]:
        roots = ("ActiveSuggest", "ActiveSuggestModule")
        return {n: m for n, m in sys.modules.items() if n.split(".")[0] in roots}

    before = ours()
    yield
    after = ours()
    if any(after.get(name) is not module for name, module in before.items()):
        for name in after:
            del sys.modules[name]
        sys.modules.update(before)
