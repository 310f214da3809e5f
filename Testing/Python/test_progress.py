"""The time left: from the pace of now, and honest after a start where much was done already."""

from __future__ import annotations

import pytest

from ActiveSuggestLib.progress import Estimate


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def estimates(reports: list[tuple[float, float]], total: float = 100.0) -> list[float | None]:
    """Return the estimates after reports of (seconds since the last one, done)."""
    clock = Clock()
    estimate = Estimate(clock)
    found = []
    for seconds, done in reports:
        clock.now += seconds
        found.append(estimate.remaining(done, total))
    return found


def test_there_is_no_estimate_before_a_pace() -> None:
    assert estimates([(0, 0), (5, 0), (5, 0)]) == [None, None, None]
    assert estimates([(0, 40)]) == [None]


def test_an_even_pace_is_told_exactly() -> None:
    found = estimates([(0, 0), *((3.0, done) for done in range(1, 101))])
    for done, seconds in enumerate(found[1:], 1):
        assert seconds == pytest.approx(3.0 * (100 - done))


def test_what_was_done_before_counts_for_little_after_a_while() -> None:
    resumed = [(0, 0), *((0.01, done) for done in range(1, 61))]
    found = estimates([*resumed, *((10.0, done) for done in range(61, 71))])
    assert found[60] is not None
    assert found[60] < 1
    assert found[-1] == pytest.approx(300.0, rel=0.01)


def test_a_pace_that_changes_is_followed() -> None:
    fast = [(0, 0), *((1.0, done) for done in range(1, 31))]
    found = estimates([*fast, *((4.0, done) for done in range(31, 61))])
    assert found[30] == pytest.approx(70.0)
    assert found[-1] == pytest.approx(160.0, rel=0.1)


def test_a_new_task_begins_anew() -> None:
    assert estimates([(0, 0), (10, 50), (1, 0), (2, 10)])[2:] == [None, 18.0]


def test_many_reports_are_few_to_remember() -> None:
    clock = Clock()
    estimate = Estimate(clock)
    for done in range(100_000):
        clock.now += 0.01
        estimate.remaining(done, 100_000)
    assert len(estimate._reports) < 200
    assert estimate.remaining(100_000 - 100, 100_000) == pytest.approx(1.0, rel=0.05)
