"""Segment values, as in label files, and the network's class indices 1, 2, …"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from ..data.labels import UNKNOWN
from ..data.segments import Segment


class SegmentClasses:
    """The order in which a project's segments are a network's classes; 0 is the background."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._segments = tuple(segments)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the classes 1, 2, …"""
        return tuple(s.name for s in self._segments)

    @cached_property
    def index(self) -> dict[str, int]:
        """The class index of each segment name."""
        return {name: index for index, name in enumerate(self.names, start=1)}

    def from_values(self, label: np.ndarray) -> np.ndarray:
        """Return class indices of a label of segment values; unknown stays unknown."""
        table = np.full(256, UNKNOWN, np.uint8)
        table[0] = 0
        for index, segment in enumerate(self._segments, start=1):
            table[segment.value] = index
        return table[label]

    def to_values(self, classes: np.ndarray) -> np.ndarray:
        """Return segment values of class indices."""
        table = np.zeros(256, np.uint8)
        for index, segment in enumerate(self._segments, start=1):
            table[index] = segment.value
        return table[classes]
