"""Which strategies of a simulation a person is told about first."""

from __future__ import annotations

from ..simulating.arms import parse_arm
from ..simulating.comparing import REFERENCES
from ..simulating.curves import SimulationResult

MOST = 5
"""As many lines as the eye keeps apart; of more strategies the others step back."""
DEFAULT = "default"


def subject(result: SimulationResult) -> str | None:
    """Return the strategy that the outcome is about: the default, else the one that did best.

    Best is the highest mean Dice over the curve, which does not favour who was lucky at the end.
    """
    areas = {c.strategy: c.area for c in result.comparisons() if c.strategy != REFERENCES[0]}
    own = [name for name in areas if parse_arm(name).strategy == DEFAULT]
    among = own or list(areas)
    return max(among, key=lambda name: areas[name]) if among else None


def prominent(result: SimulationResult, most: int = MOST) -> tuple[str, ...]:
    """Return at most ``most`` strategies in the order asked for; the subject and references first.

    The others are those with the highest mean Dice over the curve.
    """
    if len(result.strategies) <= most:
        return result.strategies
    areas = {c.strategy: c.area for c in result.comparisons()}
    first = [name for name in (subject(result), *REFERENCES) if name in areas]
    others = sorted(set(areas) - set(first), key=lambda name: (-areas[name], name))
    kept = {*first, *others[: most - len(first)]}
    return tuple(name for name in result.strategies if name in kept)
