"""The Project section: a project is made, opened, looked after and closed."""

from __future__ import annotations

import pytest
import slicer

from Testing.Python.module.panel_stage import Stage


@pytest.fixture
def stage(slicer_host):
    stage = Stage()
    yield stage
    stage.leave()


def new_dialog(stage):
    stage.ui.newButton.click()
    return stage.panel.project.new_dialog


def fill(dialog, tmp_path, segment="ball"):
    images = tmp_path / "scans"
    images.mkdir(exist_ok=True)
    dialog.ui.imagesEdit.currentPath = str(images)
    dialog.ui.segmentsTable.item(0, 0).setText(segment)
    return images


def test_without_a_project_the_panel_says_what_to_do(stage):
    assert stage.ui.projectName.text == "No project is open"
    assert "Make a project" in stage.ui.statusLabel.text
    assert stage.ui.newButton.enabled
    assert stage.ui.openButton.enabled
    assert stage.ui.newButton.styleSheet
    for name in ("casesButton", "rescanButton", "importButton", "closeButton", "suggestButton"):
        button = getattr(stage.ui, name)
        assert not button.enabled
        assert button.toolTip == "Open a project first."


def test_an_open_project_shows_name_counts_and_device(stage, slicer_host):
    stage.session.open_project()
    slicer_host.process_events()
    assert stage.ui.projectName.text.startswith("liver — ")
    assert stage.ui.projectName.toolTip == "/data/studies/liver/liver-project"
    assert stage.ui.projectCounts.text == "13 cases: 3 labelled, 9 unlabelled, 1 left out"
    assert stage.ui.projectDevice.text == "CPU, 4 cores (no GPU was found)"
    assert stage.ui.suggestButton.enabled
    assert not stage.ui.newButton.styleSheet


def test_the_sections_of_the_work_unfold_when_a_project_opens(stage):
    assert stage.ui.learningSection.collapsed
    stage.session.open_project()
    assert not stage.ui.learningSection.collapsed
    assert not stage.ui.suggestSection.collapsed
    assert stage.ui.editSection.collapsed


def test_another_slicer_on_the_project_is_told(stage):
    stage.session.open_project()
    stage.session.overview["sessions_here"] = 1
    stage.session.overview_changed.emit()
    assert "open in another Slicer as well" in stage.panel.project._counts.text


def test_new_asks_and_creates(stage, tmp_path):
    dialog = new_dialog(stage)
    images = fill(dialog, tmp_path)
    assert dialog.ui.createButton.enabled
    dialog.ui.createButton.click()
    (asked,) = [a for a in stage.asked if a[0] == "create"]
    assert asked[1] == {
        "folder": str(tmp_path / "scans-project"),
        "name": "scans-project",
        "images": str(images),
        "labels": None,
        "segments": [
            {"name": "ball", "value": 1, "color": [0.8588, 0.3686, 0.3412], "terminology": ""}
        ],
        "plane": None,
        "patient_pattern": None,
    }
    assert not dialog.dialog.visible


def test_labels_plane_and_patients_are_taken_over(stage, tmp_path):
    dialog = new_dialog(stage)
    fill(dialog, tmp_path)
    (tmp_path / "labels").mkdir()
    dialog.ui.labelsEdit.currentPath = str(tmp_path / "labels")
    dialog.ui.planeCombo.setCurrentIndex(2)
    dialog.ui.patientEdit.text = r"(p\d+)_.*"
    spec = dialog.spec()
    assert spec["labels"] == str(tmp_path / "labels")
    assert spec["plane"] == "coronal"
    assert spec["patient_pattern"] == r"(p\d+)_.*"


def test_cancel_makes_no_project(stage, tmp_path):
    dialog = new_dialog(stage)
    fill(dialog, tmp_path)
    dialog.ui.cancelButton.click()
    assert not dialog.dialog.visible
    assert [a for a in stage.asked if a[0] == "create"] == []


def test_segments_are_added_coloured_and_removed(stage, tmp_path):
    dialog = new_dialog(stage)
    fill(dialog, tmp_path)
    dialog.ui.addSegmentButton.click()
    dialog.ui.segmentsTable.item(1, 0).setText("core")
    dialog.ui.addSegmentButton.click()
    segments = dialog.segments.segments()
    assert [(s["name"], s["value"]) for s in segments] == [("ball", 1), ("core", 2)]
    assert segments[0]["color"] != segments[1]["color"]
    dialog.ui.segmentsTable.setCurrentCell(0, 0)
    dialog.ui.removeSegmentButton.click()
    assert [(s["name"], s["value"]) for s in dialog.segments.segments()] == [("core", 1)]


def test_the_project_folder_is_proposed_beside_the_images(stage, tmp_path):
    dialog = new_dialog(stage)
    (tmp_path / "scans-project").mkdir()
    fill(dialog, tmp_path)
    assert dialog.ui.folderEdit.currentPath == str(tmp_path / "scans-project-2")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda d, _t: setattr(d.ui.imagesEdit, "currentPath", ""), "Choose the folder that holds"),
        (lambda d, _t: setattr(d.ui.imagesEdit, "currentPath", "/nowhere"), "There is no folder"),
        (lambda d, _t: setattr(d.ui.labelsEdit, "currentPath", "/nowhere"), "There is no folder"),
        (lambda d, _t: d.ui.segmentsTable.item(0, 0).setText(" "), "Name at least one segment"),
        (lambda d, _t: d.ui.segmentsTable.item(0, 0).setText("background"), "background"),
        (lambda d, _t: d.segments.add("BALL"), "Two segments are called"),
        (lambda d, _t: setattr(d.ui.folderEdit, "currentPath", ""), "Choose a new folder"),
        (lambda d, t: setattr(d.ui.folderEdit, "currentPath", str(t)), "holds other files"),
        (
            lambda d, t: setattr(d.ui.folderEdit, "currentPath", str(t / "scans" / "p")),
            "cannot lie among the images",
        ),
        (lambda d, _t: setattr(d.ui.patientEdit, "text", "(p"), "cannot be read"),
        (lambda d, _t: setattr(d.ui.patientEdit, "text", "p"), "needs a (group)"),
    ],
)
def test_create_says_what_is_missing(stage, tmp_path, change, sentence):
    dialog = new_dialog(stage)
    fill(dialog, tmp_path)
    assert dialog.ui.createButton.enabled
    change(dialog, tmp_path)
    assert sentence in dialog.ui.problemLabel.text
    assert not dialog.ui.createButton.enabled
    assert dialog.ui.createButton.toolTip == dialog.ui.problemLabel.text


def test_a_folder_that_is_a_project_is_to_be_opened(stage, tmp_path):
    dialog = new_dialog(stage)
    fill(dialog, tmp_path)
    project = tmp_path / "old"
    project.mkdir()
    (project / "project.json").write_text("{}")
    dialog.ui.folderEdit.currentPath = str(project)
    assert "use Open" in dialog.ui.problemLabel.text


def test_open_opens_the_folder_that_was_chosen(stage, tmp_path):
    (tmp_path / "project.json").write_text("{}")
    stage.folders = [str(tmp_path)]
    stage.ui.openButton.click()
    assert ("open", str(tmp_path)) in stage.asked


def test_a_folder_without_a_project_is_told(stage, tmp_path):
    stage.folders = [str(tmp_path)]
    stage.ui.openButton.click()
    assert "no project in this folder" in stage.ui.troubleSentence.text
    assert stage.ui.troubleAction.text == "Open a project…"
    (tmp_path / "project.json").write_text("{}")
    stage.folders = [str(tmp_path)]
    stage.ui.troubleAction.click()
    assert ("open", str(tmp_path)) in stage.asked


def test_nothing_is_opened_when_the_dialog_is_cancelled(stage):
    stage.ui.openButton.click()
    assert stage.asked_for == ["Open a project's folder"]
    assert [a for a in stage.asked if a[0] == "open"] == []


def test_recent_projects_open_from_the_menu(stage, tmp_path):
    (tmp_path / "project.json").write_text("{}")
    stage.session.recent = [str(tmp_path)]
    menu = stage.ui.recentButton.menu()
    menu.aboutToShow()
    (action,) = menu.actions()
    assert str(tmp_path) in action.text
    action.trigger()
    assert ("open", str(tmp_path)) in stage.asked


def test_without_recent_projects_the_menu_says_so(stage):
    menu = stage.ui.recentButton.menu()
    menu.aboutToShow()
    (action,) = menu.actions()
    assert not action.enabled


def test_rescan_import_and_close(stage, tmp_path):
    stage.session.open_project()
    stage.ui.rescanButton.click()
    stage.folders = [str(tmp_path)]
    stage.ui.importButton.click()
    stage.ui.closeButton.click()
    assert stage.asked[-3:] == [("rescan",), ("import_labels", str(tmp_path)), ("close",)]


def test_creating_shows_progress_and_can_be_cancelled(stage, slicer_host):
    stage.session.worker_state = "creating"
    stage.session.run("create", done=30, total=120, message="reading images", remaining_seconds=42)
    slicer_host.process_events()
    assert stage.ui.projectStack.currentIndex == 1
    assert stage.ui.projectText.text.startswith("reading images · 30 of 120")
    assert stage.ui.projectBar.value == 250
    assert not stage.ui.newButton.enabled
    stage.ui.projectCancel.click()
    assert ("cancel", "create") in stage.asked
    stage.session.end("create")
    assert stage.ui.projectStack.currentIndex == 0


def test_the_layout_does_not_jump_when_a_job_runs(stage, slicer_host):
    stage.session.open_project()
    slicer_host.process_events(0.05)
    before = stage.ui.suggestSection.y
    stage.session.run("rescan", done=1, total=3)
    stage.session.run("suggest", done=1, total=3)
    slicer_host.process_events(0.05)
    assert stage.ui.suggestSection.y == before


# The list of cases ----------------------------------------------------------------------


@pytest.fixture
def cases(stage):
    stage.session.open_project()
    stage.ui.casesButton.click()
    return stage.panel.project.cases_dialog


def rows(dialog):
    table = dialog.ui.casesTable
    return [table.item(row, 0).text() for row in range(table.rowCount)]


def test_all_cases_are_listed_with_what_is_known(cases):
    assert len(rows(cases)) == 13
    table = cases.ui.casesTable
    assert [table.item(12, c).text() for c in range(3)] == [
        "torn",
        "left out",
        "the file is truncated",
    ]
    assert cases.ui.countLabel.text == "13 of 13 cases"


def test_cases_are_filtered_by_state_and_by_text(cases):
    cases.ui.stateCombo.setCurrentIndex(3)
    assert rows(cases) == ["p00", "p01", "p02"]
    cases.ui.filterEdit.text = "02"
    assert rows(cases) == ["p02"]
    cases.ui.stateCombo.setCurrentIndex(0)
    cases.ui.filterEdit.text = "TRUNCATED"
    assert rows(cases) == ["torn"]


def test_a_labelled_case_opens_by_double_click_and_by_button(cases, stage):
    cases.ui.casesTable.cellDoubleClicked(0, 0)
    assert [a for a in stage.asked if a[0] == "open_case"] == []
    cases.ui.casesTable.setCurrentCell(1, 0)
    cases.ui.casesTable.cellDoubleClicked(1, 0)
    cases.ui.openCaseButton.click()
    assert [a for a in stage.asked if a[0] == "open_case"] == [("open_case", "p01", None)] * 2


def test_a_case_that_was_left_out_is_taken_back_not_opened(cases, stage):
    cases.ui.stateCombo.setCurrentIndex(4)
    assert not cases.ui.includeButton.enabled
    cases.ui.casesTable.setCurrentCell(0, 0)
    assert not cases.ui.openCaseButton.enabled
    assert "take it back first" in cases.ui.openCaseButton.toolTip
    cases.ui.includeButton.click()
    assert ("include", "torn") in stage.asked


def test_what_is_left_out_is_listed_on_demand(stage):
    stage.session.open_project(excluded=0)
    assert stage.ui.projectIdleText.text == ""
    stage.session.open_project(excluded=3)
    assert "3 cases are left out: see why" in stage.ui.projectIdleText.text
    stage.session.open_project(excluded=1)
    assert "1 case is left out: see why" in stage.ui.projectIdleText.text
    stage.ui.projectIdleText.linkActivated("#")
    dialog = stage.panel.project.cases_dialog
    assert rows(dialog) == ["torn"]
    assert dialog.ui.casesTable.item(0, 2).text() == "the file is truncated"


def test_the_list_follows_the_project(cases, stage):
    cases.ui.casesTable.setCurrentCell(2, 0)
    stage.session.cases = [c for c in stage.session.cases if c["case"] != "p00"]
    stage.session.overview_changed.emit()
    assert rows(cases)[:2] == ["p01", "p02"]
    assert cases.ui.casesTable.currentRow() == 1


def test_a_large_pool_is_listed_in_part(cases, stage, slicer_host):
    stage.session.cases = [{"case": f"c{n:05d}", "state": "unlabelled"} for n in range(10000)]
    stage.session.overview_changed.emit()
    assert len(rows(cases)) == 400
    assert "400 of 10000" in cases.ui.countLabel.text
    cases.ui.filterEdit.text = "09999"
    assert rows(cases) == ["c09999"]


def test_the_list_closes_and_no_longer_follows(cases, stage):
    cases.ui.closeCasesButton.click()
    assert not cases.dialog.visible
    stage.session.cases = []
    stage.session.overview_changed.emit()
    assert len(rows(cases)) == 13


# Terminology ----------------------------------------------------------------------------


def test_without_terminologies_a_segment_needs_none(stage, tmp_path, monkeypatch):
    monkeypatch.delattr(slicer.modules, "terminologies", raising=False)
    dialog = new_dialog(stage)
    assert not dialog.segments._term_buttons[0].enabled
    fill(dialog, tmp_path)
    assert dialog.ui.createButton.enabled


ENTRY = (
    "Segmentation category and type - 3D Slicer General Anatomy list"
    "~SCT^123037004^Anatomical Structure~SCT^10200004^Liver~^^~Anatomic codes~^^~^^"
)


def chosen_entry():
    entry = slicer.vtkSlicerTerminologyEntry()
    assert slicer.modules.terminologies.logic().DeserializeTerminologyEntry(ENTRY, entry)
    return entry


def test_a_segment_gets_its_name_from_the_terminology(stage, tmp_path):
    dialog = new_dialog(stage)
    fill(dialog, tmp_path, segment="")
    dialog.segments._term_buttons[0].click()
    chooser = dialog.segments._term_dialog
    assert chooser.dialog.visible
    chooser.navigator.setTerminologyEntry(chosen_entry())
    chooser.select.click()
    assert not chooser.dialog.visible
    (segment,) = dialog.segments.segments()
    assert segment["name"] == "Liver"
    assert segment["terminology"].split("~")[2] == "SCT^10200004^Liver"
    assert dialog.segments._term_buttons[0].text == "Liver"
    assert dialog.ui.createButton.enabled


def test_a_name_that_was_given_stays_with_a_terminology(stage, tmp_path):
    dialog = new_dialog(stage)
    fill(dialog, tmp_path, segment="whole liver")
    dialog.segments._term_buttons[0].click()
    chooser = dialog.segments._term_dialog
    chooser.navigator.setTerminologyEntry(chosen_entry())
    chooser.select.click()
    assert dialog.segments.segments()[0]["name"] == "whole liver"


def test_a_terminology_that_is_not_chosen_changes_nothing(stage, tmp_path):
    dialog = new_dialog(stage)
    fill(dialog, tmp_path)
    dialog.segments._term_buttons[0].click()
    dialog.segments._term_dialog.cancel.click()
    assert dialog.segments.segments()[0]["terminology"] == ""
