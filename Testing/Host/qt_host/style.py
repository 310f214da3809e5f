"""How Slicer's panel looks: Fusion, its light and its dark palette, one font everywhere."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

LIGHT = {
    "Window": "#efefef", "WindowText": "#000000", "Base": "#ffffff", "AlternateBase": "#f6f6f6",
    "Text": "#000000", "Button": "#efefef", "ButtonText": "#000000", "BrightText": "#ffffff",
    "ToolTipBase": "#ffffdc", "ToolTipText": "#000000", "Highlight": "#308cc6",
    "HighlightedText": "#ffffff", "Link": "#0057ae", "LinkVisited": "#452886",
    "Light": "#ffffff", "Midlight": "#cacaca", "Mid": "#b8b8b8", "Dark": "#9f9f9f",
    "Shadow": "#767676", "PlaceholderText": "#80000000",
}  # fmt: skip
DARK = {
    "Window": "#323232", "WindowText": "#f0f0f0", "Base": "#242424", "AlternateBase": "#2d2d2d",
    "Text": "#f0f0f0", "Button": "#3c3c3c", "ButtonText": "#f0f0f0", "BrightText": "#ffffff",
    "ToolTipBase": "#3c3c3c", "ToolTipText": "#f0f0f0", "Highlight": "#2a82da",
    "HighlightedText": "#ffffff", "Link": "#5fb0ff", "LinkVisited": "#b39ddb",
    "Light": "#505050", "Midlight": "#484848", "Mid": "#2a2a2a", "Dark": "#232323",
    "Shadow": "#141414", "PlaceholderText": "#80f0f0f0",
}  # fmt: skip
DISABLED = {"light": "#8c8c8c", "dark": "#7f7f7f"}
PALETTES = {"light": LIGHT, "dark": DARK}


def palette(theme: str) -> QPalette:
    """Return the palette of ``light`` or ``dark``."""
    made = QPalette()
    for role, colour in PALETTES[theme].items():
        made.setColor(getattr(QPalette.ColorRole, role), QColor(colour))
    for role in ("WindowText", "Text", "ButtonText"):
        made.setColor(
            QPalette.ColorGroup.Disabled,
            getattr(QPalette.ColorRole, role),
            QColor(DISABLED[theme]),
        )
    return made


@cache
def font_family() -> str:
    """Return the family of the panel's letters: the same on every machine, if it can be.

    Matplotlib brings DejaVu Sans; a machine without any font would show boxes.
    """
    found = importlib.util.find_spec("matplotlib")
    if found is not None and found.origin is not None:
        folder = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf"
        for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSans-Oblique.ttf"):
            if (folder / name).is_file():
                QFontDatabase.addApplicationFont(str(folder / name))
    return "DejaVu Sans"


def apply(theme: str) -> None:
    """Dress the application."""
    QApplication.setStyle("Fusion")
    QApplication.setPalette(palette(theme))
    font = QFont(font_family())
    font.setPixelSize(13)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    QApplication.setFont(font)
