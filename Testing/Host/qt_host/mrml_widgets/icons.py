"""The small signs in the table of segments: shown or not, and the colour."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap

SIDE, RATIO = 16, 2


def _canvas() -> QPixmap:
    picture = QPixmap(SIDE * RATIO, SIDE * RATIO)
    picture.setDevicePixelRatio(RATIO)
    picture.fill(QColor(0, 0, 0, 0))
    return picture


def eye_icon(colour: QColor) -> QIcon:
    """Return an open eye: the segment is shown."""
    picture = _canvas()
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour, 1.2))
    outline = QPainterPath(QPointF(1, 8))
    outline.quadTo(QPointF(8, 1), QPointF(15, 8))
    outline.quadTo(QPointF(8, 15), QPointF(1, 8))
    painter.drawPath(outline)
    painter.setBrush(colour)
    painter.drawEllipse(QPointF(8, 8), 2.2, 2.2)
    painter.end()
    return QIcon(picture)


def swatch_icon(colour: QColor) -> QIcon:
    """Return a square of a colour."""
    picture = _canvas()
    painter = QPainter(picture)
    painter.fillRect(QRectF(1, 1, SIDE - 2, SIDE - 2), colour)
    painter.end()
    return QIcon(picture)
