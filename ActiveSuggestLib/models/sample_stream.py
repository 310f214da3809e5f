"""Monte-Carlo samples of one volume, a few more at a time, with what each adds to the variance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from .inference import Inference, Samples, Slab, VolumeResult
from .memory import Limits
from .statistics import CaseStatistics, SampleMaps, StreamedStatistics
from .windows import slabs, tile

EPSILON = 1e-8


@dataclass(frozen=True)
class SampledCase(CaseStatistics):
    """Statistics of the samples so far, and what each of them added.

    sums (T − 1, S, 3): for each sample from the second on and each *prepared* slice the means over
    rows and columns of w·m, w and m, with m the increment of the variance and w = 1 − p̄_background
    so far; image_slices: the prepared slice of each slice of the image.
    """

    sums: np.ndarray
    image_slices: np.ndarray


def volume_increments(sums: np.ndarray) -> np.ndarray:
    """Return the increments over the predicted foreground and over everything, (T − 1, 2).

    ``sums`` are those of ``SampledCase``.
    """
    weighted, weight, plain = np.moveaxis(sums.sum(axis=1, dtype=float), -1, 0)
    return np.stack([weighted / (weight + EPSILON), plain / sums.shape[1]], axis=1)


def slice_increments(sums: np.ndarray, prepared_slices: np.ndarray) -> np.ndarray:
    """Return the same of some prepared slices, (T − 1, S, 2).

    The foreground counts per area, as in ``strategies.uncertainty.pooled``.
    """
    return sums[:, prepared_slices][..., [0, 2]].astype(float)


class SampleStream:
    """Draws the samples of a prepared volume (C, S, H, W) one after the other.

    Samples 1 … t are the same however many follow. Between two calls the maps of a volume that is
    worked on in several slabs lie on the CPU, and only one slab is on the device at a time.
    """

    def __init__(
        self, inference: Inference, volume: torch.Tensor, samples: Samples, limits: Limits
    ) -> None:
        self.inference = inference
        self.volume = volume
        self.samples = samples
        self.limits = limits
        self.count = 0
        self.broken = False
        self._parts = slabs(volume.shape[1:], inference.plan, limits.halvings)
        self._maps = [StreamedStatistics() for _ in self._parts]
        self._sums: list[list[np.ndarray]] = [[] for _ in self._parts]
        self._embeddings: list[np.ndarray] = []
        self._kept: Slab | None = None

    @torch.no_grad()
    def advance(self, upto: int, tell: Callable[[float], None]) -> None:
        """Draw until ``upto`` samples are there; ``tell(share)`` hears of it and may cancel.

        Interrupted by an error the stream is ``broken``: some slabs have more samples than others.
        """
        if upto <= self.count:
            return
        self.broken = True
        for index, part in enumerate(self._parts):
            slab = self._slab(part, tell)
            maps, sums = self._maps[index], self._sums[index]
            maps.to(self.limits.device)
            for chunk in slab.draw(self.samples, range(self.count, upto)):
                for probability in chunk:
                    increment = maps.add_one(probability)
                    if maps.count > 1:
                        sums.append(_by_slice(increment, 1.0 - maps.mean[0]))
            if len(self._embeddings) <= index:
                self._embeddings.append(slab.slice_embeddings())
            if len(self._parts) > 1:
                maps.to("cpu")
        self.count = upto
        self.broken = False

    @property
    def sums(self) -> np.ndarray:
        """What each sample from the second on added, by prepared slice: (T − 1, S, 3)."""
        return np.concatenate([np.stack(s) for s in self._sums], axis=1)

    def result(self) -> VolumeResult:
        """Return the statistics so far."""
        found = [m.maps() for m in self._maps]
        maps = SampleMaps(
            torch.cat([m.mean.cpu() for m in found], dim=1),
            torch.cat([m.variance.cpu() for m in found]),
            torch.cat([m.expected_entropy.cpu() for m in found]),
        )
        slice_embeddings = np.concatenate(self._embeddings)
        return VolumeResult(maps, slice_embeddings.mean(axis=0), slice_embeddings)

    def _slab(self, part: slice, tell: Callable[[float], None]) -> Slab:
        if self._kept is not None:
            self._kept.tell = tell
            return self._kept
        device = self.inference.place(self.limits)
        array = self.volume[:, part].to(device)
        tiling = tile(array.shape[1:], self.inference.plan, self.limits.halvings)
        slab = Slab(self.inference, array, tiling, self.limits, tell)
        if len(self._parts) == 1:
            self._kept = slab  # Its encodings need not be made again.
        return slab


def _by_slice(increment: torch.Tensor, weight: torch.Tensor) -> np.ndarray:
    """Return the means of w·m, w and m over rows and columns, float32 (S, 3)."""
    parts = torch.stack([weight * increment, weight, increment], dim=-1)
    return parts.mean(dim=(1, 2)).cpu().numpy()
