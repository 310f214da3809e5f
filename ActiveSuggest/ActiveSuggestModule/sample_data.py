"""Sample data: a small pool of phantoms, made on this computer, and a project on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

CATEGORY = "ActiveSuggest"
SAMPLE_NAME = "ActiveSuggestDemo"
CASES = 12


def register(open_project: Callable[[Path], Any]) -> None:
    """Add the demo to Slicer's Sample Data module; ``open_project(folder)`` gets its project.

    Call when Slicer has started (``startupCompleted``); again, it changes nothing.
    """
    raise NotImplementedError


def make_demo(folder: Path, done: Callable[[dict[str, Any]], Any]) -> Any:
    """Make the pool in a child process; ``done(spec)`` gets what ``Session.create`` takes."""
    raise NotImplementedError
