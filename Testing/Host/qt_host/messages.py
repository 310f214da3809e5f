"""What Qt itself complains about, kept for tests; the off-screen platform's noise is left out."""

from __future__ import annotations

import sys
from typing import Any

from PySide6.QtCore import qInstallMessageHandler

NOISE = ("propagateSizeHints", "does not support raise()", "Populating font family aliases")
# Qt's messages since the last clearing.
qt_messages: list[str] = []


def _keep(_kind: Any, _context: Any, text: str) -> None:
    if any(noise in text for noise in NOISE):
        return
    qt_messages.append(text)
    print(f"Qt: {text}", file=sys.stderr)


def install() -> None:
    """Take Qt's messages."""
    qInstallMessageHandler(_keep)
