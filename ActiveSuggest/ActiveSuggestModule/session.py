"""The session: an open project, its worker, its suggestions and the case on the screen."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .jobs import Job
from .open_case import OpenCase
from .signals import Signal
from .suggestions import Suggested
from .troubles import Trouble

if TYPE_CHECKING:
    from ActiveSuggestLib.data.segments import Segment

    from .scene.case_scene import CaseScene

__all__ = ["Job", "OpenCase", "Session", "Suggested", "Trouble"]


class Session:
    """What the panels and the console work with. No widgets; nothing here blocks.

    Methods that ask the worker return a ``Job`` (or ``None`` where there is nothing to wait for)
    and answer through signals; a job that fails gives exactly one ``trouble``.
    """

    def __init__(
        self,
        scene: CaseScene,
        *,
        start_worker: Callable[..., Any] | None = None,
        settings: Any = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``start_worker(...)`` gives a ``WorkerProcess``; ``settings`` a ``qt.QSettings``."""
        self.project_changed = Signal()
        """() another project, or none; the worker's state or device is another."""
        self.overview_changed = Signal()
        """() counts, model, problems or the list of cases are new."""
        self.suggestions_changed = Signal()
        """() the ranking, or the state or picture of a row."""
        self.case_changed = Signal()
        """() another case is open, or none; or its dirty, saving, draft or source flags changed."""
        self.jobs_changed = Signal()
        """() a job began, moved on or ended."""
        self.models_changed = Signal()
        """() models or curve are new."""
        self.trouble = Signal()
        """(Trouble)"""
        self.notice = Signal()
        """(str) a sentence worth reading that is no trouble."""
        self.saved = Signal()
        """(dict) a label is on disk: case, version, path, slices, hash."""

        self.folder: Path | None = None
        self.overview: dict[str, Any] = {}
        self.segments: tuple[Segment, ...] = ()
        self.plane: str = "axial"
        self.worker_state: str = "none"
        """``none``, ``starting``, ``creating``, ``open`` (no learner yet), ``ready``,
        ``no-learner`` or ``dead``."""
        self.device: dict[str, Any] | None = None
        self.suggestions: list[Suggested] = []
        self.current: OpenCase | None = None
        self.jobs: dict[str, Job] = {}
        """Jobs that are queued or running, by kind."""
        self.models: list[dict[str, Any]] = []
        self.curve: dict[str, Any] = {}
        self.cases: list[dict[str, Any]] = []
        self.strategies: list[dict[str, Any]] = []
        self.train_after_save: bool = True
        self.train_seconds: float = 120.0
        self.rank_after_training: bool = True
        self.scene = scene

    # The project ------------------------------------------------------------------------

    @property
    def recent(self) -> list[str]:
        """Folders of projects opened before, newest first; those that are gone are left out."""
        raise NotImplementedError

    def create(self, spec: dict[str, Any]) -> Job:
        """Make a project and open it; ``spec``: folder, images, labels, segments, name, ….

        ``segments``: ``[{"name", "color", "terminology", "value"}]``. Cancelled, what was found
        is kept and the folder can be opened.
        """
        raise NotImplementedError

    def open(self, folder: str | Path) -> Job:
        """Open a project, closing the open one first; the job ends when the worker has greeted."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the case (its edits become a draft), let the worker end, forget the project."""
        raise NotImplementedError

    def rescan(self, images: str | Path | None = None) -> Job:
        """Look at the image folder again, or at its new place."""
        raise NotImplementedError

    def import_labels(self, folder: str | Path) -> Job:
        """Take in label files of a folder, matched to the cases by name."""
        raise NotImplementedError

    # What to label ----------------------------------------------------------------------

    def suggest(self, strategy: str = "default", unit: str = "volume", count: int = 5) -> Job:
        """Rank and take the best ``count``; the list and the prefetching start anew."""
        raise NotImplementedError

    def cancel(self, kind: str) -> None:
        """Cancel the running or queued job of a kind, if there is one."""
        raise NotImplementedError

    def open_case(self, case: str, slice: int | None = None, *, prefer: str = "draft") -> Job:
        """Show any case; ``prefer``: ``draft``, ``label``, ``proposal`` or ``empty``.

        What does not exist gives way to the next in that order. Edits of the case shown before
        become its draft. The job ends when the case is in the scene; a proposal that is not
        ready yet follows later, unless the user has begun to edit.
        """
        raise NotImplementedError

    def next_case(self) -> Job | None:
        """Open the next suggestion that is not finished; ``None`` and a notice if there is none."""
        raise NotImplementedError

    def close_case(self) -> None:
        """Take the case from the scene; edits become its draft."""
        raise NotImplementedError

    # What was labelled ------------------------------------------------------------------

    def save(self, slices: Sequence[int] | None = None, note: str = "") -> bool:
        """Write the mask to disk and hand it to the worker as the label (of ``slices``).

        Returns whether the mask is on disk; ``saved`` follows when it is the label. ``False``
        comes with a trouble, and the case stays open.
        """
        raise NotImplementedError

    def save_and_next(self, slices: Sequence[int] | None = None, note: str = "") -> bool:
        """``save``, and as soon as the mask is on disk open the next suggestion."""
        raise NotImplementedError

    def autosave(self) -> bool:
        """Keep edits as a draft now; whether there was something to keep and it was kept."""
        raise NotImplementedError

    def discard_draft(self) -> None:
        """Throw the open case's draft away and show its label or proposal."""
        raise NotImplementedError

    def skip(self, reason: str = "") -> None:
        """Pass the open case over for now; the next suggestion opens."""
        raise NotImplementedError

    def exclude(self, case: str, reason: str) -> None:
        """Take a case out of the pool; if it is the open one, the next suggestion opens."""
        raise NotImplementedError

    def include(self, case: str) -> None:
        """Take a case back into the pool."""
        raise NotImplementedError

    def add_note(self, text: str) -> None:
        """Record a remark on the open case."""
        raise NotImplementedError

    # What the model learns --------------------------------------------------------------

    def fine_tune(self, seconds: float | None = None) -> Job:
        """Train in the background; a training that runs goes on and takes new labels in."""
        raise NotImplementedError

    def roll_back(self, version: int) -> Job:
        """Make an earlier model the current one."""
        raise NotImplementedError

    def predict(self, cases: Sequence[str] | None = None, out: str | Path | None = None) -> Job:
        """Write proposals of cases (``None``: all without a label) to ``out``."""
        raise NotImplementedError

    def score(
        self, strategy: str = "default", unit: str = "volume", out: str | Path | None = None
    ) -> Job:
        """Rank everything into a CSV; the value: ``{"rows": […], "total", "path"}``."""
        raise NotImplementedError

    # The worker -------------------------------------------------------------------------

    def log(self) -> str:
        """Return what the worker printed last (256 kB at most)."""
        raise NotImplementedError

    def restart_worker(self) -> None:
        """Start the worker anew; saves that were not answered are sent again."""
        raise NotImplementedError

    def shut_down(self) -> None:
        """Keep edits as a draft and end the worker, waiting briefly: Slicer is closing."""
        raise NotImplementedError
