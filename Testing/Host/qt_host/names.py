"""The names that a running Slicer answers to, and the refusal of all others."""

from __future__ import annotations

import json
import os
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[3]
# What PythonQt answers to although dir() of a live object does not list it.
UNLISTED = frozenset({"name", "exec_", "raise_", "self"})
# Names of our own module, which no Slicer without it can list.
OWN_MODULES = frozenset({"activesuggest", "ActiveSuggestInstance", "ActiveSuggestWidget"})


class UnknownNameError(AttributeError):
    """A Qt, ctk or slicer name that Slicer 5.12 does not have was used."""

    def __init__(self, owner: str, name: str) -> None:
        super().__init__(
            f"'{owner}' has no '{name}' in Slicer 5.12 (slicer-names.json does not list it)"
        )
        self.name = name


def names_file() -> Path:
    """Return where slicer-names.json is looked for: beside the shared data."""
    data = os.environ.get("ACTIVESUGGEST_DATA")
    shared = Path(data).parent if data else REPOSITORY.parent / "shared"
    return shared / "slicer-names.json"


@lru_cache(maxsize=1)
def known_names() -> dict[str, Any] | None:
    """Return the content of slicer-names.json, or None where it is not there."""
    path = names_file()
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


@cache
def object_names(module: str, class_name: str) -> frozenset[str] | None:
    """Return what instances of a class answer to; None where the list does not say.

    ``module`` is qt, ctk or slicer. The list leaves out of every class what all widgets have, so
    a class that is no widget may be given some of those names too much.
    """
    names = known_names()
    own = None if names is None else names["objects"].get(f"{module}.{class_name}")
    if names is None or own is None:
        return None
    return frozenset(own) | frozenset(names["every widget"]) | UNLISTED


def class_names(module: str) -> frozenset[str] | None:
    """Return the classes of qt, ctk or slicer (Qt's and Slicer's widgets); None if not known."""
    names = known_names()
    return None if names is None else frozenset(names["classes"][module])


def group_names(group: str) -> frozenset[str] | None:
    """Return the names of ``slicer.app``, ``layoutManager``, ``slicer.modules`` or a module."""
    names = known_names()
    if names is None:
        return None
    listed = names["python modules"].get(group, names.get(group))
    return None if listed is None else frozenset(listed)
