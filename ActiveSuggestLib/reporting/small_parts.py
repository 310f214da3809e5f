"""Parts of the page that several sections use."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

from ..data.segments import Segment
from ..simulating.curves import SimulationResult
from .figures import Theme
from .prominent import prominent

# The style of a wide table: its small figures stand under the large ones.
STACKED = "stacked"


def table(head: str, rows: Iterable[str], kind: str = "") -> str:
    """Return a table of a head row's cells and whole body rows; ``kind`` names its style."""
    own = f' class="{kind}"' if kind else ""
    return f"<table{own}><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def strategy_name(result: SimulationResult, name: str) -> str:
    """Return a strategy's name with the colour of its line."""
    color = f"var(--arm-{result.strategies.index(name)})"
    return f'<i class="swatch" style="background:{color}"></i>{escape(name)}'


def swatch(color: Sequence[float]) -> str:
    """Return a small square of a colour (red, green, blue in 0 … 1)."""
    red, green, blue = (round(255 * part) for part in color)
    return f'<i class="swatch" style="background:rgb({red},{green},{blue})"></i>'


def segments(result: SimulationResult) -> list[Segment]:
    """Return the structures that were outlined."""
    return [Segment.from_dict(form) for form in result.settings["segments"]]


def data_address(png: bytes) -> str:
    """Return the address of a picture that lies in the page itself."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def others(result: SimulationResult) -> str:
    """Return "the 9 other strategies" for those that are not prominent, or nothing."""
    left = len(result.strategies) - len(prominent(result))
    if not left:
        return ""
    return "the other strategy" if left == 1 else f"the {left} other strategies"


def media(theme: Theme, *, narrow: bool = False) -> str:
    """Return the media query of screens with this colour scheme, all or the narrow ones."""
    scheme = f"(prefers-color-scheme: {theme.name})"
    return f"screen and {scheme}" + (" and (max-width: 560px)" if narrow else "")
