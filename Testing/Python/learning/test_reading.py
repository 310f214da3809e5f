"""Reading ahead: in order, side by side, bounded, and never stopped by one bad file."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from ActiveSuggestLib.errors import CancelledError, UnreadableImageError
from ActiveSuggestLib.learning.array_files import ArrayFiles
from ActiveSuggestLib.learning.reading import kept_arrays, read_ahead
from ActiveSuggestLib.learning.workbench import Workbench
from ActiveSuggestLib.models.preparing import Prepared
from ActiveSuggestLib.progress import Cancel, no_progress


def small(prepared):
    return np.array([float(prepared.array.mean())])


class Watched:
    """Counts who reads at the same time, and how far reading is ahead of use."""

    def __init__(self, monkeypatch):
        self.lock = threading.Lock()
        self.now = self.most = self.begun = 0
        load = Workbench.load

        def watched(bench, case):
            with self.lock:
                self.now += 1
                self.begun += 1
                self.most = max(self.most, self.now)
            try:
                time.sleep(0.02)
                return load(bench, case)
            finally:
                with self.lock:
                    self.now -= 1

        monkeypatch.setattr(Workbench, "load", watched)


@pytest.mark.parametrize("readers", [1, 2])
def test_cases_come_in_order_and_no_more_are_read_than_wanted(make_learner, monkeypatch, readers):
    bench = make_learner(10).bench
    cases = bench.project.cases()
    watched = Watched(monkeypatch)
    for used, (case, prepared) in enumerate(read_ahead(bench, cases, None, readers=readers)):
        assert case is cases[used]
        assert isinstance(prepared, Prepared)
        time.sleep(0.01)
        assert watched.begun <= used + readers + 1
    assert used == 9
    assert watched.most == readers


def test_arrays_are_kept_and_come_in_the_order_of_the_cases(make_learner, tmp_path, monkeypatch):
    bench = make_learner(10).bench
    cases = bench.project.cases()
    files = ArrayFiles(tmp_path / "arrays")
    options = {"progress": no_progress, "cancel": None}
    some, _ = kept_arrays(bench, cases[4:6], files, small, "reading", **options)
    told = []
    watched = Watched(monkeypatch)
    options["progress"] = lambda done, total, text: told.append((done, total, text))
    found, unusable = kept_arrays(bench, cases, files, small, "reading", **options)
    assert list(found) == [c.name for c in cases]
    assert unusable == set()
    assert watched.begun == 8
    assert found[cases[4].name] == some[cases[4].name]
    assert told[0] == (2, 10, f"reading {cases[0].name}")
    assert told[-1] == (10, 10, f"reading {cases[-1].name}")
    again, _ = kept_arrays(bench, cases, files, small, "reading", **options)
    assert watched.begun == 8
    assert {k: float(v[0]) for k, v in again.items()} == {k: float(v[0]) for k, v in found.items()}


def test_what_cannot_be_read_is_reported_and_the_rest_comes(make_learner, tmp_path):
    learner = make_learner(10)
    cases = learner.project.cases()
    (tmp_path / "pool" / "images" / f"{cases[3].name}.nii.gz").write_bytes(b"torn")
    reported = []
    learner.bench.report = lambda name, error: reported.append((name, error))
    found, unusable = kept_arrays(
        learner.bench, cases, ArrayFiles(tmp_path / "arrays"), small, "reading",
        progress=no_progress, cancel=None,
    )  # fmt: skip
    assert unusable == {cases[3].name}
    assert len(found) == 9
    assert [name for name, _ in reported] == [cases[3].name]
    assert isinstance(reported[0][1], UnreadableImageError)


def test_what_was_made_before_cancelling_is_kept(make_learner, tmp_path):
    bench = make_learner(10).bench
    cancel = Cancel()
    files = ArrayFiles(tmp_path / "arrays")

    def make(prepared):
        if len(list((tmp_path / "arrays").glob("*.npy"))) == 2:
            cancel.cancel()
        return small(prepared)

    with pytest.raises(CancelledError):
        kept_arrays(
            bench, bench.project.cases(), files, make, "reading",
            progress=no_progress, cancel=cancel,
        )  # fmt: skip
    assert len(list((tmp_path / "arrays").glob("*.npy"))) == 3
