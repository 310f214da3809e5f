"""The console: the examples of its documentation run, and waiting leaves the window alive."""

from __future__ import annotations

import doctest
import os
import signal
import sys
import threading

import pytest
import qt
import slicer
from ActiveSuggestModule import signals, suggestions, text_tail
from ActiveSuggestModule.jobs import Job
from ActiveSuggestModule.logic import ActiveSuggestLogic
from ActiveSuggestModule.score_table import PandasMissingError, ScoreTable
from ActiveSuggestModule.waiting import result_of

from ActiveSuggestLib.errors import (
    CancelledError,
    NoLabelError,
    NotAProjectError,
    UnknownCaseError,
)
from Testing.Python import blobs
from Testing.Python.module.test_session_failures import SLOW_SUGGEST

EXAMPLES = [
    test
    for test in doctest.DocTestFinder(recurse=True).find(ActiveSuggestLogic, "logic")
    if test.examples
]


@pytest.fixture
def logic(stage):
    """The console's face of the stage's session."""
    return ActiveSuggestLogic(session=stage.session)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_examples_of_the_documentation_run(
    example, stage, logic, trained_template, tmp_path, monkeypatch
):
    from ActiveSuggestLib.data.project import create_project

    folder = blobs.write_pool(tmp_path, 4)
    project = tmp_path / "pool"
    labelled = 0 if example.name == "logic" else 2
    made = create_project(
        project, folder / "images", segments=blobs.SEGMENTS, settings=blobs.SETTINGS
    )
    with made:
        for index in range(labelled):
            made.save_label(f"p{index:02d}_v0", blobs.blob(index)[1])
    monkeypatch.setattr(slicer.util, "getModuleLogic", lambda _name: logic)
    example.globs = {
        "slicer": slicer,
        "logic": logic,
        "project": project,
        "images": folder / "images",
        "new_folder": tmp_path / "new",
        "labelled_case": "p01_v0",
        "unlabelled_case": "p02_v0",
        "csv": tmp_path / "scores.csv",
        "out": tmp_path / "out",
    }
    if labelled:
        logic.open(project)
    said: list[str] = []
    outcome = doctest.DocTestRunner(verbose=False).run(example, out=said.append)
    assert outcome.failed == 0, "".join(said)
    assert not stage.troubles


def test_every_method_of_the_console_has_an_example():
    public = {name for name in vars(ActiveSuggestLogic) if not name.startswith("_")}
    shown = {test.name.rpartition(".")[2] for test in EXAMPLES}
    assert public - shown == {"session", "close"}  # "close" stands in the class's own example


@pytest.mark.parametrize("module", [suggestions, signals, text_tail])
def test_examples_of_the_parts_run(module):
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted > 0


def test_the_window_lives_while_a_call_waits(stage, logic, trained_pool):
    ticks = []
    timer = qt.QTimer()
    timer.setInterval(10)
    timer.connect("timeout()", lambda: ticks.append(1))
    timer.start()
    logic.open(trained_pool)
    timer.stop()
    assert len(ticks) > 3


def test_errors_come_as_their_own_classes_and_as_troubles(stage, logic, trained_pool, tmp_path):
    with pytest.raises(NotAProjectError) as raised:
        logic.open(tmp_path)
    assert raised.value.remedy
    stage.preamble = ""
    logic.open(trained_pool)
    with pytest.raises(UnknownCaseError):
        logic.show("no-such-case")
    assert [t.kind for t in stage.troubles] == ["not_a_project", "unknown_case"]


def test_what_cannot_be_learnt_is_raised(stage, logic, fresh_pool):
    logic.open(fresh_pool)
    with pytest.raises(NoLabelError):
        logic.fine_tune(seconds=1)


def test_without_waiting_a_job_comes_back(stage, logic, trained_pool):
    stage.open(trained_pool, ready=False)
    job = logic.status(wait=False)
    assert isinstance(job, Job)
    assert not job.has_ended
    assert result_of(job)["counts"]["labelled"] == 2


def test_a_click_on_cancel_ends_the_call(stage, logic, trained_pool):
    stage.preamble = SLOW_SUGGEST
    stage.open(trained_pool, ready=False)
    qt.QTimer.singleShot(300, lambda: stage.session.cancel("suggest"))
    with pytest.raises(CancelledError):
        logic.suggest()
    assert not stage.troubles


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_cancels_the_job_and_comes_through(stage, logic, trained_pool):
    stage.preamble = SLOW_SUGGEST
    stage.open(trained_pool, ready=False)
    before = signal.getsignal(signal.SIGINT)
    threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        logic.suggest()
    assert signal.getsignal(signal.SIGINT) is before
    assert "suggest" not in stage.session.jobs
    assert logic.status()["counts"]["labelled"] == 2


def test_a_click_while_a_call_waits_is_served(stage, logic, trained_pool):
    stage.preamble = SLOW_SUGGEST
    stage.open(trained_pool, ready=False)
    clicked = []

    def click():
        # A button of the panel whose slot uses the console's face: a wait within a wait.
        clicked.append(logic.show("p01_v0")["source"])
        stage.session.cancel("suggest")

    qt.QTimer.singleShot(200, click)
    with pytest.raises(CancelledError):
        logic.suggest()
    assert clicked == ["label"]


def test_closing_the_project_ends_a_call_that_waits(stage, logic, trained_pool):
    stage.preamble = SLOW_SUGGEST
    stage.open(trained_pool, ready=False)
    qt.QTimer.singleShot(200, logic.close)
    with pytest.raises(CancelledError):
        logic.suggest()


def test_scores_are_a_node_a_file_and_a_table(stage, logic, trained_pool):
    logic.open(trained_pool)
    table = logic.score(strategy="random", unit="slice")
    assert table.node.GetTable().GetNumberOfRows() == table.total == 64
    assert table.path.is_file()
    assert list(table.dataframe["case"]) == [row["case"] for row in table.rows]
    assert table.node.GetScene() is slicer.mrmlScene


def test_volumes_and_slices_are_scored_in_one_table(stage, logic, trained_pool):
    logic.open(trained_pool)
    table = logic.score(unit="mixed")
    whole = [row for row in table.rows if row["slice"] is None]
    assert len(whole) == len({row["case"] for row in table.rows}) == 4
    assert table.total == len(table.rows) == 4 + 64
    assert [row["rank"] for row in table.rows] == list(range(1, table.total + 1))
    assert int(table.dataframe["slice"].isna().sum()) == 4
    assert table.rows[0]["reasons"].startswith("Expected gain")


def test_without_pandas_the_table_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(PandasMissingError, match="pip_install"):
        _ = ScoreTable(None, tmp_path / "a.csv", [], 0).dataframe


def test_the_logic_makes_its_session_when_it_is_first_needed(slicer_host):
    logic = ActiveSuggestLogic()
    session = logic.session
    assert session is logic.session
    assert session.worker_state == "none"
    assert session.scene.scene is slicer.mrmlScene
