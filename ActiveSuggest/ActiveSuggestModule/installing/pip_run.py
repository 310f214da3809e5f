"""Runs of pip in Slicer's Python: the window stays alive, and every line that pip prints is kept.

Slicer's own progress dialog is modal and keeps pip's words for itself, so what is shown is ours.
"""

from __future__ import annotations

import importlib.metadata
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import qt
import slicer.packaging
import slicer.util

OnLine = Callable[[str], None]
_Completed = Callable[[int], None]

# Newer versions of pip can say how far a download is where no terminal shows a bar.
_RAW_PROGRESS_SINCE = (24, 1)


@dataclass(frozen=True)
class PipRun:
    """How a run of pip ended: its exit code, and all it printed."""

    code: int
    output: str


def run_pip(arguments: Sequence[str], on_line: OnLine) -> PipRun:
    """Run ``pip ARGUMENTS`` and wait while events are processed."""

    def start(log: OnLine, completed: _Completed) -> None:
        slicer.util.executePythonModule(
            "pip",
            list(arguments),
            blocking=False,
            logCallback=log,
            completedCallback=completed,
        )

    return _until_completed(start, on_line)


def install(requirements: Sequence[str], constraints: Path, on_line: OnLine) -> PipRun:
    """Install by ``slicer.packaging.pip_install`` and wait while events are processed."""

    def start(log: OnLine, completed: _Completed) -> None:
        slicer.packaging.pip_install(
            [*requirements, *quiet_options()],
            constraints=constraints,
            blocking=False,
            show_progress=False,
            requester="ActiveSuggest",
            logCallback=log,
            completedCallback=completed,
        )
        # With --testing, Slicer installs at once and calls nobody back.
        if slicer.app.testingEnabled():
            completed(0)

    return _until_completed(start, on_line)


def quiet_options() -> list[str]:
    """Return options of pip for a run without a terminal and without a person to ask."""
    options = ["--no-input", "--disable-pip-version-check"]
    return [*options, "--progress-bar=raw"] if pip_tells_progress() else options


def pip_tells_progress() -> bool:
    """Whether this pip knows ``--progress-bar=raw``."""
    try:
        version = importlib.metadata.version("pip").split(".")
        return tuple(int(part) for part in version[:2]) >= _RAW_PROGRESS_SINCE
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return False


def _until_completed(start: Callable[[OnLine, _Completed], None], on_line: OnLine) -> PipRun:
    lines: list[str] = []
    codes: list[int] = []
    loop = qt.QEventLoop()

    def log(line: str) -> None:
        lines.append(line)
        on_line(line)

    def completed(code: int) -> None:
        codes.append(int(code))
        loop.quit()

    try:
        start(log, completed)
    except subprocess.CalledProcessError as error:
        return PipRun(int(error.returncode), "\n".join(lines))
    if not codes:
        loop.exec_()
    return PipRun(codes[0], "\n".join(lines))
