"""Walking through a list of places or slices, round and round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from slicer.i18n import tr as _

Item = TypeVar("Item")


class Walk(Generic[Item]):
    """A position in a list; before the first step it is nowhere.

    >>> walk = Walk([7, 9])
    >>> walk.next(), walk.next(), walk.next(), walk.previous()
    (7, 9, 7, 9)
    >>> walk.position
    2
    """

    def __init__(self, items: Sequence[Item] = ()) -> None:
        self._items = list(items)
        self._index: int | None = None

    def __len__(self) -> int:
        return len(self._items)

    @property
    def position(self) -> int | None:
        """The number of the item looked at, from 1, or ``None`` before the first step."""
        return None if self._index is None else self._index + 1

    def next(self) -> Item | None:
        """Go to the next item, from the last to the first."""
        return self._step(1)

    def previous(self) -> Item | None:
        """Go to the item before, from the first to the last."""
        return self._step(-1)

    def stand_at(self, item: Item) -> None:
        """Take this item as the one looked at, if it is in the list."""
        if item in self._items:
            self._index = self._items.index(item)

    def words(self) -> str:
        """Return where it stands, such as ``3 of 12``."""
        if not self._items:
            return _("none")
        if self._index is None:
            return _("{n} in all").format(n=len(self._items))
        return _("{n} of {total}").format(n=self._index + 1, total=len(self._items))

    def _step(self, by: int) -> Item | None:
        if not self._items:
            return None
        start = (-1 if by > 0 else 0) if self._index is None else self._index
        self._index = (start + by) % len(self._items)
        return self._items[self._index]
