"""The tables of a report: every figure once, the best marked, narrow enough for the page."""

from __future__ import annotations

import re
from pathlib import Path

from ActiveSuggestLib.reporting.dice_tables import MOST_COLUMNS, curve_table
from ActiveSuggestLib.simulating.curves import RoundRecord, SimulationResult

ROW = re.compile(r"<tr>(.*?)</tr>")
CELL = re.compile(r"<t[hd][^>]*>(.*?)</t[hd]>")
TAG = re.compile(r"<[^>]+>")


def result(folder: Path, names: list[str], rounds: int) -> SimulationResult:
    """Return curves of which the first strategy's is the best in every round but the first."""
    records = [
        RoundRecord(
            seed=seed, strategy=name, round=number, labelled_cases=number, labelled_units=number,
            queries=(), scores={"test-0": {"lung": 0.5 + 0.01 * (number - 1) / (place + 1)}},
            training={}, seconds={}, plan="",
        )
        for seed in (0, 1)
        for place, name in enumerate(names)
        for number in range(1, rounds + 1)
    ]  # fmt: skip
    settings = {
        "strategies": names, "seeds": [0, 1], "unit": "slice", "rounds": rounds,
        "batch": 1, "initial": 0, "steps": None, "segments": [],
    }  # fmt: skip
    split = {"pool": [], "test": ["test-0"], "initial": []}
    return SimulationResult(folder, settings, tuple(records), {0: split, 1: split})


def read(page: str) -> list[list[str]]:
    """Return the text of each row's cells, small figures left out."""
    page = re.sub(r"<small>.*?</small>", "", page)
    return [[TAG.sub("", cell) for cell in CELL.findall(row)] for row in ROW.findall(page)]


def test_a_few_rounds_stand_beside_each_other(tmp_path: Path) -> None:
    page = curve_table(result(tmp_path, ["a", "b"], 3))
    assert read(page) == [
        ["labelled", "1 slice", "2 slices", "3 slices"],
        ["a", "0.500", "0.510", "0.520"],
        ["b", "0.500", "0.505", "0.510"],
    ]
    assert "stacked" not in page
    # Nobody is the best of the first round, where all are equal.
    assert page.count('class="best"') == 2


def test_many_rounds_stand_below_each_other_where_there_are_fewer_strategies(
    tmp_path: Path,
) -> None:
    page = curve_table(result(tmp_path, ["a", "b"], 9))
    rows = read(page)
    assert rows[0] == ["labelled", "a", "b"]
    assert rows[9] == ["9 slices", "0.580", "0.540"]
    assert len(rows) == 10
    assert "stacked" not in page


def test_intervals_stand_below_the_means_where_both_are_many(tmp_path: Path) -> None:
    names = [f"s{number}" for number in range(12)]
    page = curve_table(result(tmp_path, names, 9))
    rows = read(page)
    assert [row[0] for row in rows[1:]] == names
    assert len(rows[0]) == 1 + 9 > MOST_COLUMNS
    assert '<table class="stacked">' in page
