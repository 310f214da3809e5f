"""The install bar: explains, asks, shows progress, and goes on with what was wanted."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import slicer
from ActiveSuggestModule.troubles import Trouble

from Testing.Python.module.panel_stage import Stage, outcome


@pytest.fixture
def stage(slicer_host):
    stage = Stage()
    stage.session.open_project()
    stage.session.worker_state = "no-learner"
    stage.dependencies.lacks = ("torch", "monai")
    stage.session.project_changed.emit()
    yield stage
    stage.leave()


def asked_to_suggest(stage):
    return [a for a in stage.asked if a[0] == "suggest"]


def test_the_module_opens_without_asking(stage):
    assert stage.ui.installBar.isHidden()


def test_the_first_action_that_needs_it_explains_and_asks(stage):
    stage.ui.suggestButton.click()
    assert not stage.ui.installBar.isHidden()
    assert "torch and monai" in stage.ui.installText.text
    assert "0.3 GB" in stage.ui.installText.text
    assert asked_to_suggest(stage) == []
    assert stage.dependencies.installs == []


def test_installed_it_goes_on_with_what_was_wanted(stage):
    stage.ui.suggestButton.click()
    stage.dependencies.outcomes = [outcome("ready", "Everything is installed.")]
    stage.ui.installButton.click()
    (options,) = stage.dependencies.installs
    assert options == {
        "wheels": None,
        "torch_from": "extension",
        "project": str(stage.session.folder),
    }
    assert ("restart_worker",) in stage.asked
    assert len(asked_to_suggest(stage)) == 1
    assert stage.ui.installBar.isHidden()
    assert stage.ui.statusLabel.text == "Everything is installed."


def test_a_training_asks_too(stage):
    stage.ui.trainButton.click()
    assert not stage.ui.installBar.isHidden()
    stage.dependencies.outcomes = [outcome("ready")]
    stage.ui.installButton.click()
    assert stage.asked[-1] == ("fine_tune", 120.0)


def test_what_fails_later_for_want_of_a_package_asks_and_goes_on(stage):
    stage.session.worker_state = "open"
    stage.ui.suggestButton.click()
    assert len(asked_to_suggest(stage)) == 1
    stage.session.trouble.emit(
        Trouble("torch is missing.", kind="missing_package", action="install")
    )
    assert not stage.ui.installBar.isHidden()
    assert stage.ui.troubleBar.isHidden()
    stage.dependencies.outcomes = [outcome("ready")]
    stage.session.worker_state = "ready"
    stage.ui.installButton.click()
    assert len(asked_to_suggest(stage)) == 2


def test_not_now_leaves_the_rest_of_the_panel_as_it_is(stage):
    stage.ui.suggestButton.click()
    stage.ui.installLater.click()
    assert stage.ui.installBar.isHidden()
    assert asked_to_suggest(stage) == []
    assert stage.ui.casesButton.enabled


def test_a_folder_of_wheels_is_used_without_internet(stage, tmp_path):
    stage.ui.suggestButton.click()
    stage.folders = [str(tmp_path)]
    stage.dependencies.outcomes = [outcome("ready")]
    stage.ui.installWheels.click()
    assert stage.dependencies.installs[0]["wheels"] == str(tmp_path)
    assert stage.asked_for == ["Folder of wheel files"]


def test_no_folder_of_wheels_installs_nothing(stage):
    stage.ui.suggestButton.click()
    stage.ui.installWheels.click()
    assert stage.dependencies.installs == []


def test_without_the_extension_it_can_be_had_from_the_index(stage):
    stage.ui.suggestButton.click()
    stage.dependencies.outcomes = [
        outcome("needs-extension", "torch comes from the PyTorch extension.", "Install it."),
        outcome("ready"),
    ]
    stage.ui.installButton.click()
    assert stage.ui.installButton.text == "Install without the extension"
    assert "PyTorch extension. Install it." in stage.ui.installText.text
    stage.ui.installButton.click()
    assert stage.dependencies.installs[1]["torch_from"] == "index"
    assert len(asked_to_suggest(stage)) == 1


def test_a_restart_is_offered_where_it_is_needed(stage, monkeypatch):
    restarts = []
    monkeypatch.setattr(slicer, "app", SimpleNamespace(restart=lambda: restarts.append(1)))
    stage.ui.suggestButton.click()
    stage.dependencies.outcomes = [outcome("restart", "numpy was replaced.", "Restart Slicer.")]
    stage.ui.installButton.click()
    assert stage.ui.installButton.text == "Restart Slicer"
    assert stage.ui.installWheels.isHidden()
    stage.ui.installButton.click()
    assert restarts == [1]


def test_a_failure_is_told_with_its_details_and_can_be_tried_again(stage):
    stage.ui.suggestButton.click()
    stage.dependencies.outcomes = [
        outcome("failed", "The download failed.", "Check the network.", "pip: timed out"),
        outcome("ready"),
    ]
    stage.ui.installButton.click()
    assert stage.ui.installButton.text == "Try again"
    assert stage.ui.troubleSentence.text == "The download failed."
    stage.ui.troubleDetails.click()
    assert "pip: timed out" in stage.panel.details.ui.detailsEdit.plainText
    stage.ui.installButton.click()
    assert stage.ui.installBar.isHidden()


def test_nothing_can_be_clicked_twice_while_it_installs(stage):
    seen = []
    stage.ui.suggestButton.click()

    def install(**options):
        options["progress"]("Downloading torch…")
        stage.ui.suggestButton.click()
        seen.append(stage.ui.installButton.enabled)
        seen.append(stage.ui.installProgress.isHidden())
        stage.ui.installLater.click()
        seen.append(stage.ui.installBar.isHidden())
        return outcome("declined", "Nothing was installed.")

    stage.dependencies.install = install
    stage.ui.installButton.click()
    assert seen == [False, False, False]
    assert stage.ui.installText.text == "Nothing was installed."
    assert stage.ui.installButton.enabled


def test_an_installation_that_breaks_is_told(stage):
    stage.ui.suggestButton.click()

    def install(**_options):
        raise OSError("the disk is full")

    stage.dependencies.install = install
    stage.ui.installButton.click()
    assert "the disk is full" in stage.ui.troubleSentence.text
    assert stage.ui.installButton.enabled


def test_an_installation_that_a_restart_interrupted_is_offered_again(stage):
    stage.panel.exit()
    stage.session.folder = None
    stage.dependencies.interrupted = SimpleNamespace(
        project="/data/liver-project", torch_from="index", wheels=""
    )
    stage.panel.enter()
    assert not stage.ui.installBar.isHidden()
    assert "Slicer was closed" in stage.ui.installText.text
    stage.dependencies.outcomes = [outcome("ready")]
    stage.ui.installButton.click()
    assert stage.dependencies.installs[0]["torch_from"] == "index"
    assert ("open", "/data/liver-project") in stage.asked


def test_after_the_restart_the_project_opens_again(stage):
    stage.panel.exit()
    stage.session.folder = None
    stage.dependencies.lacks = ()
    stage.dependencies.interrupted = SimpleNamespace(
        project="/data/liver-project", torch_from="extension", wheels=""
    )
    stage.panel.enter()
    assert stage.ui.installBar.isHidden()
    assert ("open", "/data/liver-project") in stage.asked
    assert stage.dependencies.interrupted is None


def test_what_is_there_by_now_needs_no_asking(stage):
    stage.dependencies.lacks = ()
    stage.session.trouble.emit(Trouble("torch is missing.", action="install"))
    assert stage.ui.installBar.isHidden()
    assert ("restart_worker",) in stage.asked
