"""What a project tells of itself without torch."""

from __future__ import annotations

import json
from pathlib import Path

from ActiveSuggestLib.serving.overview import current_model, model_records, plan_reasons


def write_records(folder: Path, *records: dict[str, object]) -> None:
    (folder / "models").mkdir()
    for record in records:
        path = folder / "models" / f"v{record['version']}.json"
        path.write_text(json.dumps(record), encoding="utf-8")


def test_the_newest_accepted_model_is_the_current_one(tmp_path: Path) -> None:
    write_records(
        tmp_path,
        {"version": 2, "accepted": True},
        {"version": 10, "accepted": False},
        {"version": 9, "accepted": True},
    )
    assert [record["version"] for record in model_records(tmp_path)] == [2, 9, 10]
    assert current_model(tmp_path) == {"version": 9, "accepted": True}


def test_a_project_without_models_has_none(tmp_path: Path) -> None:
    assert model_records(tmp_path) == []
    assert current_model(tmp_path) is None
    assert plan_reasons(tmp_path) == []


def test_damaged_and_foreign_records_are_passed_over(tmp_path: Path) -> None:
    write_records(tmp_path, {"version": 1, "accepted": True})
    models = tmp_path / "models"
    (models / "v2.json").write_bytes(b'{"version": 2, "acc')
    (models / "v3.json").write_bytes(b"[1, 2]")
    (models / "v4.json").write_bytes(b"\xff\xfe")
    (models / "vision.json").write_text('{"accepted": true}', encoding="utf-8")
    assert [record["version"] for record in model_records(tmp_path)] == [1]


def test_the_plan_is_told_in_its_own_sentences(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    text = json.dumps({"reasons": ["A 3D network.", "Spacing 1 mm."]})
    (tmp_path / "models" / "plan.json").write_text(text, encoding="utf-8")
    assert plan_reasons(tmp_path) == ["A 3D network.", "Spacing 1 mm."]
