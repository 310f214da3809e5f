"""ctkCollapsibleButton: a header that hides what is below it."""

from __future__ import annotations

from PySide6.QtCore import Property, QEvent, QObject, QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import (
    QAbstractButton,
    QGroupBox,
    QSizePolicy,
    QStyle,
    QStyleOption,
    QWidget,
)

MAXIMUM = 16777215


class _Hiding(QObject):
    """Keeps the direct children of a widget hidden while it is collapsed."""

    def __init__(self, owner: QWidget) -> None:
        super().__init__(owner)
        self._owner = owner
        self._wanted: list[QWidget] = []
        self._working = False
        self.collapsed = False

    def set_collapsed(self, collapsed: bool) -> None:
        """Hide the children, or show those again that were not hidden by themselves."""
        self.collapsed = collapsed
        self._working = True
        if collapsed:
            self._wanted = [
                child
                for child in QObject.children(self._owner)
                if isinstance(child, QWidget) and not QWidget.isHidden(child)
            ]
            for child in self._wanted:
                QWidget.setVisible(child, False)
        else:
            for child in self._wanted:
                QWidget.setVisible(child, True)
            self._wanted = []
        self._working = False

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ChildAdded:
            child = event.child()  # type: ignore[attr-defined]
            if isinstance(child, QWidget):
                child.installEventFilter(self)
        elif (
            event.type() == QEvent.Type.ShowToParent
            and watched is not self._owner
            and self.collapsed
            and not self._working
            and isinstance(watched, QWidget)
        ):
            self._working = True
            QWidget.setVisible(watched, False)
            self._working = False
            if watched not in self._wanted:
                self._wanted.append(watched)
        return False


class CollapsibleButton(QAbstractButton):
    """A section: its header collapses and expands the widgets laid out in it."""

    contentsCollapsed = Signal(bool)

    def __init__(self, *arguments: object) -> None:
        parent = next((a for a in arguments if isinstance(a, QWidget)), None)
        super().__init__(parent)
        self._collapsed_height = 0
        self._hiding = _Hiding(self)
        QObject.installEventFilter(self, self._hiding)
        text = next((a for a in arguments if isinstance(a, str)), None)
        if text is not None:
            QAbstractButton.setText(self, text)
        QAbstractButton.setCheckable(self, True)
        QAbstractButton.setChecked(self, True)
        QWidget.setSizePolicy(
            self,
            QSizePolicy(
                QSizePolicy.Policy.Minimum,
                QSizePolicy.Policy.Preferred,
                QSizePolicy.ControlType.ButtonBox,
            ),
        )
        QWidget.setContentsMargins(self, 0, self._header_height(), 0, 0)
        self.toggled.connect(self._on_toggled)

    def _header_height(self) -> int:
        return QWidget.fontMetrics(self).height() + 8

    def _get_collapsed(self) -> bool:
        return self._hiding.collapsed

    def _set_collapsed(self, collapsed: bool) -> None:
        QAbstractButton.setChecked(self, not collapsed)

    collapsed = Property(bool, _get_collapsed, _set_collapsed)

    def _get_collapsed_height(self) -> int:
        return self._collapsed_height

    def _set_collapsed_height(self, height: int) -> None:
        self._collapsed_height = height

    collapsedHeight = Property(int, _get_collapsed_height, _set_collapsed_height)

    def _on_toggled(self, checked: bool) -> None:
        collapsed = not checked
        if collapsed == self._hiding.collapsed:
            return
        self._hiding.set_collapsed(collapsed)
        height = self._header_height() + self._collapsed_height if collapsed else MAXIMUM
        QWidget.setMaximumHeight(self, height)
        QWidget.updateGeometry(self)
        self.contentsCollapsed(collapsed)

    def minimumSizeHint(self) -> QSize:
        layout = QWidget.layout(self)
        header = QSize(
            QWidget.fontMetrics(self).horizontalAdvance(QAbstractButton.text(self)) + 40,
            self._header_height(),
        )
        if layout is None or self._hiding.collapsed:
            return header
        return layout.totalMinimumSize().expandedTo(header)

    def sizeHint(self) -> QSize:
        layout = QWidget.layout(self)
        header = self.minimumSizeHint() if callable(self.minimumSizeHint) else self.minimumSizeHint
        if layout is None or self._hiding.collapsed:
            return header
        return layout.totalSizeHint().expandedTo(header)

    def hitButton(self, position: object) -> bool:
        return position.y() < self._header_height()  # type: ignore[attr-defined]

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = QWidget.palette(self)
        header = QRect(0, 0, QWidget.width(self), self._header_height())
        painter.setPen(palette.color(QPalette.ColorRole.Mid))
        painter.setBrush(palette.button())
        painter.drawRoundedRect(header.adjusted(0, 0, -1, -1), 3, 3)
        option = QStyleOption()
        option.initFrom(self)
        side = 10
        option.rect = QRect(8, (header.height() - side) // 2, side, side)
        arrow = (
            QStyle.PrimitiveElement.PE_IndicatorArrowRight
            if self._hiding.collapsed
            else QStyle.PrimitiveElement.PE_IndicatorArrowDown
        )
        QWidget.style(self).drawPrimitive(arrow, option, painter, self)
        painter.setPen(palette.color(QPalette.ColorRole.ButtonText))
        painter.drawText(
            header.adjusted(26, 0, -6, 0),
            Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft,
            QAbstractButton.text(self),
        )
        painter.end()


class CollapsibleGroupBox(QGroupBox):
    """ctkCollapsibleGroupBox: a group box whose title hides its content."""

    def __init__(self, *arguments: object) -> None:
        parent = next((a for a in arguments if isinstance(a, QWidget)), None)
        super().__init__(parent)
        title = next((a for a in arguments if isinstance(a, str)), None)
        if title is not None:
            QGroupBox.setTitle(self, title)
        self._hiding = _Hiding(self)
        self._collapsed_height = 14
        QObject.installEventFilter(self, self._hiding)
        QGroupBox.setCheckable(self, True)
        QGroupBox.setChecked(self, True)
        self.toggled.connect(self._on_toggled)

    def _on_toggled(self, checked: bool) -> None:
        if checked == (not self._hiding.collapsed):
            return
        self._hiding.set_collapsed(not checked)
        height = MAXIMUM if checked else QWidget.fontMetrics(self).height() + self._collapsed_height
        QWidget.setMaximumHeight(self, height)

    def _get_collapsed(self) -> bool:
        return self._hiding.collapsed

    def _set_collapsed(self, collapsed: bool) -> None:
        QGroupBox.setChecked(self, not collapsed)

    collapsed = Property(bool, _get_collapsed, _set_collapsed)

    def _get_collapsed_height(self) -> int:
        return self._collapsed_height

    def _set_collapsed_height(self, height: int) -> None:
        self._collapsed_height = height

    collapsedHeight = Property(int, _get_collapsed_height, _set_collapsed_height)
