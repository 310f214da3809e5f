"""ctkColorPickerButton: a button that shows and chooses a colour."""

from __future__ import annotations

from PySide6.QtCore import Property, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QPushButton, QWidget

from ..modal import watch


class ColorPickerButton(QPushButton):
    """A push button with a swatch; a click asks for a colour."""

    colorChanged = Signal(QColor)
    colorNameChanged = Signal(str)

    def __init__(self, *arguments: object) -> None:
        parent = next((a for a in arguments if isinstance(a, QWidget)), None)
        super().__init__(parent)
        self._color = QColor("black")
        self._name = ""
        self._shows_name = True
        colour = next((a for a in arguments if isinstance(a, QColor)), None)
        if colour is not None:
            self._color = QColor(colour)
        self._show()
        self.clicked.connect(lambda: self.changeColor())

    def _show(self) -> None:
        side, ratio = 14, 2
        swatch = QPixmap(side * ratio, side * ratio)
        swatch.setDevicePixelRatio(ratio)
        swatch.fill(self._color)
        painter = QPainter(swatch)
        painter.setPen(QColor(0, 0, 0, 120))
        painter.drawRect(0, 0, side - 1, side - 1)
        painter.end()
        QPushButton.setIcon(self, QIcon(swatch))
        QPushButton.setText(self, (self._name or self._color.name()) if self._shows_name else "")

    def _get_color(self) -> QColor:
        return QColor(self._color)

    def setColor(self, color: QColor) -> None:
        """Show a colour, and say so if it is another one."""
        if color == self._color:
            return
        self._color = QColor(color)
        self._show()
        self.colorChanged(QColor(color))

    def _get_name(self) -> str:
        return self._name

    def _set_name(self, name: str) -> None:
        if name != self._name:
            self._name = name
            self._show()
            self.colorNameChanged(name)

    def _get_shows_name(self) -> bool:
        return self._shows_name

    def setDisplayColorName(self, shown: bool) -> None:
        """Write the colour's name beside the swatch, or not."""
        self._shows_name = shown
        self._show()

    def changeColor(self) -> None:
        """Ask for a colour."""
        chosen = watch.ask("ctkColorPickerButton.changeColor", "", None)
        if chosen is not None:
            self.setColor(QColor(chosen))

    color = Property(QColor, _get_color, setColor)
    colorName = Property(str, _get_name, _set_name)
    displayColorName = Property(bool, _get_shows_name, setDisplayColorName)
