"""The bar on top of the panel: what went wrong, what to do, and a button that does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from ..troubles import Trouble
from . import looks

KEPT = 5


def action_words(action: str | None) -> str:
    """Return what the button of an action says; empty for an action without a button."""
    return {
        "install": _("Install…"),
        "restart": _("Restart"),
        "show-log": _("Show the log"),
        "locate-images": _("Locate the images…"),
        "open-project": _("Open a project…"),
        "rescan": _("Rescan"),
        "open-folder": _("Open the folder"),
    }.get(action or "", "")


class TroubleBar:
    """Shows the newest trouble; closed, it shows the one before that was not closed yet.

    ``on_action(trouble)`` is called for the action button, ``on_details(trouble)`` for Details….
    """

    def __init__(
        self,
        ui: Any,
        *,
        on_action: Callable[[Trouble], None],
        on_details: Callable[[Trouble], None],
    ) -> None:
        self._ui = ui
        self._on_action = on_action
        self._on_details = on_details
        self._troubles: list[Trouble] = []
        ui.troubleDismiss.connect("clicked()", self.dismiss)
        ui.troubleDetails.connect("clicked()", self._details)
        ui.troubleAction.connect("clicked()", self._act)
        self._show()

    @property
    def trouble(self) -> Trouble | None:
        """The trouble that is shown."""
        return self._troubles[-1] if self._troubles else None

    def show(self, trouble: Trouble) -> None:
        """Show a trouble in front of those that are not closed yet."""
        same = [
            t for t in self._troubles if (t.sentence, t.case) != (trouble.sentence, trouble.case)
        ]
        self._troubles = [*same, trouble][-KEPT:]
        self._show()
        self._scroll_to()

    def dismiss(self) -> None:
        """Close the trouble that is shown."""
        if self._troubles:
            self._troubles.pop()
        self._show()

    def clear(self, *kinds: str) -> None:
        """Close the troubles of these kinds, or all: what they told is over."""
        self._troubles = [t for t in self._troubles if kinds and t.kind not in kinds]
        self._show()

    def _show(self) -> None:
        trouble, ui = self.trouble, self._ui
        ui.troubleBar.setVisible(trouble is not None)
        if trouble is None:
            return
        self.recolour()
        ui.troubleSentence.text = trouble.sentence
        ui.troubleRemedy.text = trouble.remedy
        ui.troubleRemedy.setVisible(bool(trouble.remedy))
        others = len(self._troubles) - 1
        ui.troubleMore.text = _("and {n} more").format(n=others) if others else ""
        words = action_words(trouble.action)
        ui.troubleAction.text = words
        ui.troubleAction.setVisible(bool(words))

    def recolour(self) -> None:
        """Take the colours from the palette, which may have turned dark."""
        bar = self._ui.troubleBar
        # The parent's palette: the bar's own takes the colour of its style sheet over.
        colour = looks.tint(bar.parentWidget().palette, 230, 120, 30)
        sheet = f"QFrame#troubleBar {{ background-color: {colour}; border-radius: 4px; }}"
        if bar.styleSheet != sheet:
            bar.setStyleSheet(sheet)
        icon = bar.style().standardIcon(qt.QStyle.SP_MessageBoxWarning)
        self._ui.troubleIcon.setPixmap(icon.pixmap(20, 20))

    def _scroll_to(self) -> None:
        # In Slicer the panel stands in a scroll area, and the user may be far down in it.
        widget = self._ui.troubleBar.parentWidget()
        while widget is not None:
            if widget.inherits("QScrollArea"):
                widget.ensureWidgetVisible(self._ui.troubleBar)
                return
            widget = widget.parentWidget()

    def _details(self) -> None:
        if self.trouble is not None:
            self._on_details(self.trouble)

    def _act(self) -> None:
        trouble = self.trouble
        if trouble is not None:
            self.dismiss()
            self._on_action(trouble)
