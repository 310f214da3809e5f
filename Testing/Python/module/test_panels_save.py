"""The Save section: what is saved, with which note, and passing a case over."""

from __future__ import annotations

import pytest

from Testing.Python.module.panel_stage import Stage

WHOLE, SUGGESTED, CHANGED, THESE = range(4)


@pytest.fixture
def stage(slicer_host):
    stage = Stage()
    stage.session.open_project()
    yield stage
    stage.leave()


def saves(stage):
    return [a for a in stage.asked if a[0] in ("save", "save_and_next")]


def line(stage):
    return stage.panel.save._line.text


def test_a_whole_volume_is_saved_whole(stage):
    stage.session.show_case()
    stage.ui.noteEdit.text = " motion "
    stage.ui.saveButton.click()
    assert saves(stage) == [("save", None, "motion")]
    assert stage.ui.noteEdit.text == ""


def test_save_and_next(stage):
    stage.session.show_case()
    stage.ui.saveNextButton.click()
    assert saves(stage) == [("save_and_next", None, "")]


def test_suggested_slices_are_the_first_choice_where_there_are_some(stage):
    stage.session.show_case(slices=(9, 3, 4))
    assert stage.ui.scopeCombo.currentIndex == SUGGESTED
    assert stage.ui.scopeCombo.currentText == "The suggested slices (3-4, 9)"
    stage.ui.saveButton.click()
    assert saves(stage) == [("save", (9, 3, 4), "")]


def test_the_slices_that_were_changed_are_saved(stage):
    stage.session.show_case()
    stage.session.scene.changed = (2, 5)
    stage.ui.scopeCombo.setCurrentIndex(CHANGED)
    stage.ui.saveButton.click()
    assert saves(stage) == [("save", (2, 5), "")]


def test_without_a_change_no_slice_is_saved(stage):
    stage.session.show_case()
    stage.ui.scopeCombo.setCurrentIndex(CHANGED)
    stage.ui.saveButton.click()
    assert saves(stage) == []
    assert "no slice was saved" in stage.ui.statusLabel.text


def test_these_slices_begin_with_the_one_that_is_looked_at(stage):
    stage.session.show_case()
    assert not stage.ui.slicesEdit.enabled
    stage.ui.scopeCombo.setCurrentIndex(THESE)
    assert stage.ui.slicesEdit.enabled
    assert stage.ui.slicesEdit.text == "7"
    stage.ui.slicesEdit.text = "10-12, 3"
    stage.ui.saveButton.click()
    assert saves(stage) == [("save", (3, 10, 11, 12), "")]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("", "Write which slices"), ("x", "no slice number"), ("16", "no slice 16: they are counted")],
)
def test_slices_that_cannot_be_saved_keep_the_buttons_off(stage, text, sentence):
    stage.session.show_case()
    stage.ui.scopeCombo.setCurrentIndex(THESE)
    stage.ui.slicesEdit.text = text
    for button in (stage.ui.saveButton, stage.ui.saveNextButton):
        assert not button.enabled
        assert sentence in button.toolTip
    stage.panel.save.save_and_next()
    assert saves(stage) == []


def test_suggested_slices_cannot_be_saved_where_there_are_none(stage):
    stage.session.show_case()
    stage.ui.scopeCombo.setCurrentIndex(SUGGESTED)
    assert not stage.ui.saveButton.enabled
    assert "No slices were suggested" in stage.ui.saveButton.toolTip


def test_the_note_stays_if_the_label_could_not_be_saved(stage):
    stage.session.show_case()
    stage.session.saves = False
    stage.ui.noteEdit.text = "motion"
    stage.ui.saveButton.click()
    assert stage.ui.noteEdit.text == "motion"


def test_another_case_begins_with_empty_fields(stage):
    stage.session.show_case(slices=(3,))
    stage.ui.noteEdit.text = "motion"
    stage.ui.reasonCombo.setEditText("too noisy")
    stage.session.show_case("p04")
    assert stage.ui.noteEdit.text == ""
    assert stage.ui.reasonCombo.currentText == ""
    assert stage.ui.scopeCombo.currentIndex == WHOLE
    assert stage.ui.scopeCombo.itemText(SUGGESTED) == "The suggested slices"


def test_a_click_while_it_is_being_saved_saves_nothing_twice(stage):
    stage.session.show_case()
    stage.session.put(saving=True)
    assert not stage.ui.saveButton.enabled
    stage.panel.save.save()
    assert saves(stage) == []


def test_the_line_tells_time_edits_and_what_was_saved(stage, slicer_host):
    stage.session.show_case(seconds=312.4)
    assert line(stage) == "5:12 spent"
    stage.session.put(dirty=True)
    assert line(stage) == "5:12 spent · edited, not saved yet"
    stage.session.put(dirty=False, saving=True)
    assert line(stage) == "5:12 spent · saving…"
    stage.session.put(saving=False, saved=True)
    stage.session.saved.emit({"case": "p03", "version": 2})
    assert line(stage).startswith("5:12 spent · p03 saved at ")
    assert line(stage).endswith("(version 2)")


def test_the_time_goes_on_by_itself(stage, wait_until):
    stage.session.show_case(seconds=1)
    stage.session.current.seconds = 2
    wait_until(lambda: stage.ui.savedLabel.text.startswith("0:02"), 3)


def test_a_case_is_skipped_with_or_without_a_reason(stage):
    stage.session.show_case()
    stage.ui.skipButton.click()
    stage.ui.reasonCombo.setCurrentIndex(1)
    stage.ui.skipButton.click()
    assert stage.asked[-2:] == [("skip", ""), ("skip", "artefacts")]


def test_a_case_is_excluded_with_a_reason_only(stage):
    stage.session.show_case()
    assert not stage.ui.excludeButton.enabled
    assert stage.ui.excludeButton.toolTip == "Choose or write a reason first."
    stage.ui.reasonCombo.setEditText("metal everywhere")
    stage.ui.excludeButton.click()
    assert stage.asked[-1] == ("exclude", "p03", "metal everywhere")
