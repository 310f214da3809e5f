"""The Learning section: training, the curve, and the models."""

from __future__ import annotations

import pytest

from Testing.Python.module.panel_stage import Stage

CURVE = {
    "models": [
        {
            "version": 1,
            "labels": 3,
            "validation_dice": 0.61,
            "validation_cases": 4,
            "interval": [0.4, 0.8],
            "accepted": True,
            "reason": "the first model",
        },
        {
            "version": 2,
            "labels": 6,
            "validation_dice": 0.82,
            "validation_cases": 4,
            "interval": [0.7, 0.9],
            "accepted": True,
            "reason": "better by 0.21",
        },
        {
            "version": 3,
            "labels": 9,
            "validation_dice": 0.5,
            "validation_cases": 4,
            "interval": None,
            "accepted": False,
            "reason": "worse by 0.32",
        },
    ],
    "prequential": [
        {"case": "p01", "dice": 0.6, "model": 1, "time": 0},
        {"case": "p02", "dice": 0.8, "model": 2, "time": 1},
    ],
}


@pytest.fixture
def stage(slicer_host):
    stage = Stage()
    stage.session.open_project()
    stage.session.curve = CURVE
    stage.session.models_changed.emit()
    yield stage
    stage.leave()


def rows(stage):
    table = stage.ui.modelsTable
    return [[table.item(r, c).text() for c in range(4)] for r in range(table.rowCount)]


def drawn_width(stage):
    return stage.ui.curveLabel.pixmap.toImage().size().width()


def test_train_now_becomes_stop(stage):
    stage.ui.trainSeconds.setValue(60)
    stage.ui.trainButton.click()
    assert stage.asked[-1] == ("fine_tune", 60.0)
    stage.session.run("fine_tune", done=12, total=60, message="training", remaining_seconds=48)
    assert stage.ui.trainButton.text == "Stop"
    assert stage.ui.trainBar.value == 200
    stage.ui.trainButton.click()
    assert stage.asked[-1] == ("cancel", "fine_tune")
    stage.session.jobs["fine_tune"].state = "cancelling"
    stage.session.jobs_changed.emit()
    assert not stage.ui.trainButton.enabled
    stage.session.end("fine_tune")
    assert (stage.ui.trainButton.text, stage.ui.trainButton.enabled) == ("Train now", True)


def test_without_a_label_there_is_nothing_to_learn(stage):
    stage.session.open_project(labelled=0)
    assert not stage.ui.trainButton.enabled
    assert stage.ui.trainButton.toolTip.startswith("Save a label first")


def test_the_options_reach_the_session(stage):
    session = stage.session
    assert (session.train_after_save, session.train_seconds, session.rank_after_training) == (
        True,
        120.0,
        True,
    )
    stage.ui.trainAfterCheck.click()
    stage.ui.rankAfterCheck.click()
    stage.ui.trainSeconds.setValue(300)
    assert (session.train_after_save, session.train_seconds, session.rank_after_training) == (
        False,
        300.0,
        False,
    )


def test_models_are_listed_newest_first_with_the_number_of_cases(stage):
    assert rows(stage) == [
        ["v3", "9", "0.50 (n=4)", "set aside"],
        ["v2", "6", "0.82 (n=4)", "in use"],
        ["v1", "3", "0.61 (n=4)", ""],
    ]


def test_a_model_without_validation_shows_no_dice(stage):
    stage.session.curve = {"models": [{"version": 1, "labels": 2, "validation_dice": None}]}
    stage.session.models_changed.emit()
    assert rows(stage) == [["v1", "2", "–", ""]]


def test_roll_back_to_an_earlier_model(stage):
    table, button = stage.ui.modelsTable, stage.ui.rollBackButton
    assert not button.enabled
    table.setCurrentCell(1, 0)
    assert button.toolTip == "This model is in use already."
    table.setCurrentCell(2, 0)
    assert button.enabled
    button.click()
    assert stage.asked[-1] == ("roll_back", 1)


def test_no_roll_back_while_it_trains(stage):
    stage.ui.modelsTable.setCurrentCell(2, 0)
    stage.session.run("fine_tune")
    assert not stage.ui.rollBackButton.enabled
    assert "stop it" in stage.ui.rollBackButton.toolTip


def test_the_selected_model_stays_selected(stage):
    stage.ui.modelsTable.setCurrentCell(2, 0)
    newer = {"version": 4, "labels": 10, "validation_dice": 0.9, "validation_cases": 4}
    stage.session.curve = {**CURVE, "models": [*CURVE["models"], newer]}
    stage.session.models_changed.emit()
    assert stage.ui.modelsTable.currentRow() == 3


def test_how_the_last_training_ended_is_said(stage):
    assert stage.panel.learning._last.text == "v3: worse by 0.32"
    stage.session.curve = {"models": [{"version": 1, "labels": 2}]}
    stage.session.models_changed.emit()
    assert stage.panel.learning._last.text == "v1"


def test_the_last_proposal_is_told_in_words(stage):
    assert stage.ui.diceLabel.text == (
        "The last proposal (p02) had a Dice of 0.80 with your label. Mean of the last 2: 0.70."
    )


def test_before_the_first_proposal_it_is_said_what_will_stand_there(stage):
    stage.session.curve = {}
    stage.session.models_changed.emit()
    assert "after the first ones are saved" in stage.ui.diceLabel.text


def test_the_curve_is_drawn_anew_when_it_moves(stage, slicer_host):
    slicer_host.process_events(0.05)
    before = stage.ui.curveLabel.pixmap.cacheKey()
    stage.session.models_changed.emit()
    assert stage.ui.curveLabel.pixmap.cacheKey() == before
    stage.session.curve = {**CURVE, "prequential": []}
    stage.session.models_changed.emit()
    assert stage.ui.curveLabel.pixmap.cacheKey() != before


def test_the_curve_follows_the_width_and_the_theme(stage, slicer_host, wait_until):
    slicer_host.process_events(0.05)
    key = stage.ui.curveLabel.pixmap.cacheKey()
    width = drawn_width(stage)
    stage.root.resize(600, 1900)
    wait_until(lambda: drawn_width(stage) > width, 3)
    key = stage.ui.curveLabel.pixmap.cacheKey()
    slicer_host.set_theme("dark")
    try:
        stage.panel.refit()
        image = stage.ui.curveLabel.pixmap.toImage()
        assert stage.ui.curveLabel.pixmap.cacheKey() != key
        assert image.pixelColor(1, 1).lightness() < 100
    finally:
        slicer_host.set_theme("light")
