"""The Suggest section: strategy, button, progress and the ranked table."""

from __future__ import annotations

import pytest
import qt

from ActiveSuggestLib.strategies import catalogue
from Testing.Python.module.panel_stage import Stage


@pytest.fixture
def stage(slicer_host):
    stage = Stage()
    stage.session.open_project()
    yield stage
    stage.leave()


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "worst.png"
    pixmap = qt.QPixmap(40, 30)
    pixmap.fill(qt.QColor(200, 30, 30))
    assert pixmap.save(str(path))
    return path


def texts(stage, row):
    table = stage.ui.rankingTable
    return [table.item(row, column).text() for column in range(table.columnCount)]


def asked_to_suggest(stage):
    return [a for a in stage.asked if a[0] == "suggest"]


def test_every_strategy_is_explained(stage):
    combo = stage.ui.strategyCombo
    assert combo.count == len(catalogue.own())
    for index, entry in enumerate(catalogue.own()):
        combo.setCurrentIndex(index)
        assert stage.panel.suggest.strategy == entry.name
        assert stage.ui.strategyText.text == entry.explanation


@pytest.mark.parametrize(("index", "unit"), [(0, "volume"), (1, "slice"), (2, "mixed")])
def test_suggest_asks_for_what_was_chosen_and_opens_the_best(stage, index, unit):
    stage.panel.suggest.choose_strategy("entropy")
    stage.ui.unitCombo.setCurrentIndex(index)
    stage.ui.countSpin.setValue(3)
    stage.ui.suggestButton.click()
    assert asked_to_suggest(stage) == [("suggest", "entropy", unit, 3, ("open_first", True))]


def test_a_case_that_is_open_is_not_taken_away_by_a_new_ranking(stage):
    stage.session.show_case()
    stage.ui.suggestButton.click()
    assert asked_to_suggest(stage)[0][-1] == ("open_first", False)


def test_the_choice_is_kept_in_the_scene(stage):
    stage.panel.suggest.choose_strategy("bsq")
    stage.ui.unitCombo.setCurrentIndex(1)
    stage.ui.countSpin.setValue(9)
    stage.panel.exit()
    stage.panel.enter()
    assert stage.panel.suggest.strategy == "bsq"
    assert stage.panel.parameters.unit.value == "slice"
    assert stage.panel.parameters.count == 9


def test_a_strategy_of_another_package_can_be_chosen(stage):
    stage.session.strategies = [
        {"name": "default", "summary": "the usual"},
        {"name": "theirs", "summary": "something else"},
    ]
    stage.session.suggestions_changed.emit()
    stage.ui.strategyCombo.setCurrentIndex(1)
    assert stage.ui.strategyText.text == "something else"
    assert stage.panel.parameters.strategy == "theirs"


def test_the_button_that_starts_cancels(stage, slicer_host):
    stage.ui.suggestButton.click()
    stage.session.run("suggest", done=12, total=80, message="scoring", remaining_seconds=21)
    slicer_host.process_events()
    assert stage.ui.suggestButton.text == "Cancel"
    assert stage.ui.suggestText.text == "scoring · 12 of 80 · about 20 s left"
    assert stage.ui.suggestBar.value == 150
    stage.ui.suggestButton.click()
    assert stage.asked[-1] == ("cancel", "suggest")
    stage.session.jobs["suggest"].state = "cancelling"
    stage.session.jobs_changed.emit()
    assert not stage.ui.suggestButton.enabled
    stage.session.end("suggest")
    assert stage.ui.suggestButton.text == "Suggest next"
    assert stage.ui.suggestButton.enabled
    assert stage.ui.suggestStack.currentIndex == 0


def test_work_without_a_known_end_shows_a_moving_bar(stage):
    stage.session.run("suggest")
    assert (stage.ui.suggestBar.minimum, stage.ui.suggestBar.maximum) == (0, 0)


def test_a_ranking_in_the_background_can_be_overtaken(stage):
    stage.session.run("suggest", done=1, total=8, background=True)
    assert stage.ui.suggestButton.text == "Suggest next"
    stage.ui.suggestButton.click()
    assert len(asked_to_suggest(stage)) == 1


def test_a_row_shows_picture_case_score_and_reasons(stage, picture):
    stage.session.suggest_cases(picture, slices=(3, 4, 9))
    assert texts(stage, 0) == [
        "",
        "p03\nslices 3-4, 9\nno. 1 · 0.83\nready",
        "the border of 'core' is uncertain in 12 of 40 slices\nno labelled case looks like it",
    ]
    assert texts(stage, 1)[1].endswith("getting ready…")
    table = stage.ui.rankingTable
    assert not table.item(0, 0).icon().isNull()
    assert table.item(1, 0).icon().isNull()


def test_a_picture_that_arrives_late_is_put_in(stage, picture):
    stage.session.suggest_cases()
    stage.session.suggestions[1].thumbnail = picture
    stage.session.suggestions[1].state = "ready"
    stage.session.suggestions_changed.emit()
    assert not stage.ui.rankingTable.item(1, 0).icon().isNull()
    assert texts(stage, 1)[1].endswith("ready")


def test_a_picture_that_cannot_be_read_is_left_out(stage, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    stage.session.suggest_cases(broken, tmp_path / "absent.png")
    assert stage.ui.rankingTable.item(0, 0).icon().isNull()
    assert stage.ui.rankingTable.item(1, 0).icon().isNull()


def test_a_case_that_cannot_be_used_says_why(stage):
    stage.session.suggest_cases()
    stage.session.suggestions[0].state = "failed"
    stage.session.suggestions[0].error = "p03.nii.gz is truncated"
    stage.session.suggestions_changed.emit()
    assert "cannot be used" in texts(stage, 0)[1]
    assert texts(stage, 0)[2] == "p03.nii.gz is truncated"


def test_a_double_click_opens_the_case_at_its_slice(stage):
    stage.session.suggest_cases(slices=(3, 9))
    stage.ui.rankingTable.cellDoubleClicked(1, 2)
    assert stage.asked[-1] == ("open_case", "p04", 4)


def test_a_list_of_volumes_and_slices_says_of_each_row_what_it_is(stage):
    stage.session.suggest_cases(slices=(3, 9))
    stage.session.suggestions[1].slices = ()
    stage.session.suggestions[2].slices = (8,)
    stage.session.suggestions_changed.emit()
    kinds = [texts(stage, row)[1].splitlines()[1] for row in range(3)]
    assert kinds == ["slices 3, 9", "whole volume", "slice 8"]
    for row in range(3):
        stage.ui.rankingTable.cellDoubleClicked(row, 2)
    assert stage.asked[-3:] == [
        ("open_case", "p03", 3), ("open_case", "p04", None), ("open_case", "p05", 8),
    ]  # fmt: skip


def test_a_list_of_whole_volumes_alone_does_not_repeat_it(stage):
    stage.session.suggest_cases()
    assert "whole volume" not in texts(stage, 0)[1]


def test_the_selected_row_opens_by_button(stage):
    stage.session.suggest_cases()
    assert not stage.ui.openSelectedButton.enabled
    stage.ui.rankingTable.setCurrentCell(2, 1)
    assert stage.ui.openSelectedButton.enabled
    stage.ui.openSelectedButton.click()
    assert stage.asked[-1] == ("open_case", "p05", None)


def test_a_new_ranking_drops_the_selection(stage):
    stage.session.suggest_cases()
    stage.ui.rankingTable.setCurrentCell(2, 1)
    stage.session.suggestions = stage.session.suggestions[3:]
    stage.session.suggestions_changed.emit()
    assert stage.ui.rankingTable.rowCount == 2
    assert not stage.ui.openSelectedButton.enabled


def test_it_is_said_which_model_ranks(stage):
    assert stage.panel.suggest._model.text == "Ranked by model v2, trained on 6 labels."
    stage.session.overview = {**stage.session.overview, "model": None}
    stage.session.overview_changed.emit()
    assert stage.panel.suggest._model.text.startswith("No model yet")


def test_any_case_lists_all_cases(stage):
    stage.ui.anyCaseButton.click()
    dialog = stage.panel.project.cases_dialog
    assert dialog.dialog.visible
    assert dialog.ui.casesTable.rowCount == 13


def test_nothing_can_be_ranked_when_all_is_labelled(stage):
    stage.session.open_project(unlabelled=0)
    assert not stage.ui.suggestButton.enabled
    assert stage.ui.suggestButton.toolTip == "Every case has a label."
    for with_slices in (1, 2):
        stage.ui.unitCombo.setCurrentIndex(with_slices)
        stage.session.overview_changed.emit()
        assert stage.ui.suggestButton.enabled


def test_nothing_is_ranked_while_the_project_opens(stage):
    stage.session.worker_state = "starting"
    stage.session.project_changed.emit()
    assert not stage.ui.suggestButton.enabled
    assert stage.ui.suggestButton.toolTip == "The project is being opened."


def test_the_primary_button_is_the_next_step(stage):
    assert stage.ui.suggestButton.styleSheet
    job = stage.session.run("suggest")
    assert not stage.ui.suggestButton.styleSheet
    stage.session.end(job.kind)
    stage.session.show_case()
    assert not stage.ui.suggestButton.styleSheet
    assert stage.ui.saveNextButton.styleSheet


def test_the_status_says_the_next_step(stage):
    seen = [stage.ui.statusLabel.text]
    stage.session.run("suggest")
    seen.append(stage.ui.statusLabel.text)
    stage.session.end("suggest")
    stage.session.suggest_cases()
    seen.append(stage.ui.statusLabel.text)
    stage.session.show_case()
    seen.append(stage.ui.statusLabel.text)
    assert len(set(seen)) == 4
    assert seen[0].startswith("Press Suggest next")
    assert seen[-1].endswith("press Save and next.")


def test_a_notice_is_shown_for_a_while(stage, monkeypatch):
    from ActiveSuggestModule import widget

    stage.session.notice.emit("p03 is saved.")
    assert stage.ui.statusLabel.text == "p03 is saved."
    monkeypatch.setattr(widget, "NOTICE_SECONDS", -1.0)
    stage.session.notice.emit("p04 is saved.")
    assert stage.ui.statusLabel.text.startswith("Press Suggest next")
