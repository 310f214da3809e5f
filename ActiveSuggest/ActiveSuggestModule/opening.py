"""Opening a case: shown as soon as its images lie ready; the proposal may come later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ActiveSuggestLib.errors import ActiveSuggestError

from .desk import Desk
from .edits import Edits
from .fetching import Fetcher
from .jobs import CANCELLED, DONE, Job
from .open_case import OpenCase
from .prepared import DRAFT, EMPTY, LABEL, PROPOSAL, PreparedCase
from .ranking import Ranking
from .suggestions import UNUSABLE, find
from .worker_link import NO_LEARNER, is_told

KIND = "show"


class CaseOpener:
    """Puts cases on the screen; ``current`` is the one that is there, ``changed()`` tells.

    ``leave()`` is called before the screen is given to another case, and may refuse by ``False``.
    """

    def __init__(
        self,
        desk: Desk,
        fetcher: Fetcher,
        ranking: Ranking,
        edits: Edits,
        leave: Callable[[], bool],
    ) -> None:
        self.current: OpenCase | None = None
        self.changed = desk.signal()
        self._desk = desk
        self._fetcher = fetcher
        self._ranking = ranking
        self._edits = edits
        self._leave = leave
        self._prefer = DRAFT

    def open(self, case: str, slice_index: int | None, prefer: str) -> Job:
        """Show a case; see ``Session.open_case``."""
        job = self._desk.board.begin(KIND)
        job.data["case"] = case
        job.message = case

        def show(prepared: PreparedCase) -> None:
            if job.has_ended:
                return  # Another case was asked for since.
            self._show(job, prepared, slice_index, prefer)

        job.on_cancel = lambda _: self._desk.board.finish(job, CANCELLED)
        if not self._leave():
            self._give_up(job, {"kind": "save_failed", "message": ""})
        else:
            self._fetcher.scene(
                case, show, lambda error: self._not_prepared(job, case, error), urgent=True
            )
        return job

    def close(self) -> None:
        """Take the case from the scene; whatever was to be kept has been kept."""
        if self.current is not None:
            self._desk.scene.close()
            self.forget()

    def forget(self) -> None:
        """The case is no longer in the scene."""
        self.current = None
        self.changed.emit()

    # Showing ----------------------------------------------------------------------------

    def _show(self, job: Job, prepared: PreparedCase, slice_index: int | None, prefer: str) -> None:
        # The user may have gone on with the case before while this one was read.
        if not self._leave():
            self._give_up(job, {"kind": "save_failed", "message": ""})
            return
        if prepared.scene is None:
            # What was on the screen is this very case, and its edits became its draft just now.
            def show(again: PreparedCase) -> None:
                if not job.has_ended:
                    self._show(job, again, slice_index, prefer)

            self._fetcher.scene(
                prepared.case,
                show,
                lambda error: self._not_prepared(job, prepared.case, error),
                urgent=True,
            )
            return
        suggestion = find(prepared.case, self._ranking.suggestions)
        slices = () if suggestion is None else suggestion.slices
        at = slice_index if slice_index is not None else next(iter(slices), None)
        files = prepared.files(prefer, plane=self._desk.facts.plane, slice_index=at)
        try:
            self._desk.scene.show(files, self._desk.facts.segments)
        except ActiveSuggestError as error:
            self._ranking.mark(prepared.case, UNUSABLE, error.message)
            self._desk.board.fail(job, {**error.to_dict(), "case": prepared.case})
            return
        facts = {k: v for k, v in (prepared.scene or {}).items() if k != "images"}
        self.current = OpenCase(
            case=prepared.case,
            files=files,
            source=files.source,
            suggestion=suggestion,
            slices=slices,
            labelled_slices=prepared.labelled_slices,
            state=str(facts.get("state", "unlabelled")),
            draft_offer=prepared.segmentation(DRAFT)[1] == DRAFT,
            uncertain_slices=prepared.uncertain_slices,
            facts=facts,
        )
        self._prefer = prefer
        self._edits.begin()
        self._desk.board.finish(job, DONE, value={"case": prepared.case, "source": files.source})
        self.changed.emit()
        if not prepared.is_fresh(self._desk.facts.model_version):
            self._fetch_proposal(self.current, prefer, moved_from=self._desk.scene.current_slice())

    def _not_prepared(self, job: Job, case: str, error: dict[str, Any]) -> None:
        if not is_told(error):
            self._ranking.mark(case, UNUSABLE, str(error.get("message", "")))
        self._give_up(job, error)

    def _give_up(self, job: Job, error: dict[str, Any]) -> None:
        if not job.has_ended:
            self._desk.board.fail(job, error, told=True)

    # The proposal that comes later ------------------------------------------------------

    def model_came(self) -> None:
        """There is a model now: a case that was opened empty before it gets its proposal.

        Not if a hand has touched it, or the user asked for empty segments.
        """
        opened = self.current
        if opened is None or opened.source != EMPTY or self._prefer == EMPTY:
            return
        if opened.proposal_waiting or opened.saving or opened.saved or self._edits.are_unsaved:
            return
        self._fetch_proposal(opened, self._prefer, moved_from=self._desk.scene.current_slice())

    def _fetch_proposal(self, opened: OpenCase, prefer: str, moved_from: int | None) -> None:
        if self._desk.facts.model_version is None or self._desk.link.state == NO_LEARNER:
            return
        # What the user looks at goes before what may be looked at later.
        self._ranking.give_way()
        self._fetcher.cancel_proposals(besides=opened.case)
        opened.proposal_waiting = True
        self.changed.emit()
        self._fetcher.proposal(
            opened.case,
            lambda prepared: self._late(opened, prepared, prefer, moved_from),
            lambda _error: self._no_proposal(opened),
        )

    def _no_proposal(self, opened: OpenCase) -> None:
        opened.proposal_waiting = False
        self.changed.emit()

    def _late(
        self, opened: OpenCase, prepared: PreparedCase, prefer: str, moved_from: int | None
    ) -> None:
        opened.proposal_waiting = False
        if self.current is not opened:
            return
        opened.uncertain_slices = prepared.uncertain_slices
        asked_for = opened.files.slice
        scene, heat = self._desk.scene, prepared.uncertainty
        try:
            scene.set_uncertainty(heat)
            opened.files = replace(opened.files, uncertainty=heat)
            # Not known any more: what is shown has become a draft or a label since.
            if prepared.scene is not None:
                path, source = prepared.segmentation(prefer)
                if self._takes_proposal(opened, source, path):
                    scene.replace_segmentation(path, PROPOSAL)
                    opened.files = replace(opened.files, segmentation=path, source=PROPOSAL)
                    opened.source = PROPOSAL
                    self._edits.begin()
            if asked_for is None and scene.current_slice() == moved_from:
                self._go_to_worst(prepared)
        except ActiveSuggestError as error:
            self._desk.tell_error(error, opened.case)
        self.changed.emit()

    def _takes_proposal(self, opened: OpenCase, source: str, path: Path | None) -> bool:
        """Only what no hand has touched gives way to the model."""
        if self._edits.are_unsaved or path is None or source != PROPOSAL:
            return False
        return opened.source in (EMPTY, PROPOSAL) or (
            opened.source == LABEL and opened.labelled_slices is not None
        )

    def _go_to_worst(self, prepared: PreparedCase) -> None:
        worst = (prepared.proposal or {}).get("worst_slice")
        if worst is not None:
            self._desk.scene.go_to_slice(int(worst))
