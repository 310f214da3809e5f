"""Folders of derived files that do not grow without end."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from ..data.store import discard, sweep


def used_now(path: Path) -> None:
    """Mark a file as just used, so that it is among the last to be dropped."""
    with contextlib.suppress(OSError):
        os.utime(path)


def keep_newest(groups: Sequence[Sequence[Path]], count: int, most_bytes: int, least: int) -> None:
    """Drop the oldest groups of files beyond ``count``, or beyond ``most_bytes`` altogether.

    The ``least`` newest stay whatever their size. A group is as new as its first file.
    """
    aged = []
    for group in groups:
        with contextlib.suppress(OSError):
            sizes = [path.stat().st_size for path in group if path.is_file()]
            aged.append((group[0].stat().st_mtime_ns, sum(sizes), group))
    aged.sort(key=lambda item: item[0], reverse=True)
    total = 0
    for position, (_, size, group) in enumerate(aged):
        total += size
        if position >= count or (position >= least and total > most_bytes):
            for path in group:
                discard(path)


def tidy(folder: Path) -> None:
    """Remove what killed processes left half-written in a folder."""
    with contextlib.suppress(OSError):
        sweep(folder)
