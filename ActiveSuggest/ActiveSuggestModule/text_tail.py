"""The end of a long text, within a bound."""

from __future__ import annotations

from collections import deque

LOG_BYTES = 256 * 1024


class TextTail:
    """Keep the last ``limit`` bytes of what is appended.

    >>> tail = TextTail(limit=8)
    >>> tail.append(b"one two ")
    >>> tail.append(b"three")
    >>> tail.text()
    'wo three'
    """

    def __init__(self, limit: int = LOG_BYTES) -> None:
        self._limit = limit
        self._chunks: deque[bytes] = deque()
        self._size = 0

    def append(self, chunk: bytes) -> None:
        """Add bytes of UTF-8; a character cut in two by the bound is shown as a sign for it."""
        chunk = chunk[-self._limit :]
        self._chunks.append(chunk)
        self._size += len(chunk)
        while self._size > self._limit:
            surplus = self._size - self._limit
            oldest = self._chunks.popleft()
            self._size -= len(oldest)
            if surplus < len(oldest):
                self._chunks.appendleft(oldest[surplus:])
                self._size += len(oldest) - surplus

    def text(self) -> str:
        """Return what is kept."""
        return b"".join(self._chunks).decode("utf-8", errors="replace")

    def last_lines(self, count: int) -> str:
        """Return the last ``count`` lines."""
        return "\n".join(self.text().splitlines()[-count:])
