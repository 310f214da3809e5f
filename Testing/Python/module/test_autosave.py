"""Autosave and the time at work."""

from __future__ import annotations

import numpy as np
import pytest
from ActiveSuggestModule.activity import ActiveTime

from ActiveSuggestLib.data.labels import read_label
from ActiveSuggestLib.data.segments import parse_segments


@pytest.fixture
def opened(timed_stage, trained_pool):
    """A stage with case p03_v0 open, empty, under a clock that is set by hand."""
    timed_stage.open(trained_pool, ready=False)
    timed_stage.done(timed_stage.session.open_case("p03_v0", prefer="empty"))
    return timed_stage


def look(stage):
    """Let the watch look at the case once."""
    stage.host.process_events(0.7)


def test_edits_are_on_disk_after_half_a_minute_and_not_before(opened, trained_pool, clock):
    draft = trained_pool / "drafts" / "p03_v0.seg.nrrd"
    opened.paint("core")
    look(opened)
    assert opened.session.current.dirty
    clock.now += 29
    look(opened)
    assert not draft.exists()
    clock.now += 2
    opened.until(draft.is_file)
    array = read_label(draft, parse_segments("ball,core"), None).array
    assert np.array_equal(array, opened.scene.mask().array)
    opened.until(lambda: opened.session.current.draft_offer)
    events = opened.done(opened.session.look_up("events", kind="draft"))
    assert [event["case"] for event in events] == ["p03_v0"]


def test_what_was_not_edited_is_not_written(opened, trained_pool, clock):
    look(opened)
    clock.now += 100
    look(opened)
    assert opened.session.autosave()
    assert not (trained_pool / "drafts" / "p03_v0.seg.nrrd").exists()


def test_the_same_edits_are_written_once(opened, trained_pool, clock):
    draft = trained_pool / "drafts" / "p03_v0.seg.nrrd"
    opened.paint("core")
    assert opened.session.autosave()
    first = draft.stat().st_mtime_ns
    clock.now += 100
    look(opened)
    assert opened.session.autosave()
    assert draft.stat().st_mtime_ns == first


def test_closing_the_case_keeps_the_edits(opened, trained_pool):
    opened.paint("core")
    opened.session.close_case()
    assert (trained_pool / "drafts" / "p03_v0.seg.nrrd").is_file()
    assert opened.session.current is None


def test_looking_around_counts_as_work_until_it_stops(opened, clock):
    opened.scene.go_to_slice(2)
    look(opened)
    for index in (3, 4, 5):
        clock.now += 30
        opened.scene.go_to_slice(index)
        look(opened)
    assert opened.session.current.seconds == pytest.approx(90, abs=1)
    clock.now += 1000
    look(opened)
    assert opened.session.current.seconds == pytest.approx(90, abs=1)


def test_the_panel_can_tell_of_work_that_the_scene_does_not_show(opened, clock):
    clock.now += 50
    opened.session.note_activity()
    look(opened)
    assert opened.session.current.seconds == pytest.approx(50)


def test_a_pause_longer_than_two_minutes_does_not_count(clock):
    time = ActiveTime(clock)
    time.begin("a")
    for pause in (10, 119, 121, 5):
        clock.now += pause
        time.touch()
    assert time.seconds("a") == 134


def test_the_time_of_a_case_goes_on_where_it_was_left(clock):
    time = ActiveTime(clock)
    for case in ("a", "b", "a"):
        time.begin(case)
        clock.now += 10
        time.touch()
    assert (time.seconds("a"), time.seconds("b")) == (20, 10)
    assert time.take("a") == 20
    assert time.seconds("a") == 0
    time.give_back("a", 20)
    assert time.seconds("a") == 20


def test_nothing_counts_while_no_case_is_open(clock):
    time = ActiveTime(clock)
    time.begin("a")
    time.end()
    clock.now += 10
    time.touch()
    assert time.seconds("a") == 0
