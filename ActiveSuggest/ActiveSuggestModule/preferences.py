"""Preferences: what the user chose in the panel last, for scenes that have no choice of their own.

The parameters live in the scene, and a new or closed scene has none; Slicer's settings remember.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .parameters import Parameters

SETTING = "ActiveSuggest/Preferences"
SEEN = "ActiveSuggest.Preferences"
"""Attribute of a parameter node that has had its values: a saved scene keeps its own."""

_BOUNDS = {"count": (1, 50), "overlayOpacity": (0.0, 1.0), "trainSeconds": (5, 36000)}


def recall(parameters: Parameters, settings: Any) -> None:
    """Give the parameters of a scene that has none yet the values that were chosen last."""
    node = parameters.parameterNode  # type: ignore[attr-defined]
    if node.GetAttribute(SEEN):
        return
    node.SetAttribute(SEEN, "1")
    for name, value in _stored(settings).items():
        before = getattr(parameters, name, None)
        if name == "unit":
            value = next((unit for unit in type(parameters.unit) if unit.value == value), None)
        # A setting that another version wrote, or a person by hand, is passed over.
        if before is None or type(value) is not type(before):
            continue
        if name in _BOUNDS and not _BOUNDS[name][0] <= value <= _BOUNDS[name][1]:
            continue
        setattr(parameters, name, value)


def remember(parameters: Parameters, settings: Any) -> None:
    """Keep the parameters' values for the next scene and the next start."""
    values = {
        "strategy": parameters.strategy,
        "unit": parameters.unit.value,
        "count": parameters.count,
        "overlayVisible": parameters.overlayVisible,
        "overlayOpacity": parameters.overlayOpacity,
        "trainAfterSave": parameters.trainAfterSave,
        "trainSeconds": parameters.trainSeconds,
        "rankAfterTraining": parameters.rankAfterTraining,
    }
    text = json.dumps(values, sort_keys=True)
    if settings.value(SETTING) != text:
        settings.setValue(SETTING, text)


def _stored(settings: Any) -> dict[str, Any]:
    try:
        found = json.loads(str(settings.value(SETTING) or "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
