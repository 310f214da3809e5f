"""The first suggestion of a project: bounded, repeatable, never in the way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ActiveSuggestLib.errors import CancelledError, TrainingDivergedError
from ActiveSuggestLib.learning import cold_latents, latents
from ActiveSuggestLib.learning.cold_latents import quickly_read
from ActiveSuggestLib.learning.latents import PoolLatents
from ActiveSuggestLib.progress import Cancel


def test_the_most_typical_of_each_group_comes_first(make_learner):
    learner = make_learner(22)
    batch = learner.suggest(count=3)
    assert len({s.patient for s in batch}) == 3
    reasons = " ".join(batch[0].reasons)
    assert "The most typical of a group of" in reasons
    assert "Phase: cold start" in reasons
    assert "by an autoencoder of 22 images" in reasons
    assert learner.suggest(count=3) == batch
    slices = learner.suggest(unit="slice", count=4)
    assert len({(s.case, s.slice) for s in slices}) == 4


def test_the_autoencoder_ends_in_time_and_is_kept(make_learner, monkeypatch):
    learner = make_learner(22, settings={"autoencoder_steps": None})
    monkeypatch.setattr(cold_latents, "MOST_SECONDS", 0.2)
    first = learner.suggest(count=3)
    trained = learner.project.events("autoencoder")
    assert len(trained) == 1
    assert trained[0].data["steps"] < trained[0].data["planned_steps"]
    monkeypatch.setattr(latents, "train_autoencoder", None)
    assert learner.suggest(count=3) == first


def test_what_the_project_allows_is_not_exceeded(make_learner):
    bench = make_learner(3, settings={"autoencoder_seconds": 5}).bench
    assert PoolLatents(bench, "infovae", most_seconds=40.0).plan.seconds == 5
    assert PoolLatents(bench, "infovae", most_seconds=2.0).plan.seconds == 2
    assert PoolLatents(bench, "infovae").plan.seconds == 5


def test_a_large_pool_is_read_in_part(make_learner, monkeypatch):
    learner = make_learner(22)
    monkeypatch.setattr(cold_latents.quickly_read, "__defaults__", (9 * 16 * 18 * 20,))
    table = learner.score()
    assert table["reasons"].str.contains("Not looked at: the pool is large").sum() == 22 - 9
    assert table["reasons"].str.contains("by an autoencoder of 9 images").all()
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


def test_an_autoencoder_that_fails_does_not_stop_the_first_suggestion(make_learner, monkeypatch):
    def diverge(*args, **options):
        raise TrainingDivergedError("The training of the autoencoder diverged.")

    monkeypatch.setattr(latents, "train_autoencoder", diverge)
    reasons = make_learner(22).suggest()[0].reasons
    assert "could not be compared (The training of the autoencoder diverged)" in reasons[0]
    assert "fair draw by patient" in reasons[0]


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
