"""The panel in each of its states, light and dark, sharp and narrow: pictures to look at.

They are kept under Testing/Artefacts. What a program can see is asserted: nothing is cut off, and
the panel fits the width that Slicer gives it.
"""

from __future__ import annotations

import numpy as np
import pytest
import qt
from ActiveSuggestModule.troubles import Trouble

from Testing.Python import blobs
from Testing.Python.module.panel_stage import Stage
from Testing.Python.module.test_panels_learning import CURVE

NARROW = 380


def thumbnails(folder, count=4):
    """Write pictures as the worker's: a slice with its uncertainty over it."""
    paths = []
    for seed in range(count):
        image, label = blobs.blob(seed, (16, 40, 44))
        grey = np.clip(image[8] * 45 + 60, 0, 255)
        rgb = np.stack([grey, grey, grey], axis=-1)
        edge = np.abs(np.diff(label[8].astype(float), axis=0, prepend=0)) > 0
        rgb[edge] = (250, 200, 40)
        pixmap = qt.QImage(44, 40, qt.QImage.Format_RGB32)
        for y in range(40):
            for x in range(44):
                pixmap.setPixelColor(x, y, qt.QColor(*(int(part) for part in rgb[y, x])))
        paths.append(folder / f"slice{seed}.png")
        assert pixmap.scaled(132, 120).save(str(paths[-1]))
    return paths


def empty(_stage, _folder):
    pass


def suggesting(stage, folder):
    stage.session.open_project()
    stage.session.suggest_cases(*thumbnails(folder), slices=(21, 22, 35))
    stage.session.run("suggest", done=12, total=80, message="scoring", remaining_seconds=21)


def mixed(stage, folder):
    stage.session.open_project()
    stage.ui.unitCombo.setCurrentIndex(2)
    stage.session.suggest_cases(*thumbnails(folder), slices=(21, 22, 35))
    for volume in stage.session.suggestions[1::2]:
        volume.slices = ()
    stage.session.suggestions_changed.emit()


def case(stage, folder):
    stage.session.open_project()
    stage.session.suggest_cases(*thumbnails(folder), slices=(21, 22, 35))
    stage.session.show_case(slices=(21, 22, 35), source="draft", seconds=312, dirty=True)
    stage.ui.placeNext.click()


def learning(stage, folder):
    case(stage, folder)
    stage.session.device = {
        "kind": "gpu",
        "description": "NVIDIA RTX 4090",
        "free_bytes": 20.2 * 2**30,
        "total_bytes": 24 * 2**30,
    }
    stage.session.curve = CURVE
    stage.session.run("fine_tune", done=31, total=120, message="training", remaining_seconds=89)
    stage.session.project_changed.emit()
    stage.session.models_changed.emit()


def trouble(stage, folder):
    stage.session.open_project()
    stage.session.suggest_cases(*thumbnails(folder))
    stage.session.trouble.emit(
        Trouble(
            "The background process stopped twice within a minute.",
            "Your edits are kept as a draft. Restart it; if it stops again, look at the details.",
            "Killed by signal 9",
            action="restart",
        )
    )
    stage.dependencies.lacks = ("torch", "monai")
    stage.panel.install.offer()


STATES = {f.__name__: f for f in (empty, suggesting, mixed, case, learning, trouble)}


@pytest.fixture
def stage(slicer_host):
    stage = Stage(NARROW)
    yield stage
    stage.leave()
    slicer_host.set_theme("light")


def shown_texts(ui):
    """Return the visible buttons and single-line labels, with the width their text needs."""
    for widget in vars(ui).values():
        kind = widget.className()
        if not kind.endswith(("QPushButton", "QCheckBox", "QLabel")) or not widget.visible:
            continue
        text = widget.text
        is_simple = text and not text.startswith("<")
        if is_simple and not (kind.endswith("QLabel") and widget.wordWrap):
            yield widget, widget.fontMetrics().boundingRect(text).width()


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize(("theme", "ratio"), [("light", 1.0), ("dark", 2.0)])
def test_the_panel_in_each_state(stage, slicer_host, screenshot, tmp_path, state, theme, ratio):
    slicer_host.set_theme(theme)
    STATES[state](stage, tmp_path)
    slicer_host.process_events(0.1)
    stage.root.resize(NARROW, stage.root.sizeHint.height())
    slicer_host.process_events(0.5)
    picture = screenshot(stage.root, f"state-{state}-{theme}", ratio=ratio)
    assert picture.stat().st_size > 10_000
    assert stage.root.width <= NARROW
    for widget, needed in shown_texts(stage.ui):
        assert widget.width >= needed - 2, f"{widget.name}: {widget.text}"


@pytest.mark.parametrize("state", STATES)
def test_what_does_not_fit_is_told_by_the_tool_tip(stage, slicer_host, tmp_path, state):
    STATES[state](stage, tmp_path)
    slicer_host.process_events(0.5)
    for widget, _needed in shown_texts(stage.ui):
        if widget.text.endswith("…") and widget.className().endswith("QLabel"):
            assert widget.toolTip, widget.name


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_dialogs(stage, slicer_host, screenshot, tmp_path, theme):
    slicer_host.set_theme(theme)
    stage.session.open_project()
    stage.ui.newButton.click()
    new = stage.panel.project.new_dialog
    (tmp_path / "scans").mkdir()
    new.ui.imagesEdit.currentPath = str(tmp_path / "scans")
    new.ui.segmentsTable.item(0, 0).setText("liver")
    new.segments.add("tumour")
    stage.ui.casesButton.click()
    stage.session.trouble.emit(Trouble("p03 could not be read.", "Replace it.", "Traceback …"))
    stage.ui.troubleDetails.click()
    for name, shown in (
        ("new", new),
        ("cases", stage.panel.project.cases_dialog),
        ("details", stage.panel.details),
    ):
        picture = screenshot(shown.dialog, f"dialog-{name}-{theme}")
        assert picture.stat().st_size > 4_000
        for widget, needed in shown_texts(shown.ui):
            assert widget.width >= needed - 2, f"{widget.name}: {widget.text}"
