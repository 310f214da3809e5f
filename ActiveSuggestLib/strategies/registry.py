"""The strategies by name: our own, and those that other packages register.

Another package registers one by an entry point of the group ``activesuggest.strategies`` whose
value is a class with the ``Strategy`` interface:

    [project.entry-points."activesuggest.strategies"]
    my-strategy = "my_package.my_module:MyStrategy"
"""

from __future__ import annotations

import difflib
import importlib
from importlib import metadata
from typing import Any

from ..errors import StrategyFailedError, UnknownStrategyError
from .base import Strategy

GROUP = "activesuggest.strategies"

_OWN = {
    "mc-dropout": ("mc_dropout", "MCDropout"),
    "bsq": ("bsq", "BayesianSampleQuerying"),
    "gradient-guided": ("gradient_guided", "GradientGuided"),
    "random": ("random_choice", "RandomChoice"),
}
DEFAULT = "mc-dropout"


def names() -> list[str]:
    """Return the names of all strategies, our own first."""
    return [*_OWN, *sorted(set(_others()) - set(_OWN))]


def make(name: str, *, preset: str | None = None, **options: Any) -> Strategy:
    """Return the strategy called ``name``, ``default`` for the recommended one.

    ``preset="paper"`` asks for the literal protocol of the publication.

    Raises:
        UnknownStrategyError: no strategy is called so, or it has no such preset or option.
        StrategyFailedError: the package that registered it cannot be loaded.
    """
    name = DEFAULT if name == "default" else name
    factory = _find(name)
    if preset not in (None, "paper", "default"):
        raise UnknownStrategyError(
            f"{name} has no preset called {preset!r}.", remedy="Use 'paper', or none."
        )
    chosen = {"preset": preset, **options} if preset == "paper" else options
    try:
        return factory(**chosen)
    except TypeError as error:
        raise UnknownStrategyError(
            f"{name} does not know one of the options {', '.join(chosen)} ({error}).",
            remedy="See the strategy's documentation for its options.",
        ) from error


def _find(name: str) -> Any:
    if name in _OWN:
        module, attribute = _OWN[name]
        return getattr(importlib.import_module(f".{module}", __package__), attribute)
    found = _others().get(name)
    if found is None:
        near = difflib.get_close_matches(name, names(), n=2, cutoff=0.5)
        raise UnknownStrategyError(
            f"There is no strategy called {name!r}.",
            remedy=f"Did you mean {' or '.join(near)}?" if near else f"Use {', '.join(names())}.",
        )
    try:
        return found.load()
    except Exception as error:
        raise StrategyFailedError(
            f"The strategy {name!r} of {found.value} cannot be loaded: {error}.",
            remedy="Install or mend the package that registers it.",
        ) from error


def _others() -> dict[str, metadata.EntryPoint]:
    return {point.name: point for point in metadata.entry_points(group=GROUP)}
