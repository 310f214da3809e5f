"""CTK widgets that, for what the module asks of them, are the Qt widgets they derive from."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QPushButton,
    QTextBrowser,
)


class CheckBox(QCheckBox):
    """ctkCheckBox."""


class CheckablePushButton(QPushButton):
    """ctkCheckablePushButton."""


class ComboBox(QComboBox):
    """ctkComboBox."""


class DoubleSpinBox(QDoubleSpinBox):
    """ctkDoubleSpinBox."""


class ExpandableWidget(QFrame):
    """ctkExpandableWidget."""


class FittedTextBrowser(QTextBrowser):
    """ctkFittedTextBrowser."""


class PushButton(QPushButton):
    """ctkPushButton."""
