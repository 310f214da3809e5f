"""How far every strategy lies from random choice: a figure with an interval a strategy."""

from __future__ import annotations

import math

from ..simulating.curves import SimulationResult
from .figures import LIGHT, REFERENCE, Theme, line_colors, new_figure, png, quiet_axes
from .prominent import prominent
from .words import signed

INCHES_A_ROW = 0.27
INCHES_A_LETTER = 0.078


def difference_figure(
    result: SimulationResult, theme: Theme = LIGHT, *, width: float = 9.0
) -> bytes | None:
    """Draw each strategy's mean Dice over the curve minus that of random choice, best first; PNG.

    ``None`` where there is nothing to compare or one repetition, which has no interval.
    """
    rows = [
        (c.difference, c.strategy)
        for c in result.comparisons()
        if c.difference is not None and math.isfinite(c.difference.low)
    ]
    if REFERENCE not in result.strategies or not rows:
        return None
    rows.sort(key=lambda row: row[0].mean)
    height = INCHES_A_ROW * len(rows) + 1.0
    figure = new_figure(width, height, theme.background)
    letters = max(len(name) for _, name in rows)
    left = min(0.45, (0.2 + INCHES_A_LETTER * letters) / width)
    axes = figure.add_axes((left, 0.62 / height, 0.97 - left, 1.0 - 0.7 / height))
    colors = line_colors(prominent(result), theme)
    for y, (gap, name) in enumerate(rows):
        color = colors.get(name, theme.muted)
        axes.plot([gap.low, gap.high], [y, y], color=color, lw=2.0, solid_capstyle="butt")
        axes.plot(gap.mean, y, "o", color=color, ms=6, mec=theme.background, mew=0.8)
    axes.axvline(0.0, color=theme.reference, lw=1.2, ls=(0, (5, 2)))
    axes.set_yticks(range(len(rows)), [name for _, name in rows])
    axes.set_ylim(-0.7, len(rows) - 0.3)
    quiet_axes(axes, theme, "x")
    for label, (_, name) in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_color(colors.get(name, theme.text))
    axes.xaxis.set_major_formatter(lambda value, _: signed(value))
    axes.set_xlabel(
        f"mean Dice over the curve, minus that of {REFERENCE}", color=theme.muted, fontsize=9
    )
    return png(figure, 2 * 100)
