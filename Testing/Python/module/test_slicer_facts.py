"""What a real Slicer minds and the tests' host forgives: leaks, keys without a window, a build."""

from __future__ import annotations

import gc
import os
import sys
import weakref
from pathlib import Path

import pytest
import qt
import slicer
from ActiveSuggestModule.interpreter import slicer_python
from ActiveSuggestModule.scene.case_scene import CaseScene
from ActiveSuggestModule.segment_editor import SegmentEditor
from ActiveSuggestModule.session import Session

from Testing.Host.qt_host import signals


@pytest.fixture
def immortal_slots(monkeypatch):
    """Keep what is connected alive until it is disconnected, as PythonQt's C++ side does."""
    senders = []
    connect = signals.connect

    def keeping(sender, *rest):
        senders.append(sender)
        return connect(sender, *rest)

    monkeypatch.setattr(signals, "connect", keeping)
    return senders


def _do(wait_until, job):
    wait_until(lambda: job.has_ended, 60, job.kind)


def test_a_session_that_was_shut_down_lets_the_scene_go(
    immortal_slots, slicer_host, trained_pool, wait_until, monkeypatch
):
    """Else Slicer ends with a list of leaks, and its tests with an error."""
    monkeypatch.setenv("ACTIVESUGGEST_PYTHON", sys.executable)
    session = Session(CaseScene(slicer.mrmlScene, slicer.app.applicationLogic()))
    _do(wait_until, session.open(trained_pool))
    _do(wait_until, session.open_case("p00_v0", prefer="label"))
    session.shut_down()
    assert immortal_slots
    scene = weakref.ref(session.scene)
    del session
    gc.collect()
    assert scene() is None


def test_the_editor_takes_no_keys_where_there_is_no_window(headless_host):
    place = qt.QWidget()
    editor = SegmentEditor(qt.QVBoxLayout(place))
    editor.enter()
    editor.build()
    assert not editor.widget.shortcuts_installed
    editor.cleanup()


def test_reloading_takes_the_case_out_of_the_scene(
    module_widget, trained_pool, wait_until, monkeypatch
):
    """The new panel does not know the old one's nodes, and could never remove them."""
    monkeypatch.setenv("ACTIVESUGGEST_PYTHON", sys.executable)
    module_widget.ui.trainAfterCheck.checked = False
    session = module_widget.logic.session
    before = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLVolumeNode")
    _do(wait_until, session.open(trained_pool))
    _do(wait_until, session.open_case("p00_v0"))
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLVolumeNode") > before
    module_widget.onReload()
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLVolumeNode") == before
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0


@pytest.mark.skipif(os.name == "nt", reason="a program without a suffix is made")
def test_slicers_python_is_found_where_slicer_was_built(slicer_host, tmp_path, monkeypatch):
    elsewhere = tmp_path / "python-install" / "bin" / "PythonSlicer"
    elsewhere.parent.mkdir(parents=True)
    elsewhere.write_text("#!/bin/sh\n", encoding="utf-8")
    elsewhere.chmod(0o755)
    monkeypatch.setenv("PATH", f"{elsewhere.parent}:/usr/bin:/bin")
    usual = Path(slicer.app.slicerHome) / "bin" / "PythonSlicer"
    assert slicer_python() == str(usual if usual.is_file() else elsewhere)
    monkeypatch.setattr(type(slicer.app), "slicerHome", str(tmp_path / "Slicer-build"))
    assert slicer_python() == str(elsewhere)
