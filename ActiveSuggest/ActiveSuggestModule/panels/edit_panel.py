"""The Edit section: what is shown, the uncertain places, and the Segment Editor."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from ..segment_editor import SegmentEditor
from . import looks
from .guard import Guard
from .walk import Walk

if TYPE_CHECKING:
    from ..open_case import OpenCase
    from ..session import Session


class EditPanel:
    """Binds the Edit section to the session and its scene."""

    def __init__(self, ui: Any, session: Session, guard: Guard, *, buttons: looks.Buttons) -> None:
        self._ui, self._session, self._buttons = ui, session, buttons
        self.editor = SegmentEditor(ui.editorPlace.layout())
        self._case = looks.FittedText(ui.caseLabel)
        self._source = looks.FittedText(ui.sourceLabel)
        self._places: Walk[Any] = Walk()
        self._slices: Walk[int] = Walk()
        self._seen: tuple[Any, ...] = ()
        self._has_overlay = False
        self._looked_at: int | None = None
        ui.sourceLabel.setMinimumHeight(ui.sourceButton.sizeHint.height())
        ui.overlayCheck.connect("toggled(bool)", guard(self._overlay_changed))
        ui.overlaySlider.connect("valueChanged(double)", guard(self._overlay_changed))
        for button, slot in (
            (ui.placeNext, self.next_place),
            (ui.placeBack, self.previous_place),
            (ui.sliceNext, self.next_slice),
            (ui.sliceBack, self.previous_slice),
            (ui.sourceButton, self._other_source),
        ):
            button.connect("clicked()", guard(slot))

    def refresh(self) -> None:
        """Show the case that is open."""
        case, shown = self._session.current, self._session.scene.shown
        if case is None or shown is None:
            if self._seen:
                self.editor.clear()
            self._seen, self._has_overlay = (), False
            self._places, self._slices = Walk(), Walk()
            self._show_words(case if shown is not None else None)
            return
        seen = (shown.segmentation, shown.uncertainty, shown.files.uncertainty, case.slices)
        if seen != self._seen:
            self._seen = seen
            self._has_overlay = shown.uncertainty is not None
            self._places = Walk(self._session.scene.places() if self._has_overlay else ())
            self._slices = Walk(case.slices)
            if shown.files.slice is not None:
                self._slices.stand_at(shown.files.slice)
            self.editor.show(shown.segmentation, shown.volume)
            self._overlay_changed()
        self._show_words(case)

    def refit(self) -> None:
        """Fit the texts to the width of the panel."""
        self._case.refit()
        self._source.refit()

    def next_place(self) -> None:
        """Go to the next uncertain place."""
        self._go_to_place(self._places.next())

    def previous_place(self) -> None:
        """Go to the uncertain place before."""
        self._go_to_place(self._places.previous())

    def next_slice(self) -> None:
        """Go to the next suggested slice."""
        self._go_to_slice(self._slices.next())

    def previous_slice(self) -> None:
        """Go to the suggested slice before."""
        self._go_to_slice(self._slices.previous())

    def toggle_overlay(self) -> None:
        """Show or hide the uncertainty."""
        if self._has_overlay:
            self._ui.overlayCheck.checked = not self._ui.overlayCheck.checked

    def tick(self) -> None:
        """Count the time in which the user looks through the slices."""
        if self._session.current is None or self._session.scene.shown is None:
            return
        looked_at = self._session.scene.current_slice()
        if looked_at != self._looked_at:
            self._looked_at = looked_at
            self._session.note_activity()

    def scene_start_close(self) -> None:
        """The nodes are going away."""
        self.editor.forget_node()
        self._seen = ()

    def _go_to_place(self, place: Any) -> None:
        if place is not None:
            self._session.scene.go_to_place(place)
            self._show_words(self._session.current)

    def _go_to_slice(self, index: int | None) -> None:
        if index is not None:
            self._session.scene.go_to_slice(index)
            self._show_words(self._session.current)

    def _overlay_changed(self, _value: Any = None) -> None:
        if self._has_overlay:
            self._session.scene.set_overlay(
                visible=bool(self._ui.overlayCheck.checked),
                opacity=float(self._ui.overlaySlider.value),
            )

    def _show_words(self, case: OpenCase | None) -> None:
        ui = self._ui
        self._case.set(_("No case is open") if case is None else _title(case))
        self._source.set(_source(case))
        is_draft = case is not None and case.source == "draft" and not case.saving
        ui.sourceButton.setVisible(is_draft)
        if case is not None and is_draft:
            labelled = case.state == "labelled" or case.labelled_slices
            ui.sourceButton.text = _("Use the label") if labelled else _("Use the proposal")
        none = _("Open a case first.") if case is None else ""
        no_overlay = none or ("" if self._has_overlay else _no_uncertainty(case))
        for widget in (ui.overlayCheck, ui.overlaySlider):
            self._buttons.allow(widget, no_overlay)
        no_places = none or ("" if len(self._places) else no_overlay or _("No place stands out."))
        no_slices = none or ("" if len(self._slices) else _("The whole volume was suggested."))
        for walk, label, buttons, why_not in (
            (self._places, ui.placeLabel, (ui.placeBack, ui.placeNext), no_places),
            (self._slices, ui.sliceLabel, (ui.sliceBack, ui.sliceNext), no_slices),
        ):
            label.text = walk.words() if case is not None else "–"
            for button in buttons:
                self._buttons.allow(button, why_not)

    def _other_source(self) -> None:
        self._session.discard_draft()


def _title(case: OpenCase) -> str:
    size = case.facts.get("size")
    suffix = f" · {' × '.join(str(n) for n in size)}" if size else ""
    return f"{case.case}{suffix}"


def _no_uncertainty(case: OpenCase | None) -> str:
    if case is not None and case.proposal_waiting:
        return _("The model is still looking at this case.")
    return _("There is no uncertainty for this case: no model has looked at it yet.")


def _source(case: OpenCase | None) -> str:
    if case is None:
        return ""
    if case.source == "draft":
        written = _time_of(case.files.segmentation)
        if written:
            return _("Your draft of {time} is shown.").format(time=written)
        return _("Your draft is shown.")
    if case.source == "label":
        return _("The saved label is shown.")
    if case.source == "proposal":
        return _("The model's proposal is shown: correct it.")
    if case.proposal_waiting:
        return _("Empty for now: the model's proposal is on its way.")
    return _("Empty: there is no proposal for this case yet.")


def _time_of(path: Path | None) -> str:
    try:
        written = time.localtime(path.stat().st_mtime) if path is not None else None
    except OSError:
        written = None
    if written is None:
        return ""
    is_today = written[:3] == time.localtime()[:3]
    return time.strftime("%H:%M" if is_today else "%d %b, %H:%M", written)
