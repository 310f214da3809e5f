"""Number widgets that follow the scene's units in Slicer; here, the numbers alone."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QDoubleSpinBox

from ..ctk_widgets.range_widgets import RangeWidget
from ..ctk_widgets.slider_widget import SliderWidget


class _KnowsScene:
    """Keeps the scene it is told."""

    _scene: Any = None

    def mrmlScene(self) -> Any:
        """Return the scene, or None."""
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        """Take a scene."""
        self._scene = scene


class MRMLSliderWidget(_KnowsScene, SliderWidget):
    """qMRMLSliderWidget."""


class MRMLRangeWidget(_KnowsScene, RangeWidget):
    """qMRMLRangeWidget."""


class MRMLSpinBox(_KnowsScene, QDoubleSpinBox):
    """qMRMLSpinBox."""
