"""Details of a trouble: the exact error and the log, ready to copy."""

from __future__ import annotations

from typing import Any

import slicer
from slicer.i18n import tr as _

from ..troubles import Trouble


class DetailsDialog:
    """Shows one trouble at a time; the dialog stands beside the work and does not block it."""

    def __init__(self, ui_path: str, parent: Any) -> None:
        self._path, self._parent = ui_path, parent
        self.dialog: Any = None
        self.ui: Any = None

    def show(self, trouble: Trouble, log: str) -> None:
        """Show a trouble with the last lines of the worker's log."""
        if self.dialog is None:
            self._build()
        self.ui.sentenceLabel.text = trouble.sentence
        self.ui.remedyLabel.text = trouble.remedy
        self.ui.detailsEdit.plainText = report(trouble, log)
        self.ui.copiedLabel.text = ""
        self.dialog.show()
        self.dialog.activateWindow()

    def close(self) -> None:
        """Close it, if it is open."""
        if self.dialog is not None:
            self.dialog.close()

    def cleanup(self) -> None:
        """Close it for good."""
        if self.dialog is not None:
            self.dialog.close()
            self.dialog.deleteLater()
            self.dialog = None

    def _build(self) -> None:
        self.dialog = slicer.util.loadUI(self._path)
        # Only now: the panel stands in no window yet while it is being built.
        self.dialog.setParent(self._parent.window(), self.dialog.windowFlags())
        self.ui = slicer.util.childWidgetVariables(self.dialog)
        self.ui.copyButton.connect("clicked()", self._copy)
        self.ui.closeDetailsButton.connect("clicked()", self.close)

    def _copy(self) -> None:
        text = "\n".join(
            part
            for part in (
                self.ui.sentenceLabel.text,
                self.ui.remedyLabel.text,
                "",
                self.ui.detailsEdit.plainText,
            )
        )
        slicer.app.clipboard().setText(text)
        self.ui.copiedLabel.text = _("Copied.")


def report(trouble: Trouble, log: str) -> str:
    """Return the details as text: the error's own words, then the log."""
    parts = [trouble.details.strip()] if trouble.details.strip() else []
    if log.strip() and log.strip() not in trouble.details:
        parts.append(_("The log ends with:") + "\n" + log.strip())
    return "\n\n".join(parts) or _("Nothing more is known about it.")
