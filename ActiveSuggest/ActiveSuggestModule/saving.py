"""Saving a label: the mask is on disk at once, and becomes the label as soon as a worker is up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from ActiveSuggestLib.data import store

from .activity import ActiveTime
from .autosave import Autosave
from .desk import Desk
from .edits import Edits
from .jobs import DONE, Job
from .mask_files import hold_still
from .mask_keeper import KeptMask, MaskKeeper, mask_remarks, unknown_segments_trouble
from .open_case import OpenCase
from .ranking import Ranking
from .suggestions import FINISHED, WAITING, find
from .troubles import trouble_from_error
from .worker_link import is_told

KIND = "save"
_ADVICE = "The mask is kept as a draft of {case}: open the case again and save it."


@dataclass(frozen=True)
class _Save:
    """A label on its way."""

    kept: KeptMask
    path: Path
    opened: OpenCase
    slices: tuple[int, ...] | None
    note: str
    seconds: float
    moment: int
    job: Job


class Saver:
    """Saves the open case; ``saved(dict)`` when it is a label, ``changed()`` when a flag turns.

    A worker that dies on the way, or is dead already, gets the label when it is up again.
    """

    def __init__(
        self,
        desk: Desk,
        keeper: MaskKeeper,
        edits: Edits,
        autosave: Autosave,
        ranking: Ranking,
        time: ActiveTime,
    ) -> None:
        self.saved = desk.signal()
        self.changed = desk.signal()
        self._desk = desk
        self._keeper = keeper
        self._edits = edits
        self._autosave = autosave
        self._ranking = ranking
        self._time = time
        self._on_their_way: dict[str, _Save] = {}
        self._labelled: dict[str, set[int]] = {}

    @property
    def pending(self) -> tuple[str, ...]:
        """The cases whose mask is on disk and not yet a label."""
        return tuple(self._on_their_way)

    def save(self, opened: OpenCase, slices: Sequence[int] | None, note: str) -> Job:
        """Write the mask and hand it over; the job ends when the label is on disk.

        It has failed, after a trouble, where the mask could not be written.
        """
        self._autosave.look()
        moment = self._edits.now()
        kept = self._keeper.keep(opened.case)
        if kept is None:
            job = Job(KIND)
            self._desk.board.fail(job, self._keeper.last_error(opened.case), told=True)
            return job
        self._edits.kept(moment)
        self._time.touch()
        chosen = None if slices is None else tuple(sorted({int(n) for n in slices}))
        save = _Save(
            kept=kept,
            # Strokes that follow go into the draft, and not into what is being saved.
            path=hold_still(kept.path),
            opened=opened,
            slices=chosen,
            note=note,
            seconds=self._time.take(opened.case),
            moment=moment,
            job=self._desk.board.begin(KIND),
        )
        self._on_their_way[opened.case] = save
        opened.saving, opened.seconds = True, 0.0
        self._autosave.hold = True
        self._remark(save)
        self._ranking.mark(opened.case, FINISHED)
        self._send(save, save.path)
        self.changed.emit()
        return save.job

    def _covers_all_edits(self, save: _Save) -> bool:
        """Whether no slice was edited but those that are labelled now."""
        if save.slices is None:
            return True
        labelled = self._labelled.setdefault(save.kept.case, set())
        labelled.update(save.slices)
        # Only now, and not when the user pressed the button: comparing takes as long as writing.
        return set(self._desk.scene.changed_slices()) <= labelled

    def _remark(self, save: _Save) -> None:
        mask = save.kept.mask
        for remark in mask_remarks(mask):
            self._desk.say(f"{save.kept.case}: {remark}")
        if mask.unknown:
            names = ", ".join(segment.name for segment in self._desk.facts.segments)
            self._desk.tell(unknown_segments_trouble(save.kept.case, mask.unknown, names))

    def _send(self, save: _Save, path: Path) -> None:
        self._desk.link.ask(
            "save_label",
            lambda value: self._done(save, value),
            lambda error: self._failed(save, path, error),
            lasting=True,
            case=save.kept.case,
            mask=str(path),
            slices=None if save.slices is None else list(save.slices),
            seconds=round(save.seconds, 1),
            note=save.note,
        )

    def _done(self, save: _Save, value: dict[str, Any]) -> None:
        case = save.kept.case
        self._arrived(save)
        prepared = self._desk.shelf.of(case)
        prepared.scene = prepared.proposal = None
        opened = save.opened
        if self._autosave.current is opened:
            self._edits.saved(save.moment, whole=self._covers_all_edits(save))
            opened.saved, opened.state = True, "labelled"
            opened.draft_offer = False
            labelled = value.get("slices")
            opened.labelled_slices = None if labelled is None else tuple(labelled)
            self._autosave.note_flags()
            if self._edits.are_unkept:
                # The draft went with the label; what was edited beside or since must not go.
                self._autosave.keep()
        self._desk.board.finish(save.job, DONE, value=value)
        self._desk.facts.refresh_case(case)
        self._desk.facts.refresh_overview()
        self._desk.facts.refresh_models()
        self.changed.emit()
        self.saved.emit(value)

    def _failed(self, save: _Save, path: Path, error: dict[str, Any]) -> None:
        aside = path.parent / "replaced" / path.name
        if not path.is_file() and path.parent.name == "drafts" and aside.is_file():
            # Saved by a worker that died before it said so, and the draft went with it.
            self._send(save, aside)
            return
        case = save.kept.case
        self._arrived(save)
        self._time.give_back(case, save.seconds)
        if find(case, self._ranking.suggestions) is not None:
            self._ranking.mark(case, WAITING)
        self._desk.shelf.forget_scene(case)
        if not is_told(error):
            advice = f"{error.get('remedy') or ''} {_(_ADVICE).format(case=case)}".strip()
            self._desk.tell(trouble_from_error({"case": case, **error, "remedy": advice}))
        self._desk.board.fail(save.job, error, told=True)
        self.changed.emit()

    def _arrived(self, save: _Save) -> None:
        if save.path != save.kept.path:
            store.discard(save.path)
        if self._on_their_way.get(save.kept.case) is save:
            del self._on_their_way[save.kept.case]
            save.opened.saving = False
            if self._autosave.current is save.opened:
                self._autosave.hold = False

    def begin(self, case: str) -> None:
        """A case is shown anew: what was labelled before counts no longer as just labelled."""
        self._labelled.pop(case, None)
