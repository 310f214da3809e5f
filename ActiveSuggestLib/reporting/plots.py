"""Pictures of a simulation: learning curves, proposals and uncertainty maps, as PNG bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.segments import Segment
from ..simulating.curves import SimulationResult
from .figures import LIGHT, REFERENCE, Theme, line_colors, new_figure, png, quiet_axes
from .pictures import Picture
from .prominent import prominent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


UNCERTAINTY_COLORS = "inferno"
INCHES_A_LETTER = 0.083


def learning_curve(
    result: SimulationResult, theme: Theme = LIGHT, *, width: float = 9.0, height: float = 4.4
) -> bytes:
    """Draw Dice against the number of labelled units, one line a strategy; inches to PNG.

    Of many strategies the prominent ones have a colour and a name, and the others are thin.
    """
    figure = new_figure(width, height, theme.background)
    # Room on the right for the names of the lines.
    named = prominent(result)
    longest = max((len(name) for name in named), default=0)
    room = max(1.35 if width > 6 else 1.12, 0.15 + INCHES_A_LETTER * longest)
    left, right = 0.62 / width, 1.0 - min(room, 0.4 * width) / width
    axes = figure.add_axes((left, 0.58 / height, right - left, 1.0 - 0.98 / height))
    colors = line_colors(named, theme)
    ends: dict[str, float] = {}
    for name in result.strategies:
        if name not in named:
            curve = result.curve(name)
            mean = [interval.mean for interval in curve.dice]
            axes.plot(curve.units, mean, color=theme.muted, alpha=0.45, lw=0.9)
    for name in named:
        curve = result.curve(name)
        if not curve.units:
            continue
        mean = [interval.mean for interval in curve.dice]
        low, high = (
            [v if np.isfinite(v) else m for v, m in zip(side, mean, strict=True)]
            for side in ([i.low for i in curve.dice], [i.high for i in curve.dice])
        )
        style = (0, (5, 2)) if name == REFERENCE else "-"
        axes.fill_between(curve.units, low, high, color=colors[name], alpha=0.13, lw=0)
        axes.plot(curve.units, mean, color=colors[name], lw=2.2, ls=style,
                  marker="o", ms=4.5, mec=theme.background, mew=0.8)  # fmt: skip
        ends[name] = mean[-1]
    full = [r.mean for seed in result.seeds if (r := result.full_data(seed)) is not None]
    if full:
        level = float(np.mean(full))
        axes.axhline(level, color=theme.muted, lw=1.0, ls=(0, (1, 3)))
        axes.annotate(
            f"all labels of the pool: {level:.3f}", (0.01, level), xytext=(0, 3),
            xycoords=("axes fraction", "data"), textcoords="offset points",
            fontsize=8, color=theme.muted,
        )  # fmt: skip
    _style_axes(axes, theme)
    ticks = sorted({u for name in result.strategies for u in result.curve(name).units})
    axes.set_xticks(ticks if len(ticks) <= 12 else ticks[:: len(ticks) // 8])
    axes.set_xlabel(f"labelled {result.currency}s", color=theme.muted)
    axes.set_title(
        "mean Dice on the test cases", loc="left", fontsize=10, color=theme.muted, pad=10
    )
    _name_lines(axes, ends, colors)
    return png(figure, 2 * 100)


def proposal_picture(picture: Picture, segments: Sequence[Segment]) -> bytes:
    """Draw the slice with the model's outlines (coloured) and the expert's (white, dotted)."""
    figure, axes = _image_axes(picture)
    for segment in segments:
        _outline(axes, picture.truth == segment.value, "#ffffff", (0, (1.1, 1.3)), 1.5)
        if picture.proposal is not None:
            _outline(axes, picture.proposal == segment.value, segment.color, "-", 1.6)
    return png(figure, 140)


def uncertainty_picture(picture: Picture, highest: float) -> bytes:
    """Draw the slice under its uncertainty map; ``highest`` gets the brightest colour."""
    from matplotlib import colormaps

    figure, axes = _image_axes(picture)
    if picture.uncertainty is not None:
        strength = np.clip(picture.uncertainty / max(highest, 1e-12), 0, 1)
        overlay = colormaps[UNCERTAINTY_COLORS](strength)
        overlay[..., 3] = np.clip(1.6 * strength, 0, 0.9)
        axes.imshow(overlay, aspect=picture.aspect, interpolation="bilinear")
    return png(figure, 140)


def highest_uncertainty(pictures: Sequence[Picture]) -> float:
    """Return the value that all maps of a report share as their brightest."""
    maps = [p.uncertainty for p in pictures if p.uncertainty is not None]
    if not maps:
        return 1.0
    return float(max(np.quantile(np.concatenate([m.ravel() for m in maps]), 0.998), 1e-9))


def _image_axes(picture: Picture) -> tuple[Figure, Axes]:
    rows, columns = picture.image.shape[:2]
    height = rows * picture.aspect
    scale = 2.4 / max(height, columns)
    figure = new_figure(columns * scale, height * scale, "#000000")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(
        picture.image, cmap="gray", vmin=0, vmax=1, aspect=picture.aspect, interpolation="bicubic"
    )
    axes.set_axis_off()
    return figure, axes


def _outline(axes: Axes, mask: np.ndarray, color: Any, style: Any, width: float) -> None:
    from matplotlib.patheffects import Normal, Stroke

    if not mask.any() or mask.all():
        return
    lines = axes.contour(
        mask.astype(float), [0.5], colors=[color], linestyles=[style], linewidths=[width]
    )
    # A dark rim keeps light lines visible on bright organs.
    lines.set_path_effects([Stroke(linewidth=width + 1.0, foreground="#00000090"), Normal()])


def _style_axes(axes: Axes, theme: Theme) -> None:
    from matplotlib.ticker import MaxNLocator

    quiet_axes(axes, theme, "y")
    axes.spines["bottom"].set_visible(True)
    axes.spines["bottom"].set_color(theme.grid)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.2f}")
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, 0.0), min(high + 0.01, 1.0))


def _name_lines(axes: Axes, ends: Mapping[str, float], colors: Mapping[str, str]) -> None:
    """Write each strategy's name and last Dice at the end of its line, none over another."""
    low, high = axes.get_ylim()
    height = axes.get_window_extent().height * 72 / axes.figure.dpi  # in points
    gap = (high - low) * 29 / height  # two lines of text
    at = _spread(sorted(ends.values()), gap, low + gap / 2, high - gap / 2)
    for (name, value), y in zip(sorted(ends.items(), key=lambda e: e[1]), at, strict=True):
        axes.annotate(
            f"{name}\n{value:.3f}",
            (1.0, y),
            xycoords=("axes fraction", "data"),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            fontweight="bold",
            linespacing=1.15,
            color=colors[name],
        )


def _spread(values: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move sorted values at least ``gap`` apart, in order, and within the limits if they fit."""
    up, down = list(values), list(values)
    for i in range(1, len(values)):
        up[i] = max(up[i], up[i - 1] + gap)
        down[-i - 1] = min(down[-i - 1], down[-i] - gap)
    middle = [(u + d) / 2 for u, d in zip(up, down, strict=True)]
    last = len(values) - 1
    return [min(max(m, low + gap * i), high - gap * (last - i)) for i, m in enumerate(middle)]
