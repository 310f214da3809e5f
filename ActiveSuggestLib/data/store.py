"""Atomic files: a reader sees the earlier file or the new one, whole, and nothing between."""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import os
import shutil
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from ..errors import ActiveSuggestError, DiskFullError, SaveFailedError
from .journaling.processes import host_mark, is_alive, process_start

TEMPORARY = ".tmp-"
REPLACE_PATIENCE = 2.0 if os.name == "nt" else 0.0
"""Seconds during which a replacement is tried again: virus scanners hold new files open."""

_FOREIGN_LEFTOVER_AGE = 7 * 86400.0
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_LITTLE_ROOM = 256 * 1024

DISK_FULL_REMEDY = "Free some space on that disk, then save again; what was saved before is intact."
UNWRITABLE_REMEDY = "Check that the project folder is still there and that you may write to it."


def atomic_write(path: Path, content: Callable[[Path], None] | bytes) -> None:
    """Write a file whole or not at all.

    ``content`` is the bytes, or a function that writes the file whose path it gets.
    Raises ``DiskFullError`` or ``SaveFailedError``; the earlier file is then untouched.
    """
    temporary = temporary_beside(path)
    try:
        write_temporary(temporary, content, path)
        publish(temporary, path)
    finally:
        discard(temporary)


def write_temporary(temporary: Path, content: Callable[[Path], None] | bytes, target: Path) -> None:
    """Write a temporary file through to the disk; errors speak of ``target``.

    Raises ``DiskFullError`` or ``SaveFailedError``; nothing is left behind then.
    """
    try:
        if isinstance(content, bytes):
            temporary.write_bytes(content)
        else:
            content(temporary)
        _flush(temporary)
    except BaseException as error:
        failure = write_failure(error, target)
        discard(temporary)
        if failure is error:
            raise
        raise failure from error


def write_quickly(path: Path, *parts: bytes | memoryview) -> None:
    """Write a file whole or not at all, without waiting for the disk: a kill is survived.

    ``parts`` are bytes or the memory of contiguous arrays. Raises ``OSError``; the earlier file is
    then untouched.
    """
    temporary = temporary_beside(path)
    try:
        with temporary.open("wb") as stream:
            for part in parts:
                stream.write(part)
        replace(temporary, path)
    finally:
        discard(temporary)


def publish(temporary: Path, path: Path) -> None:
    """Put a finished temporary file in the place of ``path``.

    Raises ``DiskFullError`` or ``SaveFailedError``; the earlier file is then untouched.
    """
    try:
        replace(temporary, path)
    except OSError as error:
        raise write_failure(error, path) from error
    flush_folder(path.parent)


def replace(source: Path, target: Path) -> None:
    """``os.replace`` with patience for whoever looks at the file just now."""
    deadline = time.monotonic() + REPLACE_PATIENCE
    while True:
        try:
            os.replace(source, target)  # noqa: PTH105 - tests stand in its place by this name
            return
        except PermissionError:  # noqa: PERF203 - that is what the loop is for
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.05)


def keep_copy(source: Path, target: Path) -> None:
    """Give a file a second name, or a copy where the file system knows no links."""
    try:
        os.link(source, target)
    except FileExistsError:
        raise
    except OSError:
        atomic_write(target, functools.partial(_copy, source))


def make_folder(folder: Path) -> None:
    """Make a folder unless it is there; raises ``DiskFullError``, ``SaveFailedError``."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_failure(error, folder) from error


def flush_folder(folder: Path) -> None:
    """Make renames in a folder last through a power cut, where the system can."""
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):  # some network shares refuse
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def temporary_beside(path: Path) -> Path:
    """Return a fresh name in the same folder that says which process it belongs to."""
    # Without the file's own name, so that a long name does not grow too long.
    suffix = "".join(path.suffixes[-2:])[-24:]
    return path.with_name(f"{_own_prefix(os.getpid())}{uuid.uuid4().hex[:12]}{suffix}")


def is_leftover(name: str, modified: float) -> bool:
    """Whether a temporary file belongs to a process that has ended.

    ``modified`` is its time in seconds; a file of another computer counts after seven days.
    """
    parts = name.removeprefix(TEMPORARY).split("-")
    if not name.startswith(TEMPORARY) or len(parts) < 4 or not parts[1].isdigit():
        return False
    if parts[0] != host_mark():
        return time.time() - modified > _FOREIGN_LEFTOVER_AGE
    return not is_alive(int(parts[1]), "" if parts[2] == "0" else parts[2])


def sweep(folder: Path) -> list[str]:
    """Remove what killed processes left half-written in a folder; return the names."""
    removed = []
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith(TEMPORARY):
                continue
            with contextlib.suppress(OSError):
                if is_leftover(entry.name, entry.stat().st_mtime):
                    discard(Path(entry.path))
                    removed.append(entry.name)
    return removed


def file_hash(path: Path) -> str:
    """Return the blake2b digest (16 bytes, hexadecimal) of a file's bytes."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def discard(path: Path) -> None:
    """Remove a file if it is there and can be removed."""
    with contextlib.suppress(OSError):
        path.unlink()


def write_failure(error: BaseException, target: Path) -> BaseException:
    """Return the named error for a failed write; other errors come back as they are."""
    if isinstance(error, ActiveSuggestError) and not isinstance(error, SaveFailedError):
        return error
    if not isinstance(error, Exception):
        return error
    number = error.errno if isinstance(error, OSError) else None
    if number in _NO_ROOM or has_little_room(target.parent):
        return DiskFullError(
            f"There was no room on the disk to write {target.name}.",
            path=target,
            remedy=DISK_FULL_REMEDY,
        )
    if isinstance(error, OSError):
        return SaveFailedError(
            f"{target.name} could not be written: {error.strerror or error}.",
            path=target,
            remedy=UNWRITABLE_REMEDY,
        )
    return error


def has_little_room(folder: Path) -> bool:
    """Whether the disk is so full that a failed write needs no other explanation."""
    # Libraries report a full disk as a plain RuntimeError without a number.
    try:
        return shutil.disk_usage(folder).free < _LITTLE_ROOM
    except OSError:
        return False  # the folder itself is the trouble


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@functools.lru_cache(maxsize=4)
def _own_prefix(pid: int) -> str:
    return f"{TEMPORARY}{host_mark()}-{pid}-{process_start(pid) or 0}-"
