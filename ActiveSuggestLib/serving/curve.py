"""The learning curve: how good each model was, and how near its proposals came to the labels."""

from __future__ import annotations

import math
from typing import Any

from .overview import model_records

FACTS = ("version", "created", "validation_dice", "validation_cases", "accepted", "reason")


def learning_curve(project: Any) -> dict[str, Any]:
    """Return ``models`` and ``prequential``, each oldest first.

    ``models``: version, created (seconds since the epoch), labels (how many it was trained on),
    validation_dice (mean foreground Dice, 0…1) on validation_cases cases with its 95 % t
    ``interval`` [low, high] over these cases (``None`` below two), accepted, reason.
    ``prequential``: for each saved label whose case had a proposal: case, dice (of the proposal
    against the label), model (its version), time. Proposals of models that had been trained on an
    earlier label of the case are left out: they would look too good.
    """
    records = model_records(project.folder)
    trained_on = {record.get("version"): set(record.get("labels") or ()) for record in records}
    return {
        "models": [_point(record) for record in records],
        "prequential": [
            {
                "case": event.case,
                "dice": event.data.get("dice"),
                "model": event.data.get("model"),
                "time": event.time,
            }
            for event in project.events(kind="prequential")
            if event.case not in trained_on.get(event.data.get("model"), ())
        ],
    }


def _point(record: dict[str, Any]) -> dict[str, Any]:
    facts = {name: record.get(name) for name in FACTS}
    return facts | {"labels": len(record.get("labels") or {}), "interval": _interval(record)}


def _interval(record: dict[str, Any]) -> list[float] | None:
    from ..metrics import student_interval

    found = student_interval([float(dice) for dice in (record.get("dice") or {}).values()])
    if not math.isfinite(found.low):
        return None
    return [max(0.0, found.low), min(1.0, found.high)]
