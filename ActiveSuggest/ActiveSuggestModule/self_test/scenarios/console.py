"""The console: the same as the buttons, in single lines."""

from __future__ import annotations

import csv
import time

import numpy as np
import qt
import slicer

from .. import pool
from ..bench import Bench


def a_pool_is_scored_into_a_table(bench: Bench) -> None:
    """The console scores the pool into a table node and a CSV, while the window lives."""
    bench.ready()
    ticks: list[float] = []
    timer = qt.QTimer()
    timer.connect("timeout()", lambda: ticks.append(time.monotonic()))
    timer.start(20)
    path = bench.folder / "ranking.csv"
    scores = bench.logic.score("random", "volume", out=path)
    timer.stop()
    assert scores.node.IsA("vtkMRMLTableNode")
    rows = scores.node.GetNumberOfRows()
    assert rows == len(bench.unlabelled()), (rows, bench.unlabelled())
    with path.open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == rows
    assert ticks, "the window did not live while the console waited"
    slicer.mrmlScene.RemoveNode(scores.node)


def the_console_labels_a_case(bench: Bench) -> None:
    """The console suggests, shows, saves and trains."""
    bench.ready()
    logic = bench.logic
    first = logic.suggest(strategy="random", count=1)[0]
    case = first["case"] if isinstance(first, dict) else first.case
    logic.show(case)
    assert bench.session.current.case == case
    bench.paint("ball", (8, 9, 10), 3)
    logic.save()
    assert np.array_equal(bench.label_on_disk(case) == 1, bench.mask() == 1)
    logic.fine_tune(seconds=5)
    assert logic.models()
    assert logic.status()["counts"]["labelled"] > 0
    out = bench.folder / "proposals"
    left = bench.unlabelled()
    logic.predict(left[:1], out)
    assert (out / f"{left[0]}.seg.nrrd").is_file()
    assert bench.mask().shape == pool.SHAPE


SCENARIOS = (a_pool_is_scored_into_a_table, the_console_labels_a_case)
