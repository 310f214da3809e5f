"""Suggestions as the panel lists them: one row a case, with the slices that are meant."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

WAITING, FETCHING, READY, UNUSABLE, FINISHED = "waiting", "fetching", "ready", "failed", "done"


@dataclass(eq=False)
class Suggested:
    """A case that is worth labelling next.

    ``slices`` along the project's plane, best first, empty for a whole volume; ``score`` the best
    of them. ``state``: ``waiting``, ``fetching`` (being prefetched), ``ready`` (opens at once),
    ``failed`` (``error`` says why) or ``done`` (saved, skipped or excluded).
    """

    rank: int
    case: str
    slices: tuple[int, ...]
    score: float
    reasons: tuple[str, ...]
    strategy: str
    patient: str
    state: str = WAITING
    thumbnail: Path | None = None
    error: str = ""
