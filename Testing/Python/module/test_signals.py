"""Signals in plain Python."""

from __future__ import annotations

import sys

from ActiveSuggestModule.signals import Signal


def test_slots_are_called_in_the_order_of_their_connection():
    heard = []
    changed = Signal()
    changed.connect(lambda value: heard.append(("first", value)))
    changed.connect(lambda value: heard.append(("second", value)))
    changed.emit(3)
    assert heard == [("first", 3), ("second", 3)]


def test_a_slot_connected_twice_is_called_once():
    heard = []
    changed = Signal()
    changed.connect(heard.append)
    changed.connect(heard.append)
    changed.emit("x")
    assert heard == ["x"]


def test_a_failing_slot_is_reported_and_keeps_nobody_from_hearing():
    heard, failed = [], []
    changed = Signal(lambda error, slot: failed.append((str(error), slot)))

    def fail(_value):
        raise ValueError("no")

    changed.connect(fail)
    changed.connect(heard.append)
    changed.emit(1)
    assert heard == [1]
    assert failed == [("no", fail)]


def test_without_a_listener_for_errors_they_go_to_the_standard_error(capsys):
    changed = Signal()
    changed.connect(lambda: 1 / 0)
    changed.emit()
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_slot_disconnected_by_an_earlier_one_is_passed_over():
    heard = []
    changed = Signal()

    def late():
        heard.append("late")

    changed.connect(lambda: changed.disconnect(late))
    changed.connect(late)
    changed.emit()
    assert heard == []


def test_a_slot_connected_during_an_emission_hears_the_next_one():
    heard = []
    changed = Signal()

    def add():
        changed.connect(heard.append)

    first = Signal()
    first.connect(add)
    changed.connect(lambda value: first.emit())
    changed.emit(1)
    assert heard == []
    changed.emit(2)
    assert heard == [2]


def test_signals_need_no_qt():
    assert "qt" not in vars(sys.modules["ActiveSuggestModule.signals"])
