"""Which request comes next."""

from __future__ import annotations

import threading

from ActiveSuggestLib.messages import Request
from ActiveSuggestLib.serving.requests import LONG, aside_rank, urgency
from ActiveSuggestLib.serving.tasks import Task, ThrottledProgress
from ActiveSuggestLib.serving.waiting import WaitingTasks


def task(number: int, method: str = "suggest", **params: object) -> Task:
    request = Request(number, method, params)
    return Task(request, ThrottledProgress(number, lambda _message: None))


def taken(lane: WaitingTasks, count: int) -> list[int]:
    found = [lane.take() for _ in range(count)]
    return [one.request.id for one in found if one is not None]


def test_tasks_come_as_they_were_asked_for() -> None:
    lane = WaitingTasks()
    for number in (3, 1, 2):
        lane.put(task(number))
    assert taken(lane, 3) == [3, 1, 2]


def test_what_someone_waits_for_comes_before_what_is_prefetched_and_pictures_last() -> None:
    lane = WaitingTasks(aside_rank)
    lane.put(task(1, "thumbnail", case="a"))
    lane.put(task(2, "prepare", case="b"))
    lane.put(task(3, "prepare", case="c"))
    lane.put(task(4, "prepare", case="d", urgent=True))
    assert taken(lane, 4) == [4, 2, 3, 1]


def test_a_lane_that_is_closed_gives_what_is_left_and_then_nothing() -> None:
    lane = WaitingTasks()
    lane.put(task(1))
    lane.close()
    assert taken(lane, 1) == [1]
    assert lane.take() is None


def test_a_thread_that_waits_wakes_for_a_task_and_for_the_end() -> None:
    lane, found = WaitingTasks(), []

    def work() -> None:
        while (one := lane.take()) is not None:
            found.append(one.request.id)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    lane.put(task(5))
    lane.close()
    thread.join(10)
    assert not thread.is_alive()
    assert found == [5]


def test_only_what_is_wanted_is_taken_and_a_cancelled_one_does_not_count_as_waiting() -> None:
    lane = WaitingTasks()
    lane.put(task(1, "fine_tune"))
    lane.put(task(2, "predict", case="a"))

    def wanted(request: Request) -> bool:
        return urgency(request) > 0

    assert lane.has(wanted)
    found = lane.take_if(wanted)
    assert found is not None
    assert found.request.id == 2
    assert lane.take_if(wanted) is None
    cancelled = task(3, "predict", case="a")
    cancelled.answered = True
    lane.put(cancelled)
    assert not lane.has(wanted)


def test_a_case_to_be_shown_is_more_urgent_than_lists_and_those_than_learning() -> None:
    one, many = Request(1, "predict", {"case": "a"}), Request(2, "predict", {"cases": ["a"]})
    lists = [Request(3, name, {}) for name in ("suggest", "score", "rescan", "import_labels")]
    learning = [Request(4, name, {}) for name in ("fine_tune", "train", "rollback", "replan")]
    assert {urgency(r) for r in lists} == {urgency(many)}
    assert all(urgency(one) > urgency(many) > urgency(r) for r in learning)
    named = {r.method for r in (one, many, *lists, *learning)}
    assert named == set(LONG)
