"""The predicted loss in a project."""

from __future__ import annotations

import pytest

from ActiveSuggestLib.errors import NoLabelError
from ActiveSuggestLib.learning import case_features
from ActiveSuggestLib.learning.predicted_loss import PoolLosses


@pytest.fixture
def a_trained_learner(make_learner):
    learner = make_learner(8, labelled=4)
    learner.fine_tune(steps=6)
    return learner


def test_reasons_tell_the_place_in_the_pool_and_what_to_trust(a_trained_learner):
    table = a_trained_learner.score("learning-loss")
    assert len(table) == 4
    assert "higher than for 75 % of the pool (learnt on 3 labelled images" in table["reasons"][0]
    assert "of the pairs rightly)" in table["reasons"][0]
    assert "highest around slice" in table["reasons"][0]
    assert len(a_trained_learner.score("learning-loss", unit="slice")) == 4 * 16


def test_it_learns_nothing_from_validation_cases(a_trained_learner, monkeypatch):
    learner, seen = a_trained_learner, []
    original = PoolLosses._labelled
    monkeypatch.setattr(
        PoolLosses, "_labelled", lambda self, c: seen.append(c.name) or original(self, c)
    )
    learner.score("learning-loss")
    assert len(seen) == 3
    assert not set(seen) & set(learner.project.validation_cases)
    monkeypatch.setattr(learner.project.__class__, "cases", lambda *a: [])
    with pytest.raises(NoLabelError):
        PoolLosses(learner.bench).of([])


def test_features_are_kept_until_the_model_changes(a_trained_learner, monkeypatch):
    learner, runs = a_trained_learner, []
    original = case_features.slice_features
    monkeypatch.setattr(case_features, "slice_features", lambda *a: runs.append(1) or original(*a))
    first = learner.score("learning-loss")
    assert len(runs) == 3 + 4
    again = learner.score("learning-loss")
    assert len(runs) == 2 * 3 + 4
    assert list(again["case"]) == list(first["case"])
    learner.fine_tune(steps=2)
    learner.score("learning-loss")
    assert len(list((learner.project.folder / "cache" / "features").iterdir())) == 1
