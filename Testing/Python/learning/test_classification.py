"""Classes of whole images in a project: learnt, held out by patient, ranked."""

from __future__ import annotations

import numpy as np
import pytest

from ActiveSuggestLib.errors import (
    CancelledError,
    NoClassError,
    NoModelError,
    PoolExhaustedError,
    StrategyFailedError,
)
from ActiveSuggestLib.learning import case_features, classification
from ActiveSuggestLib.learning.classification import PoolClasses, folds
from ActiveSuggestLib.metrics import one_vs_rest_auc
from ActiveSuggestLib.models.class_head import class_uncertainty, train_class_head
from ActiveSuggestLib.progress import Cancel
from ActiveSuggestLib.strategies import registry
from ActiveSuggestLib.strategies.base import RankingStrategy
from ActiveSuggestLib.strategies.class_uncertainty import CLASS, class_scores


class ByClass(RankingStrategy):
    name, summary, target = "by-class", "", CLASS

    def score(self, pool):
        return class_scores(pool, samples=10)


@pytest.fixture(autouse=True)
def by_class(monkeypatch):
    original = registry.make
    monkeypatch.setattr(
        registry, "make", lambda name, **o: ByClass() if name == "by-class" else original(name, **o)
    )
    monkeypatch.setattr("ActiveSuggestLib.models.class_head.STEPS", 20)


@pytest.fixture
def a_learner(make_learner, labels):
    """Ten patients' images, four labelled; six classified by how large the ball is."""
    learner = make_learner(10, labelled=4)
    learner.fine_tune(steps=6)
    for index, case in enumerate(learner.project.cases()[1:7]):
        learner.save_class(case.name, "large" if index % 2 else "small")
    return learner


def test_what_has_no_class_is_ranked_whether_or_not_it_has_a_label(a_learner):
    table = a_learner.score("by-class")
    assert set(table["case"]) == {"p00_v0", "p07_v0", "p08_v0", "p09_v0"}
    first = table.iloc[0]
    assert first["score"] == table["score"].max() > 0
    for text in ("large (", "small (", "more classified images would settle", "noise"):
        assert text in first["reasons"]
    picked = a_learner.suggest("by-class", count=2)
    assert [s.case for s in picked] == list(table["case"][:2])


def test_the_score_is_the_sum_of_both_parts(a_learner):
    rows = [c for c in a_learner.project.cases() if c.name not in a_learner.classes()]
    found = PoolClasses(a_learner.bench).of(rows, samples=10)
    table = a_learner.score("by-class").set_index("case")
    both = found.uncertainty.epistemic + found.uncertainty.aleatoric
    assert np.allclose(table.loc[list(found.cases), "score"], both)
    assert found.names == ("large", "small")
    assert found.uncertainty.probability.shape == (4, 2)


def test_heads_never_learn_from_the_patients_they_judge(a_learner, monkeypatch):
    learner, taught = a_learner, []

    def train(features, target, *args, **options):
        taught.append(len(features))
        return train_class_head(features, target, *args, **options)

    monkeypatch.setattr(classification, "train_class_head", train)
    apart = set(learner.project.validation_cases)
    assert apart
    for name in apart:
        learner.save_class(name, "large")
    classified = len(learner.classes())
    found = PoolClasses(learner.bench).of([], samples=5)
    assert found.trained_on == taught[0] == classified - len(apart)
    assert all(n < taught[0] for n in taught[1:])
    assert found.held_out == classified
    assert 0 <= found.auc <= 1


def test_folds_keep_patients_together_and_classes_apart():
    target = np.array([0] * 10 + [1] * 10)
    patients = [f"p{i // 2}" for i in range(20)]
    found = folds(target, patients, 5)
    assert all(
        len({f for f, p in zip(found, patients, strict=True) if p == q}) == 1 for q in patients
    )
    for number in range(5):
        assert set(target[found == number]) == {0, 1}


def test_the_auc_of_classes_that_are_drawn_at_random_is_no_better_than_chance(a_learner):
    """Were a patient judged by a head that knows it, such classes would seem to be told apart."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 40)).astype(np.float32)
    target = np.array([0, 1] * 30)
    patients = [f"p{i}" for i in range(60)]
    learnt = train_class_head(features, target, 2, seed=0)
    result = classification.held_out_probability(
        features, target, patients, np.ones(60, bool), learnt,
        lambda rows: train_class_head(features[rows], target[rows], 2, seed=0), 10,
    )  # fmt: skip
    assert 0.25 < one_vs_rest_auc(result, target) < 0.7
    own = class_uncertainty(learnt, features, samples=10).probability
    assert one_vs_rest_auc(own, target) > 0.8


def test_features_are_read_once(a_learner, monkeypatch):
    runs = []
    original = case_features.slice_features
    monkeypatch.setattr(case_features, "slice_features", lambda *a: runs.append(1) or original(*a))
    a_learner.score("by-class")
    a_learner.score("by-class")
    assert len(runs) == 10


def test_a_broken_image_stops_none_of_the_others(a_learner):
    case = a_learner.project.case("p09_v0")
    case.source.paths[0].write_bytes(b"torn")
    assert set(a_learner.score("by-class")["case"]) == {"p00_v0", "p07_v0", "p08_v0"}
    assert a_learner.project.case("p09_v0").state == "excluded"


def test_with_one_class_it_says_what_to_do(make_learner):
    learner = make_learner(5, labelled=2)
    with pytest.raises(NoModelError):
        PoolClasses(learner.bench)
    learner.fine_tune(steps=1)
    with pytest.raises(NoClassError, match="so far none has"):
        learner.score("by-class")
    learner.save_class("p00_v0", "normal")
    with pytest.raises(NoClassError, match=r"normal has 1.*activesuggest classify"):
        learner.score("by-class")


def test_without_a_model_it_is_a_fair_draw_of_what_has_no_class(make_learner):
    learner = make_learner(4)
    learner.save_class("p00_v0", "normal")
    table = learner.score("by-class")
    assert len(table) == 3
    assert "fair draw" in table["reasons"][0]


def test_slices_have_no_class_of_their_own_and_an_end_is_told(a_learner):
    with pytest.raises(StrategyFailedError, match="whole image"):
        a_learner.score("by-class", unit="slice")
    for case in a_learner.project.cases():
        a_learner.save_class(case.name, "large")
    with pytest.raises(PoolExhaustedError, match="all 10 usable cases have a class"):
        a_learner.score("by-class")


def test_synthetic_ranks_what_to_classify_next_when_asked_to(a_learner):
    options = {"target": "class", "samples": 10}
    (first,) = a_learner.suggest("synthetic", options=options)
    table = a_learner.score("by-class")
    assert (first.case, first.strategy) == (table["case"][0], "synthetic")
    assert first.score == pytest.approx(table["score"][0])
    assert "Learnt on" in " ".join(first.reasons)
    assert a_learner.project.events("suggested")[-1].data["target"] == "class"
    assert not a_learner.project.events("synthetics")
    assert a_learner.fine_tune(steps=1).synthetics == 0
    assert not [e for e in a_learner.project.events("notice") if "synthetic" in str(e.data)]
    with pytest.raises(StrategyFailedError, match="whole image"):
        a_learner.suggest("synthetic", "slice", options=options)


def test_synthetic_says_what_to_do_where_nothing_is_classified(make_learner):
    learner = make_learner(4, labelled=2)
    learner.fine_tune(steps=1)
    with pytest.raises(NoClassError, match=r"so far none has.*activesuggest classify"):
        learner.suggest("synthetic", options={"target": "class"})


def test_a_cancel_stops_between_steps(a_learner):
    cancel = Cancel()

    def stop(done, total, message="", **data):
        if "learning" in message:
            cancel.cancel()

    with pytest.raises(CancelledError):
        a_learner.score("by-class", progress=stop, cancel=cancel)
