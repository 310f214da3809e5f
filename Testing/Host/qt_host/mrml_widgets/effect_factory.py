"""qSlicerSegmentEditorEffectFactory: tells when an extension brings another effect."""

from __future__ import annotations

from typing import ClassVar

from PySide6.QtCore import QObject, Signal


class EffectFactory(QObject):
    """One object for all editors."""

    effectRegistered = Signal(str)
    _single: ClassVar[QObject | None] = None

    @classmethod
    def instance(cls) -> QObject:
        """Return the factory."""
        if EffectFactory._single is None:
            EffectFactory._single = cls()
        return EffectFactory._single
