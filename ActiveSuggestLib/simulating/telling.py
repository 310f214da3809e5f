"""Progress of parts within parts, with the names of all of them."""

from __future__ import annotations

from typing import Any

from ..progress import Progress


def named_part(progress: Progress, before: float, count: float, name: str) -> Progress:
    """Return the progress of one of ``count`` equal parts, each message after ``name``.

    >>> named_part(lambda done, total, message: print(done, total, message), 2, 4, "x: ")(1, 2, "y")
    2.5 4 x: y
    """

    def tell(done: float, total: float, message: str = "", **_: Any) -> None:
        progress(before + done / total, count, name + message)

    return tell


def share_of(progress: Progress, start: float, end: float, what: str) -> Progress:
    """Return the progress of the stretch ``start``…``end`` of a whole, always called ``what``."""

    def tell(done: float, total: float, message: str = "", **_: Any) -> None:
        del message  # a person follows the rounds here, not the batches
        share = done / total if total else 0.0
        progress(start + (end - start) * min(share, 1.0), 1.0, what)

    return tell
