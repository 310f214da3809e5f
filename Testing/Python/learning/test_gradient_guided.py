"""Gradient-guided sampling in the loop: no inference over the pool, newest labels first."""

from __future__ import annotations

import pytest

from ActiveSuggestLib.learning import suggesting
from ActiveSuggestLib.learning.directions import newest
from ActiveSuggestLib.models.inference import Inference

QUICK = {"autoencoder_steps": 3}


@pytest.fixture
def a_trained_learner(make_learner):
    learner = make_learner(8, labelled=3, settings=QUICK)
    learner.fine_tune(steps=4)
    return learner


@pytest.mark.parametrize("mode", ["literal", "normalised", "jvp"])
@pytest.mark.parametrize("unit", ["volume", "slice"])
def test_it_suggests_without_inference_over_the_pool(a_trained_learner, monkeypatch, mode, unit):
    def never(*args, **options):
        raise AssertionError("the pool must not be predicted")

    monkeypatch.setattr(suggesting, "gather", never)
    monkeypatch.setattr(Inference, "_run", never)
    found = a_trained_learner.suggest("gradient-guided", unit=unit, count=3, options={"mode": mode})
    assert len({(s.case, s.slice) for s in found}) == 3
    assert {s.strategy for s in found} == {"gradient-guided"}
    assert any("gradient of p0" in " ".join(s.reasons) for s in found)


def test_directions_start_from_what_was_labelled_last(a_trained_learner, labels):
    learner = a_trained_learner
    project = learner.project

    def recent():
        return [c.name for c in newest(learner.bench, project.cases("labelled"))]

    assert set(recent()) == {"p00_v0", "p01_v0", "p02_v0"} - set(project.validation_cases)
    for name in ("p05_v0", "p06_v0"):
        learner.save_label(name, labels / f"{name}.nii.gz")
    learner.fine_tune(steps=4)
    learner.rollback(learner.models()[-1].version)
    assert learner.bench.model().record.parent == 1
    left = {"p05_v0", "p06_v0"} - set(project.validation_cases)
    assert left
    assert set(recent()) == left
