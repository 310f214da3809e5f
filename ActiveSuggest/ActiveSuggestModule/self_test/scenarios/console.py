"""The console: the same as the buttons, in single lines."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import qt
import slicer

from ..bench import Bench

LONGEST_STANDSTILL = 1.0


def a_pool_is_scored_into_a_table(bench: Bench) -> None:
    """The console scores the whole pool into a table node and a CSV."""
    bench.ready()
    path = bench.folder / "ranking.csv"
    scores = bench.logic.score("random", "volume", out=path)
    assert scores.node.IsA("vtkMRMLTableNode")
    rows = scores.node.GetTable().GetNumberOfRows()
    assert rows == len(bench.unlabelled()), (rows, bench.unlabelled())
    with path.open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == rows
    slicer.mrmlScene.RemoveNode(scores.node)


def the_console_labels_a_case(bench: Bench) -> None:
    """The console suggests, shows, saves and trains, and the window lives meanwhile."""
    bench.ready()
    logic = bench.logic
    case = logic.suggest(strategy="random", count=1)[0]["case"]
    logic.show(case, prefer="empty")
    assert bench.session.current.case == case
    bench.paint("ball", (8, 9, 10), 3)
    assert logic.save()["case"] == case
    assert np.array_equal(bench.label_on_disk(case), bench.mask())
    with ticking() as ticks:
        report = logic.fine_tune(seconds=5)
    assert report["trained_on"] > 0
    assert ticks.longest < LONGEST_STANDSTILL, f"the window stood still for {ticks.longest:.1f} s"
    assert logic.models()
    assert logic.status()["counts"]["labelled"] > 0
    out = bench.folder / "proposals"
    left = bench.unlabelled()[0]
    logic.predict([left], out)
    assert (out / f"{left}.seg.nrrd").is_file()


@dataclass
class Ticks:
    """When the event loop came round, and the longest it did not (seconds)."""

    last: float
    longest: float = 0.0

    def tick(self) -> None:
        """The event loop came round."""
        now = time.monotonic()
        self.longest, self.last = max(self.longest, now - self.last), now


@contextmanager
def ticking() -> Iterator[Ticks]:
    """Measure how long events had to wait."""
    ticks = Ticks(time.monotonic())
    timer = qt.QTimer()
    timer.connect("timeout()", ticks.tick)
    timer.start(20)
    try:
        yield ticks
    finally:
        ticks.tick()
        timer.stop()


SCENARIOS = (a_pool_is_scored_into_a_table, the_console_labels_a_case)
