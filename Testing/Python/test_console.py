"""What a person sees: progress, tables and Ctrl-C."""

from __future__ import annotations

import io
import os
import signal
import sys
import time
from typing import Any

import pytest

from ActiveSuggestLib.console import ProgressLine, columns, in_time, interruptible, table


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def run(live: bool, steps: int, pause: float, stream: Any = None) -> str:
    clock, stream = Clock(), stream or io.StringIO()
    with ProgressLine("Scoring", stream, live=live, clock=clock) as progress:
        for step in range(steps + 1):
            progress(step, steps, f"case {step}")
            clock.now += pause
    if isinstance(stream, io.StringIO):
        return stream.getvalue()
    stream.flush()
    return stream.buffer.getvalue().decode(stream.encoding)


def test_elsewhere_than_on_a_terminal_there_is_a_plain_line_every_few_seconds() -> None:
    lines = run(live=False, steps=100, pause=0.1).splitlines()
    assert len(lines) <= 10 / 3 + 2
    assert lines[0] == "Scoring:  0% case 0"
    assert lines[-1] == "Scoring:100% case 100"
    assert lines[1] == "Scoring: 30% case 30 (0:07 left)"
    assert not any("\r" in line or "\x1b" in line for line in lines)


def test_on_a_terminal_there_is_one_live_line_that_ends_complete() -> None:
    text = run(live=True, steps=10, pause=0.2)
    assert text.count("\n") == 1
    assert text.endswith("\n")
    last = text.rstrip().rpartition("\r")[2]
    assert "100%" in last
    assert "case 10" in last
    assert "█" * 24 in last


def test_a_shorter_live_line_wipes_the_longer_one() -> None:
    stream, clock = io.StringIO(), Clock()
    with ProgressLine("Scoring", stream, live=True, clock=clock) as progress:
        progress(1, 2, "a long message")
        clock.now += 1
        progress(2, 2, "short")
    shown = stream.getvalue().strip("\n").split("\r")[1:]
    assert len(shown[1]) >= len(shown[0])


def test_a_live_line_never_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    stream = io.StringIO()
    with ProgressLine("Scoring", stream, live=True) as progress:
        progress(1, 2, "肝臓" * 50)
    assert max(columns(part) for part in stream.getvalue().strip("\n").split("\r")) < 40


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_no_code_page_makes_it_crash(encoding: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace")
    text = run(live=True, steps=3, pause=1.0, stream=stream)
    assert ("█" if encoding == "utf-8" else "#") * 24 in text


def test_an_unknown_total_shows_no_percentage() -> None:
    stream = io.StringIO()
    with ProgressLine("Scanning", stream, live=False) as progress:
        progress(12, 0, "12 files")
    assert stream.getvalue() == "Scanning: 12 files\n"


def test_a_notice_gets_a_line_of_its_own() -> None:
    stream, clock = io.StringIO(), Clock()
    with ProgressLine("Scoring", stream, live=True, clock=clock) as progress:
        progress(0, 2, "one")
        progress.on_notice("out_of_memory", "Smaller patches.", {})
        progress(1, 2, "two")
    lines = [line.rpartition("\r")[2].strip() for line in stream.getvalue().split("\n")]
    assert lines[0] == "Note: Smaller patches."


def test_a_closed_stream_does_not_end_the_work() -> None:
    stream = io.StringIO()
    stream.close()
    with ProgressLine("Scoring", stream, live=False) as progress:
        progress(1, 2)


def test_work_that_reports_nothing_shows_nothing() -> None:
    stream = io.StringIO()
    with ProgressLine("Scoring", stream, live=True):
        pass
    assert stream.getvalue() == ""


def test_tables_are_aligned_and_reasons_are_listed_below_each_other() -> None:
    rows = [(1, "肝臓", None, 0.123456, ("first", "second")), (10, "long-name", 7, 2.0, ())]
    text = table(("rank", "case", "slice", "score", "reasons"), rows, right=("rank", "score"))
    assert text.splitlines() == [
        "rank  case       slice   score  reasons",
        "   1  肝臓       -      0.1235  first",
        "                                second",
        "  10  long-name  7           2",
    ]


def test_a_long_last_column_is_wrapped_under_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    lines = table(("case", "reason"), [("a", "word " * 30)]).splitlines()
    assert all(len(line) <= 50 for line in lines)
    assert all(line.startswith("      word") for line in lines[2:])


@pytest.mark.parametrize(
    ("seconds", "text"), [(-1, "0:00"), (9.4, "0:09"), (750, "12:30"), (3750, "1:02:30")]
)
def test_durations_read_like_a_clock(seconds: float, text: str) -> None:
    assert in_time(seconds) == text


@pytest.mark.skipif(sys.platform == "win32", reason="os.kill ends a process on Windows")
def test_the_first_interrupt_cancels_and_the_second_aborts() -> None:
    notes: list[str] = []
    before = signal.getsignal(signal.SIGINT)
    with interruptible(notes.append) as cancel:
        os.kill(os.getpid(), signal.SIGINT)
        while not notes:
            time.sleep(0.001)
        assert cancel.cancelled
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
    assert len(notes) == 1
