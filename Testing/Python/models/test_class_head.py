"""A classifier of images over features, and how unsure it is."""

from __future__ import annotations

import numpy as np
import torch

from ActiveSuggestLib.metrics import auc
from ActiveSuggestLib.models.class_head import ClassHead, class_uncertainty, train_class_head


def points(count: int, seed: int = 0, share: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Two classes that the first of four features tells apart, with some overlap."""
    rng = np.random.default_rng(seed)
    target = (rng.random(count) < share).astype(int)
    features = rng.normal(size=(count, 4))
    features[:, 0] += 3.0 * target
    return 10 + 5 * features, target


def test_it_tells_classes_apart_that_it_was_not_shown():
    head = train_class_head(*points(60), 2, seed=0)
    features, target = points(200, seed=1)
    found = class_uncertainty(head, features, samples=20)
    assert auc(found.probability[:, 1], target == 1) > 0.95
    assert np.allclose(found.probability.sum(axis=1), 1)


def test_a_rare_class_counts_as_much_as_the_others():
    features, target = points(200, share=0.05)
    head = train_class_head(features, target, 2, seed=0)
    p = class_uncertainty(head, points(400, seed=1)[0], samples=20).probability[:, 1]
    assert 0.35 < (p > 0.5).mean() < 0.65


def test_the_epistemic_part_is_the_known_variance_of_dropped_inputs():
    """Var Σ w x m/(1 − p) = Σ w² x² p/(1 − p) of a linear layer."""
    head = ClassHead(torch.zeros(300), torch.ones(300), 2, dropout=0.5).eval()
    with torch.no_grad():
        head.linear.weight[:2] = torch.randn(2, 300, generator=torch.Generator().manual_seed(0))
    x = np.random.default_rng(0).normal(size=(3, 300))
    found = class_uncertainty(head, x, samples=3000)
    w = head.linear.weight[:2].detach().double().numpy()
    exact = (x[:, None] ** 2 * w[None] ** 2).sum(axis=2).mean(axis=1)
    assert np.allclose(found.epistemic, exact, rtol=0.08)
    assert np.allclose(found.aleatoric, np.exp(-2.0), rtol=1e-5)


def test_the_same_seed_gives_the_same_head_whatever_else_was_drawn():
    features, target = points(30)
    first = train_class_head(features, target, 2, seed=3)
    torch.rand(5)
    again = train_class_head(features, target, 2, seed=3)
    other = train_class_head(features, target, 2, seed=4)
    assert torch.equal(first.linear.weight, again.linear.weight)
    assert not torch.equal(first.linear.weight, other.linear.weight)


def test_more_samples_of_a_class_settle_it():
    """The epistemic part falls with the number of images, as it should."""
    few = [train_class_head(*points(8, seed=s), 2, seed=s) for s in range(5)]
    many = [train_class_head(*points(300, seed=s), 2, seed=s) for s in range(5)]
    features = points(100, seed=9)[0]

    def share(heads: list[ClassHead]) -> float:
        found = [class_uncertainty(head, features, samples=50) for head in heads]
        return float(np.mean([f.epistemic.mean() / f.probability.var() for f in found]))

    assert share(many) < share(few)


def test_a_feature_that_never_varies_does_no_harm():
    features, target = points(30)
    features[:, 3] = 7.0
    head = train_class_head(features, target, 2, seed=0)
    found = class_uncertainty(head, features, samples=10)
    assert np.isfinite(found.epistemic).all()
    assert np.isfinite(found.aleatoric).all()
