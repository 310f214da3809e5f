"""What the worker and its caller say to each other: JSON, one message a line, UTF-8.

Imported by Slicer's own process: the standard library only. The JSON is written in ASCII with
escapes, so neither a code page nor a file name that is not valid Unicode can break a line.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import Enum
from pathlib import PurePath
from typing import Any, ClassVar

PROTOCOL_VERSION = 1
MAX_LINE_BYTES = 64 * 1024 * 1024
MAX_LOG_CHARACTERS = 4000


@dataclass(frozen=True)
class Request:
    """The caller wants something done; ``id`` is the caller's own and comes back in the answer."""

    id: int
    method: str
    params: dict[str, Any] = field(default_factory=dict)
    type: ClassVar[str] = "request"


@dataclass(frozen=True)
class ProgressMessage:
    """How far a running request is; ``remaining_seconds`` is ``None`` while there is no pace."""

    id: int
    done: float
    total: float
    message: str = ""
    remaining_seconds: float | None = None
    data: dict[str, Any] = field(default_factory=dict)
    type: ClassVar[str] = "progress"


@dataclass(frozen=True)
class Result:
    """A request was done."""

    id: int
    value: Any = None
    type: ClassVar[str] = "result"


@dataclass(frozen=True)
class Failure:
    """A request could not be done; ``id`` is ``None`` where no request could be made out.

    ``error`` has the form of ``ActiveSuggestError.to_dict`` (kind, message, case, path, remedy)
    and, for what nobody foresaw, ``details``: the worker's own traceback.
    """

    id: int | None
    error: dict[str, Any]
    type: ClassVar[str] = "failure"


@dataclass(frozen=True)
class Notice:
    """Something worth telling a person that is not the answer to a request."""

    kind: str
    message: str
    data: dict[str, Any] = field(default_factory=dict)
    type: ClassVar[str] = "notice"


@dataclass(frozen=True)
class Hello:
    """The worker's first message: it is up and the project is open.

    ``device`` is the device that was asked for, or ``None`` until the notice ``ready`` names the
    one that was chosen (finding it loads torch, which takes seconds).
    """

    version: str
    pid: int
    device: str | None = None
    protocol: int = PROTOCOL_VERSION
    type: ClassVar[str] = "hello"


@dataclass(frozen=True)
class LogLine:
    """A line that was no message: shown in the log, never fatal."""

    text: str
    type: ClassVar[str] = "log"


Message = Request | ProgressMessage | Result | Failure | Notice | Hello | LogLine

_CLASSES: dict[str, type[Any]] = {
    c.type: c for c in (Request, ProgressMessage, Result, Failure, Notice, Hello, LogLine)
}
_FIELD_TYPES: dict[str, tuple[type, ...]] = {
    "id": (int,),
    "method": (str,),
    "params": (dict,),
    "done": (int, float),
    "total": (int, float),
    "remaining_seconds": (int, float, type(None)),
    "message": (str,),
    "data": (dict,),
    "error": (dict,),
    "kind": (str,),
    "version": (str,),
    "pid": (int,),
    "protocol": (int,),
    "device": (str, type(None)),
    "text": (str,),
}


def plain(value: Any) -> Any:
    """Return ``value`` as what JSON knows: NaN and infinity become ``None``, paths become text.

    Takes tuples, sets, enums, dataclasses, objects with ``to_dict``, and numpy scalars and arrays
    (by their ``tolist``). Raises ``TypeError`` for anything else.
    """
    if value is None or (isinstance(value, (str, bool, int)) and not isinstance(value, Enum)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return plain(_unwrapped(value))


def _unwrapped(value: Any) -> Any:
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, AbstractSet):
        return sorted(value, key=str)
    for name in ("to_dict", "tolist", "isoformat"):
        method = getattr(value, name, None)
        if callable(method) and not isinstance(value, type):
            return method()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


def _key(key: Any) -> str:
    return key if isinstance(key, str) else str(plain(key))


def to_json(value: Any, *, indent: int | None = None) -> str:
    """Return ``value`` as JSON text in ASCII, by the rules of ``plain``."""
    return json.dumps(plain(value), allow_nan=False, indent=indent)


def encode(message: Message) -> bytes:
    """Return the message as one line of bytes, newline included."""
    form = {f.name: getattr(message, f.name) for f in dataclasses.fields(message)}
    return to_json({"type": message.type, **form}).encode("ascii") + b"\n"


def decode(line: bytes) -> Message:
    """Return the message of one line; what is no message becomes a ``LogLine``."""
    text = line.decode("utf-8", errors="replace").rstrip("\r\n")
    try:
        form = json.loads(text)
        cls = _CLASSES[form.pop("type")]
        known = {f.name for f in dataclasses.fields(cls)}
        # A later version may add fields; those of this version must be right.
        message: Message = cls(**{name: value for name, value in form.items() if name in known})
        _check(message)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return LogLine(text[:MAX_LOG_CHARACTERS])
    return message


def _check(message: Message) -> None:
    for item in dataclasses.fields(message):
        value, types = getattr(message, item.name), _FIELD_TYPES.get(item.name)
        if types is None or (value is None and isinstance(message, Failure) and item.name == "id"):
            continue
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise TypeError(item.name)


class Decoder:
    """Turn chunks of bytes, cut anywhere, into messages.

    A line longer than ``max_line`` bytes is not kept: its beginning comes back as a ``LogLine``
    and the rest of it is passed over, so that memory stays bounded.
    """

    def __init__(self, max_line: int = MAX_LINE_BYTES) -> None:
        self._max_line = max_line
        self._buffer = bytearray()
        self._searched = 0
        self._skipping = False

    def feed(self, chunk: bytes) -> list[Message]:
        """Take the next bytes and return the messages that they complete."""
        self._buffer += chunk
        messages: list[Message] = []
        start = 0
        while (end := self._buffer.find(b"\n", max(self._searched, start))) >= 0:
            line = bytes(self._buffer[start:end])
            start = end + 1
            if self._skipping:
                self._skipping = False
            elif len(line) > self._max_line:
                messages.append(_overlong(line))
            elif line.strip():
                messages.append(decode(line))
        del self._buffer[:start]
        if len(self._buffer) > self._max_line:
            if not self._skipping:
                messages.append(_overlong(bytes(self._buffer[: 4 * MAX_LOG_CHARACTERS])))
            self._skipping = True
        if self._skipping:
            self._buffer.clear()
        self._searched = len(self._buffer)
        return messages

    def close(self) -> list[Message]:
        """Return what a sender that died left behind without a newline."""
        return self.feed(b"\n") if self._buffer else []


def _overlong(line: bytes) -> LogLine:
    text = line[: 4 * MAX_LOG_CHARACTERS].decode("utf-8", errors="replace")
    return LogLine(text[:MAX_LOG_CHARACTERS] + " … (a line too long to be a message)")
