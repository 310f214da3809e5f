"""Statistics of Monte-Carlo samples, streamed so that T maps of nothing are kept.

Symbols as in ``p[t, c, v]``: the probability of class c at voxel v in sample t of T.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

MEASURES = ("variance", "entropy", "bald", "least_confidence", "margin")
AGGREGATORS = ("sum", "mean", "foreground", "top")
TOP_SHARE = 0.01
EPSILON = 1e-8


@dataclass(frozen=True)
class SampleMaps:
    """Voxel maps of one volume, float32: mean (C, …), variance (…), expected entropy (…)."""

    mean: torch.Tensor
    variance: torch.Tensor
    expected_entropy: torch.Tensor

    def measure(self, name: str) -> torch.Tensor:
        """Return the voxel map of one of ``MEASURES``; the higher, the less certain."""
        if name == "variance":
            return self.variance
        if name == "entropy":
            return entropy(self.mean)
        if name == "bald":
            # BALD = PE − EE ≥ 0 exactly; rounding may leave −1e-8.
            return (entropy(self.mean) - self.expected_entropy).clamp_min(0.0)
        best = self.mean.topk(min(2, len(self.mean)), dim=0).values
        if name == "least_confidence":
            return 1.0 - best[0]
        if name == "margin":
            return 1.0 - (best[0] - best[-1])
        raise KeyError(f"no measure is called {name}; there are {', '.join(MEASURES)}")


class StreamedStatistics:
    """Mean, variance and expected entropy of samples that arrive a few at a time.

    Welford's update in the chunked form of Chan, Golub and LeVeque (1983): the naive
    E[p²] − E[p]² turns negative in float32. ``variance`` is the population variance over t,
    averaged over the classes: V_v = (1/C) Σ_c Var_t p (Rahimi et al., eq. 1 without the sum).
    Memory: (C + 2) · 4 bytes a voxel, whatever T is.
    """

    def __init__(self) -> None:
        self.count = 0
        self._mean: torch.Tensor | None = None
        self._m2: torch.Tensor | None = None
        self._entropy: torch.Tensor | None = None

    def add(self, probability: torch.Tensor) -> None:
        """Take in a chunk of samples, float32 (K, C, …)."""
        count = len(probability)
        chunk_entropy = -torch.special.xlogy(probability, probability).sum(dim=(0, 1))
        if self._mean is None or self._m2 is None or self._entropy is None:
            self._mean = probability.mean(dim=0)
            self._m2 = (probability - self._mean).square_().sum(dim=(0, 1))
            self._entropy = chunk_entropy
            self.count = count
            return
        total = self.count + count
        if count == 1:
            delta = probability[0] - self._mean
            self._mean.add_(delta, alpha=1 / total)
            self._m2.add_((delta * (probability[0] - self._mean)).sum(dim=0))
        else:
            chunk_mean = probability.mean(dim=0)
            self._m2.add_((probability - chunk_mean).square_().sum(dim=(0, 1)))
            delta = chunk_mean - self._mean
            self._mean.add_(delta, alpha=count / total)
            self._m2.add_(delta.square_().sum(dim=0), alpha=self.count * count / total)
        self._entropy.add_(chunk_entropy)
        self.count = total

    def add_one(self, probability: torch.Tensor) -> torch.Tensor:
        """Take in one sample, float32 (C, …), and return its increment of the variance, (…).

        m_t = (1/C) Σ_c (p_t − μ_{t−1})(p_t − μ_t) ≥ 0, so that V = Σ_t m_t / T; the first is zero.
        Each later one alone is an estimate of T/(T − 1)·V.
        """
        if self._mean is None or self._m2 is None or self._entropy is None:
            self.add(probability[None])
            return torch.zeros_like(probability[0])
        self.count += 1
        delta = probability - self._mean
        self._mean.add_(delta, alpha=1 / self.count)
        increment = (delta * (probability - self._mean)).sum(dim=0)
        self._m2.add_(increment)
        self._entropy.add_(-torch.special.xlogy(probability, probability).sum(dim=0))
        return increment / len(probability)

    @property
    def mean(self) -> torch.Tensor:
        """The mean of the samples so far, (C, …)."""
        if self._mean is None:
            raise ValueError("no sample was added")
        return self._mean

    def to(self, device: torch.device | str) -> None:
        """Move what is kept to another device."""
        if self._mean is not None and self._m2 is not None and self._entropy is not None:
            self._mean, self._m2 = self._mean.to(device), self._m2.to(device)
            self._entropy = self._entropy.to(device)

    def maps(self) -> SampleMaps:
        """Return the maps of all samples so far."""
        if self._mean is None or self._m2 is None or self._entropy is None:
            raise ValueError("no sample was added")
        variance = self._m2 / (self.count * len(self._mean))
        return SampleMaps(self._mean, variance, self._entropy / self.count)


def entropy(probability: torch.Tensor) -> torch.Tensor:
    """Return −Σ_c p log p in nats over the first axis, with 0 log 0 = 0."""
    return -torch.special.xlogy(probability, probability).sum(dim=0)


def aggregate(voxels: torch.Tensor, weight: torch.Tensor, name: str) -> torch.Tensor:
    """Reduce maps (…, V) to numbers (…) by one of ``AGGREGATORS``.

    ``weight`` (…, V) is w = 1 − p̄_background. ``foreground`` = Σ w s / (Σ w + ε) does not shrink
    with the field of view, but is blind to a wholly missed lesion; ``top`` is the mean of the
    highest 1 %.
    """
    if name == "sum":
        return voxels.sum(dim=-1)
    if name == "mean":
        return voxels.mean(dim=-1)
    if name == "foreground":
        return (weight * voxels).sum(dim=-1) / (weight.sum(dim=-1) + EPSILON)
    if name == "top":
        highest = max(1, round(TOP_SHARE * voxels.shape[-1]))
        return voxels.topk(highest, dim=-1).values.mean(dim=-1)
    raise KeyError(f"no aggregator is called {name}; there are {', '.join(AGGREGATORS)}")


@dataclass(frozen=True)
class CaseStatistics:
    """All numbers that a strategy may want of one volume; M measures, A aggregators.

    volume (M, A); slices (S, M, A) in the order of the *image's* slices; class_entropy (S, C):
    Σ_v PE·p̄_c; class_mass (S, C): Σ_v p̄_c in voxels of the prepared grid; embedding (E,) and
    slice_embeddings (S, E): spatial means of the bottleneck.
    """

    volume: np.ndarray
    slices: np.ndarray
    class_entropy: np.ndarray
    class_mass: np.ndarray
    embedding: np.ndarray
    slice_embeddings: np.ndarray

    def value(self, measure: str, aggregator: str) -> float:
        """Return one number of the whole volume."""
        return float(self.volume[MEASURES.index(measure), AGGREGATORS.index(aggregator)])

    def slice_values(self, measure: str, aggregator: str) -> np.ndarray:
        """Return one number a slice, (S,)."""
        return self.slices[:, MEASURES.index(measure), AGGREGATORS.index(aggregator)]

    @property
    def worst_slice(self) -> int:
        """The slice with the most entropy on predicted foreground, Σ_v PE·(1 − p̄_background).

        The highest entropy alone points to the first and last slices, where the network lacks the
        surroundings though there is little to get wrong.
        """
        return int(np.argmax(self.class_entropy[:, 1:].sum(axis=1)))

    @property
    def foreground_share(self) -> float:
        """The predicted share of voxels that are not background."""
        total = float(self.class_mass.sum())
        return 1.0 - float(self.class_mass[:, 0].sum()) / total if total else 0.0


def summarise(
    maps: SampleMaps,
    embedding: np.ndarray,
    slice_embeddings: np.ndarray,
    image_slices: np.ndarray,
) -> CaseStatistics:
    """Reduce the voxel maps of one volume, (C, S, H, W), to its ``CaseStatistics``.

    ``image_slices`` gives, for each slice of the image, the slice of the maps that it lies in.
    """
    foreground = 1.0 - maps.mean[0]
    volume = np.zeros((len(MEASURES), len(AGGREGATORS)), np.float64)
    slices = np.zeros((foreground.shape[0], len(MEASURES), len(AGGREGATORS)), np.float32)
    by_slice = foreground.flatten(1)
    for m, measure in enumerate(MEASURES):
        voxels = maps.measure(measure)
        for a, aggregator in enumerate(AGGREGATORS):
            volume[m, a] = float(aggregate(voxels.flatten(), foreground.flatten(), aggregator))
            slices[:, m, a] = aggregate(voxels.flatten(1), by_slice, aggregator).cpu().numpy()
        if measure == "entropy":
            class_entropy = torch.einsum("shw,cshw->sc", voxels, maps.mean)
    class_mass = maps.mean.sum(dim=(2, 3)).T
    return CaseStatistics(
        volume=volume,
        slices=slices[image_slices],
        class_entropy=class_entropy.cpu().numpy().astype(np.float32)[image_slices],
        class_mass=class_mass.cpu().numpy().astype(np.float32)[image_slices],
        embedding=embedding.astype(np.float32),
        slice_embeddings=slice_embeddings.astype(np.float32)[image_slices],
    )
