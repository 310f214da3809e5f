"""Run a heteroscedastic network over a volume: both parts of its uncertainty, and the usual."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from ..progress import Cancel, Progress, no_progress
from .heteroscedastic import HeteroscedasticNetwork, Output, Parts, uncertainty_parts
from .inference import Inference, Samples, Slab, VolumeResult
from .memory import Limits
from .plan import Plan
from .statistics import (
    AGGREGATORS,
    CaseStatistics,
    SampleMaps,
    StreamedStatistics,
    aggregate,
    summarise,
)
from .windows import slabs, tile

PARTS = ("epistemic", "aleatoric", "total")


@dataclass(frozen=True)
class PartStatistics(CaseStatistics):
    """``CaseStatistics`` of the network's samples, and of the parts of its uncertainty.

    parts (3, A) and part_slices (S, 3, A) in the order of ``PARTS``, on the logit scale.
    """

    parts: np.ndarray
    part_slices: np.ndarray

    def value(self, measure: str, aggregator: str) -> float:
        """Return one number of the whole volume."""
        if measure not in PARTS:
            return super().value(measure, aggregator)
        return float(self.parts[PARTS.index(measure), AGGREGATORS.index(aggregator)])

    def slice_values(self, measure: str, aggregator: str) -> np.ndarray:
        """Return one number a slice, (S,)."""
        if measure not in PARTS:
            return super().slice_values(measure, aggregator)
        return self.part_slices[:, PARTS.index(measure), AGGREGATORS.index(aggregator)]


class NoiseInference(Inference):
    """A heteroscedastic network in evaluation mode on a device, for volumes of its plan."""

    def __init__(self, network: HeteroscedasticNetwork, plan: Plan, *, mixed: bool = False) -> None:
        super().__init__(network, plan, mixed=mixed)

    @torch.no_grad()
    def parts(
        self,
        volume: torch.Tensor,
        samples: Samples,
        limits: Limits,
        *,
        progress: Progress = no_progress,
        cancel: Cancel | None = None,
    ) -> tuple[Parts, VolumeResult]:
        """Return both parts, (S, H, W) each on the CPU, and the statistics of the probabilities.

        ``volume`` is a prepared (C, S, H, W). A sample is one network over the whole volume: its
        logits and its variances are blended over the windows before anything is taken of them.
        """
        device = self.place(limits)
        pieces = slabs(volume.shape[1:], self.plan, limits.halvings)
        found: list[Parts] = []
        maps: list[SampleMaps] = []
        embeddings: list[np.ndarray] = []
        for index, piece in enumerate(pieces):
            slab = volume[:, piece].to(device)

            def tell(share: float, index: int = index) -> None:
                if cancel is not None:
                    cancel.raise_if_cancelled()
                progress((index + share) / len(pieces), 1.0)

            tiling = tile(slab.shape[1:], self.plan, limits.halvings)
            work = _NoiseSlab(self, slab, tiling, limits, tell)
            streamed = StreamedStatistics()
            both = uncertainty_parts(work.outputs(samples, streamed.add))
            found.append(Parts(both.epistemic[0].cpu(), both.aleatoric[0].cpu()))
            streamed.to("cpu")
            maps.append(streamed.maps())
            embeddings.append(work.slice_embeddings())
        whole = SampleMaps(
            torch.cat([m.mean for m in maps], dim=1),
            torch.cat([m.variance for m in maps]),
            torch.cat([m.expected_entropy for m in maps]),
        )
        by_slice = np.concatenate(embeddings)
        parts = Parts(
            torch.cat([p.epistemic for p in found]), torch.cat([p.aleatoric for p in found])
        )
        return parts, VolumeResult(whole, by_slice.mean(axis=0), by_slice)


class _NoiseSlab(Slab):
    """A slab whose samples are logits and, after them, the variances of these: 2C channels."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.classes = self.channels
        self.channels = 2 * self.classes

    def read(self, output: Output) -> torch.Tensor:
        """Return logits and variances, float32 (B, 2C, …)."""
        logits, log_variance = output
        return torch.cat([logits.float(), log_variance.float().exp()], dim=1)

    def outputs(self, samples: Samples, hear: Callable[[torch.Tensor], None]) -> Iterator[Output]:
        """Yield each sample as (1, C, S, H, W) twice; ``hear`` gets its probabilities."""
        for chunk in self.draw(samples):
            for sample in chunk:
                logits, variance = sample[None, : self.classes], sample[None, self.classes :]
                hear(functional.softmax(logits, dim=1))
                yield logits, variance.log()


def summarise_parts(parts: Parts, result: VolumeResult, image_slices: np.ndarray) -> PartStatistics:
    """Reduce the maps of one volume to its ``PartStatistics``.

    ``image_slices`` gives, for each slice of the image, the slice of the maps that it lies in.
    """
    plain = summarise(result.maps, result.embedding, result.slice_embeddings, image_slices)
    weight = 1.0 - result.maps.mean[0]
    volume = np.zeros((len(PARTS), len(AGGREGATORS)))
    slices = np.zeros((len(weight), *volume.shape), np.float32)
    for m, voxels in enumerate((parts.epistemic, parts.aleatoric, parts.total)):
        for a, name in enumerate(AGGREGATORS):
            volume[m, a] = float(aggregate(voxels.flatten(), weight.flatten(), name))
            slices[:, m, a] = aggregate(voxels.flatten(1), weight.flatten(1), name).numpy()
    return PartStatistics(**vars(plain), parts=volume, part_slices=slices[image_slices])
