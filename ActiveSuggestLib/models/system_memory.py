"""How much memory the computer has and has free; psutil is asked where it is installed."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

_GUESS = 4 * 1024**3


def system_memory() -> tuple[int, int]:
    """Return the bytes that are available without swapping, and those there are in all."""
    with contextlib.suppress(ImportError):
        import psutil

        found = psutil.virtual_memory()
        return int(found.available), int(found.total)
    with contextlib.suppress(OSError, ValueError, KeyError, AttributeError):
        if sys.platform == "win32":
            return _of_windows()
        return _of_macos() if sys.platform == "darwin" else _of_linux(Path("/proc/meminfo"))
    return _GUESS // 2, _GUESS


def _of_linux(path: Path) -> tuple[int, int]:
    lines = (line.partition(":") for line in path.read_text("ascii").splitlines())
    kilobytes = {name: int(rest.split()[0]) for name, _, rest in lines if rest.split()}
    return kilobytes["MemAvailable"] * 1024, kilobytes["MemTotal"] * 1024


def _of_macos() -> tuple[int, int]:
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    run = subprocess.run(["/usr/bin/vm_stat"], capture_output=True, text=True, check=False)
    return available_by_vm_stat(run.stdout), total


def available_by_vm_stat(text: str) -> int:
    """Return the available bytes that macOS' ``vm_stat`` tells: free, and inactive, pages.

    Raises ``ValueError`` if the text is something else.
    """
    size = re.search(r"page size of (\d+) bytes", text)
    pages = re.findall(r"^Pages (?:free|inactive):\s+(\d+)\.", text, re.MULTILINE)
    if size is None or len(pages) != 2:
        raise ValueError("not what vm_stat prints")
    return int(size.group(1)) * sum(map(int, pages))


if sys.platform == "win32":
    import ctypes

    class _MemoryStatus(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            ("total", ctypes.c_ulonglong),
            ("available", ctypes.c_ulonglong),
            *((f"other{i}", ctypes.c_ulonglong) for i in range(5)),
        )

    def _of_windows() -> tuple[int, int]:
        status = _MemoryStatus()
        status.length = ctypes.sizeof(status)
        if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
            raise OSError("GlobalMemoryStatusEx failed")
        return int(status.available), int(status.total)
