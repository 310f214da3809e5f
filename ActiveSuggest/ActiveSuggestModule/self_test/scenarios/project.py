"""Projects: made, opened, and shared."""

from __future__ import annotations

from pathlib import Path

import qt
import slicer

from .. import worker_packages
from ..bench import CASES, LABELLED, Bench


def the_worker_has_what_it_needs(bench: Bench) -> None:
    """The packages of the worker are there, or are installed without replacing anything."""
    worker_packages.ensure(bench.say)


def the_panel_opens(bench: Bench) -> None:
    """The module's panel opens, with every section and no project."""
    bench.enter()
    bench.session.close()
    ui = bench.ui
    for name in ("project", "suggest", "edit", "save", "learning"):
        assert hasattr(ui, f"{name}Section"), f"the section {name} is missing"
    bench.wait(lambda: not ui.suggestButton.enabled, "Suggest next to wait for a project", 10)


def a_folder_of_images_becomes_a_project(bench: Bench) -> None:
    """A folder of images becomes a project, with labels that exist taken in."""
    bench.done(bench.session.create(bench.spec()), "the project to be made")
    bench.ready()
    session = bench.session
    counts = session.overview["counts"]
    assert counts["labelled"] == LABELLED, counts
    assert counts["unlabelled"] == CASES - LABELLED, counts
    assert [segment.name for segment in session.segments] == ["ball", "core"]
    assert session.device, "the device is not known"
    assert session.device["description"]
    bench.wait(lambda: bench.ui.projectDevice.text, "the device to be shown", 10)
    bench.learn(after_save=False)


def a_project_is_opened_again(bench: Bench) -> None:
    """A project is closed and opened again, and stands among the recent ones."""
    bench.ready()
    before = dict(bench.session.overview["counts"])
    bench.session.close()
    assert bench.session.folder is None
    bench.ready()
    assert bench.session.overview["counts"] == before
    assert Path(bench.session.recent[0]) == bench.project


def a_second_session_gets_other_cases(bench: Bench) -> None:
    """Two sessions on one project get different cases, and each is told of the other."""
    from ...scene.case_scene import CaseScene
    from ...session import Session

    bench.ready()
    ours = {row.case for row in bench.suggest(count=2)}
    other = Session(CaseScene(slicer.vtkMRMLScene()), settings=qt.QSettings())
    notices: list[str] = []
    other.notice.connect(notices.append)
    try:
        bench.done(other.open(bench.project), "the second session to open")
        bench.wait(lambda: other.worker_state == "ready", "the second learner")
        bench.done(other.suggest("random", "volume", 2), "suggestions in the second session")
        theirs = {row.case for row in other.suggestions}
        assert theirs, "the second session got no case"
        assert not ours & theirs, f"both sessions were given {ours & theirs}"
        assert any("session" in notice for notice in notices), notices
    finally:
        other.close()
        other.shut_down()


def the_demo_is_made(bench: Bench) -> None:
    """The sample data make a demo project that opens."""
    from ... import sample_data

    made: list[Path] = []
    said: list[str] = []
    maker = sample_data.make_demo(bench.folder / "demo", made.append, said.append)
    bench.wait(lambda: made or maker.failure, "the demo to be made")
    assert made, maker.failure
    bench.session.close()
    bench.done(bench.session.open(made[0]), "the demo to open")
    counts = bench.session.overview["counts"]
    assert counts["labelled"] == sample_data.LABELLED, counts
    assert sum(counts.values()) == sample_data.CASES, counts
    bench.session.close()


SCENARIOS = (
    the_worker_has_what_it_needs,
    the_panel_opens,
    a_folder_of_images_becomes_a_project,
    a_project_is_opened_again,
    a_second_session_gets_other_cases,
    the_demo_is_made,
)
