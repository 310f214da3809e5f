"""Which process is alive: without psutil, and not fooled by a process id used again."""

from __future__ import annotations

import functools
import hashlib
import os
import socket
import sys
from pathlib import Path

_QUERY_LIMITED_INFORMATION = 0x1000
_STILL_ACTIVE = 259
_ACCESS_DENIED = 5


@functools.lru_cache(maxsize=1)
def host() -> str:
    """Return this computer's name."""
    return socket.gethostname() or "localhost"


@functools.lru_cache(maxsize=1)
def host_mark() -> str:
    """Return eight hexadecimal digits that stand for this computer in file names."""
    return hashlib.blake2b(host().encode("utf-8"), digest_size=4).hexdigest()


def process_start(pid: int) -> str:
    """Return when a process started, as an opaque text of digits; empty where unknown.

    Two processes that had the same id one after the other differ in it.
    """
    if sys.platform == "win32":
        return _windows_start(pid)
    fields = _linux_fields(pid)
    return fields[19] if len(fields) > 19 else ""


def is_alive(pid: int, start: str = "") -> bool:
    """Whether the process that had this id (and ``start``, if known) still runs here."""
    if pid <= 0:
        return False
    if sys.platform == "win32":
        alive = _windows_alive(pid)
    else:
        alive = _posix_alive(pid)
    if not alive:
        return False
    now = process_start(pid)
    return not (start and now and start != now)


def _linux_fields(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the name; none on other systems."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    # The name stands in brackets and may itself hold brackets and spaces.
    return text.rpartition(")")[2].split()


def _posix_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # it runs, and belongs to someone else
    fields = _linux_fields(pid)
    return not (fields and fields[0] in "ZX")  # ended, and not yet collected by its parent


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    # `os.kill(pid, 0)` would end the process on Windows.
    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    _kernel32.OpenProcess.restype = wintypes.HANDLE
    _kernel32.OpenProcess.argtypes = (wintypes.DWORD, wintypes.BOOL, wintypes.DWORD)
    _kernel32.CloseHandle.argtypes = (wintypes.HANDLE,)
    _kernel32.GetExitCodeProcess.argtypes = (wintypes.HANDLE, ctypes.POINTER(wintypes.DWORD))
    _kernel32.GetProcessTimes.argtypes = (
        wintypes.HANDLE,
        *(ctypes.POINTER(wintypes.FILETIME),) * 4,
    )

    def _windows_alive(pid: int) -> bool:
        handle = _kernel32.OpenProcess(_QUERY_LIMITED_INFORMATION, False, pid)
        if not handle:
            return ctypes.get_last_error() == _ACCESS_DENIED
        try:
            code = wintypes.DWORD()
            known = _kernel32.GetExitCodeProcess(handle, ctypes.byref(code))
            return not known or code.value == _STILL_ACTIVE
        finally:
            _kernel32.CloseHandle(handle)

    def _windows_start(pid: int) -> str:
        handle = _kernel32.OpenProcess(_QUERY_LIMITED_INFORMATION, False, pid)
        if not handle:
            return ""
        try:
            times = [wintypes.FILETIME() for _ in range(4)]
            if not _kernel32.GetProcessTimes(handle, *(ctypes.byref(t) for t in times)):
                return ""
            return str((times[0].dwHighDateTime << 32) | times[0].dwLowDateTime)
        finally:
            _kernel32.CloseHandle(handle)
