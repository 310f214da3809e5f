"""Parts of the page that several sections use."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from ..simulating.curves import SimulationResult


def table(head: str, rows: Iterable[str]) -> str:
    """Return a table of a head row's cells and whole body rows."""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def strategy_name(result: SimulationResult, name: str) -> str:
    """Return a strategy's name with the colour of its line."""
    color = f"var(--arm-{result.strategies.index(name)})"
    return f'<i class="swatch" style="background:{color}"></i>{escape(name)}'
