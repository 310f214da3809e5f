"""All scenarios, in the order in which they run; the first line of each says what it shows."""

from __future__ import annotations

from . import console, labelling, learning, project, safety

ALL = (
    *project.SCENARIOS,
    *labelling.SCENARIOS,
    *learning.SCENARIOS,
    *console.SCENARIOS,
    *safety.SCENARIOS,
)
