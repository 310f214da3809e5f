"""What the figures of a report have in common: colours, canvas and PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Theme:
    """Colours of a figure. ``lines`` (Okabe and Ito) stay apart for the colour-blind."""

    name: str
    text: str
    muted: str
    grid: str
    background: str
    reference: str
    lines: tuple[str, ...]


LIGHT = Theme(
    name="light",
    text="#1d2430",
    muted="#5b6675",
    grid="#e3e7ec",
    background="#ffffff",
    reference="#6b7280",
    lines=("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"),
)
DARK = Theme(
    name="dark",
    text="#e6e9ee",
    muted="#9aa5b4",
    grid="#2b333e",
    background="#161b22",
    reference="#a3adba",
    lines=("#56b4e9", "#f0894a", "#3ecfa3", "#e59cc4", "#f2c14e", "#8ab8ff"),
)
REFERENCE = "random"


def line_colors(strategies: Sequence[str], theme: Theme = LIGHT) -> dict[str, str]:
    """Return a colour for each strategy; random choice, the yardstick, is grey."""
    others = [name for name in strategies if name != REFERENCE]
    colors = {name: theme.lines[i % len(theme.lines)] for i, name in enumerate(others)}
    return {**colors, REFERENCE: theme.reference}


def new_figure(width: float, height: float, background: str) -> Figure:
    """Return an empty figure of so many inches that needs no screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor=background)
    FigureCanvasAgg(figure)
    return figure


def quiet_axes(axes: Axes, theme: Theme, along: Literal["x", "y"]) -> None:
    """Leave of the axes their numbers and the grid lines of one of them."""
    axes.set_facecolor(theme.background)
    axes.grid(axis=along, color=theme.grid, lw=0.8)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(colors=theme.muted, labelsize=9, length=0, pad=6)


def png(figure: Figure, dots: int) -> bytes:
    """Return a figure with so many dots an inch."""
    buffer = io.BytesIO()
    # Without the software's version and the time, so that equal results give equal bytes.
    figure.savefig(buffer, format="png", dpi=dots, metadata={"Software": None})
    return buffer.getvalue()
