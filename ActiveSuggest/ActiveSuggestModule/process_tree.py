"""Ending a process with everything it started, with the standard library alone."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

_LISTING_SECONDS = 2.0


def kill_tree(pid: int, group: int | None = None) -> None:
    """End a process and all its descendants at once, without waiting for them.

    ``group`` is a process group that belongs to it (a worker that leads one): it is ended even
    where its parent, Slicer's launcher, is gone already. Never raises.
    """
    if sys.platform == "win32":
        for root in {pid, group or pid}:
            _taskkill(root)
        return
    # Stopped first, so that nobody starts another child while the list is read.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGSTOP)
    doomed = [pid, *descendants(pid)]
    if group is not None:
        kill_group(group)
    for each in doomed:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(each, signal.SIGKILL)


def kill_group(group: int) -> None:
    """End what is left of a process group that a worker leads; nothing left is no error."""
    if sys.platform == "win32":
        _taskkill(group)
    elif group > 1 and group != os.getpgrp():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    """Return the ids of all processes below ``pid``, parents before their children (POSIX)."""
    children: dict[int, list[int]] = {}
    for child, parent in _parents():
        children.setdefault(parent, []).append(child)
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def _parents() -> Iterable[tuple[int, int]]:
    """Return (process, parent) of every process."""
    if Path("/proc/self/stat").is_file():
        return _parents_in_proc()
    return _parents_by_ps()


def _parents_in_proc() -> list[tuple[int, int]]:
    pairs = []
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError, IndexError):
            text = Path(entry.path, "stat").read_text(encoding="utf-8", errors="replace")
            # The name stands in brackets and may itself hold brackets and spaces.
            pairs.append((int(entry.name), int(text[text.rindex(")") + 1 :].split()[1])))
    return pairs


def _parents_by_ps() -> list[tuple[int, int]]:
    try:
        listing = subprocess.run(
            ["ps", "-axo", "pid=,ppid="],
            capture_output=True,
            text=True,
            timeout=_LISTING_SECONDS,
            check=False,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    rows = (line.split() for line in listing.splitlines())
    return [(int(row[0]), int(row[1])) for row in rows if len(row) == 2]


def _taskkill(pid: int) -> None:
    with contextlib.suppress(OSError):
        subprocess.Popen(
            ["taskkill", "/F", "/T", "/PID", str(pid)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
