"""What trainings beside the main one share: how a project bounds them, and how many are kept."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Spec = TypeVar("Spec", bound=DataclassInstance)

KEPT = 2


def bounded(spec: Spec, settings: Mapping[str, Any], prefix: str) -> Spec:
    """Return ``spec`` with the project's settings ``PREFIX_seconds`` and ``PREFIX_steps`` in it.

    Where only the steps are set, no time bounds them: so many steps repeat, however slow the
    machine is.
    """
    names = {"seconds": f"{prefix}_seconds", "steps": f"{prefix}_steps"}
    changes = {field: settings[name] for field, name in names.items() if settings.get(name)}
    if "steps" in changes:
        changes.setdefault("seconds", None)
    return replace(spec, **changes)


def keep_newest(folder: Path, count: int = KEPT) -> None:
    """Mark ``folder`` as used now, and drop all beside it but the newest ``count``."""
    with contextlib.suppress(OSError):
        os.utime(folder)
        newest = sorted(folder.parent.iterdir(), key=lambda f: f.stat().st_mtime, reverse=True)
        for old in newest[count:]:
            shutil.rmtree(old, ignore_errors=True)
