"""Picking what is likely in the pool and unlikely among the annotated."""

from __future__ import annotations

import numpy as np
import pytest

from ActiveSuggestLib.strategies.likelihood import Moments
from ActiveSuggestLib.strategies.representative import (
    LatentFits,
    most_uncertain,
    pick_representatives,
)

CLASSES = 10


def classes_in_a_pool(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return latents (1000, 5) of ten classes and the class of each."""
    rng = np.random.default_rng(seed)
    centres = 2 * rng.normal(size=(CLASSES, 5))
    z = np.concatenate([c + 0.5 * rng.normal(size=(100, 5)) for c in centres])
    return z, np.repeat(np.arange(CLASSES), 100)


def class_entropy(classes: np.ndarray) -> float:
    share = np.bincount(classes, minlength=CLASSES) / len(classes)
    return float(-(share[share > 0] * np.log(share[share > 0])).sum())


@pytest.mark.parametrize("refit", [True, False])
def test_class_entropy_rises_from_a_biased_start(refit):
    # Known answer 8.
    rises = []
    for seed in range(5):
        z, classes = classes_in_a_pool(seed)
        rng = np.random.default_rng(seed)
        labelled = list(rng.choice(np.flatnonzero(classes < 2), 10, replace=False))
        before = class_entropy(classes[labelled])
        for _ in range(5):
            rest = rng.choice(np.setdiff1d(np.arange(1000), labelled), 200, replace=False)
            fits = LatentFits(Moments.of(z), Moments.of(z[labelled]))
            labelled += list(rest[pick_representatives(z[rest], fits, 10, refit=refit).picks])
        rises.append(class_entropy(classes[labelled]) - before)
    assert min(rises) > 0.5


def test_a_refit_spreads_the_picks_where_the_top_ratios_are_neighbours():
    rng = np.random.default_rng(0)
    blobs = [rng.normal([0, 6], 0.1, (20, 2)), rng.normal([0, -5], 0.1, (20, 2))]
    z = np.concatenate([*blobs, rng.normal([-6, 0], 0.5, (40, 2))])
    fits = LatentFits(Moments.of(z), Moments.of(z[40:50]))
    at_once = pick_representatives(z[:40], fits, 2, refit=False, guard=False).picks
    one_by_one = pick_representatives(z[:40], fits, 2, guard=False).picks
    assert len({i // 20 for i in at_once}) == 1
    assert len({i // 20 for i in one_by_one}) == 2
    assert at_once[0] == one_by_one[0]


def test_a_refit_is_the_fit_of_the_annotated_with_the_picks():
    z = np.random.default_rng(1).normal(size=(60, 4))
    fits = LatentFits(Moments.of(z), Moments.of(z[:10]))
    found = pick_representatives(z[10:], fits, 6, guard=False)
    labelled = list(range(10))
    for pick, ratio in zip(found.picks, found.ratios, strict=True):
        plain = LatentFits(Moments.of(z), Moments.of(z[labelled])).ratio(z)
        plain[labelled] = -np.inf
        assert int(np.argmax(plain)) == pick + 10
        assert plain[pick + 10] == pytest.approx(ratio)
        labelled.append(pick + 10)


def test_without_a_refit_the_picks_are_the_top_ratios_in_order():
    z = np.random.default_rng(2).normal(size=(50, 3))
    fits = LatentFits(Moments.of(z), Moments.of(z[:5]))
    found = pick_representatives(z, fits, 7, refit=False, guard=False)
    assert found.picks == np.argsort(-fits.ratio(z), kind="stable")[:7].tolist()


def test_an_outlier_of_the_pool_comes_last_unless_the_guard_is_off():
    rng = np.random.default_rng(3)
    z = np.concatenate([rng.normal(size=(500, 3)), [[9.0, 9.0, 9.0]], [[8.0, 8.0, 8.0]]])
    fits = LatentFits(Moments.of(z), Moments.of(z[:3]))
    candidates = z[480:]
    assert pick_representatives(candidates, fits, 1, guard=False).picks == [20]
    assert pick_representatives(candidates, fits, 22).picks[-2:] == [21, 20]


def test_a_batch_is_as_large_as_asked_or_as_the_pool_and_holds_nothing_twice():
    z = np.random.default_rng(4).normal(size=(9, 2))
    fits = LatentFits(Moments.of(z), Moments.of(z[:1]))
    for count in (0, 1, 5, 9, 20):
        picks = pick_representatives(z, fits, count).picks
        assert len(picks) == len(set(picks)) == min(count, 9)


@pytest.mark.parametrize("count", [1, 3, 7, 30, 99])
def test_the_shortlist_is_the_head_of_the_whole_ranking(count):
    values = np.random.default_rng(6).integers(0, 6, 30).astype(float)
    ranking = np.argsort(-values, kind="stable")
    assert most_uncertain(values, count).tolist() == ranking[:count].tolist()


def test_while_nothing_is_annotated_the_most_usual_latent_comes_first():
    z = np.random.default_rng(5).normal(size=(100, 4))
    fits = LatentFits(Moments.of(z), Moments.of(z[:0]))
    assert pick_representatives(z, fits, 1).picks == [int(np.argmax(fits.of_pool(z)))]
