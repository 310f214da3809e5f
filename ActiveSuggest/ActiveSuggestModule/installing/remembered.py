"""An installation that a restart of Slicer interrupted, remembered in the settings."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

SETTING = "ActiveSuggest/Installing"

EXTENSION, INDEX = "extension", "index"


@dataclass(frozen=True)
class Unfinished:
    """What was going on when Slicer was closed: the project, and how torch was to be had."""

    project: str = ""
    torch_from: str = EXTENSION
    wheels: str = ""


def remember(unfinished: Unfinished, settings: Any) -> None:
    """Write it into ``settings``, a ``qt.QSettings``, at once."""
    settings.setValue(SETTING, json.dumps(asdict(unfinished)))
    settings.sync()


def recall(settings: Any) -> Unfinished | None:
    """Return what was remembered; ``None`` if nothing was, or nothing that can be read."""
    value = settings.value(SETTING)
    if not value:
        return None
    try:
        form = json.loads(str(value))
        return Unfinished(**{f.name: str(form[f.name]) for f in fields(Unfinished)})
    except (ValueError, KeyError, TypeError):
        return None


def forget(settings: Any) -> None:
    """Remember nothing."""
    settings.remove(SETTING)
