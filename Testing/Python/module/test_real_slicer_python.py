"""The panel runs with Slicer's own Python files too, where a folder of them is given."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import slicer

from Testing.Host.qt_host.install import VARIABLE


@pytest.fixture
def slicers_own(slicer_host) -> Path:
    """The folder of Slicer's own Python files, or a skip that says how to provide it."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        pytest.skip(f"set {VARIABLE} to Base/Python of a Slicer source tree to use its own files")
    return Path(folder)


def test_the_panel_opens_on_slicers_own_files(slicers_own, module_widget):
    for name in ("ScriptedLoadableModule", "parameterNodeWrapper", "i18n", "packaging", "util"):
        assert slicers_own in Path(sys.modules[f"slicer.{name}"].__file__).parents, name
    assert isinstance(module_widget, slicer.ScriptedLoadableModule.ScriptedLoadableModuleWidget)
    assert module_widget.ui.countSpin.value == 5


def test_parameters_follow_the_panel_by_slicers_own_wrapper(slicers_own, module_widget):
    node = slicer.mrmlScene.GetSingletonNode("ActiveSuggest", "vtkMRMLScriptedModuleNode")
    module_widget.ui.countSpin.value = 7
    assert node.GetParameter("count") == "7"
    node.SetParameter("count", "3")
    assert module_widget.ui.countSpin.value == 3
