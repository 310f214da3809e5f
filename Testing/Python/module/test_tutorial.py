"""The README's tutorial, step by step on the demo project; its pictures are taken here."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from Testing.tutorial_pictures import ARTEFACTS, PICTURES, SCREENSHOTS

REPOSITORY = Path(__file__).resolve().parents[3]
SECONDS = int(os.environ.get("ACTIVESUGGEST_TUTORIAL_SECONDS", "5"))
PATIENCE = 120.0 + 3 * SECONDS


def test_the_steps_of_the_tutorial(
    module_widget: Any,
    slicer_host: Any,
    screenshot: Callable[..., Path],
    render_slice_view: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import slicer
    from ActiveSuggestModule import sample_data

    monkeypatch.setattr(sample_data, "demo_folder", lambda: tmp_path / "demo")
    ui, session = module_widget.ui, module_widget.logic.session

    def wait(predicate: Callable[[], Any], what: str) -> Any:
        try:
            return slicer_host.wait_until(predicate, PATIENCE, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{session.troubles}\n{session.log()}") from None

    def take(name: str, section: Any) -> None:
        slicer_host.process_events(0.5)
        panel = screenshot(section, f"{name}-panel", ratio=1.5)
        height = struct.unpack(">I", panel.read_bytes()[20:24])[0]
        view = render_slice_view("Red", f"{name}-view", (round(1.15 * height), height))
        beside(panel, view, ARTEFACTS / f"{name}.png")

    # 1. Sample Data › ActiveSuggest: the demo is made, and its project opens.
    slicer.modules.sampleDataSources["ActiveSuggest"][0].customDownloader(None)
    wait(lambda: session.worker_state == "ready", "the demo's project")
    assert "9 unlabelled" in ui.projectCounts.text
    ui.trainSeconds.setValue(max(5, SECONDS))

    # 2. Train now: three labels are there already.
    ui.trainButton.click()
    wait(lambda: session.models and not session.jobs, "the first model")

    # 3. Suggest next: the best case opens with the model's proposal.
    ui.countSpin.setValue(3)
    ui.suggestButton.click()
    wait(lambda: session.current is not None and session.current.source == "proposal", "a proposal")
    wait(lambda: ui.placeNext.enabled, "uncertain places")
    wait(lambda: all(s.state == "ready" for s in session.suggestions[1:]), "cases fetched ahead")
    assert ui.rankingTable.rowCount == 3
    take("tutorial-suggest", ui.suggestSection)

    # 4. Correct the proposal in the Segment Editor.
    case = session.current.case
    correct(session, tmp_path / "demo" / "labels" / f"{case}.seg.nrrd")
    wait(lambda: session.current.dirty, "the correction")
    ui.overlayCheck.setChecked(False)
    take("tutorial-edit", ui.editSection)
    ui.overlayCheck.setChecked(True)
    ui.placeNext.click()
    assert ui.placeLabel.text.startswith("1 of")

    # 5. Save and next: on disk at once; the model learns in the background.
    ui.saveNextButton.click()
    wait(lambda: session.current is not None and session.current.case != case, "the next case")
    wait(lambda: "fine_tune" in session.jobs, "the training to begin")
    correct(session, tmp_path / "demo" / "labels" / f"{session.current.case}.seg.nrrd")
    wait(lambda: session.current.dirty, "the second correction")
    ui.saveNextButton.click()
    wait(lambda: "5 labelled" in ui.projectCounts.text, "the second label")
    wait(lambda: not session.jobs, "training and ranking to end")
    wait(lambda: len(session.curve["models"]) > 1, "the curve to move")
    wait(lambda: ui.diceLabel.text, "the proposal to be compared with the label")
    screenshot(ui.learningSection, "tutorial-learn", ratio=1.5)
    assert ui.troubleBar.isHidden(), ui.troubleSentence.text


def correct(session: Any, truth: Path) -> None:
    """Put the true anatomy in, as a person would have painted it."""
    import slicer

    array = sitk.GetArrayFromImage(sitk.ReadImage(str(truth)))
    shown = session.scene.shown
    segmentation = shown.segmentation.GetSegmentation()
    for segment in session.segments:
        slicer.util.updateSegmentBinaryLabelmapFromArray(
            (array == segment.value).astype(np.uint8),
            shown.segmentation,
            segmentation.GetSegmentIdBySegmentName(segment.name),
            shown.volume,
        )


def beside(panel: Path, view: Path, out: Path) -> None:
    """Put the picture of a section and that of a slice view side by side, as Slicer shows them."""
    from PySide6.QtGui import QColor, QImage, QPainter

    left, right = QImage(str(panel)), QImage(str(view))
    left.setDevicePixelRatio(1)
    gap = 12
    picture = QImage(
        left.width() + gap + right.width(),
        max(left.height(), right.height()),
        QImage.Format.Format_RGB32,
    )
    picture.fill(QColor("#eff0f1"))
    painter = QPainter(picture)
    painter.drawImage(0, 0, left)
    painter.drawImage(left.width() + gap, 0, right)
    painter.end()
    picture.save(str(out))


def test_the_readme_shows_the_pictures_of_the_tutorial() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[[^\]]+\]\((Resources/[^)]+)\)", readme)

    for name in PICTURES:
        assert f"Resources/Screenshots/{name}" in shown
    for path in shown:
        header = (REPOSITORY / path).read_bytes()[:24]
        width, height = struct.unpack(">II", header[16:24])
        assert min(width, height) > 200, path
    assert SCREENSHOTS.is_dir()
