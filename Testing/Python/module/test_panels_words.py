"""Numbers and states are said as a person reads them."""

from __future__ import annotations

import pytest
from ActiveSuggestModule.jobs import Job
from ActiveSuggestModule.panels import words
from ActiveSuggestModule.panels.terminology import term_name
from ActiveSuggestModule.panels.walk import Walk


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (45, "45 s"), (89, "89 s"), (90, "2 min"), (3500, "58 min"), (3900, "1 h 5 min")],
)
def test_a_duration_is_said_with_one_or_two_units(seconds, said):
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (3, "a few seconds left"),
        (23, "about 25 s left"),
        (100, "about 2 min left"),
        (400, "about 7 min left"),
    ],
)
def test_an_estimate_is_rounded_to_what_it_is_worth(seconds, said):
    assert words.remaining(seconds) == said


def test_the_clock_counts_minutes_and_hours():
    assert [words.clock(s) for s in (5.9, 312, 3725)] == ["0:05", "5:12", "1:02:05"]


def test_a_job_says_how_far_it_is():
    job = Job("suggest", "running", 12, 80, "scoring", 21.0)
    assert words.progress(job) == "scoring · 12 of 80 · about 20 s left"
    assert words.progress(Job("suggest", "queued")) == "Waiting for its turn…"
    assert words.progress(Job("suggest", "cancelling", 1, 2)) == "Stopping…"
    assert words.progress(Job("suggest", "running")) == "Working…"


def test_a_share_that_is_no_count_is_not_said_as_one():
    assert words.progress(Job("fine_tune", "running", 0.5, 1.0, "training")) == "training"


def test_counts_leave_out_the_states_that_no_case_is_in():
    numbers = {"unlabelled": 9, "labelled": 3, "draft": 0, "excluded": 1}
    assert words.counts(numbers) == "13 cases: 3 labelled, 9 unlabelled, 1 left out"
    assert words.counts({"unlabelled": 1}) == "1 case: 1 unlabelled"


def test_a_gpu_is_shown_with_its_free_memory_of_now():
    facts = {
        "kind": "gpu",
        "description": "NVIDIA RTX 4090, 9.0 of 24.0 GiB free",
        "free_bytes": 20 * 2**30,
        "total_bytes": 24 * 2**30,
    }
    said = words.device("ready", facts)
    assert said == "GPU: NVIDIA RTX 4090, 20.0 GB of 24.0 GB free"


def test_the_cpu_is_shown_with_the_reason_once():
    why = "this build of torch has no CUDA"
    said = words.device(
        "ready", {"kind": "cpu", "description": f"CPU, 8 threads ({why})", "why": why}
    )
    assert said == f"CPU, 8 threads ({why})"
    assert (
        words.device("ready", {"kind": "cpu", "description": "CPU", "why": why}) == f"CPU ({why})"
    )


@pytest.mark.parametrize("state", ["starting", "creating", "open", "no-learner", "dead"])
def test_every_state_of_the_worker_without_a_device_is_said(state):
    assert words.device(state, None)


def test_slices_are_written_as_ranges_and_read_back():
    numbers = (10, 11, 12, 20, 3)
    assert words.slices(numbers) == "3, 10-12, 20"
    assert words.parse_slices(words.slices(numbers)) == (3, 10, 11, 12, 20)
    assert words.slices(numbers, shown=2) == "3, 10-12, …"


@pytest.mark.parametrize("text", ["", " , ", "ten", "3-", "1.5", "-4"])
def test_what_is_no_list_of_slices_is_refused_with_a_sentence(text):
    with pytest.raises(ValueError, match=r"slice|Write"):
        words.parse_slices(text)


def test_a_slice_that_the_volume_does_not_have_is_refused():
    assert words.parse_slices("15", count=16) == (15,)
    with pytest.raises(ValueError, match="from 0 to 15"):
        words.parse_slices("14-16", count=16)


def test_a_range_may_be_written_backwards():
    assert words.parse_slices("5 - 3") == (3, 4, 5)


def test_a_terminology_entry_has_a_readable_name():
    entry = (
        "Segmentation category and type - 3D Slicer General Anatomy list"
        "~SCT^123037004^Anatomical Structure~SCT^10200004^Liver~^^~Anatomic codes~^^~^^"
    )
    assert term_name(entry) == "Liver"
    assert term_name("") == ""
    assert term_name(entry.replace("Liver~^^", "Kidney~SCT^7771000^Left")) == "Kidney, Left"


def test_a_walk_goes_round():
    walk = Walk([7, 9, 4])
    assert walk.words() == "3 in all"
    assert [walk.next() for _ in range(4)] == [7, 9, 4, 7]
    assert (walk.previous(), walk.words()) == (4, "3 of 3")


def test_a_walk_begins_at_its_end_when_it_goes_back():
    assert Walk([7, 9, 4]).previous() == 4


def test_a_walk_through_nothing_stays_nowhere():
    walk: Walk[int] = Walk()
    assert (walk.next(), walk.position, walk.words()) == (None, None, "none")


def test_a_walk_goes_on_from_where_one_stands():
    walk = Walk([7, 9, 4])
    walk.stand_at(9)
    walk.stand_at(100)
    assert (walk.words(), walk.next()) == ("2 of 3", 4)
