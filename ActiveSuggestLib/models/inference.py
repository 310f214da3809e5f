"""Run a network over a volume: its prediction, and its Monte-Carlo statistics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from ..progress import Cancel, Progress, no_progress
from .memory import Limits
from .networks import EncoderDecoder
from .plan import Plan
from .samples import sampling
from .statistics import SampleMaps, StreamedStatistics
from .windows import Tiling, slabs, tile

KEPT_ENCODINGS_BYTES = 512 * 1024**2
BLENDED_BYTES = 512 * 1024**2

Features = list[torch.Tensor]


@dataclass(frozen=True)
class Samples:
    """Which Monte-Carlo samples to draw: ``count`` masks from ``seed``.

    ``p`` overrides the network's own dropout probability.
    """

    count: int
    seed: int = 0
    p: float | None = None


@dataclass(frozen=True)
class VolumeResult:
    """Maps (C, S, H, W) on the prepared grid, on the CPU, with the bottleneck's embeddings."""

    maps: SampleMaps
    embedding: np.ndarray
    slice_embeddings: np.ndarray


class Inference:
    """A network in evaluation mode on a device, for volumes prepared by its plan.

    Sampling is exact: a sample is one network over the whole volume, its windows are blended, and
    the variance is that of the blended samples. Only the encoder, before which nothing is random,
    is shared by the samples.
    """

    def __init__(self, network: EncoderDecoder, plan: Plan, *, mixed: bool = False) -> None:
        self.network = network.eval()
        self.plan = plan
        self.mixed = mixed

    def probability(
        self,
        volume: torch.Tensor,
        limits: Limits,
        *,
        progress: Progress = no_progress,
        cancel: Cancel | None = None,
    ) -> torch.Tensor:
        """Return the prediction without dropout, float32 (C, S, H, W) on the CPU."""
        return self.mean(volume, limits, progress=progress, cancel=cancel).maps.mean

    def mean(
        self,
        volume: torch.Tensor,
        limits: Limits,
        *,
        progress: Progress = no_progress,
        cancel: Cancel | None = None,
    ) -> VolumeResult:
        """Return the prediction without dropout, as statistics of one sample."""
        return self._run(volume, None, limits, progress, cancel)

    def sample(
        self,
        volume: torch.Tensor,
        samples: Samples,
        limits: Limits,
        *,
        progress: Progress = no_progress,
        cancel: Cancel | None = None,
    ) -> VolumeResult:
        """Return the statistics of Monte-Carlo samples of a prepared volume (C, S, H, W)."""
        return self._run(volume, samples, limits, progress, cancel)

    # Not inference_mode: moving a network that is being trained would leave tensors in it that
    # no gradient can pass.
    @torch.no_grad()
    def _run(
        self,
        volume: torch.Tensor,
        samples: Samples | None,
        limits: Limits,
        progress: Progress,
        cancel: Cancel | None,
    ) -> VolumeResult:
        device = self.place(limits)
        parts = slabs(volume.shape[1:], self.plan, limits.halvings)
        results = []
        for index, part in enumerate(parts):
            slab = volume[:, part].to(device)
            tiling = tile(slab.shape[1:], self.plan, limits.halvings)

            def tell(share: float, index: int = index) -> None:
                if cancel is not None:
                    cancel.raise_if_cancelled()
                progress((index + share) / len(parts), 1.0)

            work = Slab(self, slab, tiling, limits, tell)
            results.append(work.statistics(samples))
        maps = [r[0] for r in results]
        whole = SampleMaps(
            torch.cat([m.mean for m in maps], dim=1),
            torch.cat([m.variance for m in maps]),
            torch.cat([m.expected_entropy for m in maps]),
        )
        slice_embeddings = np.concatenate([r[1] for r in results])
        return VolumeResult(whole, slice_embeddings.mean(axis=0), slice_embeddings)

    def place(self, limits: Limits) -> torch.device:
        """Move the network to the device and return that."""
        device = torch.device(limits.device)
        self.network.to(device)
        if device.type == "cuda":
            self.network.to(memory_format=self.plan.memory_format)  # type: ignore[call-overload]
        return device

    def _precision(self, device: torch.device) -> torch.autocast | nullcontext[None]:
        if self.mixed and device.type == "cuda":
            return torch.autocast("cuda", torch.bfloat16)
        return nullcontext()


class Slab:
    """One slab (C, S, H, W) on the device, and the encodings of its windows."""

    def __init__(
        self,
        inference: Inference,
        slab: torch.Tensor,
        tiling: Tiling,
        limits: Limits,
        tell: Callable[[float], None],
    ) -> None:
        self.inference = inference
        self.network = inference.network
        self.flat = inference.plan.dimensions == 2
        self.padded = tiling.pad(slab)
        self.tiling = tiling
        self.limits = limits
        self.tell = tell
        self.channels = inference.plan.classes
        self._kept: dict[int, Features] = {}
        self._kept_bytes = 0
        self._slice_sum = np.zeros((tiling.padded[0], self.network.embedding_size))
        self._slice_count = np.zeros((tiling.padded[0], 1))
        self._embedded: set[int] = set()

    def statistics(self, samples: Samples | None) -> tuple[SampleMaps, np.ndarray]:
        """Return the maps on the CPU and the slice embeddings (S, E)."""
        streamed = StreamedStatistics()
        for probability in self.draw(samples):
            streamed.add(probability)
        maps = streamed.maps()
        on_cpu = SampleMaps(maps.mean.cpu(), maps.variance.cpu(), maps.expected_entropy.cpu())
        return on_cpu, self.slice_embeddings()

    def draw(self, samples: Samples | None, which: range | None = None) -> Iterator[torch.Tensor]:
        """Yield what ``read`` makes of some samples at a time, float32 (K, C, S, H, W).

        ``which`` (default: all of them) are drawn in their order; sample t is the same whatever
        was drawn before. Without ``samples`` it is the one prediction without dropout.
        """
        every = range(1) if samples is None else which or range(samples.count)
        chunks = self._chunks(every) if samples is not None else [every]
        for done, chunk in enumerate(chunks):
            scope = (
                sampling(self.network, chunk, seed=samples.seed, p=samples.p)
                if samples is not None
                else nullcontext()
            )
            with scope:
                values = self._blended(len(chunk), done / len(chunks), 1 / len(chunks))
            yield values

    def slice_embeddings(self) -> np.ndarray:
        """Return the bottleneck's mean over each slice, (S, E), once something was drawn."""
        inner = slice(self.tiling.before[0], self.tiling.before[0] + self.tiling.shape[0])
        return (self._slice_sum / np.maximum(self._slice_count, 1))[inner]

    def _chunks(self, every: range) -> list[range]:
        at_once = self.limits.samples_at_once
        if not self.tiling.single:
            # Blending holds the chunk's samples of the whole slab.
            one = 4 * self.channels * int(np.prod(self.tiling.padded))
            at_once = max(1, min(at_once, BLENDED_BYTES // one))
        return [
            range(first, min(first + at_once, every.stop))
            for first in range(every.start, every.stop, at_once)
        ]

    def _blended(self, count: int, start: float, share: float) -> torch.Tensor:
        """Return the values of ``count`` samples, float32 (K, C, S, H, W), padding removed."""
        tiling = self.tiling
        if tiling.single:
            self.tell(start)
            return tiling.crop(self._window(0, count))
        total = torch.zeros((count, self.channels, *tiling.padded), device=self.padded.device)
        norm = torch.zeros(tiling.padded, device=self.padded.device)
        weight = tiling.importance().to(self.padded.device)
        for index, window in enumerate(tiling.windows):
            self.tell(start + share * index / len(tiling.windows))
            slices, rows, columns = window
            total[:, :, slices, rows, columns] += self._window(index, count) * weight
            norm[slices, rows, columns] += weight
        return tiling.crop(total.div_(norm))

    def _window(self, index: int, count: int) -> torch.Tensor:
        """Return float32 values (K, C, *window) of one window."""
        with self.inference._precision(self.padded.device):
            features = self._encoding(index)
            output = self.network.decode(features, count)
        values = self.read(output)
        if self.flat:
            slices = self.tiling.window[0]
            return values.unflatten(0, (count, slices)).movedim(1, 2)
        return values

    def read(self, output: Any) -> torch.Tensor:
        """Return what is blended of a network's output: probabilities, float32 (B, C, …).

        The softmax and all that follows stays in float32: bf16 loses small deviations.
        """
        return functional.softmax(output.float(), dim=1)

    def _encoding(self, index: int) -> Features:
        if index in self._kept:
            return self._kept[index]
        slices, rows, columns = self.tiling.windows[index]
        x = self.padded[:, slices, rows, columns]
        features = self.network.encode(x.movedim(1, 0) if self.flat else x[None])
        self._embed(index, features[-1])
        size = sum(f.numel() * f.element_size() for f in features)
        if self._kept_bytes + size <= KEPT_ENCODINGS_BYTES or self.tiling.single:
            self._kept[index] = features
            self._kept_bytes += size
        return features

    def _embed(self, index: int, bottleneck: torch.Tensor) -> None:
        """Add a window's bottleneck, averaged over rows and columns, to its slices."""
        if index in self._embedded:
            return
        self._embedded.add(index)
        along = bottleneck.float().mean(dim=(-2, -1))
        window = self.tiling.windows[index][0]
        if not self.flat:
            depth = self.tiling.window[0]
            along = functional.interpolate(along, depth, mode="linear", align_corners=False)[0].T
        self._slice_sum[window] += along.cpu().numpy()
        self._slice_count[window] += 1
