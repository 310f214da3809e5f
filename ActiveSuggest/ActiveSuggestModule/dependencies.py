"""What the model needs and Slicer does not bring: seen without importing it, asked for, installed.

Nothing here is done at import, and torch is never imported: what is installed is read from the
packages' metadata, for the interpreter that the worker runs in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

Ask = Callable[[str], bool]
"""(sentence) → whether the user agrees."""

Progress = Callable[[str], None]
"""(sentence) what is being done now."""

READY, DECLINED, NEEDS_EXTENSION = "ready", "declined", "needs-extension"
RESTART, FAILED = "restart", "failed"

EXTENSION, INDEX = "extension", "index"


@dataclass(frozen=True)
class Lack:
    """A package that the worker needs: ``installed`` is the version that is there, or ``None``."""

    name: str
    requirement: str
    installed: str | None = None


@dataclass(frozen=True)
class Outcome:
    """How an installation ended, in words.

    ``state``: ``ready`` (the worker can start), ``declined``, ``needs-extension`` (torch comes from
    the PyTorch extension, which is not installed; ``install(torch_from="index")`` goes without),
    ``restart`` (installed, and Slicer has to start again) or ``failed``.
    """

    state: str
    sentence: str
    remedy: str = ""
    details: str = ""

    @property
    def is_ready(self) -> bool:
        """Whether the worker can start now."""
        return self.state == READY


@dataclass(frozen=True)
class Unfinished:
    """What was going on when Slicer was closed: the project, and how torch was to be had."""

    project: str = ""
    torch_from: str = EXTENSION
    wheels: str = ""


def missing() -> tuple[Lack, ...]:
    """Return what the worker's interpreter lacks, in the order in which it is installed."""
    raise NotImplementedError


def explain(lacks: Sequence[Lack]) -> str:
    """Say in sentences what is missing, what for, and how much is downloaded."""
    raise NotImplementedError


def install(
    *,
    ask: Ask | None = None,
    progress: Progress | None = None,
    wheels: str | Path | None = None,
    torch_from: str = EXTENSION,
    project: str | Path = "",
) -> Outcome:
    """Install what is missing, while events are processed; never changes what is there.

    ``ask`` gets the explanation and may decline; without it the consent was given before, by a
    button. ``wheels`` is a folder of wheel files, used in the place of the internet.
    ``project`` is remembered, so that it can be offered again if Slicer is restarted in between.
    Raises nothing: what goes wrong is in the outcome.
    """
    raise NotImplementedError


def unfinished() -> Unfinished | None:
    """Return the installation that a restart of Slicer interrupted, or ``None``."""
    raise NotImplementedError


def forget_unfinished() -> None:
    """Forget the interrupted installation: it was completed, or is not wanted any more."""
    raise NotImplementedError
