"""How long Slicer's window waits for the scene: a case shown, edited, read back, looked at.

python Testing/Benchmarks/scene_speed.py     (needs slicer-core; no window, no graphics card)

Uncompressed files as the worker prepares them. The reading of image and uncertainty is measured
apart and left out of "beyond reading"; Slicer's own reader is there to compare with.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import slicer

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "ActiveSuggest")]

from ActiveSuggestModule.scene.case_files import CaseFiles, ImageFile  # noqa: E402
from ActiveSuggestModule.scene.case_scene import CaseScene  # noqa: E402
from ActiveSuggestModule.scene.volumes import read_volume  # noqa: E402

from ActiveSuggestLib.data.geometry import Geometry  # noqa: E402
from ActiveSuggestLib.data.label_formats import seg_nrrd  # noqa: E402
from ActiveSuggestLib.data.segments import parse_segments  # noqa: E402
from ActiveSuggestLib.serving.raw_nrrd import write_volume  # noqa: E402
from Testing.Host.qt_host.scene import new_scene  # noqa: E402
from Testing.Python.module.scene_cases import ball, paint  # noqa: E402

GEOMETRY = Geometry((512, 512, 120), (0.7, 0.7, 2.0))
SEGMENTS = parse_segments("liver=1,tumour=2,vessel=3")


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        files = write_files(Path(folder))
        world = new_scene()
        measure(world, files, rounds)
        world.close()


def write_files(folder: Path) -> CaseFiles:
    """Write a case as the worker does: int16 image, labels, float32 uncertainty, uncompressed."""
    rng = np.random.default_rng(0)
    image = rng.integers(-1000, 1000, GEOMETRY.shape, np.int16)
    small = (30, 128, 128)
    labels = (ball(small, 11) + ball(small, 4, (18, 70, 60))).repeat(4, 0).repeat(4, 1).repeat(4, 2)
    labels[10:60, 100:140, 380:420] = 3
    heat = (0.6 * (labels > 1) + 0.05 * rng.random(GEOMETRY.shape)).astype(np.float32)
    write_volume(folder / "case.nrrd", image, GEOMETRY)
    write_volume(folder / "case.uncertainty.nrrd", heat, GEOMETRY)
    header = seg_nrrd.header(GEOMETRY, SEGMENTS, {}, encoding="raw")
    (folder / "case.seg.nrrd").write_bytes(header + np.ascontiguousarray(labels).tobytes())
    return CaseFiles(
        "case",
        (ImageFile(folder / "case.nrrd", "case"),),
        folder / "case.seg.nrrd",
        "proposal",
        folder / "case.uncertainty.nrrd",
        slice=60,
        window=(-160.0, 240.0),
    )


def measure(world: Any, files: CaseFiles, rounds: int) -> None:
    """Print the median and the longest of each step, in milliseconds."""
    scene = CaseScene(world.scene, world.application_logic)
    reading: list[float] = []
    slicers: list[float] = []
    showing: list[float] = []
    steps: dict[str, list[float]] = {}

    def note(name: str, work: Callable[[], object]) -> None:
        steps.setdefault(name, []).append(clock(work))

    for index in range(rounds):
        reading.append(
            clock(
                lambda: (read_volume(files.images[0].path, ""), read_volume(files.uncertainty, ""))
            )
        )
        slicers.append(
            clock(lambda: (slicers_reader(files.images[0].path), slicers_reader(files.uncertainty)))
        )
        showing.append(clock(lambda: scene.show(files, SEGMENTS)))
        node = scene.shown.segmentation
        box = np.s_[20 + index : 24 + index, 30:60, 30:60]
        paint(node, "tumour", box)
        note("mask() after an edit", scene.mask)
        note("mask() without an edit", scene.mask)
        note("changed_slices()", scene.changed_slices)
        note("modified_time()", scene.modified_time)
        note("places(), once a case", scene.places)
        note("go_to_slice()", lambda: scene.go_to_slice(30))
        note("go_to_place()", lambda: scene.go_to_place(scene.places()[0]))
        note("overlay off and on", lambda: toggle(scene))
        note(
            "replace_segmentation()",
            lambda: scene.replace_segmentation(files.segmentation, "label"),
        )
        note("close()", scene.close)
    print(
        f"{len(os.sched_getaffinity(0))} cores, {os.getloadavg()[0]:.1f} load, {rounds} rounds;"
        f" {' × '.join(str(n) for n in GEOMETRY.size)}, {len(SEGMENTS)} segments, uncertainty"
    )
    beyond = [max(0.0, a - b) for a, b in zip(showing, reading, strict=True)]
    steps = {
        "Slicer's reader, the two volumes": slicers,
        "reading of the two volumes": reading,
        "show() in all": showing,
        "show() beyond reading": beyond,
        **steps,
    }
    for name, seconds in steps.items():
        middle, longest = 1000 * statistics.median(seconds), 1000 * max(seconds)
        print(f"{name:38s} {middle:8.1f} ms  (longest {longest:.1f})")


def slicers_reader(path: Path | None) -> object:
    """Read a volume as Slicer does."""
    node, storage = slicer.vtkMRMLScalarVolumeNode(), slicer.vtkMRMLNRRDStorageNode()
    storage.SetFileName(str(path))
    assert storage.ReadData(node, True)
    return node


def toggle(scene: CaseScene) -> None:
    """Hide the overlay and show it again."""
    scene.set_overlay(visible=False, opacity=0.5)
    scene.set_overlay(visible=True, opacity=0.5)


def clock(work: Callable[[], object]) -> float:
    """Return the seconds that something takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
