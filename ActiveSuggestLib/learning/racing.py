"""A race over a project's pool: volumes are sampled on only while they can reach the top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.cases import CaseRow
from ..errors import ActiveSuggestError
from ..models.inference import Samples
from ..models.memory import Limits, with_less_memory
from ..models.preparing import Prepared
from ..models.sample_stream import (
    SampledCase,
    SampleStream,
    slice_increments,
    volume_increments,
)
from ..models.statistics import summarise
from ..progress import Cancel, Progress, no_progress
from ..strategies.race import RaceResult, RaceSpec, race
from .scoring import gather_cached
from .statistics_cache import StatisticsCache
from .workbench import Workbench


@dataclass
class _Live:
    """The one volume that is being sampled now."""

    case: CaseRow
    prepared: Prepared
    stream: SampleStream


class PoolRace:
    """Draws the samples of a race and keeps them; ``passes`` counts those that were really drawn.

    What is kept makes a later race with the same model quicker and changes nothing in its result.
    """

    def __init__(
        self,
        bench: Workbench,
        spec: RaceSpec,
        *,
        progress: Progress = no_progress,
        cancel: Cancel | None = None,
    ) -> None:
        self.bench = bench
        self.spec = spec
        self.progress = progress
        self.cancel = cancel or Cancel()
        self.samples = Samples(spec.samples)
        self.model = bench.model()
        self.passes = 0
        self._found: dict[str, SampledCase] = {}
        self._live: _Live | None = None
        self._cache: StatisticsCache[SampledCase] = StatisticsCache(
            bench.project.folder / "cache" / "statistics",
            self.model.record.hash,
            bench.plan.hash,
            self.samples,
            SampledCase,
        )

    def run(
        self, cases: Sequence[CaseRow], slices: Mapping[str, Sequence[int]] | None
    ) -> tuple[RaceResult, Mapping[str, SampledCase]]:
        """Race the volumes ``cases``, or those ``slices`` of each; unusable ones are left out."""
        first = self.spec.opening

        def begin(prepared: Prepared, tell: Progress) -> SampledCase:
            stream = self._advance(self._stream(prepared), prepared, first, tell)
            return _settled(stream, prepared)

        self._found = gather_cached(
            self.bench, cases, self._cache, begin, progress=self.progress, cancel=self.cancel
        )
        rows = {c.name: c for c in cases}
        started: set[str] = set()

        def draw(name: str, upto: int) -> np.ndarray:
            sums = self._found[name].sums
            if len(sums) + 1 < upto:
                started.add(name)
                self.progress(len(started), len(rows), f"race: {name}, {upto} samples")
                sums = self._more(rows[name], upto)
            return self._increments(name, sums[: upto - 1], slices)

        result = race(list(self._found), draw, self.spec)
        self._settle()
        return result, self._found

    def _increments(
        self, name: str, sums: np.ndarray, slices: Mapping[str, Sequence[int]] | None
    ) -> np.ndarray:
        """Return what each sample added to the case's units, (t − 1, U, 2)."""
        if slices is None:
            return volume_increments(sums)[:, None]
        return slice_increments(sums, self._found[name].image_slices[list(slices[name])])

    def _more(self, case: CaseRow, upto: int) -> np.ndarray:
        """Return the sums of ``upto`` samples; of those that are known if the image is gone."""
        if self._live is None or self._live.case.name != case.name:
            self._settle()
            try:
                prepared = self.bench.load(case)
            except ActiveSuggestError as error:
                self.bench.report(case.name, error)
                return self._found[case.name].sums
            self._live = _Live(case, prepared, self._stream(prepared))
        live = self._live
        live.stream = self._advance(live.stream, live.prepared, upto, no_progress)
        return live.stream.sums

    def _settle(self) -> None:
        """Keep what was drawn of the volume that was sampled last."""
        if self._live is None:
            return
        live, self._live = self._live, None
        found = _settled(live.stream, live.prepared)
        self._found[live.case.name] = found
        self._cache.store(live.case.name, live.case.image_hash, found)

    def _stream(self, prepared: Prepared) -> SampleStream:
        return SampleStream(self.model.inference, prepared.array, self.samples, self.bench.limits)

    def _advance(
        self, stream: SampleStream, prepared: Prepared, upto: int, progress: Progress
    ) -> SampleStream:
        """Draw until ``upto`` samples, with less memory if the device asks for it."""
        streams = [stream]

        def tell(share: float) -> None:
            self.cancel.raise_if_cancelled()
            progress(share, 1.0)

        def work(limits: Limits) -> Any:
            if streams[-1].broken or limits != streams[-1].limits:
                # Memory ran out half-way: from the first sample again, with less at once.
                streams.append(
                    SampleStream(self.model.inference, prepared.array, self.samples, limits)
                )
            self.passes += upto - streams[-1].count
            streams[-1].advance(upto, tell)

        _, self.bench.limits = with_less_memory(work, self.bench.limits, self.bench.hear_memory)
        return streams[-1]


def _settled(stream: SampleStream, prepared: Prepared) -> SampledCase:
    result, slices = stream.result(), prepared.image_slices()
    found = summarise(result.maps, result.embedding, result.slice_embeddings, slices)
    return SampledCase(**vars(found), sums=stream.sums, image_slices=slices)
