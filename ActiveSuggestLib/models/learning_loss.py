"""Predict the loss that a network would have, from its own features (Yoo and Kweon, CVPR 2019).

The loss prediction module (section 3.2): the features of every scale are averaged over space, go
through a fully connected layer of 128 and a rectifier, are concatenated, and one more layer gives
l̂. It is trained on pairs (eq. 2), as the scale of the loss changes while a network learns:
max(0, −sign(l_i − l_j)·(l̂_i − l̂_j) + ξ).

The paper trains the module along with the network and cuts it off for the last epochs. Here it is
cut off throughout: it learns on the finished network's features, so that choosing this strategy
changes no model, and it takes seconds. A unit is a slice: its features are averaged over rows and
columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..data.labels import UNKNOWN
from .inference import Inference
from .memory import Limits
from .windows import slabs, tile

WIDTH = 128
MARGIN = 0.5
STEPS = 400
PAIRS = 64
LEARNING_RATE = 1e-3
WEIGHT_DECAY = 1e-2
SMALLEST = 1e-6
MOST_COMPARED = 1_000


@dataclass(frozen=True)
class Scales:
    """How many features each scale of a network has, in the order of its ``encode``."""

    widths: tuple[int, ...]


class LossPredictor(nn.Module):
    """l̂ of slices by their features (N, Σ widths); higher is worse. Dai et al. take ξ = 0.5."""

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, scales: Scales, mean: torch.Tensor, deviation: torch.Tensor) -> None:
        super().__init__()
        self.scales = scales
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.branches = nn.ModuleList(nn.Linear(width, WIDTH) for width in scales.widths)
        self.head = nn.Linear(WIDTH * len(scales.widths), 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return l̂, (N,)."""
        scaled = (features - self.mean) / self.deviation
        parts = scaled.split(list(self.scales.widths), dim=1)
        inner = [functional.relu(b(p)) for b, p in zip(self.branches, parts, strict=True)]
        return self.head(torch.cat(inner, dim=1))[:, 0]


def ranking_loss(
    predicted: torch.Tensor, loss: torch.Tensor, margin: float = MARGIN
) -> torch.Tensor:
    """Return the mean over pairs of max(0, −sign(l_i − l_j)(l̂_i − l̂_j) + ξ).

    ``predicted`` and ``loss`` (2, P) are the two of each of P pairs; a pair of equals counts zero.
    """
    sign = torch.sign(loss[0] - loss[1])
    each = (margin - sign * (predicted[0] - predicted[1])).clamp_min(0) * sign.abs()
    return each.mean()


def train_predictor(
    features: np.ndarray,
    losses: np.ndarray,
    scales: Scales,
    *,
    seed: int,
    margin: float = MARGIN,
    tell: Callable[[float], None] | None = None,
) -> LossPredictor:
    """Return a predictor of ``losses`` (N,) from ``features`` (N, Σ widths), on the CPU."""
    x = torch.from_numpy(np.asarray(features, np.float32))
    y = torch.from_numpy(np.asarray(losses, np.float32))
    rng = np.random.default_rng([seed, len(x)])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        deviation = x.std(dim=0, unbiased=False).clamp_min(SMALLEST)
        network = LossPredictor(scales, x.mean(dim=0), deviation)
    optimiser = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    for step in range(STEPS):
        if tell is not None:
            tell(step / STEPS)
        pair = torch.from_numpy(rng.integers(len(x), size=(2, PAIRS)))
        predicted = network(x[pair.flatten()]).reshape(2, PAIRS)
        loss = ranking_loss(predicted, y[pair], margin)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    return network.eval()


@torch.no_grad()
def predict_losses(network: LossPredictor, features: np.ndarray) -> np.ndarray:
    """Return l̂ of slices with ``features`` (N, Σ widths): (N,)."""
    return network(torch.from_numpy(np.array(features, np.float32))).double().numpy()


def right_pairs(predicted: np.ndarray, losses: np.ndarray) -> float:
    """Return the share of pairs of unequal losses that a prediction puts in order; NaN without any.

    Pairs that are predicted alike count half. Of many slices every n-th is looked at.

    >>> right_pairs(np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.3, 0.2]))
    0.6666666666666666
    """
    every = max(1, len(losses) // MOST_COMPARED)
    predicted, losses = predicted[::every], losses[::every]
    upper = np.triu_indices(len(losses), 1)
    true = np.sign(losses[:, None] - losses[None])[upper]
    guess = np.sign(predicted[:, None] - predicted[None])[upper]
    unequal = true != 0
    return float(np.mean((1 + true * guess)[unequal] / 2)) if unequal.any() else float("nan")


@torch.no_grad()
def slice_features(
    inference: Inference, volume: torch.Tensor, limits: Limits
) -> tuple[np.ndarray, Scales]:
    """Return the features of each prepared slice of (C, S, H, W), (S, Σ widths) float32.

    They are the encoder's at every scale, averaged over rows, columns and windows; a 3D network's
    coarser scales are interpolated between slices.
    """
    plan, device = inference.plan, inference.place(limits)
    flat = plan.dimensions == 2
    rows: list[np.ndarray] = []
    widths: tuple[int, ...] = ()
    for part in slabs(volume.shape[1:], plan, limits.halvings):
        slab = volume[:, part].to(device)
        tiling = tile(slab.shape[1:], plan, limits.halvings)
        padded = tiling.pad(slab)
        total: np.ndarray | None = None
        count = np.zeros((tiling.padded[0], 1))
        for slices, across, down in tiling.windows:
            x = padded[:, slices, across, down]
            features = inference.network.encode(x.movedim(1, 0) if flat else x[None])
            found = [_by_slice(f, tiling.window[0], flat) for f in features]
            widths = tuple(f.shape[1] for f in found)
            if total is None:
                total = np.zeros((tiling.padded[0], sum(widths)))
            total[slices] += torch.cat(found, dim=1).cpu().numpy()
            count[slices] += 1
        assert total is not None
        inner = slice(tiling.before[0], tiling.before[0] + tiling.shape[0])
        rows.append((total / np.maximum(count, 1))[inner].astype(np.float32))
    return np.concatenate(rows), Scales(widths)


def slice_losses(probability: torch.Tensor, target: torch.Tensor) -> np.ndarray:
    """Return the cross-entropy of each slice over its labelled pixels, (S,); NaN without any.

    ``probability`` (C, S, H, W), ``target`` uint8 (S, H, W) with ``UNKNOWN``.
    """
    known = target != UNKNOWN
    index = torch.where(known, target, 0).long()[None]
    true = probability.gather(0, index)[0].clamp_min(SMALLEST)
    total = (-true.log() * known).sum(dim=(1, 2))
    return (total / known.sum(dim=(1, 2))).double().numpy()


def _by_slice(features: torch.Tensor, depth: int, flat: bool) -> torch.Tensor:
    """Return the mean over rows and columns, (depth, width)."""
    along = features.float().mean(dim=(-2, -1))
    if flat:
        return along
    return functional.interpolate(along, depth, mode="linear", align_corners=False)[0].T


def cross_checked(
    features: Sequence[np.ndarray], losses: Sequence[np.ndarray], scales: Scales, *, seed: int
) -> float:
    """Return how well a predictor of half the cases orders the slices of the other half.

    The mean over both halves of ``right_pairs``: 0.5 is chance; NaN with fewer than two cases.
    """
    if len(features) < 2:
        return float("nan")
    order = np.random.default_rng([seed, len(features)]).permutation(len(features))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    found = []
    for own, other in (halves, halves[::-1]):
        learnt = train_predictor(
            np.concatenate([features[i] for i in own]),
            np.concatenate([losses[i] for i in own]),
            scales,
            seed=seed,
        )
        guess = predict_losses(learnt, np.concatenate([features[i] for i in other]))
        found.append(right_pairs(guess, np.concatenate([losses[i] for i in other])))
    return float(np.nanmean(found)) if not np.isnan(found).all() else float("nan")
