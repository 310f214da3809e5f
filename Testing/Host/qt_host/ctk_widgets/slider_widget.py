"""ctkSliderWidget: a slider and a spin box that show the same number."""

from __future__ import annotations

from PySide6.QtCore import Property, Qt, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QSlider, QWidget

STEPS = 10_000


class SliderWidget(QWidget):
    """A number between ``minimum`` and ``maximum``, by slider or spin box."""

    valueChanged = Signal(float)
    valueIsChanging = Signal(float)
    decimalsChanged = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._page, self._single, self._tracking = 10.0, 1.0, True
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._slider = QSlider(Qt.Orientation.Horizontal, self)
        self._slider.setRange(0, STEPS)
        self._spin = QDoubleSpinBox(self)
        self._spin.setRange(0.0, 99.0)
        layout.addWidget(self._slider)
        layout.addWidget(self._spin)
        self._spin.valueChanged.connect(self._on_spin)
        self._slider.valueChanged.connect(self._on_slider)

    def _on_spin(self, value: float) -> None:
        span = self._spin.maximum() - self._spin.minimum()
        blocked = self._slider.blockSignals(True)
        self._slider.setValue(round((value - self._spin.minimum()) / span * STEPS) if span else 0)
        self._slider.blockSignals(blocked)
        self.valueChanged(value)

    def _on_slider(self, position: int) -> None:
        span = self._spin.maximum() - self._spin.minimum()
        value = self._spin.minimum() + span * position / STEPS
        if self._single:
            steps = round((value - self._spin.minimum()) / self._single)
            value = self._spin.minimum() + steps * self._single
        self.valueIsChanging(value)
        self._spin.setValue(value)

    def _get_value(self) -> float:
        return self._spin.value()

    def setValue(self, value: float) -> None:
        """Set the number; the range cuts it."""
        self._spin.setValue(value)

    def _get_minimum(self) -> float:
        return self._spin.minimum()

    def _set_minimum(self, value: float) -> None:
        self._spin.setMinimum(value)
        self._on_range()

    def _get_maximum(self) -> float:
        return self._spin.maximum()

    def _set_maximum(self, value: float) -> None:
        self._spin.setMaximum(value)
        self._on_range()

    def _on_range(self) -> None:
        span = self._spin.maximum() - self._spin.minimum()
        blocked = self._slider.blockSignals(True)
        done = self._spin.value() - self._spin.minimum()
        self._slider.setValue(round(done / span * STEPS) if span else 0)
        self._slider.blockSignals(blocked)

    def _get_single(self) -> float:
        return self._single

    def _set_single(self, step: float) -> None:
        self._single = step
        self._spin.setSingleStep(step)

    def _get_page(self) -> float:
        return self._page

    def _set_page(self, step: float) -> None:
        self._page = step

    def _get_decimals(self) -> int:
        return self._spin.decimals()

    def setDecimals(self, decimals: int) -> None:
        """Show so many digits after the point."""
        self._spin.setDecimals(decimals)
        self.decimalsChanged(decimals)

    def _get_suffix(self) -> str:
        return self._spin.suffix()

    def _set_suffix(self, suffix: str) -> None:
        self._spin.setSuffix(suffix)

    def _get_prefix(self) -> str:
        return self._spin.prefix()

    def _set_prefix(self, prefix: str) -> None:
        self._spin.setPrefix(prefix)

    def _get_tracking(self) -> bool:
        return self._tracking

    def _set_tracking(self, tracking: bool) -> None:
        self._tracking = tracking
        self._slider.setTracking(tracking)

    def _get_spin_visible(self) -> bool:
        return not self._spin.isHidden()

    def setSpinBoxVisible(self, visible: bool) -> None:
        """Show the spin box, or the slider alone."""
        self._spin.setVisible(visible)

    def reset(self) -> None:
        """Go back to the minimum, or to 0 where the range has it."""
        self._spin.setValue(min(max(0.0, self._spin.minimum()), self._spin.maximum()))

    value = Property(float, _get_value, setValue)
    minimum = Property(float, _get_minimum, _set_minimum)
    maximum = Property(float, _get_maximum, _set_maximum)
    singleStep = Property(float, _get_single, _set_single)
    pageStep = Property(float, _get_page, _set_page)
    decimals = Property(int, _get_decimals, setDecimals)
    suffix = Property(str, _get_suffix, _set_suffix)
    prefix = Property(str, _get_prefix, _set_prefix)
    tracking = Property(bool, _get_tracking, _set_tracking)
    spinBoxVisible = Property(bool, _get_spin_visible, setSpinBoxVisible)
