"""k-center, typicality and cluster cover on embeddings whose answer is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from ActiveSuggestLib.strategies import cluster_cover, clustering, neighbours
from ActiveSuggestLib.strategies.base import Embeddings, ranking
from ActiveSuggestLib.strategies.cluster_cover import ClusterCover, representatives
from ActiveSuggestLib.strategies.clustering import agglomerate, k_means
from ActiveSuggestLib.strategies.cover import unit_rows
from ActiveSuggestLib.strategies.k_center import KCenter, farthest_points
from ActiveSuggestLib.strategies.neighbours import mean_neighbour_distance, nearest
from ActiveSuggestLib.strategies.typicality import Typicality, typical_of_clusters, typicality
from Testing.Python.strategies.pools import Pool, slices, statistics, volumes


class Space(Pool):
    """A pool of given embeddings, of candidates and labelled ones."""

    def __init__(self, points, labelled=(), patients=None, seed=0):
        points = np.asarray(points, float)
        units = volumes(*(patients or [f"p{i:03d}" for i in range(len(points))]))
        super().__init__({}, units, seed, volumes(*(f"q{i}" for i in range(len(labelled)))))
        shape = (len(labelled), points.shape[1])
        self.space = Embeddings(points, np.asarray(labelled, float).reshape(shape))

    def embeddings(self, samples):
        return self.space


def chosen(strategy, pool, count, allowed=None):
    scores = strategy.score(pool)
    allowed = np.ones(len(pool.units), bool) if allowed is None else allowed
    picks = strategy.select(pool, scores, allowed, count)
    return [getattr(p, "index", p) for p in picks]


@pytest.mark.parametrize("bytes_at_once", [100, 32 * 1024**2])
def test_distances_in_blocks_are_the_distances(monkeypatch, bytes_at_once):
    monkeypatch.setattr(neighbours, "BLOCK_BYTES", bytes_at_once)
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(40, 5)) + 100, rng.normal(size=(23, 5)) + 100
    every = np.linalg.norm(a[:, None] - b[None], axis=2)
    distance, index = nearest(a, b)
    assert index.tolist() == every.argmin(axis=1).tolist()
    assert distance == pytest.approx(every.min(axis=1), rel=1e-4)
    own = np.sort(np.linalg.norm(a[:, None] - a[None], axis=2), axis=1)
    assert mean_neighbour_distance(a, a, 4) == pytest.approx(own[:, 1:5].mean(axis=1), rel=1e-3)


def test_k_center_takes_what_is_furthest_from_labelled_and_picked():
    pool = Space([[0.0], [1.0], [9.0], [10.0], [4.0]], labelled=[[0.0]])
    assert chosen(KCenter(), pool, 3) == [3, 4, 1]
    scores = KCenter().score(pool)
    assert scores.values.tolist() == [0.0, 1.0, 9.0, 10.0, 4.0]
    assert "c000, at distance 10" in scores.reasons[3][0]


def test_k_center_starts_in_the_middle_while_nothing_is_labelled():
    pool = Space([[0.0], [4.0], [5.0], [11.0]])
    assert chosen(KCenter(), pool, 2) == [2, 3]
    allowed = np.array([True, True, False, True])
    assert chosen(KCenter(), pool, 1, allowed) == [1]


@pytest.mark.parametrize("seed", range(5))
def test_greedy_centers_are_within_twice_the_best(seed):
    points = np.random.default_rng(seed).normal(size=(12, 2))
    every = np.linalg.norm(points[:, None] - points[None], axis=2)
    best = min(every[:, list(s)].min(axis=1).max() for s in itertools.combinations(range(12), 3))
    picks, _ = farthest_points(points, 3, lambda picks: ~np.isin(np.arange(12), picks))
    assert every[:, picks].min(axis=1).max() <= 2 * best


@pytest.mark.parametrize("strategy", [KCenter, Typicality, ClusterCover])
def test_patients_differ_and_what_others_have_is_left_alone(strategy):
    rng = np.random.default_rng(0)
    patients = [f"p{i // 4}" for i in range(24)]
    pool = Space(rng.normal(size=(24, 3)), rng.normal(size=(2, 3)), patients)
    allowed = np.arange(24) % 4 != 1
    picks = chosen(strategy(), pool, 6, allowed)
    assert len({patients[i] for i in picks}) == 6
    assert all(allowed[i] for i in picks)
    more = chosen(strategy(), pool, 30, allowed)
    assert sorted(more) == np.flatnonzero(allowed).tolist()


def blobs(seed=0, sizes=(40, 30, 20), spread=0.05):
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [np.eye(len(sizes))[i] + spread * rng.normal(size=(n, len(sizes)))
         for i, n in enumerate(sizes)]
    )  # fmt: skip


def test_typicality_is_the_inverse_mean_distance_of_the_twenty_nearest():
    points = np.random.default_rng(0).normal(size=(60, 3))
    every = np.sort(np.linalg.norm(points[:, None] - points[None], axis=2), axis=1)
    assert typicality(points, points) == pytest.approx(1 / every[:, 1:21].mean(axis=1), rel=1e-3)


def test_typicality_takes_one_of_each_cluster_the_largest_first():
    picks = chosen(Typicality(), Space(blobs()), 3)
    assert [0 if i < 40 else 1 if i < 70 else 2 for i in picks] == [0, 1, 2]


def test_a_labelled_cluster_waits_for_those_without_labels():
    points = blobs()
    clusters = np.array([0] * 40 + [1] * 30 + [2] * 20 + [0])
    everything = np.concatenate([points, points[:1]])
    free = np.ones(90, bool)

    def available(picks):
        left = free.copy()
        left[list(picks)] = False
        return left

    rng = np.random.default_rng(0)
    picks = typical_of_clusters(everything, clusters, 90, 4, available, rng)
    assert [clusters[i] for i, _ in picks] == [1, 2, 0, 1]
    assert [before for _, before in picks] == [0, 0, 1, 1]


def test_small_clusters_come_last():
    clusters = np.array([0] * 6 + [1] * 5)
    points = np.random.default_rng(0).normal(size=(11, 2))
    everyone = np.ones(11, bool)

    def available(picks):
        left = everyone.copy()
        left[list(picks)] = False
        return left

    picks = typical_of_clusters(points, clusters, 11, 7, available, np.random.default_rng(0))
    assert [clusters[i] for i, _ in picks] == [0] * 6 + [1]


@pytest.mark.parametrize("cluster", [k_means, agglomerate])
def test_clusters_far_apart_are_found(cluster):
    labels = cluster(blobs(), 3, np.random.default_rng(0))
    assert [len(set(part)) for part in np.split(labels, [40, 70])] == [1, 1, 1]
    assert len(set(labels)) == 3


def test_k_means_of_coinciding_points_has_as_many_clusters_as_places():
    points = np.repeat(np.array([[0.0, 0.0], [3.0, 0.0]]), 5, axis=0)
    labels = k_means(points, 4, np.random.default_rng(0))
    assert sorted(np.bincount(labels)) == [5, 5]


def test_a_large_pool_is_clustered_by_the_tree_of_some_of_it(monkeypatch):
    monkeypatch.setattr(clustering, "LARGEST_TREE", 25)
    labels = agglomerate(blobs(), 3, np.random.default_rng(0))
    assert [len(set(part)) for part in np.split(labels, [40, 70])] == [1, 1, 1]


def test_representatives_cover_each_cluster_to_nine_tenths():
    points = unit_rows(np.random.default_rng(0).normal(size=(50, 3)))
    labels = np.arange(50) % 2
    stands = representatives(points, labels, np.random.default_rng(0))
    for label in (0, 1):
        members, mine = points[labels == label], points[[i for i in stands if labels[i] == label]]
        assert np.maximum(members @ mine.T, 0).max(axis=1).mean() >= 0.9
        assert len(mine) < 25


def test_a_cluster_in_which_nothing_resembles_anything_has_few_representatives(monkeypatch):
    monkeypatch.setattr(cluster_cover, "MOST_REPRESENTATIVES", 5)
    apart = np.eye(30, dtype=np.float32)
    assert len(representatives(apart, np.arange(30) % 2, np.random.default_rng(0))) == 10


def test_embeddings_without_a_direction_have_one_representative():
    stands = representatives(np.zeros((9, 2), np.float32), np.zeros(9, int), None)
    assert stands.tolist() == [0]


def test_cluster_cover_takes_one_of_each_cluster_and_leaves_out_the_labelled_one():
    pool = Space(blobs(), labelled=[[1.0, 0.0, 0.0]])
    strategy = ClusterCover(clusters=3)
    picks = chosen(strategy, pool, 2)
    assert sorted(0 if i < 40 else 1 if i < 70 else 2 for i in picks) == [1, 2]
    scores = strategy.score(pool)
    best = ranking(scores.values)[0]
    assert "Represents a cluster of" in scores.reasons[best][0]
    paper = chosen(ClusterCover(preset="paper", clusters=3), pool, 1)
    assert paper[0] < 40


def test_slices_without_foreground_come_last():
    empty = np.array([[99.0, 0.0]] * 4 + [[80.0, 20.0]] * 4)
    pool = Space(np.linspace(9, 0, 8)[:, None] ** 2, labelled=[[0.0]])
    pool.units, pool.kind = slices("a", range(0, 80, 10)), "slice"
    pool.cases = {"a": statistics({}, slices=80, mass=np.repeat(empty, 10, axis=0))}
    assert chosen(KCenter(), pool, 1) == [4]
    assert chosen(KCenter(preset="paper"), pool, 1) == [0]
