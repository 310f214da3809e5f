"""What goes wrong is shown: a sentence, what to do, the exact error one click away."""

from __future__ import annotations

import pytest
import slicer
from ActiveSuggestModule import widget
from ActiveSuggestModule.panels.trouble_bar import action_words
from ActiveSuggestModule.troubles import Trouble, trouble_from_error

from ActiveSuggestLib import errors
from Testing.Python.module.panel_stage import Stage


@pytest.fixture
def stage(slicer_host):
    stage = Stage()
    stage.session.open_project()
    yield stage
    stage.leave()


def bar_is_shown(stage):
    return not stage.ui.troubleBar.isHidden()


def test_there_is_no_bar_without_a_trouble(stage):
    assert not bar_is_shown(stage)


def test_a_trouble_is_shown_with_its_remedy(stage):
    stage.session.trouble.emit(Trouble("p03 could not be read.", "Look at the file."))
    assert bar_is_shown(stage)
    assert stage.ui.troubleSentence.text == "p03 could not be read."
    assert stage.ui.troubleRemedy.text == "Look at the file."
    assert stage.ui.troubleAction.isHidden()
    assert stage.ui.troubleMore.text == ""


def test_closed_it_shows_the_trouble_before(stage):
    for name in ("p01", "p02", "p03"):
        stage.session.trouble.emit(Trouble(f"{name} could not be read."))
    assert stage.ui.troubleSentence.text == "p03 could not be read."
    assert stage.ui.troubleMore.text == "and 2 more"
    stage.ui.troubleDismiss.click()
    assert stage.ui.troubleSentence.text == "p02 could not be read."
    stage.ui.troubleDismiss.click()
    stage.ui.troubleDismiss.click()
    assert not bar_is_shown(stage)


def test_the_same_trouble_is_shown_once(stage):
    for _ in range(3):
        stage.session.trouble.emit(Trouble("The disk is full."))
    assert stage.ui.troubleMore.text == ""


def test_details_show_the_error_and_the_log_and_can_be_copied(stage):
    stage.session.trouble.emit(
        Trouble("Training stopped.", "Free some memory.", "Traceback …\nMemoryError: 3 GB")
    )
    stage.ui.troubleDetails.click()
    details = stage.panel.details
    assert details.dialog.visible
    assert details.ui.sentenceLabel.text == "Training stopped."
    text = details.ui.detailsEdit.plainText
    assert "MemoryError: 3 GB" in text
    assert "the worker's last words" in text
    details.ui.copyButton.click()
    copied = slicer.app.clipboard().text()
    assert "Training stopped." in copied
    assert "MemoryError: 3 GB" in copied
    assert details.ui.copiedLabel.text == "Copied."
    details.ui.closeDetailsButton.click()
    assert not details.dialog.visible


@pytest.mark.parametrize(
    ("action", "asked"),
    [("restart", ("restart_worker",)), ("rescan", ("rescan",))],
)
def test_the_button_does_what_helps(stage, action, asked):
    stage.session.trouble.emit(Trouble("It stopped.", action=action))
    assert stage.ui.troubleAction.text == action_words(action)
    stage.ui.troubleAction.click()
    assert stage.asked[-1] == asked
    assert not bar_is_shown(stage)


def test_images_that_moved_are_located(stage, tmp_path):
    stage.session.trouble.emit(Trouble("The images are gone.", action="locate-images"))
    stage.folders = [str(tmp_path)]
    stage.ui.troubleAction.click()
    assert stage.asked[-1] == ("rescan", str(tmp_path))


def test_the_log_is_shown(stage):
    stage.session.trouble.emit(Trouble("It stopped.", action="show-log"))
    stage.ui.troubleAction.click()
    assert "the worker's last words" in stage.panel.details.ui.detailsEdit.plainText


def test_a_folder_is_opened(stage, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(widget, "show_folder", opened.append)
    stage.session.trouble.emit(Trouble("Kept.", action="open-folder", path=str(tmp_path)))
    stage.ui.troubleAction.click()
    assert opened == [str(tmp_path)]


@pytest.mark.parametrize(
    "error",
    [
        errors.DiskFullError("The disk is full.", path="/p/labels", remedy="Free some space."),
        errors.UnreadableImageError("The file is truncated.", case="p03", remedy="Replace it."),
        errors.VanishedImageError("The image is gone.", case="p03", remedy="Locate it."),
    ],
)
def test_every_failure_of_the_worker_reads_as_a_sentence(stage, error):
    stage.session.trouble.emit(trouble_from_error(error.to_dict()))
    assert error.message in stage.ui.troubleSentence.text
    assert stage.ui.troubleRemedy.text == error.remedy


def test_a_slot_that_fails_is_shown_and_not_lost(stage, monkeypatch):
    def fail(_self, *_values, **_named):
        raise ZeroDivisionError("nobody foresaw this")

    monkeypatch.setattr(type(stage.panel.suggest), "_unit", fail)
    stage.ui.suggestButton.click()
    assert "nobody foresaw this" in stage.ui.troubleSentence.text
    stage.ui.troubleDetails.click()
    assert "ZeroDivisionError" in stage.panel.details.ui.detailsEdit.plainText


def test_a_dead_worker_is_forgotten_when_the_project_opens_again(stage):
    stage.session.trouble.emit(Trouble("It stopped.", kind="worker_died", action="restart"))
    stage.session.trouble.emit(Trouble("p03 is broken.", kind="unreadable_image"))
    stage.session.project_changed.emit()
    assert stage.ui.troubleSentence.text == "p03 is broken."
    assert stage.ui.troubleMore.text == ""


def test_the_bar_keeps_its_colour_and_follows_the_theme(stage, slicer_host):
    stage.session.trouble.emit(Trouble("p03 is broken."))
    first = stage.ui.troubleBar.styleSheet
    for _ in range(5):
        stage.panel._tick()
    assert stage.ui.troubleBar.styleSheet == first
    slicer_host.set_theme("dark")
    try:
        stage.panel._tick()
        assert stage.ui.troubleBar.styleSheet != first
    finally:
        slicer_host.set_theme("light")


def test_in_a_scroll_area_the_bar_comes_into_view(stage, slicer_host):
    import qt

    area = qt.QScrollArea()
    area.setWidgetResizable(True)
    area.setWidget(stage.root)
    area.resize(400, 300)
    area.show()
    slicer_host.process_events(0.05)
    bar = area.verticalScrollBar()
    bar.value = bar.maximum
    assert bar.value > 100
    stage.session.trouble.emit(Trouble("p03 is broken."))
    slicer_host.process_events(0.05)
    stage.panel.troubles.show(Trouble("p04 is broken."))
    assert bar.value < 20
    area.takeWidget()
