"""How long Slicer's window waits for the panel: opened, a suggestion clicked, the model at work.

python Testing/Benchmarks/panel_speed.py      (needs slicer-core and PySide6; no graphics card)

On the Qt host of the tests, with the real worker. "beyond reading" leaves out the reading of the
image and the uncertainty into the scene. The longest wait is the longest time between two beats of
a timer that should beat every 5 ms; "of its own" is what the window's thread computed meanwhile:
the rest of a wait is other work on the same cores.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "ActiveSuggest")]
os.environ.setdefault("ACTIVESUGGEST_PYTHON", sys.executable)

from Testing.Host.qt_host.host import SlicerHost, install_stand_ins  # noqa: E402

install_stand_ins()

import qt  # noqa: E402
import slicer  # noqa: E402

from Testing.Python import blobs  # noqa: E402

MODULE = REPOSITORY / "ActiveSuggest" / "ActiveSuggest.py"
SHAPE = (40, 144, 144)
PATIENCE = 600.0


class Beats:
    """A timer that notes how long it was kept waiting, and what was computed meanwhile."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.own: list[float] = []
        self._last, self._last_own = time.perf_counter(), time.thread_time()
        self._timer = qt.QTimer()
        self._timer.setInterval(5)
        self._timer.connect("timeout()", self._beat)
        self._timer.start()

    def start(self) -> None:
        """Forget what was noted."""
        self.waits, self.own = [], []
        self._last, self._last_own = time.perf_counter(), time.thread_time()

    def _beat(self) -> None:
        now, own = time.perf_counter(), time.thread_time()
        self.waits.append(now - self._last)
        self.own.append(own - self._last_own)
        self._last, self._last_own = now, own


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=15, help="how long to train")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as name:
        measure(Path(name), seconds)


def measure(folder: Path, seconds: int) -> None:
    """Open the module, a project, a suggestion; train and rank; print how long each took."""
    project = make_project(folder)
    host = SlicerHost(folder)
    host.start(folder)
    began, began_own = time.perf_counter(), time.process_time()
    host.module_manager.load("ActiveSuggest", MODULE)
    slicer.util.selectModule("ActiveSuggest")
    host.process_events()
    said("module opened to panel ready", time.perf_counter() - began)
    said("  of its own", time.process_time() - began_own)
    widget = slicer.util.getModuleWidget("ActiveSuggest")
    session, ui, beats = widget.logic.session, widget.ui, Beats()

    def until(predicate: Callable[[], Any], what: str) -> None:
        host.wait_until(predicate, PATIENCE, what)

    ui.trainSeconds.setValue(seconds)
    ui.rankAfterCheck.checked = False
    widget.panel.project.open_folder(str(project))
    until(lambda: session.worker_state == "ready" and not session.jobs, "the worker")
    beats.start()
    ui.trainButton.click()
    until(lambda: ui.modelsTable.rowCount == 1 and not session.jobs, "a model")
    waited("while it trains", beats)
    beats.start()
    ui.suggestButton.click()
    until(lambda: "suggest" not in session.jobs, "a ranking")
    waited("while it scores", beats)
    until(lambda: session.current is not None, "the first case")
    until(lambda: all(s.state == "ready" for s in session.suggestions[1:3]), "the next ones")
    for suggestion in session.suggestions[1:3]:
        click(host, widget, suggestion.case)
    session.shut_down()
    host.finish()


def click(host: Any, widget: Any, case: str) -> None:
    """Double-click a row whose case was fetched ahead, and print how long it took to be shown."""
    from ActiveSuggestModule.scene import case_scene

    reading = 0.0
    real = case_scene.read_volume

    def read(*values: Any, **named: Any) -> Any:
        nonlocal reading
        began = time.perf_counter()
        volume = real(*values, **named)
        reading += time.perf_counter() - began
        return volume

    session = widget.logic.session
    row = [s.case for s in session.suggestions].index(case)
    case_scene.read_volume = read  # type: ignore[assignment]
    began = time.perf_counter()
    widget.ui.rankingTable.cellDoubleClicked(row, 1)
    host.wait_until(lambda: session.current and session.current.case == case, PATIENCE, case)
    host.process_events()
    took = time.perf_counter() - began
    case_scene.read_volume = real  # type: ignore[assignment]
    said("click on a prefetched suggestion to case shown", took)
    said("  beyond reading", took - reading)


def make_project(folder: Path) -> Path:
    """Make a pool of six phantoms, two of them labelled, as a project."""
    from ActiveSuggestLib.data.project import create_project

    for index in range(6):
        image, label = blobs.blob(index, SHAPE)
        path = folder / "images" / f"p{index:02d}.nii.gz"
        blobs.write((image * 100).astype(np.int16), path, (1.0, 1.0, 2.0))
        if index < 2:
            blobs.write(label, folder / "labels" / path.name, (1.0, 1.0, 2.0))
    create_project(
        folder / "project",
        folder / "images",
        labels=folder / "labels",
        segments=blobs.SEGMENTS,
        settings=blobs.SETTINGS,
    ).close()
    return folder / "project"


def said(what: str, seconds: float) -> None:
    """Print a figure."""
    print(f"{what:<52}{seconds * 1000:8.0f} ms", flush=True)


def waited(what: str, beats: Beats) -> None:
    """Print how long the window waited."""
    said(f"longest wait of the window {what}", max(beats.waits))
    said("  of its own", max(beats.own))
    over = sum(wait > 0.1 for wait in beats.waits)
    over_own = sum(own > 0.1 for own in beats.own)
    print(f"{'  waits over 100 ms (of its own)':<52}{over:8d} ({over_own})", flush=True)


if __name__ == "__main__":
    main()
