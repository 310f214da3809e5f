"""The session: an open project, its worker, its suggestions and the case on the screen."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from .activity import ActiveTime
from .autosave import Autosave
from .desk import Desk
from .edits import Edits
from .fetching import Fetcher
from .job_board import JobBoard
from .jobs import FAILED, Job
from .mask_keeper import MaskKeeper
from .open_case import OpenCase
from .opening import CaseOpener
from .prefetch import Prefetcher
from .prepared import Shelf
from .project_door import ProjectDoor
from .project_facts import ProjectFacts
from .ranking import Ranking, Wish
from .recent import RecentProjects
from .saving import Saver
from .signals import Signal
from .suggestions import FINISHED, Suggested
from .training import Trainer
from .troubles import Trouble, TroubleDesk, trouble_from_error, trouble_from_exception
from .worker_link import WorkerLink, is_told
from .worker_process import WorkerProcess

if TYPE_CHECKING:
    from ActiveSuggestLib.data.segments import Segment
    from ActiveSuggestLib.messages import Notice

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
        start_worker: Callable[..., WorkerProcess] = WorkerProcess,
        settings: Any = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``start_worker(command, on_error)`` gives a ``WorkerProcess``; ``settings`` QSettings."""
        self.project_changed = Signal(self._slot_failed)
        """() another project, or none; the worker's state or device is another."""
        self.overview_changed = Signal(self._slot_failed)
        """() counts, model, problems or the list of cases are new."""
        self.suggestions_changed = Signal(self._slot_failed)
        """() the ranking, or the state or picture of a row."""
        self.case_changed = Signal(self._slot_failed)
        """() another case is open, or none; or its dirty, saving, draft or source flags changed."""
        self.jobs_changed = Signal(self._slot_failed)
        """() a job began, moved on or ended."""
        self.models_changed = Signal(self._slot_failed)
        """() models or curve are new."""
        self.trouble = Signal()
        """(Trouble)"""
        self.notice = Signal(self._slot_failed)
        """(str) a sentence worth reading that is no trouble."""
        self.saved = Signal(self._slot_failed)
        """(dict) a label is on disk: case, version, path, slices, hash."""

        self.scene = scene
        self._troubles = TroubleDesk(self.trouble)
        self._link = WorkerLink(start_worker, settings, clock, self._slot_failed)
        self._board = JobBoard(self._link, self._troubles.tell, self._slot_failed)
        self._facts = ProjectFacts(self._link, self._failed_aside, self._slot_failed)
        self._shelf = Shelf()
        self._desk = Desk(
            scene=scene,
            link=self._link,
            board=self._board,
            facts=self._facts,
            shelf=self._shelf,
            clock=clock,
            tell=self._troubles.tell,
            say=self.notice.emit,
            on_error=self._slot_failed,
        )
        edits, active = Edits(scene), ActiveTime(clock)
        keeper = MaskKeeper(self._desk)
        self._active = active
        self._fetcher = Fetcher(self._desk)
        self._ranking = Ranking(self._desk)
        self._prefetch = Prefetcher(self._desk, self._ranking, self._fetcher)
        self._autosave = Autosave(self._desk, edits, keeper, active)
        self._opener = CaseOpener(
            self._desk, self._fetcher, self._ranking, edits, self._autosave.keep
        )
        self._saver = Saver(self._desk, keeper, edits, self._autosave, self._ranking, active)
        self._trainer = Trainer(self._desk, self._ranking)
        self._recent = RecentProjects(settings)
        self._door = ProjectDoor(self._desk, self._recent)
        self._connect()

    def _connect(self) -> None:
        link, facts, ranking = self._link, self._facts, self._ranking
        self.scene.on_lost = self._scene_lost
        link.state_changed.connect(self._worker_changed)
        link.trouble.connect(self._troubles.tell)
        link.noticed.connect(self._noticed)
        self._door.opened.connect(self._opened)
        self._door.changed.connect(self.project_changed.emit)
        self._board.changed.connect(self.jobs_changed.emit)
        facts.overview_changed.connect(self.overview_changed.emit)
        facts.models_changed.connect(self.models_changed.emit)
        facts.model_changed.connect(lambda _version: self._prefetch.begin_anew())
        facts.model_changed.connect(lambda _version: self._opener.model_came())
        ranking.changed.connect(self.suggestions_changed.emit)
        ranking.renewed.connect(self._prefetch.go_on)
        self._opener.changed.connect(self._case_changed)
        self._autosave.changed.connect(self.case_changed.emit)
        self._saver.changed.connect(self.case_changed.emit)
        self._saver.saved.connect(self._saved)

    # What is to be seen -----------------------------------------------------------------

    @property
    def folder(self) -> Path | None:
        """The open project's folder."""
        return self._facts.folder

    @property
    def overview(self) -> dict[str, Any]:
        """The worker's ``status``: name, counts, model, problems, …; empty without a project."""
        return self._facts.overview

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The project's segments."""
        return self._facts.segments

    @property
    def plane(self) -> str:
        """The plane in which single slices are labelled."""
        return self._facts.plane

    @property
    def cases(self) -> list[dict[str, Any]]:
        """The facts of all cases, by name."""
        return self._facts.cases

    @property
    def models(self) -> list[dict[str, Any]]:
        """The records of all models, oldest first."""
        return self._facts.models

    @property
    def curve(self) -> dict[str, Any]:
        """The learning curve: ``models`` and ``prequential``."""
        return self._facts.curve

    @property
    def strategies(self) -> list[dict[str, Any]]:
        """The strategies: name, summary, explanation, needs_model, available_units."""
        return self._facts.strategies

    @property
    def worker_state(self) -> str:
        """``none``, ``starting``, ``creating``, ``open`` (no learner yet), ``ready``,
        ``no-learner`` or ``dead``."""
        return self._link.state

    @property
    def device(self) -> dict[str, Any] | None:
        """What the worker computes on, once it knows: device, description, kind, why, …."""
        return self._link.device

    @property
    def suggestions(self) -> list[Suggested]:
        """What to label next, best first."""
        return self._ranking.suggestions

    @property
    def current(self) -> OpenCase | None:
        """The case on the screen."""
        return self._opener.current

    @property
    def jobs(self) -> dict[str, Job]:
        """Jobs that are queued or running, by kind."""
        return self._board.jobs

    @property
    def pending_saves(self) -> tuple[str, ...]:
        """The cases whose mask is on disk and not yet a label."""
        return self._saver.pending

    @property
    def troubles(self) -> list[Trouble]:
        """The last troubles, oldest first."""
        return self._troubles.last

    @property
    def recent(self) -> list[str]:
        """Folders of projects opened before, newest first; those that are gone are left out."""
        return self._recent.folders()

    @property
    def train_after_save(self) -> bool:
        """Whether a save starts a training in the background."""
        return self._trainer.after_save

    @train_after_save.setter
    def train_after_save(self, wanted: bool) -> None:
        self._trainer.after_save = bool(wanted)

    @property
    def train_seconds(self) -> float:
        """How long a training may take."""
        return self._trainer.seconds

    @train_seconds.setter
    def train_seconds(self, seconds: float) -> None:
        self._trainer.seconds = float(seconds)

    @property
    def rank_after_training(self) -> bool:
        """Whether the list is ranked anew when the model has learnt."""
        return self._trainer.rank_again

    @rank_after_training.setter
    def rank_after_training(self, wanted: bool) -> None:
        self._trainer.rank_again = bool(wanted)

    # The project ------------------------------------------------------------------------

    def create(self, spec: dict[str, Any]) -> Job:
        """Make a project and open it; ``spec``: folder, images, labels, segments, name, ….

        ``segments``: ``[{"name", "color", "terminology", "value"}]``. Cancelled, what was found
        is kept and the folder can be opened.
        """
        self.close()
        return self._door.create(spec)

    def open(self, folder: str | Path) -> Job:
        """Open a project, closing the open one first; the job ends when the worker has greeted."""
        self.close()
        return self._door.open(Path(folder).expanduser().absolute())

    def close(self) -> None:
        """Close the case (its edits become a draft), let the worker end, forget the project."""
        if self._link.folder is None and self.folder is None:
            return
        self.close_case()
        self._door.close()
        self._board.clear()
        self._ranking.clear()
        self._shelf.clear()
        self._trainer.forget()
        self._facts.forget()
        for signal in (self.project_changed, self.overview_changed, self.models_changed):
            signal.emit()

    def rescan(self, images: str | Path | None = None) -> Job:
        """Look at the image folder again, or at its new place."""
        moved = {} if images is None else {"images": str(Path(images).absolute())}
        return self._ask("rescan", "rescan", self._scanned, **moved)

    def import_labels(self, folder: str | Path) -> Job:
        """Take in label files of a folder, matched to the cases by name."""
        path = str(Path(folder).absolute())
        return self._ask("import_labels", "import_labels", self._scanned, folder=path)

    # What to label ----------------------------------------------------------------------

    def suggest(
        self,
        strategy: str = "default",
        unit: str = "volume",
        count: int = 5,
        *,
        open_first: bool = False,
    ) -> Job:
        """Rank and take the best ``count``; the list and the prefetching start anew.

        ``open_first`` shows the best one as soon as the list is there.
        """
        then = self._open_best if open_first else None
        self._ranking.give_way()
        return self._ranking.suggest(Wish(strategy, unit, count), then)

    def cancel(self, kind: str) -> None:
        """Cancel the running or queued job of a kind, if there is one."""
        self._board.cancel(kind)

    def open_case(
        self,
        case: str,
        slice: int | None = None,  # noqa: A002 - the field's word
        *,
        prefer: str = "draft",
    ) -> Job:
        """Show any case; ``prefer``: ``draft``, ``label``, ``proposal`` or ``empty``.

        What does not exist gives way to the next in that order. Edits of the case shown before
        become its draft. The job ends when the case is in the scene; a proposal that is not
        ready yet follows later, unless the user has begun to edit.
        """
        return self._opener.open(case, slice, prefer)

    def next_case(self) -> Job | None:
        """Open the next suggestion that is not finished.

        Where none is left, the user's last wish is ranked again and its best one opened. ``None``
        and a notice where nothing was ever asked for.
        """
        shown = None if self.current is None else self.current.case
        following = self._ranking.next(besides=shown)
        if following is not None:
            return self.open_case(following.case)
        wish = self._ranking.wish
        if wish is None:
            self.notice.emit(_("There is no suggestion left. Press Suggest next."))
            return None
        return self.suggest(wish.strategy, wish.unit, wish.count, open_first=True)

    def close_case(self) -> None:
        """Take the case from the scene; edits become its draft."""
        self._autosave.keep()
        self._opener.close()

    # What was labelled ------------------------------------------------------------------

    def save(self, slices: Sequence[int] | None = None, note: str = "") -> bool:
        """Write the mask to disk and hand it to the worker as the label (of ``slices``).

        Returns whether the mask is on disk; ``saved`` follows when it is the label. ``False``
        comes with a trouble, and the case stays open.
        """
        return self.save_job(slices, note).state != FAILED

    def save_job(self, slices: Sequence[int] | None = None, note: str = "") -> Job:
        """``save``, and return the job that is done when the label is on disk.

        It has failed already where the mask could not be written.
        """
        if self.current is None:
            sentence = _("No case is open, so there is nothing to save.")
            error = {"kind": "no_case_shown", "message": sentence, "remedy": _("Open a case.")}
            job = Job("save")
            self._board.fail(job, error)
            return job
        return self._saver.save(self.current, slices, note)

    def save_and_next(self, slices: Sequence[int] | None = None, note: str = "") -> bool:
        """``save``, and as soon as the mask is on disk open the next suggestion."""
        saved = self.save(slices, note)
        if saved:
            self.next_case()
        return saved

    def autosave(self) -> bool:
        """Keep edits as a draft now; whether everything is on disk."""
        return self._autosave.keep()

    def note_activity(self) -> None:
        """The user is at work, though nothing in the scene tells: the time counts."""
        self._active.touch()

    def discard_draft(self) -> None:
        """Throw the open case's draft away and show its label or proposal."""
        current = self.current
        if current is None:
            return
        case = current.case
        self._autosave.end()
        self._shelf.forget_scene(case)
        self._opener.forget()

        def show(_value: Any) -> None:
            self.open_case(case, prefer="label")

        self._link.ask("discard_draft", show, self._failed_aside, lasting=True, case=case)

    def skip(self, reason: str = "") -> None:
        """Pass the open case over for now; the next suggestion opens."""
        if self.current is not None:
            self._pass_over("skip", self.current.case, reason)

    def exclude(self, case: str, reason: str) -> None:
        """Take a case out of the pool; if it is the open one, the next suggestion opens."""
        self._pass_over("exclude", case, reason)

    def include(self, case: str) -> None:
        """Take a case back into the pool."""
        self._note("include", case)

    def add_note(self, text: str) -> None:
        """Record a remark on the open case."""
        if self.current is not None and text.strip():
            self._note("note", self.current.case, text=text)

    # What the model learns --------------------------------------------------------------

    def fine_tune(self, seconds: float | None = None) -> Job:
        """Train in the background; a training that runs goes on and takes new labels in."""
        self._ranking.give_way()
        return self._trainer.fine_tune(seconds)

    def roll_back(self, version: int) -> Job:
        """Make an earlier model the current one."""

        def done(_value: Any) -> None:
            self._facts.refresh_overview()
            self._facts.refresh_models()

        return self._ask("roll_back", "rollback", done, version=int(version))

    def predict(self, cases: Sequence[str] | None = None, out: str | Path | None = None) -> Job:
        """Write proposals of cases (``None``: all without a label) to ``out``.

        The value is a list: for each case its files, or the error it gave.
        """
        names = list(cases) if cases is not None else self._unlabelled()
        place = {} if out is None else {"out": str(Path(out).expanduser().absolute())}
        return self._ask("predict", "predict", lambda _value: None, cases=names, **place)

    def score(
        self, strategy: str = "default", unit: str = "volume", out: str | Path | None = None
    ) -> Job:
        """Rank everything into a CSV; the value: ``{"rows": […], "total", "path"}``."""
        place = {} if out is None else {"out": str(Path(out).expanduser().absolute())}
        return self._ask(
            "score", "score", lambda _value: None, strategy=strategy, unit=unit, **place
        )

    def look_up(self, method: str, /, **params: Any) -> Job:
        """Ask what changes nothing: ``status``, ``cases``, ``case``, ``models``, ``events``, …."""
        return self._board.ask(method, method, lambda _value: None, **params)

    # The worker -------------------------------------------------------------------------

    def log(self) -> str:
        """Return what the worker printed last (256 kB at most)."""
        return self._link.log()

    def restart_worker(self) -> None:
        """Start the worker anew; saves that were not answered are sent again."""
        self._link.restart()

    def shut_down(self) -> None:
        """Keep edits as a draft and end the worker, waiting briefly: Slicer is closing."""
        self._autosave.keep()
        self._link.shut_down()
        # Last: what was asked for and is lost now still tells of the open case.
        self._autosave.end()

    # What happens -----------------------------------------------------------------------

    def _ask(self, kind: str, method: str, done: Callable[[Any], None], /, **params: Any) -> Job:
        self._ranking.give_way()
        return self._board.ask(kind, method, done, **params)

    def _note(self, method: str, case: str, **params: Any) -> None:
        """Tell the worker something about a case that must not get lost."""

        def done(_value: Any) -> None:
            self._facts.refresh_case(case)
            self._facts.refresh_overview()

        self._link.ask(method, done, self._failed_aside, lasting=True, case=case, **params)

    def _pass_over(self, method: str, case: str, reason: str) -> None:
        is_open = self.current is not None and self.current.case == case
        if is_open:
            self._autosave.keep()
        self._note(method, case, reason=reason)
        self._ranking.mark(case, FINISHED)
        if is_open and self._ranking.wish is not None:
            self.next_case()

    def _open_best(self) -> None:
        shown = None if self.current is None else self.current.case
        best = self._ranking.next(besides=shown)
        if best is not None:
            self.open_case(best.case)

    def _unlabelled(self) -> list[str]:
        done = ("labelled", "excluded")
        return [str(facts["case"]) for facts in self.cases if facts.get("state") not in done]

    def _opened(self) -> None:
        self._facts.refresh_all()
        self._prefetch.begin_anew()
        self.project_changed.emit()

    def _worker_changed(self) -> None:
        if self.worker_state == "ready":
            self._facts.refresh_overview()
            self._prefetch.begin_anew()
        self.project_changed.emit()

    def _case_changed(self) -> None:
        current = self.current
        if current is not self._autosave.current:
            if current is None:
                self._autosave.end()
            else:
                self._autosave.begin(current)
                self._saver.begin(current.case)
            self._prefetch.current = None if current is None else current.case
        self._prefetch.go_on()
        self.case_changed.emit()

    def _saved(self, value: dict[str, Any]) -> None:
        self._trainer.label_saved(value)
        self.saved.emit(value)

    def _scanned(self, _report: Any) -> None:
        self._shelf.clear()
        self._facts.refresh_all()

    def _scene_lost(self, sentence: str) -> None:
        """The user closed the scene or deleted the case's nodes; the mask is still to be had."""
        kept = self._autosave.current is not None and self._autosave.current.dirty
        if self._autosave.keep() and kept:
            sentence = " ".join([sentence, _("Your edits are kept as a draft.")])
        self._opener.close()
        self.notice.emit(sentence)

    def _noticed(self, notice: Notice) -> None:
        if notice.kind in ("ready", "learner_unavailable", "creating"):
            return
        case = notice.data.get("case")
        if case and self._fetcher.is_fetching(case):
            return  # The answer to the request says the same.
        self.notice.emit(notice.message)
        if notice.data.get("error"):
            self._facts.refresh_overview()

    def _failed_aside(self, error: dict[str, Any]) -> None:
        if not is_told(error):
            self._troubles.tell(trouble_from_error(error))

    def _slot_failed(self, error: Exception, _slot: Any) -> None:
        self._troubles.tell(trouble_from_exception(error))
