"""The host answers as PythonQt and Slicer do, and refuses what they do not have."""

from __future__ import annotations

import sys

import ctk
import numpy as np
import pytest
import qt
import slicer


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
