"""Active time: what a person spent on a case, without the coffee."""

from __future__ import annotations

from collections.abc import Callable

IDLE_SECONDS = 120.0


class ActiveTime:
    """Seconds of work by case; a pause longer than ``IDLE_SECONDS`` does not count.

    The time of a case goes on where it was left until ``take`` hands it over with a label.
    """

    def __init__(self, clock: Callable[[], float], idle_seconds: float = IDLE_SECONDS) -> None:
        self._clock = clock
        self._idle = idle_seconds
        self._spent: dict[str, float] = {}
        self._case: str | None = None
        self._last = 0.0

    def begin(self, case: str) -> None:
        """A case is on the screen from now on."""
        self._case, self._last = case, self._clock()

    def touch(self) -> None:
        """The person did something just now: what lies since the last time counts, if short."""
        if self._case is None:
            return
        now = self._clock()
        if now - self._last <= self._idle:
            self._spent[self._case] = self._spent.get(self._case, 0.0) + now - self._last
        self._last = now

    def end(self) -> None:
        """No case is on the screen any more."""
        self._case = None

    def seconds(self, case: str) -> float:
        """Return the seconds spent on a case since its last label."""
        return self._spent.get(case, 0.0)

    def take(self, case: str) -> float:
        """Return the seconds spent on a case, and begin to count anew."""
        return self._spent.pop(case, 0.0)

    def give_back(self, case: str, seconds: float) -> None:
        """Undo ``take``: the label was not saved."""
        self._spent[case] = self._spent.get(case, 0.0) + seconds
