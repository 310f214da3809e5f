"""JSON on disk: whole files, and no number that JSON does not know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..data.store import atomic_write


def write_json(path: Path, document: Any) -> None:
    """Write a JSON file whole; numbers that are not finite become null."""
    text = json.dumps(_plain(document), ensure_ascii=False, indent=1, allow_nan=False)
    atomic_write(path, text.encode("utf-8"))


def read_json(path: Path) -> Any:
    """Return what ``write_json`` wrote."""
    return json.loads(path.read_text(encoding="utf-8"))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value
