"""Gather the statistics of a pool: each volume is read once, and only if it is not cached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from ..data.cases import CaseRow
from ..models.inference import Samples, VolumeResult
from ..models.memory import Limits, with_less_memory
from ..models.preparing import Prepared
from ..models.statistics import CaseStatistics, summarise
from ..progress import Cancel, Progress, no_progress, part_of
from .reading import read_ahead
from .statistics_cache import StatisticsCache
from .workbench import LoadedModel, Workbench

Found = TypeVar("Found", bound=CaseStatistics)


def gather(
    bench: Workbench,
    cases: Sequence[CaseRow],
    samples: Samples,
    *,
    progress: Progress = no_progress,
    cancel: Cancel | None = None,
) -> dict[str, CaseStatistics]:
    """Return the statistics of ``cases`` by name; unusable ones are reported and left out.

    What is done is kept in the cache at once, so a cancelled or killed scoring goes on where it
    stopped. The next volumes are read and prepared while the device works.
    """
    model = bench.model()
    root = bench.project.folder / "cache" / "statistics"
    cache: StatisticsCache[CaseStatistics] = StatisticsCache(
        root, model.record.hash, bench.plan.hash, samples
    )

    def compute(prepared: Prepared, tell: Progress) -> CaseStatistics:
        return case_statistics(bench, model, prepared, samples, progress=tell, cancel=cancel)

    return gather_cached(bench, cases, cache, compute, progress=progress, cancel=cancel)


def gather_cached(
    bench: Workbench,
    cases: Sequence[CaseRow],
    cache: StatisticsCache[Found],
    compute: Callable[[Prepared, Progress], Found],
    *,
    progress: Progress = no_progress,
    cancel: Cancel | None = None,
) -> dict[str, Found]:
    """Return what ``compute`` finds in each case, by name, from the ``cache`` where it has it."""
    found: dict[str, Found] = {}
    missing = []
    for case in cases:
        stored = cache.load(case.name, case.image_hash)
        if stored is None:
            missing.append(case)
        else:
            found[case.name] = stored
    known = len(found)
    for done, (case, prepared) in enumerate(read_ahead(bench, missing, cancel)):
        if isinstance(prepared, Prepared):
            tell = part_of(progress, known + done, len(cases), case.name)
            tell(0.0, 1.0)
            bench.pauses.give_way()
            found[case.name] = compute(prepared, tell)
            cache.store(case.name, case.image_hash, found[case.name])
        else:
            bench.report(case.name, prepared)
    progress(len(cases), len(cases), "")
    if missing:
        cache.prune()
    return found


def case_statistics(
    bench: Workbench,
    model: LoadedModel,
    prepared: Prepared,
    samples: Samples,
    *,
    progress: Progress = no_progress,
    cancel: Cancel | None = None,
) -> CaseStatistics:
    """Return the statistics of one prepared volume."""
    result = sample_volume(bench, model, prepared, samples, progress=progress, cancel=cancel)
    return summarise(
        result.maps, result.embedding, result.slice_embeddings, prepared.image_slices()
    )


def sample_volume(
    bench: Workbench,
    model: LoadedModel,
    prepared: Prepared,
    samples: Samples,
    *,
    progress: Progress = no_progress,
    cancel: Cancel | None = None,
) -> VolumeResult:
    """Draw the samples of one volume, with less memory if the device asks for it."""

    def work(limits: Limits) -> VolumeResult:
        return model.inference.sample(
            prepared.array, samples, limits, progress=progress, cancel=cancel
        )

    result, bench.limits = with_less_memory(work, bench.limits, bench.hear_memory)
    return result
