"""The Edit section: the case, the uncertain places, the overlay and the Segment Editor."""

from __future__ import annotations

import os
import time

import pytest
import slicer
from ActiveSuggestModule.segment_editor import NODE_CLASS, SINGLETON_TAG

from Testing.Python.module.panel_stage import Stage


@pytest.fixture
def stage(slicer_host):
    stage = Stage()
    stage.session.open_project()
    yield stage
    stage.leave()


def editor(stage):
    return stage.panel.edit.editor.widget


def called(stage):
    return [call[0] for call in editor(stage).calls]


def test_the_segment_editor_is_built_with_the_first_case(stage, slicer_host):
    assert editor(stage) is None
    stage.session.show_case()
    slicer_host.process_events()
    assert editor(stage).visible
    first = editor(stage)
    stage.session.show_case("p04")
    assert editor(stage) is first


def test_the_sections_unfold_for_the_first_case(stage):
    assert stage.ui.editSection.collapsed
    stage.session.show_case()
    assert not stage.ui.editSection.collapsed
    assert not stage.ui.saveSection.collapsed


def test_the_editor_has_a_node_of_its_own_and_the_segmentation_before_the_volume(stage):
    stage.session.show_case()
    node = slicer.mrmlScene.GetSingletonNode(SINGLETON_TAG, NODE_CLASS)
    assert node is not None
    assert slicer.mrmlScene.GetNumberOfNodesByClass(NODE_CLASS) == 1
    calls = called(stage)
    assert calls.index("setMRMLSegmentEditorNode") < calls.index("setMRMLScene")
    assert calls.index("setSegmentationNode") < calls.index("setSourceVolumeNode")
    shown = stage.session.scene.shown
    assert editor(stage).segmentationNode() is shown.segmentation
    assert editor(stage).sourceVolumeNode() is shown.volume


def test_the_effect_in_use_stays_in_use_for_the_next_case(stage):
    stage.session.show_case()
    editor(stage).setActiveEffectByName("Paint")
    stage.session.show_case("p04")
    assert editor(stage).activeEffect().name == "Paint"


def test_nothing_is_set_again_while_the_case_stays(stage):
    stage.session.show_case()
    before = len(editor(stage).calls)
    stage.session.put(dirty=True)
    stage.session.put(saving=True)
    new = [call[0] for call in editor(stage).calls[before:]]
    assert "setSegmentationNode" not in new
    assert "setActiveEffect" not in new


def test_leaving_the_module_gives_keys_effect_and_views_back(stage):
    stage.session.show_case()
    assert editor(stage).shortcuts_installed
    editor(stage).setActiveEffectByName("Paint")
    stage.panel.exit()
    assert not editor(stage).shortcuts_installed
    assert editor(stage).activeEffect() is None
    assert called(stage)[-1] == "removeViewObservations"
    assert ("autosave",) in stage.asked
    stage.panel.enter()
    assert editor(stage).shortcuts_installed


def test_effects_that_come_later_are_shown(stage):
    stage.session.show_case()
    before = called(stage).count("updateEffectList")
    slicer.qSlicerSegmentEditorEffectFactory.instance().effectRegistered("Wand")
    assert called(stage).count("updateEffectList") == before + 1


def test_closing_the_case_leaves_the_editor_empty(stage):
    stage.session.show_case()
    stage.session.current = None
    stage.session.scene.shown = None
    stage.session.case_changed.emit()
    assert editor(stage).segmentationNode() is None
    assert stage.ui.caseLabel.text == "No case is open"
    for name in ("overlayCheck", "placeNext", "sliceNext", "saveButton", "skipButton"):
        widget = getattr(stage.ui, name)
        assert not widget.enabled
        assert widget.toolTip == "Open a case first."


def test_the_case_is_named_with_its_size(stage, slicer_host):
    stage.session.show_case()
    slicer_host.process_events()
    assert stage.ui.caseLabel.text == "p03 · 20 × 18 × 16"


@pytest.mark.parametrize(
    ("source", "flags", "sentence"),
    [
        ("proposal", {}, "The model's proposal is shown: correct it."),
        ("label", {}, "The saved label is shown."),
        ("empty", {}, "Empty: there is no proposal for this case yet."),
        ("empty", {"proposal_waiting": True}, "Empty for now: the model's proposal is on its way."),
        ("draft", {}, "Your draft is shown."),
    ],
)
def test_what_is_shown_is_said(stage, source, flags, sentence):
    stage.session.show_case(source=source, **flags)
    assert stage.panel.edit._source.text == sentence
    assert stage.ui.sourceButton.visible == (source == "draft")


def test_a_draft_is_shown_with_its_time_and_can_be_given_up(stage, tmp_path):
    draft = tmp_path / "p03.seg.nrrd"
    draft.write_bytes(b"")
    written = time.mktime((*time.localtime()[:3], 14, 5, 0, 0, 0, -1))
    os.utime(draft, (written, written))
    stage.session.show_case(source="draft", path=draft)
    assert stage.panel.edit._source.text == "Your draft of 14:05 is shown."
    assert stage.ui.sourceButton.text == "Use the proposal"
    stage.ui.sourceButton.click()
    assert ("discard_draft",) in stage.asked


def test_a_draft_of_another_day_says_which(stage, tmp_path):
    draft = tmp_path / "p03.seg.nrrd"
    draft.write_bytes(b"")
    os.utime(draft, (86400 * 365, 86400 * 365))
    stage.session.show_case(source="draft", path=draft)
    assert "Jan" in stage.panel.edit._source.text


def test_a_draft_of_a_labelled_case_gives_way_to_the_label(stage):
    stage.session.show_case(source="draft", state="labelled")
    assert stage.ui.sourceButton.text == "Use the label"


def test_uncertain_places_are_walked_through(stage):
    stage.session.show_case()
    assert stage.ui.placeLabel.text == "3 in all"
    for _ in range(4):
        stage.ui.placeNext.click()
    stage.ui.placeBack.click()
    assert stage.session.scene.went_to == [9, 4, 6, 9, 6]
    assert stage.ui.placeLabel.text == "3 of 3"


def test_suggested_slices_are_walked_through(stage):
    stage.session.show_case(slices=(5, 2, 8))
    stage.ui.sliceNext.click()
    stage.ui.sliceNext.click()
    stage.ui.sliceBack.click()
    assert stage.session.scene.went_to == [5, 2, 5]
    assert stage.ui.sliceLabel.text == "1 of 3"


def test_without_suggested_slices_there_is_nothing_to_walk_through(stage):
    stage.session.show_case()
    assert not stage.ui.sliceNext.enabled
    assert stage.ui.sliceNext.toolTip == "The whole volume was suggested."


def test_the_overlay_is_set_when_the_case_comes_and_when_it_is_changed(stage):
    stage.session.show_case()
    assert stage.session.scene.overlay == [(True, 0.5)]
    stage.ui.overlaySlider.value = 0.8
    stage.ui.overlayCheck.click()
    assert stage.session.scene.overlay[-2:] == [(True, 0.8), (False, 0.8)]
    stage.session.show_case("p04")
    assert stage.session.scene.overlay[-1] == (False, 0.8)


def test_without_uncertainty_the_overlay_says_why(stage):
    stage.session.show_case()
    stage.session.without_uncertainty()
    for name in ("overlayCheck", "overlaySlider", "placeNext"):
        widget = getattr(stage.ui, name)
        assert not widget.enabled
        assert "no model has looked at it" in widget.toolTip
    stage.session.put(proposal_waiting=True)
    assert "still looking" in stage.ui.placeNext.toolTip


def test_an_uncertainty_that_arrives_late_is_shown(stage):
    stage.session.show_case()
    shown = stage.session.scene.shown
    stage.session.without_uncertainty()
    before = len(stage.session.scene.overlay)
    stage.session.scene.shown = shown
    stage.session.case_changed.emit()
    assert stage.ui.placeNext.enabled
    assert len(stage.session.scene.overlay) == before + 1


def test_looking_through_the_slices_counts_as_work(stage):
    stage.session.show_case()
    stage.panel._tick()
    stage.panel._tick()
    assert stage.asked.count(("note_activity",)) == 1


def test_the_user_closes_the_scene_and_nothing_is_left(stage):
    stage.session.show_case()
    stage.panel.scene_start_close()
    assert ("close_case",) in stage.asked
    stage.session.current = None
    stage.session.scene.shown = None
    slicer.mrmlScene.Clear(0)
    stage.session.case_changed.emit()
    stage.panel.scene_end_close(True)
    stage.session.show_case("p05")
    assert editor(stage).segmentationNode() is stage.session.scene.shown.segmentation
    node = slicer.mrmlScene.GetSingletonNode(SINGLETON_TAG, NODE_CLASS)
    assert editor(stage).mrmlSegmentEditorNode() is node
    assert slicer.mrmlScene.GetNumberOfNodesByClass(NODE_CLASS) == 1
