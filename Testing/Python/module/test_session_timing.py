"""The interface's own figures, printed with ``pytest -s``; only their order is judged.

``ACTIVESUGGEST_TIMING_SHAPE=120,512,512`` takes volumes of that size (z, y, x), which needs
``ACTIVESUGGEST_TEST_SECONDS=500`` on a processor.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
from ActiveSuggestModule.scene.volumes import read_volume

from ActiveSuggestLib.data.project import create_project
from Testing.Python import blobs
from Testing.Python.module.gui_probe import GuiProbe

SHAPE = tuple(int(n) for n in os.environ.get("ACTIVESUGGEST_TIMING_SHAPE", "40,96,96").split(","))
CASES = 5
STRATEGY = os.environ.get("ACTIVESUGGEST_TIMING_STRATEGY", "mc-dropout")


@pytest.fixture
def large_pool(tmp_path: Path) -> Path:
    """A project of five volumes of ``SHAPE``, two of them labelled."""
    for index in range(CASES):
        image, label = blobs.blob(index, SHAPE)
        name = f"p{index:02d}_v0.nii.gz"
        blobs.write((100 * image).astype(np.int16), tmp_path / "images" / name)
        blobs.write(label, tmp_path / "labels" / name)
    project = create_project(
        tmp_path / "pool",
        tmp_path / "images",
        segments=blobs.SEGMENTS,
        settings={**blobs.SETTINGS, "samples": 2},
    )
    with project:
        for index in range(2):
            project.save_label(f"p{index:02d}_v0", tmp_path / "labels" / f"p{index:02d}_v0.nii.gz")
    return tmp_path / "pool"


def test_the_times_of_the_interface_are_measured(stage, large_pool, monkeypatch):
    probe = GuiProbe(monkeypatch)
    session = stage.session
    stage.open(large_pool)
    print(f"\nvolumes of {' x '.join(map(str, SHAPE[::-1]))}")
    with probe.watch():
        stage.done(session.fine_tune(8))
        report("longest call while training", probe)
    with probe.watch():
        stage.done(session.suggest(STRATEGY, "volume", 3))
        stage.until(lambda: all(s.state == "ready" for s in session.suggestions))
        report("longest call while ranking and fetching ahead", probe)
    loading, opening = [], []
    for suggestion in session.suggestions[:2]:
        image = large_pool / "cache" / "scene" / f"{suggestion.case}.nrrd"
        loading.append(seconds(lambda image=image: read_volume(image, "a")))
        opening.append(seconds(lambda case=suggestion.case: session.open_case(case)))
        assert session.current.case == suggestion.case
        assert session.current.source == "proposal"
    beyond = max(o - r for o, r in zip(opening, loading, strict=True))
    print(
        f"click on a prefetched case to shown: {1000 * max(opening):.0f} ms, of which reading "
        f"the volume {1000 * max(loading):.0f} ms; beyond it {1000 * beyond:.0f} ms"
    )
    stage.paint("core", np.s_[4:20, 4:40, 4:40])
    print(f"looking at the open case: {1000 * seconds(session._autosave.look):.1f} ms")
    with probe.watch():
        training = session.fine_tune(6)
        stage.until(lambda: training.done > 0)
        began = time.perf_counter()
        assert session.save()
        on_disk = time.perf_counter() - began
        stage.until(lambda: stage.saves)
        labelled = time.perf_counter() - began
        stage.ended(training)
        report("longest call while saving during a training", probe)
    print(f"save until the mask is on disk: {1000 * on_disk:.0f} ms (holds the window)")
    print(f"save until it is the label, during a training: {labelled:.2f} s")
    assert on_disk < labelled
    assert not stage.troubles


def seconds(action) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def report(what: str, probe: GuiProbe) -> None:
    milliseconds, name = probe.longest
    assert probe.calls
    print(f"{what}: {milliseconds:.1f} ms ({name}, of {len(probe.calls)} calls)")
