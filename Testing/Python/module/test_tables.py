"""Score tables in the scene."""

from __future__ import annotations

import numpy as np
from ActiveSuggestModule.tables import show_scores

ROWS = [
    {"rank": 1, "case": "case-9", "score": 0.75, "slice": 4, "reasons": ["unsure", "rare"]},
    {"rank": 2, "case": "Fälle 10", "score": 1, "slice": None, "reasons": []},
]


def columns(node) -> dict:
    table = node.GetTable()
    return {
        table.GetColumnName(i): [
            table.GetColumn(i).GetValue(row) for row in range(table.GetNumberOfRows())
        ]
        for i in range(table.GetNumberOfColumns())
    }


def test_columns_keep_their_order_names_and_types(world):
    node = show_scores(world.scene, ROWS, "Scores")
    found = columns(node)
    assert list(found) == ["rank", "case", "score", "slice", "reasons"]
    assert found["rank"] == [1, 2]
    assert node.GetTable().GetColumnByName("rank").GetDataTypeAsString() == "int"
    assert found["case"] == ["case-9", "Fälle 10"]
    assert found["score"] == [0.75, 1.0]
    assert node.GetTable().GetColumnByName("score").GetDataTypeAsString() == "double"
    assert found["reasons"] == ["unsure; rare", ""]


def test_a_missing_number_is_not_a_number(world):
    found = columns(show_scores(world.scene, ROWS, "Scores"))
    assert found["slice"][0] == 4
    assert np.isnan(found["slice"][1])


def test_a_column_without_any_value_is_empty_text(world):
    found = columns(show_scores(world.scene, [{"a": None}, {"a": None, "b": True}], "Scores"))
    assert found == {"a": ["", ""], "b": ["", "yes"]}


def test_large_numbers_are_not_cut(world):
    assert columns(show_scores(world.scene, [{"bytes": 2**40}], "Scores")) == {"bytes": [2**40]}


def test_no_rows_give_an_empty_table(world):
    node = show_scores(world.scene, [], "Scores")
    assert node.GetScene() is world.scene
    assert node.GetNumberOfColumns() == 0


def test_a_second_table_has_a_name_of_its_own(world):
    first = show_scores(world.scene, ROWS, "Scores")
    second = show_scores(world.scene, ROWS, "Scores")
    assert first.GetName() == "Scores"
    assert second.GetName() != "Scores"
    assert columns(first) is not columns(second)
