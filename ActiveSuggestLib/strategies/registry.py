"""The strategies by name: our own, and those that other packages register.

Another package registers one by an entry point of the group ``activesuggest.strategies`` whose
value is a class with the ``Strategy`` interface:

    [project.entry-points."activesuggest.strategies"]
    my-strategy = "my_package.my_module:MyStrategy"
"""

from __future__ import annotations

import difflib
import importlib
import inspect
from importlib import metadata
from typing import Any

from ..errors import StrategyFailedError, UnknownStrategyError
from .base import Strategy
from .catalogue import UNITS, Entry, entry_points, own


def names(*, simulation: bool = False) -> list[str]:
    """Return the names of all strategies, our own first; those of a ``simulation`` only in one."""
    return [*(entry.name for entry in own(simulation=simulation)), *entry_points()]


def others() -> tuple[list[Entry], list[StrategyFailedError]]:
    """Return the strategies of other packages, and the errors of those that cannot be used."""
    tried = [_entry(name, point) for name, point in entry_points().items()]
    return (
        [found for found in tried if isinstance(found, Entry)],
        [error for error in tried if isinstance(error, StrategyFailedError)],
    )


def make(name: str, *, preset: str | None = None, **options: Any) -> Strategy:
    """Return the strategy called ``name``; ``default`` is the recommended one.

    ``preset="paper"`` asks for the literal protocol of the publication.

    Raises:
        UnknownStrategyError: no strategy is called so, or it has no such preset or option.
        StrategyFailedError: the package that registered it cannot be loaded.
    """
    factory = _find(name)
    if preset not in (None, "paper", "default"):
        raise UnknownStrategyError(
            f"{name} has no preset called {preset!r}.", remedy="Use 'paper', or none."
        )
    chosen = {"preset": preset, **options} if preset == "paper" else options
    signature = inspect.signature(factory).parameters
    parameters = list(signature)
    if preset == "paper" and "preset" not in parameters:
        raise UnknownStrategyError(f"{name} has no preset of a paper.", remedy="Leave it out.")
    known = [p for p in parameters if p not in ("preset", "options")]
    # A strategy that wraps another one hands on what it does not know itself.
    wraps = any(p.kind is p.VAR_KEYWORD for p in signature.values())
    unknown = [] if wraps else [option for option in options if option not in known]
    if unknown:
        raise UnknownStrategyError(
            f"{name} has no option {', '.join(unknown)}.",
            remedy=f"Its options are {', '.join(known)}." if known else "It has none.",
        )
    try:
        return factory(**chosen)
    except (TypeError, ValueError) as error:
        raise UnknownStrategyError(
            f"{name} cannot be made so: {error}.", remedy="Change the option."
        ) from error


def _find(name: str) -> Any:
    for entry in own(simulation=True):
        if entry.name == name:
            module = importlib.import_module(f".{entry.module}", __package__)
            return getattr(module, entry.attribute)
    found = entry_points().get(name)
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


def _entry(name: str, point: metadata.EntryPoint) -> Entry | StrategyFailedError:
    try:
        strategy = make(name)
        text, needs_model = str(strategy.summary), bool(strategy.needs_model)
        units = tuple(getattr(strategy, "available_units", UNITS))
        return Entry(name, text, text, needs_model, point.module, point.attr, units)
    except StrategyFailedError as error:
        return error
    except Exception as error:
        # Whatever another package does, ours can still be used.
        return StrategyFailedError(
            f"The strategy {name!r} of {point.value} cannot be used: {error}.",
            remedy="Install or mend the package that registers it.",
        )
