"""How widgets of the panel look and behave: primary buttons, reasons why not, texts that fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt

from . import words

if TYPE_CHECKING:
    from ..jobs import Job

_PRIMARY = (
    "QPushButton { background-color: palette(highlight); color: palette(highlighted-text);"
    " border: 1px solid palette(highlight); border-radius: 3px; padding: 4px 10px; }"
    "QPushButton:disabled { background-color: palette(button); color: palette(mid);"
    " border-color: palette(mid); }"
    "QPushButton:pressed { border-color: palette(highlighted-text); }"
    "QPushButton:focus { border-color: palette(text); }"
)
_UNKNOWN = 0


class Buttons:
    """Which widgets can be used now, and why the others cannot; which button is the primary one."""

    def __init__(self) -> None:
        self._own_tips: dict[str, str] = {}
        self._primary: Any = None

    def allow(self, widget: Any, why_not: str = "") -> None:
        """Enable the widget, or disable it with the reason in its tool tip."""
        own = self._own_tips.setdefault(widget.name, widget.toolTip)
        widget.enabled = not why_not
        if widget.toolTip != (why_not or own):
            widget.toolTip = why_not or own

    def set_primary(self, button: Any) -> None:
        """Make a button stand out, and the one before an ordinary one; ``None`` for none."""
        if button is self._primary:
            return
        if self._primary is not None:
            self._primary.setStyleSheet("")
        self._primary = button
        if button is not None:
            button.setStyleSheet(_PRIMARY)


class FittedText:
    """A text in a label of any width: what does not fit is left out, and told by the tool tip."""

    def __init__(self, label: Any, *, keep_end: bool = False) -> None:
        self._label = label
        self._mode = qt.Qt.ElideMiddle if keep_end else qt.Qt.ElideRight
        self._text = ""
        self._width = _UNKNOWN
        self._shown = ""

    @property
    def text(self) -> str:
        """The whole text."""
        return self._text

    def set(self, text: str, tip: str = "") -> None:
        """Show a text; ``tip`` is said besides it."""
        if (text, tip) == (self._text, self._shown):
            return
        self._text, self._shown, self._width = text, tip, _UNKNOWN
        self.refit()

    def refit(self) -> None:
        """Fit the text again if the label's width has changed."""
        width = self._label.width
        if not self._label.visible:
            # It has no width of its own before it was shown.
            self._label.text = self._text
            return
        if width == self._width:
            return
        self._width = width
        elided = self._label.fontMetrics().elidedText(self._text, self._mode, max(width, 40))
        self._label.text = elided
        tip = self._shown or (self._text if elided != self._text else "")
        self._label.toolTip = tip


class ProgressRow:
    """The row that shows a job; it keeps its place while there is none."""

    def __init__(self, stack: Any, bar: Any, label: Any) -> None:
        self._stack, self._bar = stack, bar
        self._text = FittedText(label)
        keep_height(stack)

    def show(self, job: Job | None) -> None:
        """Show how far the job is; ``None``: nothing runs."""
        self._stack.setCurrentIndex(0 if job is None else 1)
        if job is None:
            return
        share = job.share
        if share is None:
            self._bar.setRange(0, 0)
        else:
            self._bar.setRange(0, 1000)
            self._bar.setValue(round(share * 1000))
        self._text.set(words.progress(job))

    def refit(self) -> None:
        """Fit the text again if the width has changed."""
        self._text.refit()


def keep_height(stack: Any) -> None:
    """Give a stack the height of its tallest page for good, so that nothing below it moves."""
    heights = [stack.widget(index).sizeHint.height() for index in range(stack.count)]
    stack.setFixedHeight(max(heights))


def reserve_lines(label: Any, lines: int) -> None:
    """Give a label the height of so many lines for good, so that nothing below it moves."""
    label.setFixedHeight(lines * label.fontMetrics().lineSpacing() + 2)


def tint(palette: Any, red: int, green: int, blue: int, share: float = 0.25) -> str:
    """Return the window's colour with a share of another, for light and for dark."""
    base = palette.color(qt.QPalette.Window)
    mixed = [
        round(own * (1 - share) + other * share)
        for own, other in zip(
            (base.red(), base.green(), base.blue()), (red, green, blue), strict=True
        )
    ]
    return "#{:02x}{:02x}{:02x}".format(*mixed)


def stretch_column(table: Any, stretched: int, widths: dict[int, int]) -> None:
    """Let one column take what the others, of fixed width, leave."""
    header = table.horizontalHeader()
    for column, width in widths.items():
        header.setSectionResizeMode(column, qt.QHeaderView.Fixed)
        table.setColumnWidth(column, width)
    header.setSectionResizeMode(stretched, qt.QHeaderView.Stretch)
