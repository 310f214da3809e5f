"""What a person sees of a command: progress, tables, notes, and Ctrl-C."""

from __future__ import annotations

import contextlib
import io
import shutil
import signal
import sys
import textwrap
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any, TextIO

from .progress import Cancel, Estimate

REDRAW_SECONDS = 0.1
PLAIN_LINE_SECONDS = 3.0
BAR_WIDTH = 24


class ProgressLine:
    """Show progress: one live line on a terminal, elsewhere a plain line every few seconds.

    The first and the last report are always shown. A context manager: leaving it ends the line.
    """

    def __init__(
        self,
        title: str,
        stream: TextIO | None = None,
        *,
        live: bool | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._title = title
        self._stream = stream or sys.stderr
        self._live = _is_terminal(self._stream) if live is None else live
        self._bar = _bar_characters(self._stream)
        self._clock = clock
        self._estimate = Estimate(clock)
        self._lock = threading.Lock()
        self._shown_at: float | None = None
        self._shown = ""
        self._pending = ""

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __call__(self, done: float, total: float, message: str = "", **data: Any) -> None:
        """Take a report of the work; ``remaining_seconds`` is what the work itself knows."""
        with self._lock:
            estimate = self._estimate.remaining(done, total)
            seconds = data.get("remaining_seconds", estimate)
            self._pending = self._text(done, total, message, seconds)
            pause = REDRAW_SECONDS if self._live else PLAIN_LINE_SECONDS
            now = self._clock()
            if self._shown_at is None or now - self._shown_at >= pause:
                self._shown_at = now
                self._show()

    def close(self) -> None:
        """Show the last report and end the line."""
        with self._lock:
            self._show()
            if self._live and self._shown:
                self._write("\n")
                self._shown = ""

    def note(self, text: str) -> None:
        """Write a line without breaking the live one."""
        with self._lock:
            self._write_line(text)

    def on_notice(self, _kind: str, message: str, _data: dict[str, Any]) -> None:
        """Show what a learner says aside."""
        self.note(f"Note: {' '.join(message.split())}")

    def _show(self) -> None:
        if not self._pending:
            return
        text, self._pending = self._pending, ""
        if not self._live:
            self._write(text + "\n")
            return
        self._write("\r" + _padded(text, columns(self._shown)))
        self._shown = text

    def _write_line(self, text: str) -> None:
        if self._live and self._shown:
            # Spaces, because not every Windows console knows the code that clears a line.
            self._write("\r" + _padded(text, columns(self._shown)) + "\n")
            self._shown = ""
        else:
            self._write(text + "\n")

    def _text(self, done: float, total: float, message: str, seconds: float | None) -> str:
        share = min(max(done / total, 0.0), 1.0) if total > 0 else None
        left = f"{in_time(seconds)} left" if seconds is not None and share != 1.0 else ""
        percent = "" if share is None else f"{share:4.0%}"
        if not self._live:
            parts = [f"{self._title}:{percent}", message, f"({left})" if left else ""]
            return " ".join(part for part in parts if part)
        full, empty = self._bar
        filled = round(BAR_WIDTH * share) if share is not None else 0
        bar = full * filled + empty * (BAR_WIDTH - filled)
        parts = [self._title, bar, percent.strip().rjust(4), left, message]
        return _cut("  ".join(part for part in parts if part), shutil.get_terminal_size().columns)

    def _write(self, text: str) -> None:
        # A closed or full standard error must not end the work.
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()


@contextlib.contextmanager
def interruptible(note: Callable[[str], None]) -> Iterator[Cancel]:
    """Give a token that the first Ctrl-C sets; the second one raises ``KeyboardInterrupt``."""
    cancel = Cancel()

    def on_interrupt(_number: int, _frame: FrameType | None) -> None:
        if cancel.cancelled:
            raise KeyboardInterrupt
        cancel.cancel()
        # From a thread: this one may be in the middle of writing a line.
        text = "Stopping at the next safe point; press Ctrl-C again to stop at once."
        threading.Thread(target=note, args=(text,), daemon=True).start()

    if threading.current_thread() is not threading.main_thread():
        yield cancel
        return
    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield cancel
    finally:
        signal.signal(signal.SIGINT, before)


def table(
    header: Sequence[str], rows: Sequence[Sequence[Any]], *, right: Sequence[str] = ()
) -> str:
    """Return aligned columns; the last one is wrapped to the terminal, a list is one item a line.

    ``right`` names the columns that stand on the right (numbers).
    """
    texts = [[_cell(value) for value in row[:-1]] for row in rows]
    widths = [
        max(columns(text) for text in [name, *(row[i] for row in texts)])
        for i, name in enumerate(header[:-1])
    ]
    indent = sum(widths) + 2 * len(widths)
    room = max(shutil.get_terminal_size((100, 24)).columns - indent, 30)
    lines = []
    for cells, last in [
        (list(header[:-1]), header[-1]),
        *zip(texts, (r[-1] for r in rows), strict=True),
    ]:
        aligned = [
            _padded(cell, width, right=name in right)
            for cell, width, name in zip(cells, widths, header, strict=False)
        ]
        items = last if isinstance(last, (list, tuple)) else [last]
        wrapped = [line for item in items for line in textwrap.wrap(_cell(item), room) or [""]]
        lines.append("  ".join([*aligned, (wrapped or [""])[0]]).rstrip())
        lines += [" " * indent + line for line in wrapped[1:]]
    return "\n".join(lines)


def wrapped(text: str, *, indent: str) -> str:
    """Return a sentence in lines no longer than the terminal, indented."""
    width = shutil.get_terminal_size((100, 24)).columns
    return textwrap.fill(text, width, initial_indent=indent, subsequent_indent=indent)


def in_time(seconds: float) -> str:
    """Return a duration as ``0:09``, ``12:30`` or ``1:02:30``."""
    whole = max(round(seconds), 0)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def tolerant_streams() -> None:
    """Let a character that the terminal's code page lacks be a question mark, not a crash."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def columns(text: str) -> int:
    """Return how many columns a text takes on a terminal."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(c) != 0 for c in text)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)


def _padded(text: str, width: int, *, right: bool = False) -> str:
    blank = " " * max(width - columns(text), 0)
    return blank + text if right else text + blank


def _cut(text: str, width: int) -> str:
    # One column less: a full line would wrap on some terminals.
    while text and columns(text) >= width:
        text = text[:-1]
    return text


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


def _bar_characters(stream: TextIO) -> tuple[str, str]:
    try:
        "█░".encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeError, LookupError):
        return "#", "."
    return "█", "░"
