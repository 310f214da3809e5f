"""Parameters live in the scene and follow the panel, and the panel follows them."""

from __future__ import annotations

import pytest
import qt
import slicer
from ActiveSuggestModule import preferences
from ActiveSuggestModule.panels.suggest_panel import UNITS
from ActiveSuggestModule.parameters import Parameters, Unit

from Testing.Python.module.panel_stage import Stage


@pytest.fixture
def stage(slicer_host):
    stage = Stage()
    stage.session.open_project()
    yield stage
    stage.leave()


def test_a_fresh_scene_begins_with_the_defaults(stage):
    parameters = stage.panel.parameters
    assert parameters.strategy == "default"
    assert parameters.unit is Unit.VOLUME
    assert (parameters.count, parameters.trainSeconds) == (5, 120)
    assert (parameters.overlayVisible, parameters.overlayOpacity) == (True, 0.5)
    assert parameters.trainAfterSave
    assert parameters.rankAfterTraining


def test_every_unit_has_a_readable_name(stage):
    combo = stage.ui.unitCombo
    names = ["whole volumes", "single slices", "volumes and slices"]
    assert [combo.itemText(n) for n in range(combo.count)] == names
    assert [unit.value for unit in Unit] == list(UNITS)


def test_the_panel_follows_the_node(stage):
    parameters = stage.panel.parameters
    parameters.strategy = "entropy"
    parameters.unit = Unit.SLICE
    parameters.count = 12
    parameters.overlayVisible = False
    parameters.overlayOpacity = 0.25
    parameters.trainAfterSave = False
    parameters.trainSeconds = 45
    parameters.rankAfterTraining = False
    ui = stage.ui
    assert ui.strategyCombo.currentText == "entropy"
    assert (ui.unitCombo.currentIndex, ui.countSpin.value) == (1, 12)
    assert (ui.overlayCheck.checked, ui.overlaySlider.value) == (False, 0.25)
    assert (ui.trainAfterCheck.checked, ui.trainSeconds.value) == (False, 45)
    assert not ui.rankAfterCheck.checked
    assert stage.session.train_seconds == 45.0


def test_the_node_follows_the_panel(stage):
    stage.session.show_case()
    stage.ui.overlaySlider.value = 0.75
    stage.ui.overlayCheck.click()
    stage.ui.trainSeconds.setValue(30)
    node = slicer.mrmlScene.GetSingletonNode("ActiveSuggest", "vtkMRMLScriptedModuleNode")
    again = Parameters(node)
    assert (again.overlayOpacity, again.overlayVisible, again.trainSeconds) == (0.75, False, 30)


def test_a_strategy_that_is_not_known_here_changes_nothing(stage):
    stage.panel.parameters.strategy = "of-another-package"
    assert stage.ui.strategyCombo.currentText == "default"


def test_closing_the_scene_binds_to_the_new_node(stage):
    stage.ui.countSpin.setValue(9)
    stage.panel.scene_start_close()
    assert stage.panel.parameters is None
    slicer.mrmlScene.Clear(0)
    stage.panel.scene_end_close(True)
    stage.ui.countSpin.setValue(7)
    assert stage.panel.parameters.count == 7


def test_while_the_module_is_left_the_node_is_not_watched(stage):
    node = stage.panel.parameters.parameterNode
    stage.panel.exit()
    Parameters(node).count = 30
    assert stage.ui.countSpin.value == 5
    stage.panel.enter()
    assert stage.ui.countSpin.value == 30


def test_a_new_scene_has_what_was_chosen_last(stage):
    stage.ui.countSpin.setValue(9)
    stage.ui.trainAfterCheck.click()
    stage.panel.parameters.unit = Unit.SLICE
    stage.panel.scene_start_close()
    slicer.mrmlScene.Clear(0)
    node = slicer.mrmlScene.GetSingletonNode("ActiveSuggest", "vtkMRMLScriptedModuleNode")
    if node is not None:
        slicer.mrmlScene.RemoveNode(node)
    stage.panel.scene_end_close(True)
    parameters = stage.panel.parameters
    assert (parameters.count, parameters.unit) == (9, Unit.SLICE)
    assert not parameters.trainAfterSave
    assert (stage.ui.countSpin.value, stage.ui.trainAfterCheck.checked) == (9, False)


def test_a_scene_with_choices_of_its_own_keeps_them(stage):
    stage.ui.countSpin.setValue(9)
    stage.panel.exit()
    node = slicer.mrmlScene.GetSingletonNode("ActiveSuggest", "vtkMRMLScriptedModuleNode")
    Parameters(node).count = 3
    stage.panel.enter()
    assert stage.panel.parameters.count == 3


@pytest.mark.parametrize(
    "stored",
    ["", "no json", "[1]", '{"count": "many"}', '{"count": 5000, "unit": "voxel", "other": 1}'],
)
def test_settings_that_make_no_sense_change_nothing(slicer_host, stored):
    settings = qt.QSettings()
    settings.setValue(preferences.SETTING, stored)
    stage = Stage()
    stage.session.open_project()
    parameters = stage.panel.parameters
    assert (parameters.count, parameters.unit) == (5, Unit.VOLUME)
    stage.leave()
