"""Suggestive annotation on pools with known disagreement and descriptors."""

from __future__ import annotations

import numpy as np
import pytest

from ActiveSuggestLib.errors import UnknownStrategyError
from ActiveSuggestLib.strategies import cover, registry
from ActiveSuggestLib.strategies.base import EnsembleView, Unit
from ActiveSuggestLib.strategies.ensemble import SuggestiveAnnotation


class Table:
    def __init__(self, variance, descriptors):
        self.variance = np.asarray(variance, float)
        self.descriptors = np.asarray(descriptors, float)

    def values(self, measure, aggregator):
        assert measure == "variance"
        return self.variance

    def embeddings(self):
        return self.descriptors

    def worst_slices(self):
        return np.zeros(len(self.variance), int)

    def slice_counts(self):
        return np.ones(len(self.variance), int)

    def foreground_shares(self):
        return np.ones(len(self.variance))


class Pool:
    """A pool view over a given ensemble, one volume a patient."""

    kind = "volume"

    def __init__(self, variance, descriptors, labelled=(), patients=None):
        self.table = Table(variance, descriptors)
        self.rows = np.asarray(labelled, float).reshape(-1, len(descriptors[0]))
        names = patients or [f"p{i}" for i in range(len(variance))]
        self.units = [Unit(f"c{i}", p) for i, p in enumerate(names)]
        self.labelled = [Unit(f"l{i}", f"l{i}") for i in range(len(self.rows))]
        self.asked = []

    @property
    def rng(self):
        return np.random.default_rng(0)

    def ensemble(self, spec, *, with_labelled):
        self.asked.append((spec, with_labelled))
        rows = self.rows if with_labelled else self.rows[:0]
        return EnsembleView(self.table, rows, spec.members, "trained 7 steps each")


def suggest(pool, count, allowed=None, **options):
    strategy = SuggestiveAnnotation(**options)
    free = np.ones(len(pool.units), bool) if allowed is None else allowed
    picks = strategy.select(pool, strategy.score(pool), free, count)
    return [getattr(p, "index", p) for p in picks]


EAST, NORTH, WEST = [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]


def test_of_the_uncertain_it_takes_those_that_cover_the_pool():
    # The four most uncertain are 0 to 3, three of which look alike.
    descriptors = [EAST, EAST, EAST, NORTH, EAST, EAST, NORTH, NORTH]
    pool = Pool([9, 8, 7, 6, 1, 1, 1, 1], descriptors)
    assert set(suggest(pool, 2, preset="paper")) == {0, 3}
    assert suggest(pool, 2, preset="paper", uncertain=2) == [0, 1]


def test_the_default_goes_on_from_what_is_labelled_and_the_paper_does_not():
    descriptors = [EAST, WEST, EAST, WEST, EAST, EAST]
    pool = Pool([9, 8, 1, 1, 1, 1], descriptors, labelled=[EAST])
    assert suggest(pool, 1) == [1]
    assert suggest(pool, 1, preset="paper") == [0]
    assert [with_labelled for _, with_labelled in pool.asked] == [True, False]


def test_the_papers_figures():
    pool = Pool([1, 2], [EAST, NORTH])
    SuggestiveAnnotation(preset="paper").score(pool)
    spec = pool.asked[0][0]
    assert (spec.network, spec.members, spec.steps, spec.validated) == ("suggestive", 4, 2000, True)
    SuggestiveAnnotation().score(pool)
    assert pool.asked[1][0].network == "plan"


def test_patients_differ_and_what_is_taken_stays_out():
    rng = np.random.default_rng(0)
    pool = Pool(np.arange(9.0), rng.normal(size=(9, 2)), patients=list("aaabbbccc"))
    assert {pool.units[i].patient for i in suggest(pool, 3)} == set("abc")
    allowed = np.zeros(9, bool)
    allowed[[0, 5]] = True
    assert sorted(suggest(pool, 3, allowed)) == [0, 5]


def test_a_batch_is_full_even_where_nothing_more_can_be_covered():
    pool = Pool([3, 2, 1, 1], [EAST] * 4)
    assert len(set(suggest(pool, 4))) == 4


def test_a_pool_too_large_for_all_similarities_is_covered_by_samples(monkeypatch):
    drawn = []
    stochastic = cover.stochastic_greedy
    monkeypatch.setattr(
        cover, "stochastic_greedy", lambda *a, **k: drawn.append(1) or stochastic(*a, **k)
    )
    monkeypatch.setattr(cover, "MOST_SIMILARITIES", 10)
    rng = np.random.default_rng(0)
    assert len(set(suggest(Pool(np.arange(9.0), rng.normal(size=(9, 4))), 3))) == 3
    assert drawn


def test_reasons_tell_the_disagreement_the_training_and_the_gain():
    pool = Pool([4.0, 1.0, 1.0], [EAST, NORTH, NORTH], labelled=[NORTH])
    strategy = SuggestiveAnnotation()
    scores = strategy.score(pool)
    pick = strategy.select(pool, scores, np.ones(3, bool), 1)[0]
    assert "disagreement of 4 networks is 4.0 times the pool's median" in scores.reasons[0][0]
    assert "trained 7 steps each" in scores.reasons[0][0]
    assert "What is labelled resembles it to" in scores.reasons[0][-1]
    assert "of the pool to the cover, of the 2 most uncertain." in pick.reasons[0]


@pytest.mark.parametrize("options", [{"members": 1}, {"network": "resnet"}])
def test_what_is_no_ensemble_is_refused(options):
    with pytest.raises(UnknownStrategyError):
        registry.make("ensemble", **options)
