"""The first suggestion of a project: bounded, repeatable, never in the way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ActiveSuggestLib.errors import CancelledError
from ActiveSuggestLib.learning import appearance
from ActiveSuggestLib.learning.appearance import quickly_read
from ActiveSuggestLib.learning.workbench import Workbench
from ActiveSuggestLib.progress import Cancel


def test_what_looks_like_the_pool_comes_first(make_learner):
    learner = make_learner(22)
    batch = learner.suggest(count=3)
    assert len({s.patient for s in batch}) == 3
    reasons = " ".join(batch[0].reasons)
    assert "looks most like the rest of the pool" in reasons
    assert "Phase: cold start" in reasons
    assert "22 images were looked at" in reasons
    assert learner.suggest(count=3) == batch
    slices = learner.suggest(unit="slice", count=4)
    assert len({(s.case, s.slice) for s in slices}) == 4


def test_each_image_is_read_once_and_a_torn_miniature_costs_only_time(make_learner, monkeypatch):
    learner = make_learner(10)
    first = learner.suggest(count=3)
    read = []
    load = Workbench.load
    monkeypatch.setattr(
        Workbench, "load", lambda self, case: read.append(case.name) or load(self, case)
    )
    assert learner.suggest(count=3) == first
    learner.suggest(unit="slice", count=3)
    assert read == []
    files = sorted((learner.project.folder / "cache" / "miniatures").rglob("*.npy"))
    assert len(files) == 10
    files[0].write_bytes(files[0].read_bytes()[:100])
    assert learner.suggest(count=3) == first
    assert len(read) == 1


def test_what_is_labelled_counts_as_seen(make_learner):
    learner = make_learner(10)
    before = learner.score().set_index("case")
    first = learner.suggest(count=2)[0]
    geometry = learner.project.case(first.case).geometry
    learner.save_label(first.case, np.ones(geometry.shape, np.uint8))
    table = learner.score().set_index("case")
    assert first.case not in table.index
    # Of ten images nine are left to be covered, and what looks like the labelled one is covered.
    ratio = (table["score"] * 9) / (before["score"].drop(first.case) * 10)
    assert (ratio < 1 + 1e-4).all()
    assert ratio.min() < 0.6


def test_a_large_pool_is_read_in_part(make_learner, monkeypatch):
    learner = make_learner(22)
    monkeypatch.setattr(appearance.quickly_read, "__defaults__", (9 * 16 * 18 * 20,))
    table = learner.score()
    assert table["reasons"].str.contains("Not looked at: the pool is large").sum() == 22 - 9
    assert table["reasons"].str.contains("(9 images were looked at)", regex=False).all()
    assert "Not looked at" not in " ".join(learner.suggest()[0].reasons)


def test_what_is_quickly_read_is_whole_patients_and_bounded(make_learner):
    cases = make_learner(10, visits=2).project.cases()
    size = 16 * 18 * 20
    for seed in range(5):
        rng = np.random.default_rng(seed)
        chosen = quickly_read(cases, rng, most=5 * size)
        assert len(chosen) == 4
        assert len({c.patient for c in chosen}) == 2
    firsts = {quickly_read(cases, np.random.default_rng(s), most=0)[0].patient for s in range(20)}
    assert len(firsts) == 5
    assert quickly_read(cases, np.random.default_rng(0)) == cases
    blind = [replace(c, geometry=None) for c in cases]
    assert len(quickly_read(blind, np.random.default_rng(0), most=1)) == 10


def test_an_unreadable_image_leaves_the_pool(make_learner, tmp_path):
    learner = make_learner(22)
    (tmp_path / "pool" / "images" / "p02_v0.nii.gz").write_bytes(b"torn")
    table = learner.score()
    assert len(table) == 21
    assert "p02_v0" not in set(table["case"])


def test_it_can_be_cancelled(make_learner):
    cancel = Cancel()
    cancel.cancel()
    with pytest.raises(CancelledError):
        make_learner(22).suggest(cancel=cancel)
