"""The learning curve as the panel draws it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from ActiveSuggestLib.serving.curve import learning_curve


def project(folder: Path, *events: SimpleNamespace, **records: dict[str, object]) -> object:
    (folder / "models").mkdir()
    for name, record in records.items():
        text = json.dumps({"version": int(name[1:]), **record})
        (folder / "models" / f"{name}.json").write_text(text, encoding="utf-8")
    return SimpleNamespace(folder=folder, events=lambda kind: [e for e in events if e.kind == kind])


def test_a_model_is_a_point_with_the_spread_over_its_validation_cases(tmp_path: Path) -> None:
    dice = {"a": 0.8, "b": 0.7, "c": 0.9}
    record = {
        "created": 5.0,
        "labels": {"x": "1", "y": "2"},
        "dice": dice,
        "validation_dice": 0.8,
        "validation_cases": 3,
        "accepted": False,
        "reason": "Rolled back.",
    }
    (point,) = learning_curve(project(tmp_path, v1=record))["models"]
    reach = 4.302653 * np.std(list(dice.values()), ddof=1) / np.sqrt(3)
    assert point["interval"] == pytest.approx([0.8 - reach, min(1.0, 0.8 + reach)], abs=1e-5)
    assert point == {
        "version": 1,
        "created": 5.0,
        "labels": 2,
        "validation_dice": 0.8,
        "validation_cases": 3,
        "accepted": False,
        "reason": "Rolled back.",
        "interval": point["interval"],
    }


def test_one_validation_case_has_no_spread(tmp_path: Path) -> None:
    (point,) = learning_curve(project(tmp_path, v1={"dice": {"a": 0.8}}))["models"]
    assert point["interval"] is None


def test_an_interval_never_leaves_what_dice_can_be(tmp_path: Path) -> None:
    (point,) = learning_curve(project(tmp_path, v1={"dice": {"a": 0.2, "b": 1.0}}))["models"]
    assert point["interval"] == [0.0, 1.0]


def test_proposals_are_told_with_the_labels_that_judged_them(tmp_path: Path) -> None:
    judged = SimpleNamespace(kind="prequential", case="a", time=7.0, data={"dice": 0.6, "model": 2})
    other = SimpleNamespace(kind="saved", case="b", time=8.0, data={})
    found = learning_curve(project(tmp_path, judged, other))
    assert found == {
        "models": [],
        "prequential": [{"case": "a", "dice": 0.6, "model": 2, "time": 7.0}],
    }
