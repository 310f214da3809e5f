"""Suggestions: patients apart, budgets exact, ordinary states with a clear answer."""

from __future__ import annotations

import numpy as np
import pytest

from ActiveSuggestLib.errors import (
    EmptyPoolError,
    PoolExhaustedError,
    StrategyFailedError,
    UnknownStrategyError,
)
from ActiveSuggestLib.learner import ActiveLearner
from ActiveSuggestLib.strategies import registry
from ActiveSuggestLib.strategies.base import Scores


def test_without_a_model_the_draw_is_random_and_says_so(make_learner):
    suggestion = make_learner(5).suggest("mc-dropout")[0]
    assert suggestion.strategy == "random"
    assert "No model" in suggestion.reasons[0]


def test_a_batch_holds_no_patient_twice_until_no_other_is_left(make_learner):
    learner = make_learner(8, visits=2)
    patients = [s.patient for s in learner.suggest("random", count=4)]
    assert sorted(patients) == ["p00", "p01", "p02", "p03"]
    six = [s.patient for s in learner.suggest("random", count=6)]
    assert len(six) == 6
    assert len(set(six[:4])) == 4


def test_the_budget_is_exact_and_what_is_labelled_is_never_suggested(make_learner, labels):
    # Known answer 13.
    learner = make_learner(7)
    seen = []
    for _ in range(3):
        batch = learner.suggest("random", count=2)
        assert len(batch) == 2
        for s in batch:
            assert s.case not in seen
            learner.save_label(s.case, labels / f"{s.case}.nii.gz")
            seen.append(s.case)
    assert len(learner.suggest("random", count=5)) == 1
    assert learner.project.counts()["labelled"] == 6


def test_the_same_seed_suggests_the_same_and_another_does_not(make_learner):
    learner = make_learner(12, seed=1)
    first = [s.case for s in learner.suggest("random", count=6)]
    assert [s.case for s in learner.suggest("random", count=6)] == first
    project = learner.project
    learner.bench.seed = 2
    assert [s.case for s in learner.suggest("random", count=6)] != first
    assert project.counts()["unlabelled"] == 12


def test_mc_dropout_ranks_with_reasons_and_scores_agree_with_suggestions(make_learner):
    learner = make_learner(8, labelled=4)
    learner.fine_tune(steps=8)
    table = learner.score("mc-dropout")
    assert list(table.columns) == ["rank", "case", "slice", "patient", "score", "reasons"]
    assert list(table["rank"]) == [1, 2, 3, 4]
    assert table["score"].is_monotonic_decreasing
    suggested = learner.suggest("mc-dropout", count=2)
    assert [s.case for s in suggested] == list(table["case"][:2])
    assert "standard deviation" in suggested[0].reasons[0]
    assert "slice" in suggested[0].reasons[1]


def test_the_paper_preset_is_the_sum_of_five_samples(make_learner):
    learner = make_learner(7, labelled=4)
    learner.fine_tune(steps=4)
    table = learner.score("mc-dropout", preset="paper")
    assert "5 samples" in table["reasons"][0]
    case = table["case"][0]
    from ActiveSuggestLib.learning.scoring import case_statistics
    from ActiveSuggestLib.models.inference import Samples

    prepared = learner.bench.load(learner.project.case(case))
    statistics = case_statistics(learner.bench, learner.bench.model(), prepared, Samples(5, p=0.5))
    assert table["score"][0] == pytest.approx(statistics.value("variance", "sum"), rel=1e-5)


def test_slices_keep_their_distance_and_share_the_batch(make_learner):
    learner = make_learner(6, labelled=4)
    learner.fine_tune(steps=4)
    batch = learner.suggest("mc-dropout", unit="slice", count=6)
    assert len({(s.case, s.slice) for s in batch}) == 6
    for a in batch:
        for b in batch:
            if a is not b and a.case == b.case:
                assert abs(a.slice - b.slice) >= 5


def test_slices_of_a_partly_labelled_volume_stay_candidates(make_learner, labels):
    learner = make_learner(2)
    case = learner.project.cases()[0].name
    learner.save_label(case, labels / f"{case}.nii.gz", slices=[3, 9])
    table = learner.score("random", unit="slice")
    left = set(table.loc[table["case"] == case, "slice"])
    assert len(left) == 14
    assert not left & {3, 9}
    assert case not in set(learner.score("random")["case"])


def test_an_exhausted_pool_is_an_ordinary_state(make_learner):
    learner = make_learner(3, labelled=3)
    with pytest.raises(PoolExhaustedError, match="3 labelled"):
        learner.suggest("random")


def test_an_empty_pool_is_an_ordinary_state(make_learner):
    learner = make_learner(2)
    for case in learner.project.cases():
        learner.exclude(case.name, "not needed")
    with pytest.raises(EmptyPoolError, match="2 are excluded"):
        learner.suggest("random")


def test_an_excluded_case_comes_back_when_it_is_included(make_learner):
    learner = make_learner(2)
    first, second = (c.name for c in learner.project.cases())
    learner.exclude(first, "motion")
    assert [s.case for s in learner.suggest("random", count=2)] == [second]
    learner.include(first)
    assert len(learner.suggest("random", count=2)) == 2


def test_a_skipped_case_comes_last(make_learner):
    learner = make_learner(3)
    skipped = learner.suggest("random")[0].case
    learner.skip(skipped)
    others = [s.case for s in learner.suggest("random", count=3)]
    assert skipped not in others
    for case in others:
        learner.exclude(case, "done")
    assert [s.case for s in learner.suggest("random")] == [skipped]


def test_two_learners_on_one_project_never_get_the_same_case(make_learner):
    first = make_learner(6)
    second = ActiveLearner(first.project.folder, device="cpu")
    mine = {s.case for s in first.suggest("random", count=3)}
    theirs = {s.case for s in second.suggest("random", count=3)}
    assert len(mine) == len(theirs) == 3
    assert not mine & theirs
    with pytest.raises(PoolExhaustedError, match="someone else"):
        ActiveLearner(first.project.folder, device="cpu").suggest("random")
    second.close()
    assert len(first.suggest("random", count=6)) == 6


def test_a_broken_image_is_excluded_and_stops_nothing(make_learner):
    learner = make_learner(7, labelled=4)
    learner.fine_tune(steps=3)
    told = []
    learner.bench.on_notice = lambda *a: told.append(a)
    broken = learner.project.cases("unlabelled")[0]
    path = broken.source.paths[0]
    path.write_bytes(path.read_bytes()[:200])
    table = learner.score("mc-dropout")
    assert len(table) == 2
    assert broken.name not in set(table["case"])
    case = learner.project.case(broken.name)
    assert case.state == "excluded"
    assert broken.name in case.reason or path.name in case.reason
    assert told[0][2]["case"] == broken.name


def test_an_image_that_vanished_is_left_out_and_comes_back(make_learner, tmp_path):
    learner = make_learner(6, labelled=4)
    learner.fine_tune(steps=3)
    gone = learner.project.cases("unlabelled")[0]
    away = gone.source.paths[0].rename(tmp_path / "elsewhere.nii.gz")
    assert len(learner.score("mc-dropout")) == 1
    away.rename(gone.source.paths[0])
    learner.project.rescan()
    assert len(learner.score("mc-dropout")) == 2


def test_scores_are_cached_by_model_and_image(make_learner, monkeypatch):
    learner = make_learner(6, labelled=4)
    learner.fine_tune(steps=3)
    first = learner.score("mc-dropout")
    reads = []
    original = learner.bench.load
    monkeypatch.setattr(learner.bench, "load", lambda c: reads.append(c.name) or original(c))
    again = learner.score("mc-dropout")
    assert reads == []
    assert again.equals(first)
    learner.fine_tune(steps=3)
    reads.clear()
    learner.score("mc-dropout")
    assert len(reads) == 2


def test_every_ranking_is_in_the_journal(make_learner):
    learner = make_learner(5)
    learner.suggest("random", count=2)
    run = learner.project.score_runs()[-1]
    assert run.strategy == "random"
    assert len(learner.project.scores(run.id)) == 5
    assert len(learner.project.events("suggested")) == 2


def test_an_unknown_strategy_names_the_near_ones(make_learner):
    with pytest.raises(UnknownStrategyError, match="mc-dropout"):
        make_learner(2).suggest("mc-dropuot")


class Wild:
    """A strategy that does everything wrong, one way at a time."""

    name, summary, needs_model = "wild", "", False
    values, picks = np.zeros(3), [0]

    def score(self, pool):
        return Scores(self.values, [[]] * len(self.values))

    def select(self, pool, scores, allowed, count):
        return self.picks


@pytest.mark.parametrize(
    ("values", "picks"),
    [
        (np.zeros(2), [0]),
        (np.array([0.0, np.nan, 1.0]), [0]),
        (np.zeros(3), [1, 1]),
        (np.zeros(3), [7]),
        (np.zeros(3), [0, 1, 2]),
    ],
)
def test_a_strategy_that_misbehaves_is_named(make_learner, monkeypatch, values, picks):
    monkeypatch.setattr(registry, "_find", lambda name: Wild)
    monkeypatch.setattr(Wild, "values", values)
    monkeypatch.setattr(Wild, "picks", picks)
    with pytest.raises(StrategyFailedError, match="wild"):
        make_learner(3).suggest("wild", count=2)


@pytest.mark.parametrize(
    ("strategy", "unit", "options"),
    [("ensemble", "volume", {}), ("mc-dropout", "volume", {"race": 0.5}),
     ("mc-dropout", "slice", {"race": 0.5}), ("learning-loss", "slice", {}),
     ("mc-dropout", "mixed", {})],
)  # fmt: skip
def test_with_no_readable_image_left_the_pool_is_exhausted(
    make_learner, tmp_path, strategy, unit, options
):
    learner = make_learner(5, labelled=3)
    learner.fine_tune(steps=2)
    for name in ("p03_v0", "p04_v0"):
        (tmp_path / "pool" / "images" / f"{name}.nii.gz").write_bytes(b"torn")
    with pytest.raises(PoolExhaustedError, match="None of the remaining images can be used"):
        learner.suggest(strategy, unit=unit, options=options)
