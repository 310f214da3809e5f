"""Keys of the module: installed on Slicer's main window while the module is entered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import qt
import slicer

# The Segment Editor has the digits, Space, Escape, Q, W, Z, Y, I, comma and period; Slicer's slice
# views have the arrows, B, F, G, R, T and V, and its main window has Ctrl+S.
KEYS = {
    "next_place": "N",
    "previous_place": "Shift+N",
    "next_slice": "M",
    "previous_slice": "Shift+M",
    "toggle_overlay": "U",
    "save": "Ctrl+Alt+S",
    "save_and_next": "Ctrl+Return",
}


class Shortcuts:
    """Calls ``actions[name]()`` for the key of each name in ``KEYS``."""

    def __init__(self, actions: Mapping[str, Callable[[], None]]) -> None:
        self._actions = dict(actions)
        self._installed: list[tuple[Any, Callable[[], None]]] = []

    @property
    def are_installed(self) -> bool:
        """Whether the keys work now."""
        return bool(self._installed)

    def install(self) -> None:
        """Make the keys work; without a main window there are none."""
        window = slicer.util.mainWindow()
        if self._installed or window is None:
            return
        for name, key in KEYS.items():
            shortcut = qt.QShortcut(qt.QKeySequence(key), window)
            shortcut.connect("activated()", self._actions[name])
            self._installed.append((shortcut, self._actions[name]))

    def uninstall(self) -> None:
        """Give the keys back."""
        for shortcut, action in self._installed:
            shortcut.disconnect("activated()", action)
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._installed = []
