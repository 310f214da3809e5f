"""Edits: whether the mask on the screen differs from what is shown, and from what is on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .scene.case_scene import CaseScene


class Edits:
    """Compares moments of one segmentation by the scene's ``modified_time``."""

    def __init__(self, scene: CaseScene) -> None:
        self._scene = scene
        self._shown = 0
        self._kept = 0
        self._dirty_anyway = False

    def begin(self) -> None:
        """What is in the scene now is as it was loaded."""
        self._shown = self._kept = self._scene.modified_time()
        self._dirty_anyway = False

    def now(self) -> int:
        """Return this moment, for ``kept`` and ``saved``."""
        return self._scene.modified_time()

    def kept(self, moment: int) -> None:
        """The state of ``moment`` is on disk as a draft."""
        self._kept = max(self._kept, moment)

    def saved(self, moment: int, *, whole: bool = True) -> None:
        """The state of ``moment`` is a label; not ``whole``: other slices are not in it."""
        self._shown = max(self._shown, moment)
        self._dirty_anyway = not whole
        if whole:
            self._kept = max(self._kept, moment)
        else:
            self._kept = -1  # The draft went with the label, and other slices were only in it.

    @property
    def are_unsaved(self) -> bool:
        """Whether there are edits that are in no label."""
        return self._dirty_anyway or self._scene.modified_time() > self._shown

    @property
    def are_unkept(self) -> bool:
        """Whether there are edits that are not on disk at all."""
        return self.are_unsaved and self._scene.modified_time() > self._kept
