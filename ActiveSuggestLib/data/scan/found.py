"""What a look through a folder finds, and what an earlier one found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import ActiveSuggestError
from ..images import ImageSource


@dataclass(frozen=True)
class Found:
    """A case as its files suggest it: a name (unique after ``named``), files, and what is wrong."""

    name: str
    source: ImageSource
    patient: str = ""
    modality: str = ""
    series: str = ""
    notes: tuple[str, ...] = ()
    problem: ActiveSuggestError | None = None


@dataclass
class Known:
    """What an earlier scan found: case names and series by files, so that nothing is read twice."""

    names: dict[Path, str] = field(default_factory=dict)
    series: dict[str, ImageSource] = field(default_factory=dict)
    sources: dict[Path, ImageSource] = field(default_factory=dict)
    unchanged: Callable[[ImageSource], bool] = lambda _source: False
