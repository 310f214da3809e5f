"""Which strategy did better, by how much, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..metrics import Interval, area_under_budget
from .efficiency import foreground_efficiency
from .needs import GOALS, needed, times_as_many
from .pairs import PairedTest, paired_test

if TYPE_CHECKING:
    from .curves import RoundRecord, SimulationResult

REFERENCES = ("random", "foreground-random")


@dataclass(frozen=True)
class Comparison:
    """A strategy's area under the budget curve, and how far it is from the reference's.

    ``area_test`` and ``last_test`` are paired over the seeds, of the area and of the last common
    round's Dice; ``None`` for the reference itself. Areas are compared over the budgets that both
    arms of a seed have been through.
    """

    strategy: str
    reference: str
    area: float
    last: float
    area_test: PairedTest | None
    last_test: PairedTest | None

    @property
    def difference(self) -> Interval | None:
        """The mean difference of the areas, with its t interval."""
        return None if self.area_test is None else self.area_test.student


def compare(result: SimulationResult, reference: str | None = None) -> list[Comparison]:
    """Compare all strategies with a reference: ``random`` if it ran, else the last one."""
    if reference is None:
        reference = REFERENCES[0] if REFERENCES[0] in result.strategies else result.strategies[-1]
    return [_comparison(result, name, reference) for name in result.strategies]


def _comparison(result: SimulationResult, name: str, reference: str) -> Comparison:
    arms = [rows for seed in result.seeds if (rows := result.arm(name, seed))]
    area = _mean([_area(rows, *_shared(result, rows)) for rows in arms])
    last = _mean([rows[-1].mean for rows in arms])
    if name == reference:
        return Comparison(name, reference, area, last, None, None)
    areas: list[tuple[float, float]] = []
    lasts: list[tuple[float, float]] = []
    for seed in result.seeds:
        ours, theirs = result.arm(name, seed), result.arm(reference, seed)
        common = min(len(ours), len(theirs)) - 1
        if common < (0 if result.cold else 1):
            continue  # Where the first labels are shared, all arms are one at the start.
        low = max(_range(ours)[0], _range(theirs)[0])
        high = min(_range(ours)[1], _range(theirs)[1])
        areas.append((_area(ours, low, high), _area(theirs, low, high)))
        lasts.append((ours[common].mean, theirs[common].mean))
    return Comparison(name, reference, area, last, _test(areas), _test(lasts))


def efficiency(result: SimulationResult, name: str) -> float:
    """Return the mean foreground efficiency over the seeds that have a full-data arm."""
    found = []
    for seed in result.seeds:
        full, rows = result.full_data(seed), result.arm(name, seed)
        if full is None or len(rows) < 2 or not full.labelled_foreground:
            continue
        shares = [r.labelled_foreground / full.labelled_foreground for r in rows]
        found.append(foreground_efficiency(shares, _dice(rows), rows[0].mean, full.mean))
    return _mean(found)


def distances(result: SimulationResult, name: str) -> tuple[float, float]:
    """Return the last round's mean Hausdorff 95 and mean surface distance over cases, in mm."""
    records = [rows[-1] for seed in result.seeds if (rows := result.arm(name, seed))]

    def mean(of: Callable[[RoundRecord], dict[str, dict[str, float]]]) -> float:
        return _mean([_mean([v for c in of(r).values() for v in c.values()]) for r in records])

    return mean(lambda r: r.hausdorff95), mean(lambda r: r.surface)


def comparison_rows(result: SimulationResult) -> list[dict[str, Any]]:
    """Return one row a strategy and reference, with everything that is compared."""
    names: list[str | None] = [name for name in REFERENCES if name in result.strategies]
    compared = [c for name in names or [None] for c in compare(result, name)]
    return [_row(result, comparison) for comparison in compared]


def _row(result: SimulationResult, c: Comparison) -> dict[str, Any]:
    hausdorff, surface = distances(result, c.strategy)
    row: dict[str, Any] = {
        "strategy": c.strategy,
        "reference": c.reference,
        "seeds": sum(bool(result.arm(c.strategy, seed)) for seed in result.seeds),
        "area": c.area,
        "last_dice": c.last,
        "last_hausdorff95": hausdorff,
        "last_surface_distance": surface,
        "foreground_efficiency": efficiency(result, c.strategy),
    }
    for what, test in (("area", c.area_test), ("last", c.last_test)):
        if test is None:
            continue
        row |= {
            f"{what}_difference": test.student.mean,
            f"{what}_low": test.student.low,
            f"{what}_high": test.student.high,
            f"{what}_bootstrap_low": test.bootstrap.low,
            f"{what}_bootstrap_high": test.bootstrap.high,
            f"{what}_p_student": test.p_student,
            f"{what}_p_wilcoxon": test.p_wilcoxon,
        }
    for share in GOALS:
        ours = needed(result, c.strategy, share)
        times = times_as_many(result, c.strategy, c.reference, share)
        what = f"reference_needs_times_{share:.0%}"
        row |= {
            f"labels_to_{share:.0%}": ours.mean_curve,
            f"reached_{share:.0%}": ours.reached,
            what: times.mean,
            f"{what}_low": times.low,
            f"{what}_high": times.high,
        }
    return row


def _test(pairs: Sequence[tuple[float, float]]) -> PairedTest | None:
    return paired_test([a for a, _ in pairs], [b for _, b in pairs]) if pairs else None


def _units(rows: Sequence[RoundRecord]) -> list[float]:
    return [float(r.labelled_units) for r in rows]


def _dice(rows: Sequence[RoundRecord]) -> list[float]:
    return [r.mean for r in rows]


def _range(rows: Sequence[RoundRecord]) -> tuple[float, float]:
    return float(rows[0].labelled_units), float(rows[-1].labelled_units)


def _shared(result: SimulationResult, rows: Sequence[RoundRecord]) -> tuple[float, float]:
    """Return the budgets of an arm, from where all strategies of its seed have a model.

    Each begins at its own first labels where it chooses those, which may cost more or less.
    """
    low, high = _range(rows)
    arms = [result.arm(name, rows[0].seed) for name in result.strategies]
    return min(max(low, *(_range(arm)[0] for arm in arms if arm)), high), high


def _area(rows: Sequence[RoundRecord], low: float, high: float) -> float:
    return area_under_budget(_units(rows), _dice(rows), low=low, high=high)


def _mean(values: Sequence[float]) -> float:
    kept = [v for v in values if math.isfinite(v)]
    return float(np.mean(kept)) if kept else math.nan
