"""One form and one line for every exception, foreseen or not."""

from __future__ import annotations

import errno
import sys
import traceback
from typing import Any

from ..errors import ActiveSuggestError

_DISK_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


def error_form(error: BaseException) -> dict[str, Any]:
    """Return kind, message, case, path, remedy and, where nobody foresaw it, ``details``."""
    if isinstance(error, ActiveSuggestError):
        form = error.to_dict()
        if error.__cause__ is not None:
            form["details"] = _trace(error)
        return form
    kind, message, remedy = _words(error)
    path = getattr(error, "filename", None)
    return {
        "kind": kind,
        "message": message,
        "case": None,
        "path": None if path is None else str(path),
        "remedy": remedy,
        "details": _trace(error),
    }


def one_line(form: dict[str, Any]) -> str:
    """Return what failed, on what, and what to do, in one line."""
    message = str(form.get("message") or form.get("kind", "error"))
    names = [f"case {form['case']}" if form.get("case") else "", str(form.get("path") or "")]
    bare = [form.get("case") or "", form.get("path") or ""]
    where = [name for name, text in zip(names, bare, strict=True) if text and text not in message]
    parts = [message, f"[{', '.join(where)}]" if where else "", str(form.get("remedy") or "")]
    return " ".join(" ".join(part for part in parts if part).split())


def _words(error: BaseException) -> tuple[str, str, str]:
    text = str(error).strip()
    package = (error.name or "").partition(".")[0] if isinstance(error, ImportError) else ""
    if isinstance(error, ModuleNotFoundError) and package not in ("", "ActiveSuggestLib"):
        return (
            "missing_package",
            f"The Python package {package} is not installed for {sys.executable}.",
            f"Install {package} there and try again.",
        )
    if isinstance(error, MemoryError):
        return "out_of_memory", "The memory is full.", "Close other programs and try again."
    if isinstance(error, OSError) and error.errno in _DISK_FULL:
        return "disk_full", "The disk is full.", "Free some room and try again."
    if isinstance(error, PermissionError):
        return (
            "not_permitted",
            error.strerror or "Not permitted.",
            "Check who may read and write there.",
        )
    if isinstance(error, OSError) and error.strerror:
        return "file_error", f"{error.strerror}.", "Check the path and try again."
    return (
        "unexpected",
        f"{type(error).__name__}: {text}" if text else type(error).__name__,
        "This is a fault in ActiveSuggest or a library: please report it with the details.",
    )


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))
