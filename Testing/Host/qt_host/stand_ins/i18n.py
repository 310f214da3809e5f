"""``slicer.i18n``: texts as they stand in the source, marked as translatable."""

from __future__ import annotations


def translate(_context: str, text: str) -> str:
    """Return the text of a context in the user's language; here, English."""
    return text


def tr(text: str) -> str:
    """Return the text in the user's language; here, English."""
    if not isinstance(text, str):
        raise TypeError(f"only literal texts can be translated, not {text!r}")
    return text
