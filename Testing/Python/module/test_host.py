"""The host answers as PythonQt and Slicer do, and refuses what they do not have."""

from __future__ import annotations

import sys
from enum import Enum
from typing import Annotated

import ctk
import numpy as np
import pytest
import qt
import slicer
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper


def test_properties_shadow_getters(slicer_host):
    button = qt.QPushButton("Go")
    assert button.text == "Go"
    button.checkable = True
    button.checked = True
    assert button.checked is True
    button.name = "goButton"
    assert button.objectName == "goButton"


def test_the_signature_decides_what_a_slot_gets(slicer_host):
    got = []
    button = qt.QPushButton("Go")
    button.connect("clicked(bool)", lambda flag: got.append(flag))  # noqa: PLW0108 - counted
    button.connect("clicked()", lambda: got.append("none"))
    button.clicked.connect(lambda flag: got.append(("attribute", flag)))
    button.click()
    assert sorted(got, key=str) == [("attribute", False), False, "none"]


def test_calling_a_signal_emits_it(slicer_host):
    got = []
    button = qt.QPushButton()
    button.connect("clicked(bool)", got.append)
    button.clicked(True)
    assert got == [True]


def test_disconnect_ends_the_calls(slicer_host):
    got = []
    button = qt.QPushButton()
    button.connect("clicked(bool)", got.append)
    assert button.disconnect("clicked(bool)", got.append)
    button.click()
    assert got == []


def test_an_unknown_name_is_refused(slicer_host):
    with pytest.raises(AttributeError, match=r"Slicer 5\.12"):
        _ = qt.QDesktopServices
    with pytest.raises(AttributeError, match="setCollapsed"):
        ctk.ctkCollapsibleButton().setCollapsed(True)
    with pytest.raises(AttributeError, match="no new attributes"):
        qt.QPushButton().somethingNew = 1


def test_a_slot_that_raises_is_recorded(slicer_host):
    def fail():
        raise ValueError("in a slot")

    button = qt.QPushButton()
    button.connect("clicked()", fail)
    button.click()
    assert [str(error) for error in slicer_host.slot_errors] == ["in a slot"]
    slicer_host.slot_errors.clear()


def test_a_process_talks_in_lines_and_ends(slicer_host, wait_until):
    heard, ended = [], []
    process = qt.QProcess()
    process.connect(
        "readyReadStandardOutput()",
        lambda: heard.append(bytes(process.readAllStandardOutput().data())),
    )
    process.connect(
        "finished(int,QProcess::ExitStatus)", lambda code, status: ended.append((code, status))
    )
    process.start(sys.executable, ["-c", "print(input()[::-1]); raise SystemExit(3)"])
    process.write(qt.QByteArray(b"abc\n"))
    wait_until(lambda: ended, 10)
    assert b"".join(heard).strip() == b"cba"
    assert ended == [(3, qt.QProcess.NormalExit)]


def test_painting_changes_the_real_segmentation(slicer_host):
    volume = slicer.util.addVolumeFromArray(np.zeros((6, 8, 10), np.float32))
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    for name in ("liver", "tumour"):
        segmentation.GetSegmentation().AddEmptySegment(name, name)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentEditorNode")
    editor = slicer.qMRMLSegmentEditorWidget()
    editor.setMRMLScene(slicer.mrmlScene)
    editor.setMRMLSegmentEditorNode(node)
    editor.setSegmentationNode(segmentation)
    editor.setSourceVolumeNode(volume)
    assert editor.paint("liver", 2, ((1, 4), (2, 6))) == 12
    assert editor.paint("tumour", 2, ((1, 2), (2, 6))) == 4
    liver = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, "liver", volume)
    assert liver.sum() == 8
    assert liver[2, 2:4, 2:6].all()
    editor.undo()
    liver = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, "liver", volume)
    assert liver.sum() == 12


def test_a_collapsible_button_collapses(slicer_host):
    section = ctk.ctkCollapsibleButton()
    section.text = "Project"
    layout = qt.QVBoxLayout(section)
    label = qt.QLabel("inside")
    layout.addWidget(label)
    section.show()
    tall = section.sizeHint.height()
    assert label.visible
    section.collapsed = True
    assert not label.visible
    assert section.sizeHint.height() < tall
    section.collapsed = False
    assert label.visible


def test_a_slice_view_is_rendered(slicer_host, render_slice_view):
    array = np.zeros((20, 30, 40), np.float32)
    array[:, 10:20, 10:30] = 100
    volume = slicer.util.addVolumeFromArray(array)
    volume.CreateDefaultDisplayNodes()
    slicer.util.setSliceViewerLayers(background=volume, fit=True)
    path = render_slice_view("Red", "host-red-view")
    image = qt.QImage(str(path))
    middle = qt.QColor(image.pixel(200, 200)).lightness()
    assert middle > qt.QColor(image.pixel(5, 5)).lightness() + 50


def test_what_qt_makes_by_itself_has_properties_too(slicer_host):
    box = qt.QComboBox()
    box.editable = True
    box.lineEdit().placeholderText = "why"
    assert box.lineEdit().placeholderText == "why"
    menu = qt.QMenu()
    action = menu.addAction("Open")
    action.enabled = False
    assert not menu.actions()[0].enabled
    table = qt.QTableWidget(2, 2)
    table.horizontalHeader().setSectionResizeMode(0, qt.QHeaderView.Fixed)
    table.horizontalHeader().visible = False
    assert not table.horizontalHeader().visible


def test_a_small_project_opens(small_project):
    from ActiveSuggestLib.data.project import Project

    with Project.open(small_project.folder) as project:
        names = [case.name for case in project.cases()]
    assert len(names) == 8
    assert all(small_project.label_of(name).is_file() for name in names)


def test_a_project_of_real_volumes_opens(hippocampus_project):
    from ActiveSuggestLib.data.project import Project

    with Project.open(hippocampus_project.folder) as project:
        assert len(project.cases()) == 10


UI = """<?xml version="1.0" encoding="UTF-8"?>
<ui version="4.0">
 <class>Probe</class>
 <widget class="qMRMLWidget" name="Probe">
  <layout class="QVBoxLayout" name="verticalLayout">
   <item><widget class="ctkCollapsibleButton" name="section">
     <property name="text"><string>Section</string></property>
     <property name="collapsed"><bool>true</bool></property>
     <layout class="QFormLayout" name="form">
      <item row="0" column="0"><widget class="QLabel" name="caption"/></item>
      <item row="0" column="1"><widget class="QSpinBox" name="countSpin">
        <property name="SlicerParameterName" stdset="0"><string>count</string></property>
      </widget></item>
      <item row="1" column="1"><widget class="QCheckBox" name="wideCheck">
        <property name="SlicerParameterName" stdset="0"><string>wide</string></property>
      </widget></item>
      <item row="2" column="1"><widget class="QComboBox" name="sizeBox">
        <property name="SlicerParameterName" stdset="0"><string>size</string></property>
      </widget></item>
      <item row="3" column="1"><widget class="ctkSliderWidget" name="slider">
        <property name="SlicerParameterName" stdset="0"><string>share</string></property>
      </widget></item>
      <item row="4" column="1"><widget class="ctkPathLineEdit" name="pathEdit">
        <property name="filters">
         <set>ctkPathLineEdit::Dirs|ctkPathLineEdit::Readable</set>
        </property>
      </widget></item>
      <item row="5" column="1"><widget class="qMRMLNodeComboBox" name="volumeBox">
        <property name="nodeTypes">
         <stringlist><string>vtkMRMLScalarVolumeNode</string></stringlist>
        </property>
        <property name="noneEnabled"><bool>true</bool></property>
      </widget></item>
     </layout>
   </widget></item>
  </layout>
 </widget>
 <connections>
  <connection><sender>Probe</sender><signal>mrmlSceneChanged(vtkMRMLScene*)</signal>
   <receiver>volumeBox</receiver><slot>setMRMLScene(vtkMRMLScene*)</slot></connection>
 </connections>
</ui>
"""


@pytest.fixture
def probe(slicer_host, tmp_path):
    """A panel from a ``.ui`` file, and its widgets by name."""
    path = tmp_path / "Probe.ui"
    path.write_text(UI, "utf-8")
    widget = slicer.util.loadUI(str(path))
    return widget, slicer.util.childWidgetVariables(widget)


def test_a_ui_file_gives_slicers_widgets(probe):
    _widget, ui = probe
    assert isinstance(ui.section, ctk.ctkCollapsibleButton)
    assert isinstance(ui.section, qt.QWidget)
    assert ui.section.collapsed
    assert ui.countSpin.property("SlicerParameterName") == "count"
    assert ui.pathEdit.filters == 0x001 | 0x010
    assert ui.volumeBox.nodeTypes == ["vtkMRMLScalarVolumeNode"]


def test_the_scene_reaches_the_node_selectors(probe):
    widget, ui = probe
    widget.setMRMLScene(slicer.mrmlScene)
    chosen = []
    ui.volumeBox.connect("currentNodeChanged(vtkMRMLNode*)", chosen.append)
    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "ct")
    ui.volumeBox.setCurrentNode(volume)
    assert ui.volumeBox.currentNode() is volume
    slicer.mrmlScene.RemoveNode(volume)
    assert ui.volumeBox.currentNode() is None
    assert chosen == [volume, None]


class Size(Enum):
    SMALL = 1
    LARGE = 2

    def label(self):
        return self.name.lower()


def _parameters():
    @parameterNodeWrapper
    class Wrapped:
        count: Annotated[int, WithinRange(1, 9)] = 4
        wide: bool = True
        size: Size = Size.LARGE
        share: Annotated[float, WithinRange(0.0, 1.0)] = 0.25

    return Wrapped(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))


def test_parameters_and_widgets_follow_each_other(probe):
    widget, ui = probe
    parameters = _parameters()
    tag = parameters.connectGui(widget)
    assert (ui.countSpin.value, ui.countSpin.maximum) == (4, 9)
    assert ui.wideCheck.checked
    assert ui.sizeBox.currentText == "large"
    assert ui.slider.value == 0.25
    ui.countSpin.value = 6
    ui.sizeBox.setCurrentIndex(0)
    assert (parameters.count, parameters.size) == (6, Size.SMALL)
    parameters.wide = False
    parameters.share = 0.5
    assert not ui.wideCheck.checked
    assert ui.slider.value == 0.5
    parameters.disconnectGui(tag)
    ui.countSpin.value = 2
    assert parameters.count == 6


def test_parameters_refuse_what_their_range_excludes(slicer_host):
    parameters = _parameters()
    with pytest.raises(ValueError, match="10"):
        parameters.count = 10


def test_a_dialog_is_answered_by_the_test(slicer_host):
    slicer_host.modal.on_next_dialog(lambda dialog: dialog.accept())
    assert qt.QDialog().exec_() == qt.QDialog.Accepted
    slicer_host.modal.next_value("/data")
    assert qt.QFileDialog.getExistingDirectory(None, "Folder") == "/data"


def test_a_message_is_recorded_and_closed(slicer_host):
    slicer.util.errorDisplay("The disk is full.", detailedText="errno 28")
    assert [(shown.text, shown.details) for shown in slicer_host.modal.shown] == [
        ("The disk is full.", "errno 28")
    ]


def test_a_dialog_that_nobody_answers_is_told(slicer_host):
    assert qt.QDialog().exec_() == qt.QDialog.Rejected
    assert len(slicer_host.modal.unanswered) == 1
    slicer_host.modal.clear()


def test_without_main_window_there_is_no_layout(headless_host):
    assert slicer.app.layoutManager() is None
    assert slicer.util.mainWindow() is None


def test_the_main_window_has_three_slice_views(slicer_host):
    layout = slicer.app.layoutManager()
    assert layout.sliceViewNames() == ("Red", "Green", "Yellow")
    assert layout.sliceWidget("Red").mrmlSliceNode().GetName() == "Red"
    assert slicer.util.mainWindow().className() == "qSlicerMainWindow"


def test_settings_live_in_the_test_only(slicer_host, tmp_path):
    settings = qt.QSettings()
    assert not settings.contains("ActiveSuggest/Probe")
    settings.setValue("ActiveSuggest/Probe", True)
    settings.sync()
    assert slicer.util.settingsValue("ActiveSuggest/Probe", False, slicer.util.toBool)
    assert str(tmp_path) in settings.fileName()


def test_each_test_has_an_empty_scene(slicer_host):
    kinds = ("vtkMRMLVolumeNode", "vtkMRMLSegmentationNode", "vtkMRMLScriptedModuleNode")
    assert [slicer.mrmlScene.GetNumberOfNodesByClass(kind) for kind in kinds] == [0, 0, 0]


def test_a_picture_is_as_sharp_as_asked(slicer_host, tmp_path):
    label = qt.QLabel("Text")
    label.resize(80, 20)
    for theme, ratio in (("light", 1.0), ("dark", 2.0)):
        slicer_host.set_theme(theme)
        path = slicer_host.screenshot(label, tmp_path / f"{theme}.png", ratio=ratio)
        image = qt.QImage(str(path))
        assert (image.width(), image.height()) == (80 * ratio, 20 * ratio)
        background = qt.QColor(image.pixel(1, 1)).lightness()
        assert background > 200 if theme == "light" else background < 80


def test_waiting_ends_with_what_was_waited_for(slicer_host):
    done = []
    qt.QTimer.singleShot(10, lambda: done.append(1))
    assert slicer_host.wait_until(lambda: done, 5) == [1]
    with pytest.raises(AssertionError, match="a miracle"):
        slicer_host.wait_until(lambda: False, 0.05, "a miracle")


MODULE = """
import qt, slicer
from slicer.ScriptedLoadableModule import *

class Probe(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = "Probe"

class ProbeWidget(ScriptedLoadableModuleWidget):
    cleaned = []
    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        self.logic = ProbeLogic()
        self.events = []
        self.layout.addWidget(qt.QLabel("probe"))
    def enter(self):
        self.events.append("enter")
    def exit(self):
        self.events.append("exit")
    def cleanup(self):
        slicer.probe_cleaned = getattr(slicer, "probe_cleaned", 0) + 1

class ProbeLogic(ScriptedLoadableModuleLogic):
    def answer(self):
        return 42
"""


def test_a_module_is_loaded_entered_left_and_reloaded(slicer_host, tmp_path, monkeypatch):
    monkeypatch.setattr(slicer, "probe_cleaned", 0, raising=False)
    path = tmp_path / "Probe.py"
    path.write_text(MODULE, "utf-8")
    slicer_host.module_manager.load("Probe", path)
    slicer.util.selectModule("Probe")
    panel = slicer.util.getModuleWidget("Probe")
    assert slicer.util.getModuleLogic("Probe").answer() == 42
    assert panel.parent.isEntered
    slicer.util.selectModule("Data")
    assert panel.events == ["enter", "exit"]
    slicer.util.reloadScriptedModule("Probe")
    again = slicer.util.getModuleWidget("Probe")
    assert again is not panel
    assert slicer.probe_cleaned == 1
    slicer_host.module_manager.unload("Probe")
    assert slicer.probe_cleaned == 2
    assert not hasattr(slicer.modules, "probe")


def test_a_process_that_still_runs_is_told_and_ended(slicer_host):
    from Testing.Host.qt_host import processes

    process = qt.QProcess()
    process.start(sys.executable, ["-c", "import time; time.sleep(60)"])
    assert process.waitForStarted(5000)
    assert "time.sleep(60)" in processes.end_processes()[0]
    assert process.state() == qt.QProcess.NotRunning
