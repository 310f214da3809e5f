"""The Save section: what becomes a label, a note, and passing a case over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from . import looks, words
from .guard import Guard

if TYPE_CHECKING:
    from ..session import Session

WHOLE, SUGGESTED, CHANGED, THESE = range(4)


def common_reasons() -> tuple[str, ...]:
    """Return why cases are mostly passed over."""
    return (
        _("poor image quality"),
        _("artefacts"),
        _("wrong body part"),
        _("wrong sequence or series"),
        _("structure not in the image"),
        _("another examination of the same patient"),
        _("too difficult: for a second reader"),
    )


class SavePanel:
    """Binds the Save section to the session."""

    def __init__(self, ui: Any, session: Session, guard: Guard, *, buttons: looks.Buttons) -> None:
        self._ui, self._session, self._buttons = ui, session, buttons
        self._line = looks.FittedText(ui.savedLabel)
        self._case: Any = None
        self._saved_words = ""
        ui.reasonCombo.addItems(list(common_reasons()))
        ui.reasonCombo.setCurrentIndex(-1)
        ui.reasonCombo.lineEdit().setPlaceholderText(_("reason, to skip or exclude"))
        ui.scopeCombo.connect("currentIndexChanged(int)", guard(self._scope_changed))
        ui.slicesEdit.connect("textChanged(QString)", guard(self._text_changed))
        ui.reasonCombo.connect("editTextChanged(QString)", guard(self._text_changed))
        for button, slot in (
            (ui.saveButton, self.save),
            (ui.saveNextButton, self.save_and_next),
            (ui.skipButton, self._skip),
            (ui.excludeButton, self._exclude),
        ):
            button.connect("clicked()", guard(slot))

    def refresh(self) -> None:
        """Show what can be saved now."""
        ui, case = self._ui, self._session.current
        if case is not self._case:
            self._case = case
            ui.slicesEdit.text = ""
            ui.noteEdit.text = ""
            ui.reasonCombo.setCurrentIndex(-1)
            ui.reasonCombo.setEditText("")
            if case is not None:
                self._saved_words = ""
                ui.scopeCombo.setCurrentIndex(SUGGESTED if case.slices else WHOLE)
        suggested = _("The suggested slices")
        if case is not None and case.slices:
            suggested += f" ({words.slices(case.slices, shown=words.SOME)})"
        if ui.scopeCombo.itemText(SUGGESTED) != suggested:
            ui.scopeCombo.setItemText(SUGGESTED, suggested)
        self._refresh_buttons()
        self.tick()

    def refit(self) -> None:
        """Fit the texts to the width of the panel."""
        self._line.refit()

    def tick(self) -> None:
        """Show the time spent on the case as it goes by."""
        case = self._session.current
        parts = []
        if case is not None:
            parts.append(_("{time} spent").format(time=words.clock(case.seconds)))
            if case.saving:
                parts.append(_("saving…"))
            elif case.dirty:
                parts.append(_("edited, not saved yet"))
        if self._saved_words and not (case is not None and (case.saving or case.dirty)):
            parts.append(self._saved_words)
        self._line.set(" · ".join(parts))

    def on_saved(self, label: dict[str, Any]) -> None:
        """A label is on disk."""
        self._saved_words = _("{case} saved at {time} (version {version})").format(
            case=label.get("case", ""),
            time=time.strftime("%H:%M"),
            version=label.get("version", ""),
        )
        self.tick()

    def save(self) -> None:
        """Save what the section says; the case stays open."""
        self._save(and_next=False)

    def save_and_next(self) -> None:
        """Save what the section says and open the next suggestion."""
        self._save(and_next=True)

    def _save(self, *, and_next: bool) -> None:
        ui, session = self._ui, self._session
        # The keys come here too, whether or not the buttons can be pressed.
        if not ui.saveButton.enabled or session.current is None:
            return
        scope = ui.scopeCombo.currentIndex
        slices = self._slices(scope)
        if scope == CHANGED and not slices:
            session.notice.emit(_("Nothing is changed yet, so no slice was saved."))
            return
        note = ui.noteEdit.text.strip()
        do = session.save_and_next if and_next else session.save
        if do(slices, note):
            ui.noteEdit.text = ""

    def _slices(self, scope: int) -> tuple[int, ...] | None:
        case = self._session.current
        if scope == WHOLE or case is None:
            return None
        if scope == SUGGESTED:
            return case.slices
        if scope == CHANGED:
            return self._session.scene.changed_slices()
        return words.parse_slices(self._ui.slicesEdit.text, self._slice_count())

    def _slice_count(self) -> int | None:
        case = self._session.current
        size = case.facts.get("size") if case is not None else None
        axis = {"sagittal": 0, "coronal": 1, "axial": 2}.get(self._session.plane, 2)
        return int(size[axis]) if size and len(size) > axis else None

    def _why_not_save(self) -> str:
        case, scope = self._session.current, self._ui.scopeCombo.currentIndex
        if case is None:
            return _("Open a case first.")
        if case.saving:
            return _("It is being saved.")
        if scope == SUGGESTED and not case.slices:
            return _("No slices were suggested for this case: save the whole volume, or others.")
        if scope == THESE:
            try:
                words.parse_slices(self._ui.slicesEdit.text, self._slice_count())
            except ValueError as error:
                return str(error)
        return ""

    def _refresh_buttons(self) -> None:
        ui, case = self._ui, self._session.current
        none = _("Open a case first.") if case is None else ""
        why_not = self._why_not_save()
        for button in (ui.saveButton, ui.saveNextButton):
            self._buttons.allow(button, why_not)
        these = "" if ui.scopeCombo.currentIndex == THESE else _("For 'These slices' only.")
        self._buttons.allow(ui.slicesEdit, none or these)
        for widget in (ui.scopeCombo, ui.noteEdit, ui.reasonCombo, ui.skipButton):
            self._buttons.allow(widget, none)
        needed = "" if ui.reasonCombo.currentText.strip() else _("Choose or write a reason first.")
        self._buttons.allow(ui.excludeButton, none or needed)

    def _scope_changed(self, index: int) -> None:
        ui = self._ui
        if index == THESE and not ui.slicesEdit.text.strip() and self._session.current is not None:
            current = self._session.scene.current_slice()
            ui.slicesEdit.text = "" if current is None else str(current)
        self._refresh_buttons()

    def _text_changed(self, _text: str) -> None:
        self._refresh_buttons()

    def _skip(self) -> None:
        self._session.skip(self._ui.reasonCombo.currentText.strip())

    def _exclude(self) -> None:
        case = self._session.current
        reason = self._ui.reasonCombo.currentText.strip()
        if case is not None and reason:
            self._session.exclude(case.case, reason)
