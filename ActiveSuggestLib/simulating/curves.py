"""What a simulation found: one record a round, and the tables and curves made of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.store import atomic_write
from ..metrics import Interval, area_under_budget, bootstrap_interval, paired_difference

if TYPE_CHECKING:
    import pandas as pd

START = "start"
"""The name of the arm that all strategies of a seed share: the training on the first labels."""


@dataclass(frozen=True)
class Query:
    """One suggestion that the simulated expert answered."""

    rank: int
    case: str
    slice: int | None
    patient: str
    score: float
    reasons: tuple[str, ...]
    proposal_dice: dict[str, float] | None = None  # a segment → Dice, before training on it
    picture: str | None = None  # the file, relative to the simulation's folder

    @classmethod
    def from_dict(cls, form: Mapping[str, Any]) -> Query:
        """Rebuild a query from its JSON form."""
        score = float("nan") if form["score"] is None else float(form["score"])
        return cls(**{**form, "reasons": tuple(form["reasons"]), "score": score})

    @property
    def mean_proposal_dice(self) -> float | None:
        """How well the model's proposal agreed with the expert; ``None`` without a proposal."""
        if self.proposal_dice is None:
            return None
        return float(np.nanmean(list(self.proposal_dice.values())))


@dataclass(frozen=True)
class RoundRecord:
    """One finished round of one arm. Round 0 is the training on the first labels."""

    seed: int
    strategy: str
    round: int
    labelled_cases: int
    labelled_units: int  # volumes, or slices
    queries: tuple[Query, ...]
    scores: dict[str, dict[str, float]]  # test case → segment → Dice
    training: dict[str, Any]
    seconds: dict[str, float]
    plan: str = ""

    @property
    def case_means(self) -> dict[str, float]:
        """The mean foreground Dice of each test case."""
        return {c: float(np.nanmean(list(s.values()))) for c, s in self.scores.items()}

    @property
    def mean(self) -> float:
        """The mean foreground Dice over the test cases."""
        return float(np.mean(list(self.case_means.values())))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {**asdict(self), "mean_dice": self.mean}

    @classmethod
    def from_dict(cls, form: Mapping[str, Any]) -> RoundRecord:
        """Rebuild a record from ``to_dict``."""
        kept = {k: v for k, v in form.items() if k != "mean_dice"}
        return cls(**{**kept, "queries": tuple(Query.from_dict(q) for q in form["queries"])})


@dataclass(frozen=True)
class Curve:
    """Dice of one strategy against the number of labelled units, over seeds or test cases."""

    strategy: str
    units: list[int]
    dice: list[Interval]


@dataclass(frozen=True)
class Comparison:
    """A strategy's area under the budget curve, and how far it is from the reference's.

    ``difference`` is paired over the seeds; with one seed it has no interval.
    ``last_difference`` is that of the last round's Dice.
    """

    strategy: str
    area: float
    last: float
    difference: Interval | None
    last_difference: Interval | None


@dataclass(frozen=True)
class SimulationResult:
    """All finished rounds of a simulation, and what it was asked to do.

    ``splits`` tells for each seed which cases were "pool", "test" and
    "initial"; ``notes`` say in words what was left out of the pool.
    """

    folder: Path
    settings: dict[str, Any]
    records: tuple[RoundRecord, ...]
    splits: dict[int, dict[str, list[str]]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def strategies(self) -> tuple[str, ...]:
        """The strategies in the order they were asked for."""
        return tuple(self.settings["strategies"])

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds in the order they were asked for."""
        return tuple(self.settings["seeds"])

    @property
    def segments(self) -> tuple[str, ...]:
        """The names of the segments."""
        return tuple(s["name"] for s in self.settings["segments"])

    @property
    def unit(self) -> str:
        """What is suggested: "volume" or "slice"."""
        return str(self.settings["unit"])

    def arm(self, strategy: str, seed: int) -> list[RoundRecord]:
        """Return the finished rounds of one arm, the first labels' included, in order."""
        rows = [r for r in self.records if r.strategy == strategy and r.seed == seed]
        return sorted(rows, key=lambda r: r.round)

    def curve(self, strategy: str) -> Curve:
        """Return the learning curve: over seeds, or over test cases where there is one seed."""
        units: list[int] = []
        dice: list[Interval] = []
        arms = [arm for seed in self.seeds if (arm := self.arm(strategy, seed))]
        for same_round in zip(*arms, strict=False):
            units.append(same_round[0].labelled_units)
            if len(same_round) > 1:
                dice.append(_over_seeds([r.mean for r in same_round]))
            else:
                dice.append(bootstrap_interval(list(same_round[0].case_means.values())))
        return Curve(strategy, units, dice)

    def comparisons(self) -> list[Comparison]:
        """Compare all strategies with the reference: ``random`` if it ran, else the last one."""
        reference = "random" if "random" in self.strategies else self.strategies[-1]
        areas = {name: self._over(name, _arm_area) for name in self.strategies}
        last = {name: self._over(name, _last_dice) for name in self.strategies}
        return [
            Comparison(
                name,
                area=float(np.mean(areas[name])) if areas[name] else float("nan"),
                last=float(np.mean(last[name])) if last[name] else float("nan"),
                difference=_difference(areas[name], areas[reference], name == reference),
                last_difference=_difference(last[name], last[reference], name == reference),
            )
            for name in self.strategies
        ]

    def case_difference(self, first: str, second: str) -> Interval:
        """Return the paired difference of the last common round over the test cases (seed by seed).

        It says how sure the difference between these two models is, not between the strategies.
        """
        differences: list[float] = []
        for seed in self.seeds:
            both = list(zip(self.arm(first, seed), self.arm(second, seed), strict=False))
            if both:
                a, b = both[-1][0].case_means, both[-1][1].case_means
                differences += [a[case] - b[case] for case in a if case in b]
        return bootstrap_interval(differences)

    def table(self) -> pd.DataFrame:
        """Return the long table: one row a seed, strategy, round, test case and segment."""
        import pandas as pd

        rows = [
            {
                "seed": r.seed,
                "strategy": r.strategy,
                "round": r.round,
                "labelled_cases": r.labelled_cases,
                "labelled_units": r.labelled_units,
                "case": case,
                "segment": segment,
                "dice": value,
            }
            for r in self.records
            for case, scores in r.scores.items()
            for segment, value in scores.items()
        ]
        return pd.DataFrame(rows)

    def curve_table(self) -> pd.DataFrame:
        """Return one row a seed, strategy and round, with the mean Dice and the seconds."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "seed": r.seed,
                    "strategy": r.strategy,
                    "round": r.round,
                    "labelled_cases": r.labelled_cases,
                    "labelled_units": r.labelled_units,
                    "mean_dice": r.mean,
                    "test_cases": len(r.scores),
                    "queries": " ".join(_unit_name(q) for q in r.queries),
                    **{f"{name}_seconds": value for name, value in sorted(r.seconds.items())},
                }
                for r in self.records
            ]
        )

    def save(self) -> None:
        """Write results.json, dice.csv and curve.csv into the simulation's folder."""
        document = {
            "settings": self.settings,
            "notes": list(self.notes),
            "splits": self.splits,
            "comparisons": [asdict(c) for c in self.comparisons()],
            "rounds": [r.to_dict() for r in self.records],
        }
        write_json(self.folder / "results.json", document)
        for name, table in (("dice.csv", self.table()), ("curve.csv", self.curve_table())):
            atomic_write(self.folder / name, table.to_csv(index=False).encode("utf-8"))

    @classmethod
    def load(cls, folder: str | Path) -> SimulationResult:
        """Read the results.json of a simulation's folder."""
        folder = Path(folder)
        document = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        return cls(
            folder,
            document["settings"],
            tuple(RoundRecord.from_dict(form) for form in document["rounds"]),
            {int(seed): split for seed, split in document["splits"].items()},
            tuple(document["notes"]),
        )

    def _over(self, strategy: str, measure: Callable[[list[RoundRecord]], float]) -> list[float]:
        arms = [self.arm(strategy, seed) for seed in self.seeds]
        return [measure(rows) for rows in arms if rows]


def write_json(path: Path, document: Any) -> None:
    """Write a JSON file whole; numbers that are not finite become null."""
    text = json.dumps(_plain(document), ensure_ascii=False, indent=1, allow_nan=False)
    atomic_write(path, text.encode("utf-8"))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def _arm_area(rows: Sequence[RoundRecord]) -> float:
    return area_under_budget([r.labelled_units for r in rows], [r.mean for r in rows])


def _last_dice(rows: Sequence[RoundRecord]) -> float:
    return rows[-1].mean


def _difference(values: list[float], reference: list[float], same: bool) -> Interval | None:
    paired = min(len(values), len(reference))
    return None if same or not paired else paired_difference(values[:paired], reference[:paired])


def _over_seeds(means: Iterable[float]) -> Interval:
    """Return mean, lowest and highest over a few seeds, where a computed interval says little."""
    values = list(means)
    return Interval(float(np.mean(values)), min(values), max(values), len(values))


def _unit_name(query: Query) -> str:
    return query.case if query.slice is None else f"{query.case}:{query.slice}"
