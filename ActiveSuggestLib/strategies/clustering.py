"""Clusters of embeddings: k-means, and agglomerative ones of pools of any size."""

from __future__ import annotations

import warnings

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.cluster.vq import kmeans2

from .neighbours import nearest

LARGEST_TREE = 4000
COINCIDENT = 1e-12


def k_means(points: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return the cluster of each point, (N,), numbered from 0 without gaps.

    Lloyd's iterations from k-means++ centres (Arthur and Vassilvitskii, 2007); there are fewer
    than ``count`` clusters where points coincide.
    """
    points = np.asarray(points, float)
    centres = points[spread_centres(points, count, rng)]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="One of the clusters is empty")
        _, labels = kmeans2(points, centres, minit="matrix", missing="warn")
    return np.unique(labels, return_inverse=True)[1].reshape(-1)


def spread_centres(points: np.ndarray, count: int, rng: np.random.Generator) -> list[int]:
    """Return up to ``count`` points, each drawn by its squared distance to those before it.

    Points that coincide with a chosen one are never drawn.
    """
    points = points - points.mean(axis=0)
    lengths = np.einsum("ne,ne->n", points, points)
    rounding = COINCIDENT * max(float(lengths.max()), COINCIDENT)
    chosen = [int(rng.integers(len(points)))]
    squared = np.full(len(points), np.inf)
    while True:
        last = points[chosen[-1]]
        squared = np.minimum(squared, lengths + last @ last - 2.0 * (points @ last))
        squared[squared < rounding] = 0.0
        total = squared.sum()
        if len(chosen) == count or total == 0:
            return chosen
        chosen.append(int(rng.choice(len(points), p=squared / total)))


def agglomerate(points: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return the cluster of each point, (N,), by average linkage cut into ``count`` clusters.

    A tree needs all pairs, so that of a large pool is grown over 4,000 points drawn at random,
    and every point joins the cluster with the nearest mean.
    """
    if len(points) <= 2:
        return np.arange(len(points))
    drawn = np.arange(len(points))
    if len(points) > LARGEST_TREE:
        drawn = np.sort(rng.choice(len(points), LARGEST_TREE, replace=False))
    tree = linkage(points[drawn], method="average")
    labels = fcluster(tree, t=count, criterion="maxclust") - 1
    if len(drawn) == len(points):
        return np.asarray(labels)
    means = np.stack([points[drawn[labels == c]].mean(axis=0) for c in range(labels.max() + 1)])
    return nearest(points, means)[1]
