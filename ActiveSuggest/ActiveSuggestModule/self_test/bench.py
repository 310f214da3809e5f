"""The bench: the module under test, with a project, and patience."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import slicer.util
from numpy.typing import NDArray

from ..panels.suggest_panel import UNITS
from . import pool
from .painting import box, paint

CASES, LABELLED = 18, 3
PATIENCE = 180.0
"""Seconds to wait for a worker that loads torch on a slow machine."""

MODULE = "ActiveSuggest"


class Bench:
    """Widget, session and logic of the module, and a project in ``folder``.

    Nothing of it is kept: after a reload of the module it is the new one that is used.
    """

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.folder = folder
        self.say = say
        self._forgiven: set[str] = set()
        self._seen: list[Any] = []

    # The module -------------------------------------------------------------------------

    @property
    def widget(self) -> Any:
        """The module's panel, made when it is first asked for."""
        return slicer.util.getModuleWidget(MODULE)

    @property
    def logic(self) -> Any:
        """The module's logic, as the console gets it."""
        return slicer.util.getModuleLogic(MODULE)

    @property
    def session(self) -> Any:
        """The session of panel and console."""
        return self.logic.session

    @property
    def ui(self) -> Any:
        """The panel's widgets by name."""
        return self.widget.ui

    def enter(self) -> None:
        """Go to the module; without a main window nobody else does."""
        if slicer.util.mainWindow() is not None:
            slicer.util.selectModule(MODULE)
        else:
            self.widget.enter()

    def leave(self) -> None:
        """Go to another module."""
        if slicer.util.mainWindow() is not None:
            slicer.util.selectModule("Data")
        else:
            self.widget.exit()

    def learn(self, *, after_save: bool, seconds: int = 5, rank: bool = False) -> None:
        """Set the options of the Learning section."""
        ui = self.ui
        ui.trainAfterCheck.setChecked(after_save)
        ui.rankAfterCheck.setChecked(rank)
        ui.trainSeconds.setValue(seconds)
        session = self.session
        self.wait(
            lambda: (
                session.train_after_save == after_save
                and session.rank_after_training == rank
                and session.train_seconds == seconds
            ),
            "the options of the Learning section to be taken",
            10,
        )

    # Waiting ----------------------------------------------------------------------------

    def wait(self, predicate: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
        """Process events until ``predicate()`` holds; return its value."""
        deadline = time.monotonic() + seconds
        while True:
            slicer.app.processEvents()
            value = predicate()
            if value:
                return value
            self.check_troubles()
            if time.monotonic() > deadline:
                raise AssertionError(f"Waited {seconds:.0f} s for {what}.\n{self.state()}")
            time.sleep(0.01)

    def done(self, job: Any, what: str, seconds: float = PATIENCE) -> Any:
        """Wait for a job and return its answer."""
        self.wait(lambda: job is None or job.has_ended, what, seconds)
        if job is not None and job.state != "done":
            raise AssertionError(f"{what}: {job.state}. {job.error}\n{self.state()}")
        return None if job is None else job.value

    def idle(self) -> None:
        """Wait until nothing is queued or running."""
        self.wait(lambda: not self.session.jobs, "the worker to be idle")

    def state(self) -> str:
        """Return what is going on, for a failure's text."""
        session = self.session
        jobs = {kind: (job.state, job.message) for kind, job in session.jobs.items()}
        return (
            f"Worker {session.worker_state}, jobs {jobs}, case "
            f"{session.current and session.current.case}; the worker's last words:\n"
            f"{session.log()[-2000:]}"
        )

    # Troubles ---------------------------------------------------------------------------

    def forgive(self, *kinds: str) -> None:
        """Expect troubles of these kinds in this scenario."""
        self._forgiven |= set(kinds)

    def begin_scenario(self) -> None:
        """Count troubles from here."""
        self._forgiven = set()
        self._seen = list(self.session.troubles)

    def check_troubles(self) -> None:
        """Raise if the module complained about something that the scenario did not expect."""
        for trouble in self.session.troubles:
            known = any(trouble is seen for seen in self._seen)
            if not known and trouble.kind not in self._forgiven:
                raise AssertionError(
                    f"Trouble ({trouble.kind}): {trouble.sentence} {trouble.remedy}\n"
                    f"{trouble.details}"
                )

    # A project --------------------------------------------------------------------------

    @property
    def project(self) -> Path:
        """The folder of the scenarios' project."""
        return self.folder / "project"

    def spec(self) -> dict[str, Any]:
        """Return what ``Session.create`` takes; writes the images first."""
        images, labels = pool.write_pool(self.folder / "pool", CASES, LABELLED)
        return {
            "folder": str(self.project),
            "images": str(images),
            "labels": str(labels),
            "segments": pool.SEGMENTS,
            "name": "Self-test",
            "settings": pool.SETTINGS,
        }

    def ready(self) -> None:
        """Have the project open, with the worker and its learner up."""
        session = self.session
        if session.folder != self.project:
            made = (self.project / "project.json").is_file()
            job = session.open(self.project) if made else session.create(self.spec())
            self.done(job, "the project to open")
        self.wait(lambda: session.worker_state == "ready", "the learner")
        self.wait(lambda: session.overview and session.cases, "the facts of the project")

    def unlabelled(self) -> list[str]:
        """Return the cases that have no label, by name."""
        return [str(c["case"]) for c in self.session.cases if c["state"] in ("unlabelled", "draft")]

    def suggest(self, strategy: str = "random", unit: str = "volume", count: int = 3) -> list[Any]:
        """Choose in the panel, press Suggest next, and return the rows."""
        ui = self.ui
        ui.strategyCombo.setCurrentIndex(ui.strategyCombo.findText(strategy))
        ui.unitCombo.setCurrentIndex(UNITS.index(unit))
        ui.countSpin.setValue(count)
        self.wait(lambda: ui.suggestButton.enabled, "the button Suggest next")
        ui.suggestButton.click()
        job = self.session.jobs.get("suggest")
        if job is not None:
            self.done(job, "suggestions")
        self.wait(lambda: self.session.suggestions, "the list of suggestions")
        return list(self.session.suggestions)

    def show(self, case: str, *, prefer: str = "draft") -> Any:
        """Open a case and return it."""
        self.done(self.session.open_case(case, prefer=prefer), f"{case} to be shown")
        current = self.session.current
        if current is None or current.case != case:
            raise AssertionError(f"{case} was opened, but {current} is shown")
        return current

    # The case on the screen -------------------------------------------------------------

    @property
    def shown(self) -> Any:
        """The nodes of the case on the screen."""
        return self.session.scene.shown

    def paint(self, segment: str, centre: tuple[int, int, int], radius: int = 2) -> None:
        """Paint a box, and wait until the module has seen the edit."""
        mask = box(pool.SHAPE, centre, radius)
        paint(self.shown.segmentation, self.shown.volume, segment, mask)
        self.wait(lambda: self.session.current.dirty, "the edit to be noticed", 10)

    def mask(self) -> NDArray[np.uint8]:
        """Return what the segmentation in the scene says now."""
        return np.array(self.session.scene.mask().array)

    def label_on_disk(self, case: str) -> NDArray[np.uint8]:
        """Read a label back from the project's folder."""
        import SimpleITK as sitk

        path = self.project / "labels" / f"{case}.seg.nrrd"
        return np.asarray(sitk.GetArrayFromImage(sitk.ReadImage(str(path))), dtype=np.uint8)

    def version_of(self, case: str) -> float:
        """Return when the label of a case was written; 0 without one."""
        path = self.project / "labels" / f"{case}.seg.nrrd"
        return path.stat().st_mtime if path.is_file() else 0.0

    def finish(self) -> None:
        """Close the project and let the worker end."""
        self.session.close()
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            slicer.app.processEvents()
            time.sleep(0.01)
