"""What can go wrong does, under the panel: a sentence, what to do, and no lost edit."""

from __future__ import annotations

import os
import shutil
import signal
import sys

import pytest
import SimpleITK as sitk
import slicer
from ActiveSuggestModule import mask_keeper
from ActiveSuggestModule.scene.case_scene import CaseScene
from ActiveSuggestModule.session import Session
from ActiveSuggestModule.troubles import trouble_from_error

from ActiveSuggestLib.data.project import Project
from ActiveSuggestLib.errors import DiskFullError, OutOfDeviceMemoryError

CASE = "p02_v0"


class Panel:
    """The panel with an open project, and what a person does with it."""

    def __init__(self, widget, folder, wait_until):
        self.widget, self.ui, self.folder = widget, widget.ui, folder
        self.session = widget.logic.session
        self.wait = wait_until

    def open(self):
        self.widget.panel.project.open_folder(str(self.folder))
        up = ("open", "ready", "no-learner")
        self.wait(lambda: self.session.worker_state in up, 60, "the worker")
        self.wait(lambda: self.session.cases and not self.session.jobs, 30, "the lists")
        return self

    def edit(self, case=CASE):
        self.widget.panel.open_case(case)
        self.wait(lambda: getattr(self.session.current, "case", "") == case, 60, case)
        editor = self.widget.panel.edit.editor.widget
        return editor.paint("ball", 5, ((4, 9), (4, 9)))

    def kill_worker(self):
        os.kill(self.session._link._process.pid, signal.SIGKILL)

    @property
    def trouble(self):
        return "" if self.ui.troubleBar.isHidden() else self.ui.troubleSentence.text

    def trouble_comes(self, seconds=60):
        return self.wait(lambda: self.trouble, seconds, "a trouble")

    def label_path(self, case=CASE):
        return self.folder / "labels" / f"{case}.seg.nrrd"

    def label_on_disk(self):
        return self.label_path().exists()


@pytest.fixture
def panel(module_widget, trained_pool, wait_until, monkeypatch):
    monkeypatch.setenv("ACTIVESUGGEST_PYTHON", sys.executable)
    module_widget.ui.trainAfterCheck.checked = False
    return Panel(module_widget, trained_pool, wait_until)


def test_a_killed_worker_comes_back_and_the_label_is_saved(panel):
    panel.open().edit()
    panel.kill_worker()
    panel.ui.saveButton.click()
    panel.wait(panel.label_on_disk, 60, "the label")
    panel.wait(lambda: panel.session.worker_state in ("open", "ready"), 60, "the worker is back")
    with Project.open(panel.folder) as project:
        assert project.case(CASE).state == "labelled"


def test_a_worker_that_dies_again_is_restarted_by_a_button(panel):
    panel.open().edit()
    for _ in range(2):
        panel.wait(lambda: panel.session.worker_state in ("open", "ready"), 60, "the worker")
        panel.kill_worker()
        panel.wait(lambda: panel.session.worker_state not in ("open", "ready"), 30, "its end")
    panel.wait(lambda: panel.session.worker_state == "dead", 60, "it stays away")
    panel.trouble_comes()
    assert panel.ui.troubleRemedy.text
    assert panel.ui.troubleAction.text == "Restart"
    assert "Stopped" in panel.widget.panel.project._device.text
    panel.ui.troubleAction.click()
    panel.wait(lambda: panel.session.worker_state in ("open", "ready"), 60, "the worker is back")
    panel.ui.saveButton.click()
    panel.wait(panel.label_on_disk, 60, "the label")


def test_a_full_disk_keeps_the_edits_and_the_case(panel, monkeypatch, tmp_path):
    voxels = panel.open().edit()
    real = mask_keeper.write_mask

    def full(path, *values, **named):
        if panel.folder in path.parents:
            raise DiskFullError("The disk is full.", path=path, remedy="Free some space.")
        return real(path, *values, **named)

    monkeypatch.setattr(mask_keeper, "write_mask", full)
    panel.ui.saveButton.click()
    sentence = panel.trouble_comes()
    assert CASE in sentence, panel.session.troubles
    assert "disk is full" in sentence.lower()
    assert panel.ui.troubleRemedy.text
    assert panel.session.current.case == CASE
    assert not panel.label_on_disk()
    monkeypatch.setattr(mask_keeper, "write_mask", real)
    panel.ui.saveButton.click()
    panel.wait(panel.label_on_disk, 60, "the label")
    saved = sitk.GetArrayFromImage(sitk.ReadImage(str(panel.label_path())))
    assert int((saved == 1).sum()) == voxels


def test_a_broken_volume_is_named_and_the_rest_goes_on(panel):
    with Project.open(panel.folder) as project:
        path = project.case("p03_v0").source.paths[0]
    panel.open()
    path.write_bytes(path.read_bytes()[:200])
    shutil.rmtree(panel.folder / "cache" / "scene", ignore_errors=True)
    panel.widget.panel.open_case("p03_v0")
    assert "p03_v0" in panel.trouble_comes()
    assert panel.ui.troubleRemedy.text
    panel.ui.troubleDetails.click()
    details = panel.widget.panel.details.ui.detailsEdit.plainText
    assert details.strip()
    panel.ui.troubleDismiss.click()
    panel.edit()
    assert panel.ui.saveButton.enabled


def test_a_project_folder_that_is_gone_is_told_and_the_mask_is_rescued(panel, tmp_path):
    panel.open().edit()
    panel.folder.rename(panel.folder.with_name("taken-away"))
    panel.ui.saveButton.click()
    sentence = panel.trouble_comes()
    assert CASE in sentence
    assert panel.ui.troubleRemedy.text
    assert panel.session.current.case == CASE
    assert panel.ui.saveButton.enabled
    panel.folder.with_name("taken-away").rename(panel.folder)
    panel.ui.saveButton.click()
    panel.wait(panel.label_on_disk, 90, "the label")


def test_two_slicers_on_one_project_know_of_each_other(panel, wait_until):
    other = Session(CaseScene(slicer.vtkMRMLScene()))
    other.open(panel.folder)
    wait_until(lambda: other.worker_state in ("open", "ready"), 60, "the other one")
    panel.open()
    wait_until(lambda: "another Slicer" in panel.widget.panel.project._counts.text, 30, "told")
    panel.edit()
    panel.ui.saveButton.click()
    panel.wait(panel.label_on_disk, 60, "the label")
    assert panel.trouble == ""
    other.shut_down()


def test_a_worker_out_of_memory_says_so(panel):
    panel.open()
    error = OutOfDeviceMemoryError("There is too little memory.", remedy="Close other programs.")
    form = {**error.to_dict(), "details": "MemoryError: 3 GB"}
    panel.session.trouble.emit(trouble_from_error(form))
    assert panel.trouble == "There is too little memory."
    assert panel.ui.troubleRemedy.text == "Close other programs."
    panel.ui.troubleDetails.click()
    assert "3 GB" in panel.widget.panel.details.ui.detailsEdit.plainText


def test_a_worker_without_python_is_told(panel, monkeypatch, tmp_path):
    monkeypatch.setenv("ACTIVESUGGEST_PYTHON", str(tmp_path / "no-python"))
    panel.widget.panel.project.open_folder(str(panel.folder))
    assert "could not be started" in panel.trouble_comes()
    assert panel.ui.troubleRemedy.text
    assert panel.ui.newButton.enabled
