"""The uncertainty over the image: a ramp of its own, and nothing where the model is certain."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
from numpy.typing import NDArray

DEFAULT_OPACITY = 0.55

_COLORS = 256
# Perceived lightness rises evenly from a purple that grey tissue does not have to yellow.
_RAMP = np.array(
    [
        (0.36, 0.06, 0.62),
        (0.62, 0.09, 0.62),
        (0.82, 0.27, 0.47),
        (0.95, 0.47, 0.31),
        (0.99, 0.70, 0.17),
        (0.95, 0.98, 0.20),
    ]
)
_HIDDEN_BELOW = 0.25
"""Part of the scale's upper end below which tissue counts as certain and stays visible."""

_LEAST_UPPER_END = 0.3
"""A map of a model that is certain everywhere (entropy in nats) is not blown up to full colour."""

_TOP_PERCENTILE = 99.9
_SAMPLES = 400_000


def make_colors() -> Any:
    """Return the ramp as a colour node; it is in no scene yet."""
    node = slicer.vtkMRMLColorTableNode()
    node.SetTypeToUser()
    node.SetHideFromEditors(1)
    node.SetNumberOfColors(_COLORS)
    positions = np.linspace(0, len(_RAMP) - 1, _COLORS)
    channels = [np.interp(positions, np.arange(len(_RAMP)), _RAMP[:, c]) for c in range(3)]
    for index, (red, green, blue) in enumerate(zip(*channels, strict=True)):
        node.SetColor(index, f"{index}", float(red), float(green), float(blue), 1.0)
    return node


def ramp_color(position: float) -> tuple[float, float, float]:
    """Return the ramp's colour (0 to 1) at a position from 0 to 1."""
    at = np.clip(position, 0, 1) * (len(_RAMP) - 1)
    red, green, blue = (float(np.interp(at, np.arange(len(_RAMP)), _RAMP[:, c])) for c in range(3))
    return (red, green, blue)


def scale_of(uncertainty: NDArray[Any]) -> tuple[float, float]:
    """Return the uncertainty where the colours begin, and where they end.

    >>> low, high = scale_of(np.array([0.0, 0.6]))
    >>> round(low / high, 2)
    0.25
    """
    flat = uncertainty.reshape(-1)
    sample = flat[:: max(1, flat.size // _SAMPLES)]
    high = max(float(np.percentile(sample, _TOP_PERCENTILE)), _LEAST_UPPER_END)
    return _HIDDEN_BELOW * high, high


def style(display: Any, colors: Any, uncertainty: NDArray[Any]) -> None:
    """Give a volume's display node the ramp, and hide what lies below it.

    Slicer takes no notice of how transparent a colour of a table is; a threshold it does.
    """
    low, high = scale_of(uncertainty)
    display.SetAndObserveColorNodeID(colors.GetID())
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(low, high)
    display.AutoThresholdOff()
    display.SetThreshold(low, max(float(np.finfo(np.float32).max) / 2, high))
    display.ApplyThresholdOn()
    display.InterpolateOn()
