"""What a simulation found: one record a round, and the tables and curves made of them."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.store import atomic_write
from ..metrics import Interval, bootstrap_interval
from .arms import FULL
from .comparing import Comparison, compare, comparison_rows
from .json_files import write_json

if TYPE_CHECKING:
    import pandas as pd


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
    """One finished round of one arm. Round 0 is the training on the first labels.

    Where each arm chooses those, round 1 is the first training, and the record of round 0 says
    only that the arm has begun: it has no scores, and no result holds it.
    """

    seed: int
    strategy: str
    round: int
    labelled_cases: int
    labelled_units: int  # volumes, slices or pixels, whatever the budget counts
    queries: tuple[Query, ...]
    scores: dict[str, dict[str, float]]  # test case → segment → Dice
    training: dict[str, Any]
    seconds: dict[str, float]
    plan: str = ""
    labelled_slices: int = 0
    labelled_pixels: int = 0
    labelled_foreground: int = 0  # of the labelled pixels, those of a structure
    hausdorff95: dict[str, dict[str, float]] = field(default_factory=dict)  # mm, as ``scores``
    surface: dict[str, dict[str, float]] = field(default_factory=dict)  # mean distance, mm

    @functools.cached_property
    def case_means(self) -> dict[str, float]:
        """The mean foreground Dice of each test case."""
        return {c: float(np.nanmean(list(s.values()))) for c, s in self.scores.items()}

    @functools.cached_property
    def mean(self) -> float:
        """The mean foreground Dice over the test cases."""
        means = list(self.case_means.values())
        return float(np.mean(means)) if means else float("nan")

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
        """Return the rounds of one arm that have a model, the first labels' included, in order."""
        rows = [r for r in self.records if r.strategy == strategy and r.seed == seed]
        return sorted(rows, key=lambda r: r.round)

    def curve(self, strategy: str) -> Curve:
        """Return the learning curve: over seeds, or over test cases where there is one seed."""
        units: list[int] = []
        dice: list[Interval] = []
        arms = [arm for seed in self.seeds if (arm := self.arm(strategy, seed))]
        for same_round in zip(*arms, strict=False):
            units.append(round(float(np.mean([r.labelled_units for r in same_round]))))
            if len(same_round) > 1:
                dice.append(_over_seeds([r.mean for r in same_round]))
            else:
                dice.append(bootstrap_interval(list(same_round[0].case_means.values())))
        return Curve(strategy, units, dice)

    @property
    def cold(self) -> bool:
        """Whether every strategy chose its own first labels."""
        return self.settings.get("initial") == 0

    def full_data(self, seed: int) -> RoundRecord | None:
        """Return the training on all labels of the pool, if there was one."""
        return next((r for r in reversed(self.arm(FULL, seed)) if r.round > 0), None)

    @property
    def last_budget(self) -> int:
        """The most that any strategy has labelled, in the budget's currency."""
        return max((r.labelled_units for r in self.records if r.strategy != FULL), default=0)

    @property
    def currency(self) -> str:
        """What the budget counts: "volume", "slice" or "pixel"."""
        return str(self.settings.get("budget") or self.unit)

    def comparisons(self, reference: str | None = None) -> list[Comparison]:
        """Compare all strategies with a reference: ``random`` if it ran, else the last one."""
        return compare(self, reference)

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
                "hausdorff95": r.hausdorff95.get(case, {}).get(segment),
                "surface_distance": r.surface.get(case, {}).get(segment),
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
                    "labelled_slices": r.labelled_slices,
                    "labelled_pixels": r.labelled_pixels,
                    "labelled_foreground": r.labelled_foreground,
                    "mean_dice": r.mean,
                    "test_cases": len(r.scores),
                    "queries": " ".join(_unit_name(q) for q in r.queries),
                    **{f"{name}_seconds": value for name, value in sorted(r.seconds.items())},
                }
                for r in self.records
            ]
        )

    def comparison_table(self) -> pd.DataFrame:
        """Return one row a strategy and reference: areas, tests, labels needed, efficiency."""
        import pandas as pd

        return pd.DataFrame(comparison_rows(self))

    def save(self) -> None:
        """Write results.json, dice.csv, curve.csv and comparisons.csv into the folder."""
        document = {
            "settings": self.settings,
            "notes": list(self.notes),
            "splits": self.splits,
            "comparisons": [asdict(c) for c in self.comparisons()],
            "rounds": [r.to_dict() for r in self.records],
        }
        write_json(self.folder / "results.json", document)
        tables = {
            "dice.csv": self.table(),
            "curve.csv": self.curve_table(),
            "comparisons.csv": self.comparison_table(),
        }
        for name, table in tables.items():
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


def _over_seeds(means: Iterable[float]) -> Interval:
    """Return mean, lowest and highest over a few seeds, where a computed interval says little."""
    values = list(means)
    return Interval(float(np.mean(values)), min(values), max(values), len(values))


def _unit_name(query: Query) -> str:
    return query.case if query.slice is None else f"{query.case}:{query.slice}"
