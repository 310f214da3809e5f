"""A way around PySide6 6.12 on Python 3.11: its functions give away a reference to None."""

from __future__ import annotations

import ctypes
import sys

SPARE = 1 << 40


def keep_none_alive() -> None:
    """Give None references to spare.

    PySide6's functions that return nothing do not count that reference, since None cannot die
    from Python 3.12 on. On 3.11 it dies after some ten thousand calls, and Python with it.
    """
    if sys.version_info < (3, 12) and sys.getrefcount(None) < SPARE // 2:
        ctypes.c_ssize_t.from_address(id(None)).value += SPARE
