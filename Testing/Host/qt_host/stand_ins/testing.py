"""``slicer.testing``."""

from __future__ import annotations


def exitSuccess() -> None:
    """Say that a test succeeded."""


def exitFailure(message: str = "") -> None:
    """Say that a test failed."""
    raise RuntimeError(message)
