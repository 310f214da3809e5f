"""The panel as a person uses it, on real volumes, with the real worker and a tiny network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer

PATIENCE = 60.0


class Person:
    """Clicks and paints; the only thing known beforehand is the true anatomy."""

    def __init__(self, widget, truth, wait_until):
        self.ui, self.panel = widget.ui, widget.panel
        self.session = widget.logic.session
        self.truth = truth
        self.wait_until = wait_until

    def wait(self, predicate, what):
        try:
            return self.wait_until(predicate, PATIENCE, what)
        except AssertionError as error:
            troubles = "; ".join(t.sentence for t in self.session.troubles) or "no trouble"
            raise AssertionError(f"{error} ({troubles})\n{self.session.log()}") from None

    def open_project(self, folder: Path) -> None:
        self.panel.project._ask = lambda _title, _begin: str(folder)
        self.ui.openButton.click()
        self.wait(lambda: self.session.worker_state == "ready", "the worker is ready")

    @property
    def case(self) -> str | None:
        return self.session.current.case if self.session.current is not None else None

    def correct(self) -> None:
        """Paint the true anatomy over what is proposed, slice by slice, as a brush does."""
        editor = self.panel.edit.editor.widget
        editor.setActiveEffectByName("Paint")
        truth = sitk.GetArrayFromImage(sitk.ReadImage(str(self.truth(self.case))))
        segments = self.session.segments
        for segment in segments:
            for index in range(truth.shape[0]):
                wanted = truth[index] == segment.value
                editor.erase(segment.name, index, ((0, wanted.shape[0]), (0, wanted.shape[1])))
                for row in np.flatnonzero(wanted.any(axis=1)):
                    columns = np.flatnonzero(wanted[row])
                    box = ((int(row), int(row) + 1), (int(columns[0]), int(columns[-1]) + 1))
                    editor.paint(segment.name, index, box)

    def label_and_go_on(self, project) -> None:
        """Save the true anatomy of the open case as its label, and see the next one come."""
        case = self.case
        self.correct_quickly()
        self.ui.saveNextButton.click()
        label = project.folder / "labels" / f"{case}.seg.nrrd"
        self.wait(label.exists, f"{case} is saved")
        self.wait(lambda: self.case not in (None, case), "the next case is shown")

    def correct_quickly(self) -> None:
        """Put the true anatomy in at once: what matters is the label, not the brush."""
        truth = sitk.GetArrayFromImage(sitk.ReadImage(str(self.truth(self.case))))
        shown = self.session.scene.shown
        for segment in self.session.segments:
            segmentation = shown.segmentation.GetSegmentation()
            slicer.util.updateSegmentBinaryLabelmapFromArray(
                (truth == segment.value).astype(np.uint8),
                shown.segmentation,
                segmentation.GetSegmentIdBySegmentName(segment.name),
                shown.volume,
            )


@pytest.fixture
def person(module_widget, wait_until, hippocampus_project):
    person = Person(module_widget, hippocampus_project.label_of, wait_until)
    person.ui.trainSeconds.setValue(5)
    person.open_project(hippocampus_project.folder)
    return person


def test_from_the_first_click_to_a_model_that_has_learned(
    person, hippocampus_project, slicer_host, screenshot, render_slice_view
):
    ui, session = person.ui, person.session
    assert ui.projectCounts.text == "10 cases: 10 unlabelled"
    assert ui.projectDevice.text.startswith(("CPU", "GPU"))

    # Suggest next: the best one opens, and the rest is fetched ahead.
    ui.countSpin.setValue(4)
    ui.suggestButton.click()
    assert ui.suggestButton.text == "Cancel"
    person.wait(lambda: person.case is not None, "the first case is shown")
    assert ui.suggestButton.text == "Suggest next"
    assert ui.rankingTable.rowCount == 4
    assert session.scene.shown.volume.GetImageData() is not None
    person.wait(lambda: session.suggestions[1].state == "ready", "the next one is fetched")
    first = person.case

    # Paint into the segmentation: the panel sees the edit.
    person.correct()
    person.wait(lambda: "edited" in ui.savedLabel.text, "the edit is noticed")
    slicer_host.process_events(0.3)
    screenshot(person.panel._root, "panel-painted")
    render_slice_view("Red", "view-painted")

    # Save and next: on disk, then the next case, then a training.
    ui.noteEdit.text = "first of all"
    ui.saveNextButton.click()
    label = hippocampus_project.folder / "labels" / f"{first}.seg.nrrd"
    person.wait(label.exists, "saved")
    person.wait(lambda: person.case not in (None, first), "the next case is shown")
    assert ui.noteEdit.text == ""
    person.wait(lambda: "fine_tune" in session.jobs, "the training begins")
    assert ui.trainButton.text == "Stop"
    person.wait(lambda: "1 labelled" in ui.projectCounts.text, "the counts follow")

    # More labels while it trains: the training takes them in, and a model comes.
    for _ in range(3):
        person.label_and_go_on(hippocampus_project)
    person.wait(lambda: ui.modelsTable.rowCount >= 1, "a model is listed")
    person.wait(lambda: not session.jobs, "training and ranking end")
    assert ui.trainButton.text == "Train now"

    # The model has an opinion by now: the next case comes with its proposal and its doubts.
    ui.rankingTable.cellDoubleClicked(0, 1)
    person.wait(lambda: session.current.source == "proposal", "a proposal is shown")
    assert ui.overlayCheck.enabled
    person.wait(lambda: ui.placeNext.enabled, "uncertain places are known")
    ui.placeNext.click()
    assert ui.placeLabel.text.startswith("1 of ")
    slicer_host.process_events(0.5)
    screenshot(person.panel._root, "panel-proposal")
    render_slice_view("Red", "view-proposal")

    # A fifth patient: there is a validation case now, and the curve moves.
    before = ui.curveLabel.pixmap.cacheKey()
    models = ui.modelsTable.rowCount
    person.label_and_go_on(hippocampus_project)
    person.wait(lambda: "had a Dice of" in ui.diceLabel.text, "the proposal is compared")
    person.wait(lambda: ui.modelsTable.rowCount > models, "another model is listed")
    person.wait(lambda: ui.curveLabel.pixmap.cacheKey() != before, "the curve moves")
    person.wait(lambda: "(n=1)" in ui.modelsTable.item(0, 2).text(), "validated on one case")
    person.wait(lambda: not session.jobs, "training and ranking end")
    slicer_host.process_events(0.5)
    screenshot(person.panel._root, "panel-learned")
    assert ui.troubleBar.isHidden(), ui.troubleSentence.text
