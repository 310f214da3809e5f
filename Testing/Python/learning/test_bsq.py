"""Bayesian sample querying in the loop, on volumes and on slices."""

from __future__ import annotations

import pytest

QUICK = {"autoencoder_steps": 3}


@pytest.fixture
def a_trained_learner(make_learner):
    learner = make_learner(10, labelled=4, visits=2, settings=QUICK)
    learner.fine_tune(steps=4)
    return learner


def test_volumes_of_different_patients_are_suggested_with_reasons(a_trained_learner):
    found = a_trained_learner.suggest("bsq", count=3)
    assert len({s.patient for s in found}) == 3
    assert {s.strategy for s in found} == {"bsq"}
    assert all("likelihood ratio" in " ".join(s.reasons) for s in found)
    again = a_trained_learner.suggest("bsq", count=3)
    assert [s.case for s in again] == [s.case for s in found]


@pytest.mark.parametrize("preset", [None, "paper"])
def test_slices_lie_apart_and_every_slice_has_a_score(a_trained_learner, preset):
    learner = a_trained_learner
    table = learner.score("bsq", unit="slice", preset=preset)
    assert len(table) == 6 * 16
    found = learner.suggest("bsq", unit="slice", count=6, preset=preset)
    assert len({(s.case, s.slice) for s in found}) == 6
    for a in found:
        for b in found:
            assert a is b or a.case != b.case or abs(a.slice - b.slice) >= 5
