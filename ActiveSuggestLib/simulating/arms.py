"""An arm of a simulation: a strategy as it was asked for, with its preset and options."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from ..errors import StrategyFailedError
from ..strategies import registry
from ..strategies.base import Strategy

START = "start"
"""What all arms of a seed share: the training on the first labels."""

FULL = "full-data"
"""The arm that is given every label of the pool at once: what there is to reach."""


@dataclass(frozen=True)
class Arm:
    """A strategy to simulate. ``name`` is the text it was asked for with, unique in a simulation.

    >>> parse_arm("bald:paper:samples=8")
    Arm(name='bald:paper:samples=8', strategy='bald', preset='paper', options={'samples': 8})
    """

    name: str
    strategy: str
    preset: str | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def make(self) -> Strategy:
        """Return the strategy.

        Raises:
            UnknownStrategyError, StrategyFailedError: there is none of this name, or not with
                these options.
        """
        return registry.make(self.strategy, preset=self.preset, **self.options)


def parse_arm(text: str) -> Arm:
    """Return the arm of ``STRATEGY[:PRESET][:OPTION=VALUE]…``; a value is JSON, else text.

    Raises ``StrategyFailedError`` for two presets or an empty part.
    """
    strategy, *parts = text.split(":")
    presets = [part for part in parts if "=" not in part]
    if not strategy or len(presets) > 1 or "" in presets:
        raise StrategyFailedError(
            f"{text!r} is not of the form STRATEGY[:PRESET][:OPTION=VALUE]….",
            remedy="For example mc-dropout, mc-dropout:paper or default:samples=8.",
        )
    options = {}
    for part in parts:
        name, equals, value = part.partition("=")
        if equals:
            options[name] = _value(value)
    return Arm(text, strategy, presets[0] if presets else None, options)


def folder_name(arm: str) -> str:
    """Return the name of an arm's folders: some systems allow neither ``:`` nor ``=`` in one.

    >>> folder_name("default:samples=8")
    'default+samples-8'
    """
    return re.sub(r"[^\w.+-]", "-", arm.replace(":", "+"))


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
