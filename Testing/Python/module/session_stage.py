"""A session over a real worker and a real scene, with a tiny pool and what it said."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import slicer
from ActiveSuggestModule.interpreter import Command
from ActiveSuggestModule.scene.case_scene import CaseScene
from ActiveSuggestModule.session import Session
from ActiveSuggestModule.worker_process import WorkerProcess

from ActiveSuggestLib.data.project import create_project
from Testing.Python import blobs

SECONDS = float(os.environ.get("ACTIVESUGGEST_TEST_SECONDS", "90"))
LAZY = "import ActiveSuggestLib.serving.context as c; c.Context.warm_up = lambda self: None"


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="session")
def trained_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pool of six volumes with a project ``pool`` beside it: two labels and a model."""
    import ActiveSuggestLib

    folder = blobs.write_pool(tmp_path_factory.mktemp("template"), 6)
    project = create_project(
        folder / "pool", folder / "images", segments=blobs.SEGMENTS, settings=blobs.SETTINGS
    )
    with project:
        for index in range(2):
            project.save_label(f"p{index:02d}_v0", blobs.blob(index)[1])
    learner = ActiveSuggestLib.open(folder / "pool")
    learner.fine_tune(steps=12)
    learner.close()
    return folder


@pytest.fixture
def trained_pool(trained_template: Path, tmp_path: Path) -> Path:
    """A project of six cases p00_v0 … p05_v0, the first two labelled, with a model."""
    shutil.copytree(trained_template, tmp_path / "trained")
    return tmp_path / "trained" / "pool"


@pytest.fixture
def fresh_pool(tmp_path: Path) -> Path:
    """A project of four cases p00_v0 … p03_v0 without any label."""
    folder = blobs.write_pool(tmp_path / "fresh", 4)
    create_project(
        folder / "pool", folder / "images", segments=blobs.SEGMENTS, settings=blobs.SETTINGS
    ).close()
    return folder / "pool"


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until it is set."""
    return Clock()


@pytest.fixture
def stage(slicer_host: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """A session in the host; its worker is ended afterwards."""
    stage = Stage(slicer_host, monkeypatch)
    yield stage
    stage.finish()


@pytest.fixture
def timed_stage(slicer_host: Any, monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Iterator[Stage]:
    """A session whose clock is ``clock``."""
    stage = Stage(slicer_host, monkeypatch, clock=clock)
    yield stage
    stage.finish()


class Stage:
    """A session in a host, and everything that it said."""

    def __init__(
        self, host: Any, monkeypatch: Any, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.host = host
        monkeypatch.setenv("ACTIVESUGGEST_PYTHON", sys.executable)
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        self.scene = CaseScene(slicer.mrmlScene, slicer.app.applicationLogic())
        self.preamble = ""
        """Python that the worker runs before it begins."""
        self.workers: list[WorkerProcess] = []
        self.session = Session(self.scene, start_worker=self._start_worker, clock=clock)
        self.troubles: list[Any] = []
        self.notices: list[str] = []
        self.saves: list[dict[str, Any]] = []
        self.session.trouble.connect(self.troubles.append)
        self.session.notice.connect(self.notices.append)
        self.session.saved.connect(self.saves.append)
        self.session.train_after_save = False

    def _start_worker(self, command: Command, on_error: Any) -> WorkerProcess:
        module, *arguments = command.arguments[1:]
        if self.preamble:
            code = f"{self.preamble}\nimport runpy, sys\nsys.argv = {[module, *arguments]!r}\n"
            code += f"runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
            command = replace(command, arguments=("-c", code))
        self.workers.append(WorkerProcess(command, on_error))
        return self.workers[-1]

    def kill_worker(self) -> None:
        """End the worker as the system does when memory runs out."""
        os.kill(self.workers[-1].pid, signal.SIGKILL)

    def until(self, predicate: Callable[[], Any], what: str = "") -> Any:
        """Process events until something holds; say what was said if it never does."""
        try:
            return self.host.wait_until(predicate, SECONDS, what)
        except AssertionError as error:
            said = [*self.troubles, *self.notices, self.session.log()[-2000:]]
            raise AssertionError("\n".join(map(str, [error, *said]))) from error

    def done(self, job: Any) -> Any:
        """Wait for a job that succeeds, and return its value."""
        self.until(lambda: job.has_ended, f"{job.kind} {job.state} {job.message}")
        assert job.state == "done", (job.state, job.error)
        return job.value

    def ended(self, job: Any) -> str:
        """Wait for a job and return its state."""
        self.until(lambda: job.has_ended, f"{job.kind} {job.state} {job.message}")
        return job.state

    def open(self, folder: Path, *, ready: bool = True) -> None:
        """Open a project and wait for its learner; not ``ready``, torch is loaded when needed."""
        if not ready:
            self.preamble = self.preamble or LAZY
        self.done(self.session.open(folder))
        if ready:
            self.until(lambda: self.session.worker_state == "ready", "the learner")
        self.until(lambda: self.session.cases and not self.session.jobs, "the list of cases")

    def paint(self, name: str = "ball", box: Any = np.s_[4:9, 4:9, 4:9]) -> None:
        """Fill a box (z, y, x) of a segment, as a hand with a brush would."""
        from slicer.util import arrayFromSegmentBinaryLabelmap, updateSegmentBinaryLabelmapFromArray

        shown = self.scene.shown
        assert shown is not None
        segmentation = shown.segmentation.GetSegmentation()
        segment = segmentation.GetSegmentIdBySegmentName(name)
        array = arrayFromSegmentBinaryLabelmap(shown.segmentation, segment, shown.volume)
        array = np.zeros(self.scene.geometry_of_shown().shape, np.uint8) if array is None else array
        array = array.copy()
        array[box] = 1
        updateSegmentBinaryLabelmapFromArray(array, shown.segmentation, segment, shown.volume)

    def finish(self) -> None:
        """End the worker."""
        self.session.shut_down()
