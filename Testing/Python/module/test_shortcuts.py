"""Keys work while the module is entered, and only then."""

from __future__ import annotations

import pytest
from ActiveSuggestModule.shortcuts import KEYS, Shortcuts

from Testing.Python.module.panel_stage import Stage

# qMRMLSegmentEditorWidget::installKeyboardShortcuts, Slicer's main window, its slice views.
TAKEN = {*"0123456789QWZYI,./*<>-=[]BFGRTV", "Space", "Esc", "Ctrl+Z", "Ctrl+Y", "Ctrl+S"}


@pytest.fixture
def stage(slicer_host):
    stage = Stage()
    stage.session.open_project()
    stage.session.show_case(slices=(5, 2))
    yield stage
    stage.leave()


def test_no_key_is_taken_by_slicer_already():
    assert not set(KEYS.values()) & TAKEN
    assert len(set(KEYS.values())) == len(KEYS)


def test_keys_are_installed_and_given_back(slicer_host):
    shortcuts = Shortcuts(dict.fromkeys(KEYS, lambda: None))
    shortcuts.install()
    shortcuts.install()
    assert shortcuts.are_installed
    assert len(shortcuts._installed) == len(KEYS)
    shortcuts.uninstall()
    assert not shortcuts.are_installed


def test_without_a_main_window_there_are_no_keys(headless_host):
    shortcuts = Shortcuts(dict.fromkeys(KEYS, lambda: None))
    shortcuts.install()
    assert not shortcuts.are_installed
    shortcuts.uninstall()


def activate(stage, name):
    index = list(KEYS).index(name)
    shortcut, _slot = stage.panel.shortcuts._installed[index]
    shortcut.activated()


@pytest.mark.parametrize(
    ("name", "went_to"),
    [("next_place", 9), ("previous_place", 6), ("next_slice", 5), ("previous_slice", 2)],
)
def test_a_key_goes_to_a_place_or_a_slice(stage, name, went_to):
    activate(stage, name)
    assert stage.session.scene.went_to == [went_to]


def test_a_key_toggles_the_overlay(stage):
    activate(stage, "toggle_overlay")
    assert not stage.ui.overlayCheck.checked
    assert stage.session.scene.overlay[-1][0] is False


@pytest.mark.parametrize("name", ["save", "save_and_next"])
def test_a_key_saves(stage, name):
    activate(stage, name)
    assert stage.asked[-1] == (name, (5, 2), "")


def test_the_keys_end_with_the_module(stage):
    stage.panel.exit()
    assert not stage.panel.shortcuts.are_installed
    stage.panel.enter()
    assert stage.panel.shortcuts.are_installed


def test_every_key_stands_in_a_tool_tip(stage):
    tips = " ".join(
        getattr(stage.ui, name).toolTip
        for name in [
            "placeBack",
            "placeNext",
            "sliceBack",
            "sliceNext",
            "saveButton",
            "saveNextButton",
        ]
    )
    tips += stage.ui.overlayCheck.toolTip
    for key in KEYS.values():
        assert f"({key})" in tips or f"key {key}" in tips
