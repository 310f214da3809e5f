"""Uncertain places: where in the volume the model is least sure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A place to look at: its slice along the project's plane, position (RAS, mm), uncertainty."""

    slice: int
    position_ras: tuple[float, float, float]
    uncertainty: float
