"""Sample data: one click makes a demo pool and a project on it, in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def test_the_demo_is_registered_once_with_a_picture(slicer_host: Any) -> None:
    import slicer
    from ActiveSuggestModule import sample_data

    sample_data.register(lambda _folder: None)
    sample_data.register(lambda _folder: None)

    sources = slicer.modules.sampleDataSources["ActiveSuggest"]
    assert [source.sampleName for source in sources] == [sample_data.SAMPLE_NAME]
    picture = Path(sources[0].thumbnailFileName)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_click_makes_the_demo_and_opens_its_project(
    slicer_host: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import slicer
    from ActiveSuggestModule import sample_data

    from ActiveSuggestLib.data.project import Project

    monkeypatch.setattr(sample_data, "demo_folder", lambda: tmp_path / "demo with a blank")
    monkeypatch.setattr(sample_data, "CASES", 4)
    monkeypatch.setattr(sample_data, "LABELLED", 2)
    monkeypatch.setattr(slicer.util, "selectModule", lambda _name: None)
    said: list[str] = []
    monkeypatch.setattr(sample_data, "_say", said.append)
    opened: list[Path] = []
    sample_data.register(opened.append)

    slicer.modules.sampleDataSources["ActiveSuggest"][0].customDownloader(None)
    slicer_host.wait_until(lambda: opened, 120, "the demo's project")

    assert opened == [tmp_path / "demo with a blank" / "project"]
    with Project.open(opened[0]) as project:
        assert project.counts()["labelled"] == 2
        assert project.counts()["unlabelled"] == 2
    assert any("Making patient" in sentence for sentence in said)
    assert "project" in said[-1]


def test_a_demo_that_is_there_is_opened_again_with_its_labels(
    slicer_host: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ActiveSuggestModule import sample_data

    monkeypatch.setattr(sample_data, "CASES", 2)
    monkeypatch.setattr(sample_data, "LABELLED", 1)
    made: list[Path] = []
    sample_data.make_demo(tmp_path / "demo", made.append, lambda _sentence: None)
    slicer_host.wait_until(lambda: made, 120, "the demo")
    keepsake = made[0] / "labels" / "keepsake.txt"
    keepsake.write_text("mine")

    sample_data.make_demo(tmp_path / "demo", made.append, lambda _sentence: None)
    slicer_host.wait_until(lambda: len(made) == 2, 120, "the demo again")

    assert made[1] == made[0]
    assert keepsake.read_text() == "mine"


def test_what_keeps_the_demo_from_being_made_is_said(
    slicer_host: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ActiveSuggestModule import sample_data

    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "something.txt").write_text("else")
    said: list[str] = []
    made: list[Path] = []

    maker = sample_data.make_demo(tmp_path / "taken", made.append, said.append)
    slicer_host.wait_until(lambda: maker.failure, 60, "the failure")

    assert not made
    assert not maker.is_running
    assert str(tmp_path / "taken") in said[-1]
    assert "holds other files" in said[-1]

    monkeypatch.setattr(sample_data, "slicer_python", lambda: str(tmp_path / "no such python"))
    maker = sample_data.make_demo(tmp_path / "fresh", made.append, said.append)
    slicer_host.wait_until(lambda: maker.failure, 60, "the failure to start")
    assert not maker.is_running
