"""``dataset.json``: what Decathlon and nnU-Net folders say about their images and labels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def read_beside(folder: Path) -> dict[str, Any]:
    """Return the content of ``dataset.json`` in ``folder`` or the one above; empty if none."""
    for file in (folder / "dataset.json", folder.parent / "dataset.json"):
        listed = _read(file)
        if listed:
            return listed
    return {}


def label_names(listed: Mapping[str, Any]) -> dict[int, str] | None:
    """Return the names of label values without the background, or ``None`` if there are none.

    >>> label_names({"labels": {"0": "background", "1": "liver"}})
    {1: 'liver'}
    >>> label_names({"labels": {"background": 0, "liver": 1}})
    {1: 'liver'}
    """
    labels = listed.get("labels")
    if not isinstance(labels, dict) or not labels:
        return None
    try:
        if all(str(key).isdigit() for key in labels):
            names = {int(key): str(name) for key, name in labels.items()}
        else:
            # nnU-Net turns it round; its regions (lists of values) are no values of their own.
            names = {int(value): str(name) for name, value in labels.items()}
    except (TypeError, ValueError):
        return None
    return {value: name for value, name in names.items() if value != 0}


def _read(file: Path) -> dict[str, Any]:
    try:
        listed = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return listed if isinstance(listed, dict) else {}
