"""From a strategy's scores to suggestions that nobody else is working on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data.cases import CaseRow
from ..errors import EmptyPoolError, PoolExhaustedError, StrategyFailedError
from ..models.inference import Samples
from ..models.statistics import CaseStatistics
from ..progress import Cancel, Progress, no_progress
from ..strategies import registry
from ..strategies.base import (
    MIXED,
    SLICE,
    VOLUME,
    Directions,
    Pick,
    Scores,
    Strategy,
    Suggestion,
    Unit,
    ranking,
)
from ..strategies.class_uncertainty import CLASS
from ..strategies.mixed import Mixed
from .directions import directions
from .latents import PoolLatents
from .mixed_pool import MixedPool
from .pool_view import ProjectPool
from .scoring import gather
from .workbench import Workbench

FALLBACK = "random"


@dataclass(frozen=True)
class Scored:
    """A scored pool: the units and their scores, and the strategy that gave them."""

    strategy: Strategy | Mixed
    pool: ProjectPool | MixedPool
    scores: Scores
    units: tuple[Unit, ...]


def score_pool(
    bench: Workbench,
    name: str,
    kind: str,
    *,
    preset: str | None = None,
    options: dict[str, Any] | None = None,
    only: Sequence[str] | None = None,
    progress: Progress = no_progress,
    cancel: Cancel | None = None,
) -> Scored:
    """Score the unlabelled volumes or slices of a project, or both in one list (``mixed``).

    While there is no model, a strategy that needs one gives way to a random choice and the
    reasons say so.

    Raises:
        UnknownStrategyError, StrategyFailedError: the strategy cannot be used.
        EmptyPoolError, PoolExhaustedError: there is nothing to score.
    """
    if kind not in (VOLUME, SLICE, MIXED):
        raise StrategyFailedError(
            f"A unit is a volume or a slice, not {kind!r}.",
            remedy="Use 'volume', 'slice' or 'mixed'.",
        )
    strategy = registry.make(name, preset=preset, **(options or {}))
    target = getattr(strategy, "target", None)
    note = ""
    if kind == MIXED and bench.model_or_none() is None:
        note = "No model is trained yet that could tell the effort, so these are whole volumes."
        kind = VOLUME
    if strategy.needs_model and bench.model_or_none() is None:
        draw = f"No model is trained yet, so {strategy.name} cannot rank; this is a fair draw."
        note = f"{draw} {note}".strip()
        strategy = registry.make(FALLBACK)
    candidates, labelled = _open_and_done(bench, target, kind, only)

    def statistics(cases: Sequence[CaseRow], samples: Samples) -> dict[str, CaseStatistics]:
        return gather(bench, cases, samples, progress=progress, cancel=cancel)

    def encode(cases: Sequence[CaseRow], autoencoder: str) -> dict[str, np.ndarray]:
        return PoolLatents(bench, autoencoder, progress=progress, cancel=cancel).of(cases)

    def direct(
        cases: Sequence[CaseRow], units: Sequence[Unit], autoencoder: str, mode: str
    ) -> Directions:
        return directions(bench, cases, units, autoencoder, mode, progress=progress, cancel=cancel)

    def view(of: str, cases: Sequence[CaseRow]) -> ProjectPool:
        return ProjectPool(
            bench,
            cases,
            labelled,
            of,
            strategy.name,
            statistics,
            encode,
            direct,
            progress=progress,
            cancel=cancel,
        )

    chosen: Strategy | Mixed = strategy
    pool: ProjectPool | MixedPool
    if kind == MIXED:
        # Each kind has a strategy of its own: some remember what they scored.
        whole = [c for c in candidates if c.state == "unlabelled"]
        both = MixedPool(bench, view(VOLUME, whole) if whole else None, view(SLICE, candidates))
        mixed = Mixed(strategy, registry.make(name, preset=preset, **(options or {})))
        pool, chosen, scores = both, mixed, mixed.score(both)
    else:
        pool = single = view(kind, candidates)
        scores = strategy.score(single)
    units = tuple(pool.units)
    if not units:
        raise PoolExhaustedError(
            "None of the remaining images can be used.",
            path=bench.project.folder,
            remedy="See the excluded cases and their reasons with `activesuggest status`.",
        )
    values = np.asarray(scores.values, float)
    if values.shape != (len(units),) or len(scores.reasons) != len(units):
        raise StrategyFailedError(
            f"{strategy.name} gave {values.shape} scores for {len(units)} units.",
            remedy="Choose another strategy, and tell the strategy's author.",
        )
    if not np.isfinite(values).all():
        bad = [units[i].case for i in np.flatnonzero(~np.isfinite(values))[:3]]
        raise StrategyFailedError(
            f"{strategy.name} gave a score that is not a number, for {', '.join(bad)} ….",
            remedy="Choose another strategy, and tell the strategy's author.",
        )
    reasons = [(note, *r) if note else tuple(r) for r in scores.reasons]
    return Scored(chosen, pool, Scores(values, reasons), units)


def choose(
    bench: Workbench, scored: Scored, count: int, *, since: float | None = None
) -> list[Suggestion]:
    """Select and claim ``count`` units; what others are labelling just now is left to them.

    ``since``: when the choosing began, for ``data.journaling.claims``.
    """
    skipped = {c.name for c in bench.project.cases() if c.skipped}
    with bench.project.claiming(since) as claiming:
        free = np.array([u.case not in claiming for u in scored.units], bool)
        if not free.any():
            raise PoolExhaustedError(
                "Everything that is left was suggested to someone else just now.",
                path=bench.project.folder,
                remedy="Wait until they save or close the project, then ask again.",
            )
        # What a person passed over comes again only when nothing else is left.
        fresh = free & np.array([u.case not in skipped for u in scored.units], bool)
        allowed = fresh if fresh.any() else free
        select: Any = scored.strategy.select  # Of the pool's own kind; see ``score_pool``.
        selected = select(scored.pool, scored.scores, allowed, count)
        picks = [p if isinstance(p, Pick) else Pick(int(p)) for p in selected]
        _check(scored, [p.index for p in picks], allowed, count)
        for pick in picks:
            claiming.add(scored.units[pick.index].case, scored.units[pick.index].slice)
    suggestions = [_suggestion(scored, pick, rank) for rank, pick in enumerate(picks, 1)]
    target = getattr(scored.strategy, "target", None)
    for s in suggestions:
        bench.project.record(
            "suggested",
            case=s.case,
            slice=s.slice,
            rank=s.rank,
            score=s.score,
            strategy=s.strategy,
            reasons=list(s.reasons),
            **({"target": target} if target else {}),
        )
    return suggestions


def ranked(scored: Scored) -> list[Suggestion]:
    """Return every unit as a suggestion, best first, without claiming any."""
    order = ranking(np.asarray(scored.scores.values))
    return [_suggestion(scored, Pick(index), rank) for rank, index in enumerate(order, 1)]


def _suggestion(scored: Scored, pick: Pick, rank: int) -> Suggestion:
    index = pick.index
    unit = scored.units[index]
    return Suggestion(
        rank=rank,
        case=unit.case,
        slice=unit.slice,
        score=float(scored.scores.values[index]),
        reasons=(*pick.reasons, *scored.scores.reasons[index]),
        strategy=scored.strategy.name,
        patient=unit.patient,
        worst_slice=scored.pool.worst_slice(unit),
    )


def _check(scored: Scored, picked: Sequence[int], allowed: np.ndarray, count: int) -> None:
    sound = (
        len(picked) <= count
        and len(set(picked)) == len(picked)
        and all(0 <= i < len(allowed) and allowed[i] for i in picked)
    )
    if not sound:
        raise StrategyFailedError(
            f"{scored.strategy.name} selected units twice, too many, or ones that are taken.",
            remedy="Choose another strategy, and tell the strategy's author.",
        )


def _open_and_done(
    bench: Workbench, target: str | None, kind: str, only: Sequence[str] | None
) -> tuple[list[CaseRow], list[CaseRow]]:
    """Return the candidates of a strategy, and what has been done already."""
    if target == CLASS:
        return _without_class(bench, kind, only)
    return _candidates(bench, kind, only), bench.project.cases("labelled")


def _without_class(
    bench: Workbench, kind: str, only: Sequence[str] | None
) -> tuple[list[CaseRow], list[CaseRow]]:
    """Return the usable cases that have no class, and those that have one."""
    if kind != VOLUME:
        raise StrategyFailedError(
            f"A class is said of a whole image, not of a {kind} unit.",
            remedy="Rank volumes, or leave out the target 'class'.",
        )
    usable = _usable(bench, only)
    classes = bench.project.classes()
    without = [c for c in usable if c.name not in classes]
    if not without:
        raise PoolExhaustedError(
            f"Nothing is left to classify: all {len(usable)} usable cases have a class.",
            path=bench.project.folder,
            remedy="Add images and rescan, or include an excluded case.",
        )
    return without, [c for c in usable if c.name in classes]


def _usable(bench: Workbench, only: Sequence[str] | None) -> list[CaseRow]:
    cases = bench.project.cases()
    usable = [c for c in cases if c.state != "excluded" and not c.missing and c.geometry]
    if not usable:
        excluded = len(cases) - len(usable)
        raise EmptyPoolError(
            "The project has no usable image"
            + (f": {excluded} are excluded or missing." if excluded else "."),
            path=bench.project.folder,
            remedy="Add images to the image folder and rescan, or see the reasons with "
            "`activesuggest status`.",
        )
    if only is not None:
        wanted = {bench.project.case(name).name for name in only}
        usable = [c for c in usable if c.name in wanted]
    return usable


def _candidates(bench: Workbench, kind: str, only: Sequence[str] | None) -> list[CaseRow]:
    usable = _usable(bench, only)
    open_cases = [
        c
        for c in usable
        if c.state == "unlabelled"
        or (kind != VOLUME and c.state == "labelled" and c.labelled_slices is not None)
    ]
    if not open_cases:
        counts = bench.project.counts()
        raise PoolExhaustedError(
            f"Nothing is left to label: {counts['labelled']} labelled, {counts['draft']} drafts, "
            f"{counts['excluded']} excluded.",
            path=bench.project.folder,
            remedy="Add images and rescan, or include an excluded case.",
        )
    return open_cases
