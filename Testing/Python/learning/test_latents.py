"""Latents of a pool: trained once, cached by image, nothing lost or mixed up."""

from __future__ import annotations

import numpy as np
import pytest

from ActiveSuggestLib.errors import CancelledError
from ActiveSuggestLib.learning import latents
from ActiveSuggestLib.learning.latents import PoolLatents
from ActiveSuggestLib.learning.pool_view import ProjectPool
from ActiveSuggestLib.progress import Cancel

QUICK = {"autoencoder_steps": 3}


def no_statistics(cases, samples):
    raise AssertionError("latents need no statistics")


def no_directions(*arguments):
    raise AssertionError("latents need no directions")


def a_pool(learner, kind):
    cases = learner.project.cases()
    labelled = [c for c in cases if c.state == "labelled"]
    candidates = [c for c in cases if c.state == "unlabelled"]
    bench = learner.bench

    def encode(wanted, autoencoder):
        return PoolLatents(bench, autoencoder).of(wanted)

    return ProjectPool(
        bench, candidates, labelled, kind, "test", no_statistics, encode, no_directions
    )


def test_the_whole_pool_is_encoded_and_the_training_is_done_once(make_learner, monkeypatch):
    learner = make_learner(4, labelled=1, settings=QUICK)
    cases = learner.project.cases()
    found = PoolLatents(learner.bench, "infovae").of(cases)
    assert set(found) == {c.name for c in cases}
    assert all(z.shape == (16, 32) for z in found.values())

    def never(*args, **options):
        raise AssertionError("done before")

    monkeypatch.setattr(latents, "train_autoencoder", never)
    monkeypatch.setattr(latents, "encode_slices", never)
    learner.save_label(cases[1].name, np.ones((16, 18, 20), np.uint8))
    again = PoolLatents(learner.bench, "infovae").of(learner.project.cases())
    assert all(np.array_equal(found[name], again[name]) for name in found)


def test_a_torn_autoencoder_is_trained_again_to_the_same_latents(make_learner):
    learner = make_learner(3, settings=QUICK)
    store = PoolLatents(learner.bench, "vae")
    before = {k: np.array(z) for k, z in store.of(learner.project.cases()).items()}
    path = store.folder / latents.FILE
    path.write_bytes(path.read_bytes()[:1000])
    after = PoolLatents(learner.bench, "vae").of(learner.project.cases())
    assert all(np.allclose(before[k], after[k], atol=1e-6) for k in before)


def test_a_pool_that_has_grown_by_more_than_half_is_learnt_anew(make_learner, monkeypatch):
    learner = make_learner(6, settings=QUICK)
    everyone = learner.project.cases
    few = everyone()[:3]
    monkeypatch.setattr(learner.project, "cases", lambda *a: few)
    first = PoolLatents(learner.bench, "vae").autoencoder()[1]
    monkeypatch.setattr(learner.project, "cases", lambda *a: everyone()[:4])
    assert PoolLatents(learner.bench, "vae").autoencoder()[1] == first
    monkeypatch.setattr(learner.project, "cases", everyone)
    assert PoolLatents(learner.bench, "vae").autoencoder()[1] != first


def test_a_cancelled_training_leaves_nothing_half_done(make_learner):
    learner = make_learner(3, settings=QUICK)
    cancel = Cancel()

    def stop(done, total, message="", **data):
        if "step" in message:
            cancel.cancel()

    with pytest.raises(CancelledError):
        PoolLatents(learner.bench, "vae", progress=stop, cancel=cancel).autoencoder()
    store = PoolLatents(learner.bench, "vae")
    assert not store.folder.exists()
    assert len(store.of(learner.project.cases())) == 3


def test_an_image_that_is_gone_leaves_the_units(make_learner, tmp_path):
    learner = make_learner(4, labelled=1, settings=QUICK)
    pool = a_pool(learner, "volume")
    (tmp_path / "pool" / "images" / "p02_v0.nii.gz").write_bytes(b"torn")
    rows = pool.latents("infovae")
    assert [u.case for u in pool.units] == ["p01_v0", "p03_v0"]
    assert rows.candidates.shape == (2, 32)
    assert rows.labelled.shape == (1, 32)


def test_a_volume_is_the_mean_of_its_slices(make_learner):
    learner = make_learner(3, labelled=1, settings=QUICK)
    volumes = a_pool(learner, "volume").latents("vae")
    slices = a_pool(learner, "slice").latents("vae")
    assert slices.candidates.shape == (32, 3)
    means = slices.candidates.reshape(2, 16, 3).mean(axis=1)
    assert np.allclose(volumes.candidates, means, atol=1e-6)
    assert np.allclose(volumes.labelled, slices.labelled.mean(axis=0, keepdims=True), atol=1e-6)
