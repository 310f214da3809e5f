"""ctkDoubleSlider, ctkRangeWidget and ctkDoubleRangeSlider: one number or two on a line."""

from __future__ import annotations

from PySide6.QtCore import Property, Qt, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QHBoxLayout, QSlider, QWidget

STEPS = 10_000


class DoubleSlider(QWidget):
    """ctkDoubleSlider: a slider of real numbers."""

    valueChanged = Signal(float)

    def __init__(self, *arguments: object) -> None:
        super().__init__(next((a for a in arguments if isinstance(a, QWidget)), None))
        self._ends = [0.0, 99.0]
        self._step = 1.0
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._slider = QSlider(Qt.Orientation.Horizontal, self)
        self._slider.setRange(0, STEPS)
        layout.addWidget(self._slider)
        self._slider.valueChanged.connect(lambda _position: self.valueChanged(self._get_value()))

    def _get_value(self) -> float:
        low, high = self._ends
        return low + (high - low) * self._slider.value() / STEPS

    def setValue(self, value: float) -> None:
        """Move to a number; the ends cut it."""
        low, high = self._ends
        self._slider.setValue(round((value - low) / (high - low) * STEPS) if high > low else 0)

    def _end(place: int) -> Property:  # type: ignore[misc] # noqa: N805
        def get(self: DoubleSlider) -> float:
            return self._ends[place]

        def put(self: DoubleSlider, value: float) -> None:
            kept = self._get_value()
            self._ends[place] = value
            self.setValue(kept)

        return Property(float, get, put)

    def _get_step(self) -> float:
        return self._step

    def _set_step(self, step: float) -> None:
        self._step = step

    value = Property(float, _get_value, setValue)
    minimum = _end(0)
    maximum = _end(1)
    singleStep = Property(float, _get_step, _set_step)


class RangeWidget(QWidget):
    """ctkRangeWidget: a lower and an upper number."""

    valuesChanged = Signal(float, float)

    def __init__(self, *arguments: object) -> None:
        super().__init__(next((a for a in arguments if isinstance(a, QWidget)), None))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._boxes = (QDoubleSpinBox(self), QDoubleSpinBox(self))
        for box in self._boxes:
            layout.addWidget(box)
            box.valueChanged.connect(lambda _value: self._tell())

    def _tell(self) -> None:
        self.valuesChanged(self._boxes[0].value(), self._boxes[1].value())

    def setValues(self, low: float, high: float) -> None:
        """Show two numbers."""
        self._boxes[0].setValue(low)
        self._boxes[1].setValue(high)

    def _value(place: int) -> Property:  # type: ignore[misc] # noqa: N805
        return Property(
            float,
            lambda self: self._boxes[place].value(),
            lambda self, value: self._boxes[place].setValue(value),
        )

    def _get_minimum(self) -> float:
        return self._boxes[0].minimum()

    def _set_minimum(self, value: float) -> None:
        for box in self._boxes:
            box.setMinimum(value)

    def _get_maximum(self) -> float:
        return self._boxes[0].maximum()

    def _set_maximum(self, value: float) -> None:
        for box in self._boxes:
            box.setMaximum(value)

    minimumValue = _value(0)
    maximumValue = _value(1)
    minimum = Property(float, _get_minimum, _set_minimum)
    maximum = Property(float, _get_maximum, _set_maximum)


class DoubleRangeSlider(RangeWidget):
    """ctkDoubleRangeSlider."""
