"""Volumes and slices in one list: what they teach, what they take, and what excludes what."""

from __future__ import annotations

import numpy as np
import pytest

from ActiveSuggestLib.strategies.base import Scores, Unit
from ActiveSuggestLib.strategies.mixed import (
    LOOKING,
    OPENING,
    Contents,
    LabelTime,
    Mixed,
    expected_effort,
    fitted_seconds,
    pick_mixed,
    slice_worth,
)


def times(a_case, a_slice, noise=0.0, count=12):
    """Return the times of a person who takes so many seconds a case and a slice."""
    rng = np.random.default_rng(0)
    found = []
    for index in range(count):
        whole = index % 2 == 0
        slices = 20 + index if whole else 1 + index % 3
        seconds = (a_case + a_slice * slices) * np.exp(noise * rng.normal())
        found.append(LabelTime(seconds, slices, whole))
    return found


def contents(entropy, wrong, slices):
    return Contents(*(np.asarray(v, float) for v in (entropy, wrong, slices)))


def test_at_first_the_effort_is_in_pixels_to_correct():
    effort = expected_effort(contents([1, 1], [10, 500], [1, 20]), times(60, 5, count=4))
    assert effort.values == pytest.approx([OPENING + LOOKING + 10, OPENING + 20 * LOOKING + 500])
    assert effort.unit == "pixels to correct"
    assert effort.words == "minutes once enough labels are timed, 4 so far"


def test_measured_minutes_are_those_that_the_person_takes():
    assert fitted_seconds(times(60, 5)) == pytest.approx((60, 5))
    a_case, a_slice = fitted_seconds(times(60, 5, noise=0.1, count=60))
    assert a_case == pytest.approx(60, rel=0.25)
    assert a_slice == pytest.approx(5, rel=0.1)
    # A volume of 20 average slices, and a slice with no more to correct than the average.
    effort = expected_effort(contents([1, 1], [2000, 100], [20, 1]), times(60, 5))
    assert effort.unit == "minutes"
    assert effort.values == pytest.approx([(60 + 100) / 60, (60 + 5) / 60])


def test_a_slice_with_more_to_correct_takes_more_minutes():
    few, many = expected_effort(contents([1, 1], [0, 300], [1, 1]), times(60, 5)).values
    assert many > few > 1


@pytest.mark.parametrize(
    "known",
    [times(60, 5)[:7], [t for t in times(60, 5, count=24) if t.whole],
     [t for t in times(60, 5, count=24) if not t.whole]],
)  # fmt: skip
def test_too_few_times_or_times_of_one_kind_say_nothing(known):
    assert fitted_seconds(known) is None


def test_no_part_of_the_time_is_negative():
    # Whole volumes were quicker than their slices would be: nothing a slice.
    odd = [LabelTime(100, 1, False)] * 6 + [LabelTime(50, 40, True)] * 6
    a_case, a_slice = fitted_seconds(odd)
    assert a_case > 0
    assert a_slice == 0


def test_slices_that_lie_close_teach_the_same():
    assert [slice_worth(h) for h in (0.5, 2.5, 5, 8)] == [0.1, 0.5, 1, 1]
    assert slice_worth(0.0) == 1


class View:
    def __init__(self, units, labelled=()):
        self.units, self.labelled = units, list(labelled)


class Pool:
    """Two volumes of three slices with given contents."""

    def __init__(self, entropy, wrong, volumes=True):
        slices = [Unit(c, c, s, 8.0 * s) for c in "ab" for s in range(3)]
        self.slices = View(slices)
        self.volumes = View([Unit(c, c) for c in "ab"]) if volumes else None
        self.entropy, self.wrong = (np.asarray(v, float) for v in (entropy, wrong))

    @property
    def units(self):
        return [*(self.volumes.units if self.volumes else []), *self.slices.units]

    def keep_common(self):
        pass

    def contents(self):
        if self.volumes is None:
            return contents(self.entropy, self.wrong, np.ones(6))
        whole = [v.reshape(2, 3).sum(axis=1) for v in (self.entropy, self.wrong)]
        return contents(
            np.concatenate([whole[0], self.entropy]),
            np.concatenate([whole[1], self.wrong]),
            [3, 3, 1, 1, 1, 1, 1, 1],
        )

    def label_times(self):
        return []


class Inner:
    """Ranks by a given value a unit; all alike without."""

    name, summary, needs_model = "inner", "x.", True

    def __init__(self, values=None):
        self.values = values

    def score(self, pool):
        values = np.ones(len(pool.units)) if self.values is None else np.asarray(self.values)
        return Scores(values, [[f"Inner {v}."] for v in values])


def ranked(pool, volumes=None, slices=None, count=1):
    mixed = Mixed(Inner(volumes), Inner(slices))
    scores = mixed.score(pool)
    return mixed.select(pool, scores, np.ones(len(pool.units), bool), count), scores


def test_where_every_slice_has_much_to_teach_the_volume_comes_first():
    # One opening serves three slices.
    picks, _ = ranked(Pool([9, 9, 9, 1, 1, 1], [50] * 6))
    assert picks == [0]


def test_one_slice_that_has_it_all_comes_before_its_volume():
    picks, _ = ranked(Pool([27, 0, 0, 1, 1, 1], [50, 900, 900, 50, 50, 50]))
    assert picks == [2]


def test_the_strategys_own_order_counts():
    pool = Pool([9] * 6, [50] * 6)
    assert ranked(pool, volumes=[1, 2])[0] == [1]
    assert ranked(pool, volumes=[2, 1])[0] == [0]


def test_reasons_tell_gain_and_effort_and_keep_the_strategys_own():
    _, scores = ranked(Pool([9, 9, 9, 1, 1, 1], [50] * 6))
    expected = 27 / (OPENING + 3 * LOOKING + 150)
    assert scores.values[0] == pytest.approx(expected)
    assert scores.reasons[0] == [
        "Expected gain 27 nats for about 540 pixels to correct, 0.05 each (minutes once enough "
        "labels are timed, 0 so far).",
        "Inner 1.0.",
    ]


def test_with_no_whole_volume_left_it_ranks_slices():
    picks, scores = ranked(Pool([1, 9, 1, 1, 1, 1], [50] * 6, volumes=False), count=2)
    assert len(scores.values) == 6
    assert picks[0] == 1


def test_a_volume_and_its_slices_exclude_each_other_and_patients_differ():
    units = [Unit("a", "p"), Unit("b", "p"), Unit("c", "q")]
    units += [Unit(c, {"c": "q"}.get(c, "p"), s, 8.0 * s) for c in "abc" for s in range(2)]
    assert pick_mixed([0, 3, 1, 2], units, [], 2) == [0, 2]
    assert pick_mixed([3, 0, 1], units, [], 2) == [3, 1]
    assert pick_mixed([0, 3, 4], units, [], 3) == [0]


def test_slices_keep_their_distance_while_others_are_left():
    units = [Unit("a", "p", s, float(s)) for s in range(12)]
    near = [Unit("a", "p", 0, 0.0)]
    picks = pick_mixed(list(range(1, 12)), units, near, 2)
    assert picks == [5, 10]
