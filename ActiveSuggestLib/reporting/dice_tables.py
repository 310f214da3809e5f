"""The Dice of a simulation in numbers, so arranged that the page is wide enough."""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape

from ..metrics import Interval, bootstrap_interval
from ..simulating.curves import SimulationResult
from .small_parts import STACKED, segments, strategy_name, swatch, table
from .words import count

# With their intervals beside them, so many columns are as wide as the page.
MOST_COLUMNS = 6
NOTHING = "<td>–</td>"
# Less is not seen in three decimals.
SEEN = 5e-4

Found = dict[tuple[str, int], Interval]


def curve_table(result: SimulationResult) -> str:
    """Return the learning curves as a table.

    Strategies are its rows; where the budgets are too many to stand beside each other, the fewer
    of the two are its columns, and if these are too many as well, intervals stand under the means.
    """
    curves = {name: result.curve(name) for name in result.strategies}
    units = sorted({u for curve in curves.values() for u in curve.units})
    found = {
        (name, unit): interval
        for name, curve in curves.items()
        for unit, interval in zip(curve.units, curve.dice, strict=True)
    }
    cell = _curve_cells(found)
    down = [strategy_name(result, name) for name in result.strategies]
    across = [count(u, result.currency) for u in units]
    grid = [[cell(name, unit) for unit in units] for name in result.strategies]
    if len(across) > MOST_COLUMNS and len(down) < len(across):
        down, across = across, down
        grid = [list(column) for column in zip(*grid, strict=True)]
    return table(
        "<th>labelled</th>" + "".join(f"<th>{head}</th>" for head in across),
        (
            f"<tr><td>{first}</td>{''.join(cells)}</tr>"
            for first, cells in zip(down, grid, strict=True)
        ),
        kind=STACKED if len(across) > MOST_COLUMNS else "",
    )


def segment_table(result: SimulationResult) -> str:
    """Return the Dice of each structure in the last round, a row a strategy."""
    structures = segments(result)
    rows = []
    for name in result.strategies:
        last = [record for seed in result.seeds for record in result.arm(name, seed)[-1:]]
        cells = "".join(
            dice_cell(bootstrap_interval([s[own.name] for r in last for s in r.scores.values()]))
            for own in structures
        )
        rows.append(f"<tr><td>{strategy_name(result, name)}</td>{cells}</tr>")
    heads = "".join(f"<th>{swatch(own.color)}{escape(own.name)}</th>" for own in structures)
    return table(f"<th>strategy</th>{heads}", rows)


def dice_cell(interval: Interval | None, *, best: bool = False) -> str:
    """Return a cell with a mean and its interval."""
    if interval is None or not math.isfinite(interval.mean):
        return NOTHING
    limits = ""
    if math.isfinite(interval.low):
        limits = f"<small>{interval.low:.2f}–{interval.high:.2f}</small>"
    mark = ' class="best"' if best else ""
    return f"<td{mark}>{interval.mean:.3f}{limits}</td>"


def _curve_cells(found: Found) -> Callable[[str, int], str]:
    """Return what makes the cell of a strategy and budget; the best of a budget is marked."""
    means: dict[int, list[float]] = {}
    for (_, unit), interval in found.items():
        means.setdefault(unit, []).append(interval.mean)
    best = {unit: max(own) for unit, own in means.items() if max(own) - min(own) >= SEEN}

    def cell(name: str, unit: int) -> str:
        interval = found.get((name, unit))
        if interval is None:
            return NOTHING
        return dice_cell(interval, best=interval.mean == best.get(unit))

    return cell
