"""Bayesian sample querying on pools with known uncertainty and latents."""

from __future__ import annotations

import numpy as np
import pytest

from ActiveSuggestLib.errors import UnknownStrategyError
from ActiveSuggestLib.strategies import registry
from ActiveSuggestLib.strategies.base import Latents, Unit
from ActiveSuggestLib.strategies.bsq import BayesianSampleQuerying
from ActiveSuggestLib.strategies.nearest import nearest_rows


class Table:
    def __init__(self, values):
        self.by_aggregator = values

    def values(self, measure, aggregator):
        assert measure == "variance"
        return np.asarray(self.by_aggregator[aggregator], float)

    def foreground_shares(self):
        return np.ones(len(self.by_aggregator["mean"]))


class Pool:
    """A pool view over given variances and latents, one volume a patient."""

    kind, planned_samples = "volume", 20

    def __init__(self, variance, latents, labelled, units=None, foreground=None):
        self.table = Table({"mean": variance, "foreground": foreground or variance})
        self.rows = Latents(
            np.asarray(latents, np.float32), np.asarray(labelled, np.float32).reshape(-1, 2)
        )
        self.units = units or [Unit(f"c{i}", f"c{i}") for i in range(len(variance))]
        self.labelled = [Unit(f"l{i}", f"l{i}") for i in range(len(self.rows.labelled))]
        self.asked = []

    def statistics(self, samples):
        self.asked.append(samples)
        return self.table

    def latents(self, kind):
        self.asked.append(kind)
        return self.rows


def suggest(pool, count, allowed=None, **options):
    strategy = BayesianSampleQuerying(**options)
    scores = strategy.score(pool)
    free = np.ones(len(pool.units), bool) if allowed is None else allowed
    return strategy.select(pool, scores, free, count)


LATENTS = [[0, 0], [0.1, 0], [2, 0], [2.1, 0], [0, 2], [0, 2.1], [-1, -1], [1, 1]]


def test_of_the_uncertain_it_takes_what_the_labelled_do_not_cover():
    # The four most uncertain are 0 to 3; what is labelled lies at the first two.
    pool = Pool([9, 8, 7, 6, 1, 1, 1, 1], LATENTS, [[0, 0], [0.1, 0.1]])
    assert set(suggest(pool, 2, preset="paper")) == {2, 3}
    assert set(suggest(pool, 1, uncertain=2)) <= {0, 1}


def test_only_the_most_uncertain_are_looked_at():
    pool = Pool([9, 8, 1, 1, 1, 1, 1, 1], LATENTS, [[0, 0]])
    assert suggest(pool, 1)[0] in (0, 1)
    assert suggest(pool, 1, uncertain=8)[0] not in (0, 1)


def test_the_default_spreads_what_the_paper_takes_from_one_corner():
    rng = np.random.default_rng(0)
    z = np.concatenate([
        rng.normal([0, 6], 0.1, (6, 2)), rng.normal([0, -5.5], 0.1, (6, 2)),
        rng.normal([-6, 0], 0.5, (12, 2)),
    ])  # fmt: skip
    variance = [2.0] * 12 + [1.0] * 12
    pool = Pool(variance, z, z[12:20])
    paper = suggest(pool, 2, preset="paper", uncertain=12)
    default = suggest(pool, 2, uncertain=12)
    assert len({i // 6 for i in paper}) == 1
    assert len({i // 6 for i in default}) == 2


def test_patients_are_kept_apart_and_what_others_label_is_left_out():
    units = [Unit(f"c{i}", f"p{i // 2}") for i in range(8)]
    pool = Pool([9, 8, 7, 6, 5, 4, 3, 2], LATENTS, [[0, 0]], units)
    for preset in (None, "paper"):
        picks = suggest(pool, 3, preset=preset)
        assert len({units[i].patient for i in picks}) == 3
        allowed = np.arange(8) >= 5
        assert set(suggest(pool, 3, allowed, preset=preset)) == {5, 6, 7}
    assert sorted(suggest(pool, 20)) == list(range(8))


def test_slices_of_one_volume_lie_apart():
    units = [Unit("a", "a", i, float(i)) for i in range(8)]
    pool = Pool([9, 9, 9, 9, 9, 9, 9, 9], LATENTS, [[0, 0]], units)
    pool.kind = "slice"
    places = [units[i].position for i in suggest(pool, 2)]
    assert abs(places[0] - places[1]) >= 5


def test_the_paper_takes_seventeen_samples_over_all_pixels_and_its_own_autoencoder():
    variance, foreground = [1.0, 2, 3, 4, 5, 6, 7, 8], [8.0, 7, 6, 5, 4, 3, 2, 1]
    pool = Pool(variance, LATENTS, [[0, 0]], foreground=foreground)
    assert set(suggest(pool, 1, preset="paper", uncertain=1)) == {7}
    assert {a for a in pool.asked if isinstance(a, str)} == {"infovae-paper"}
    assert next(a.count for a in pool.asked if not isinstance(a, str)) == 17
    pool.asked.clear()
    BayesianSampleQuerying().score(pool)
    assert "infovae" in pool.asked
    assert next(a.count for a in pool.asked if not isinstance(a, str)) == 20


def test_scores_put_the_uncertain_half_first_by_ratio_and_the_rest_by_uncertainty():
    pool = Pool([9, 8, 7, 6, 4, 3, 2, 1], LATENTS, [[0, 0], [0.1, 0.1]])
    values = BayesianSampleQuerying().score(pool).values
    assert values[:4].min() > values[4:].max()
    assert (np.diff(values[4:]) < 0).all()
    assert values[3] > values[0]


def test_reasons_name_uncertainty_ratio_and_the_nearest_labelled():
    pool = Pool([1, 1, 1, 1, 1, 1, 1, 4], LATENTS, [[0, 0], [1, 0.9]])
    reasons = BayesianSampleQuerying().score(pool).reasons
    assert "4.0 times the pool's median" in reasons[7][0]
    assert "20 samples" in reasons[7][0]
    assert "likelihood ratio" in reasons[7][1]
    assert reasons[7][-1] == "The labelled image most like it is l1."
    assert reasons[0][-1] == "The labelled image most like it is l0."


def test_a_pool_of_one_and_a_pool_without_any_difference_still_give_a_batch():
    assert suggest(Pool([0.0], [[1, 1]], [[0, 0]]), 3) == [0]
    assert len(suggest(Pool([0.0] * 4, [[1, 1]] * 4, [[1, 1]]), 2)) == 2
    assert len(suggest(Pool([1.0] * 4, LATENTS[:4], []), 2)) == 2


def test_the_nearest_rows_are_those_of_brute_force():
    rng = np.random.default_rng(1)
    z, others = rng.normal(size=(50, 4)), rng.normal(size=(9, 4))
    brute = ((z[:, None] - others[None]) ** 2).sum(axis=2).argmin(axis=1)
    assert nearest_rows(z, others).tolist() == brute.tolist()


def test_an_unknown_likelihood_is_refused():
    with pytest.raises(UnknownStrategyError, match="tail, pdf"):
        registry.make("bsq", likelihood="erf")
