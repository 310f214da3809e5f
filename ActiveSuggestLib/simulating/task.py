"""What a simulation is asked to do."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..data.segments import Segment
from ..errors import SimulationExistsError
from .arms import FULL, Arm, parse_arm
from .json_files import write_json

Unit = Literal["volume", "slice"]
Budget = Literal["volume", "slice", "pixel"]
BUDGETS: tuple[Budget, ...] = ("volume", "slice", "pixel")
# What makes up the settings of a task only where it is asked for, so that a simulation that was
# begun before these were known can be continued.
_LATER: dict[str, Any] = {
    "first_steps": None,
    "budget": None,
    "restart": False,
    "validation": True,
    "full_data": False,
}


@dataclass(frozen=True)
class Task:
    """One simulation; ``Simulation`` does it. See ``simulate`` for what the fields mean."""

    images: Path
    labels: Path
    segments: tuple[Segment, ...]
    strategies: tuple[str, ...]
    out: Path
    rounds: int
    batch: int
    initial: int
    seeds: tuple[int, ...]
    test_cases: int | None = None
    test_fraction: float = 0.3
    pool_cases: int | None = None
    seconds: float | None = None
    steps: int | None = None
    first_steps: int | None = None
    unit: Unit = "volume"
    plane: str | None = None
    patient_pattern: str | None = None
    patient_csv: Path | None = None
    project_settings: dict[str, Any] = field(default_factory=dict)
    budget: Budget | None = None
    restart: bool = False
    validation: bool = True
    full_data: bool = False

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The strategies, parsed."""
        return tuple(parse_arm(text) for text in self.strategies)

    @property
    def arm_names(self) -> tuple[str, ...]:
        """The strategies and, if it is wanted, the full data, in the order they are run."""
        return (*self.strategies, FULL) if self.full_data else self.strategies

    @property
    def cold(self) -> bool:
        """Whether every arm chooses its own first labels, before there is any model."""
        return self.initial == 0

    @property
    def currency(self) -> Budget:
        """What the budget is counted in."""
        return self.budget or self.unit

    @property
    def learner_settings(self) -> dict[str, Any]:
        """The settings of every project of this simulation."""
        validation = {} if self.validation else {"validation": False}
        return {**self.project_settings, **validation}

    def settings(self) -> dict[str, Any]:
        """Return what makes one simulation differ from another, as JSON."""
        plain = {**vars(self), "segments": [s.to_dict() for s in self.segments]}
        del plain["out"]
        form = {
            k: str(v) if isinstance(v, Path) else v
            for k, v in plain.items()
            if k not in _LATER or v != _LATER[k]
        }
        return json.loads(json.dumps(form))


def claim_folder(task: Task) -> None:
    """Make the output folder this task's own; raises ``SimulationExistsError`` if it is not.

    More seeds or more strategies are no other simulation: what is there already stays.
    """
    path, settings = task.out / "simulation.json", task.settings()
    if path.is_file():
        earlier = json.loads(path.read_text(encoding="utf-8"))
        if _continues(earlier, settings):
            write_json(path, settings)
            return
        if any((task.out / "rounds").rglob("*.json")):
            raise SimulationExistsError(
                "The output folder holds a simulation with other settings.",
                path=task.out,
                remedy="Choose another folder, or repeat the earlier settings to continue it.",
            )
        # Nothing was found out yet: a task that was typed wrongly does not block the right one.
        for leftover in ("arms", "rounds"):
            shutil.rmtree(task.out / leftover, ignore_errors=True)
        (task.out / "pool.json").unlink(missing_ok=True)
        (task.out / "steps.json").unlink(missing_ok=True)
    elif task.out.is_dir() and any(task.out.iterdir()):
        raise SimulationExistsError(
            "The output folder is not empty and holds no simulation.",
            path=task.out,
            remedy="Choose an empty folder.",
        )
    task.out.mkdir(parents=True, exist_ok=True)
    write_json(path, settings)


def _continues(earlier: dict[str, Any], settings: dict[str, Any]) -> bool:
    """Whether a simulation only adds seeds, strategies or the full data to an earlier one."""
    grows = ("seeds", "strategies")
    same = {k: v for k, v in earlier.items() if k not in (*grows, "full_data")}
    if same != {k: v for k, v in settings.items() if k not in (*grows, "full_data")}:
        return False
    if earlier.get("full_data") and not settings.get("full_data"):
        return False
    return all(set(earlier[k]) <= set(settings[k]) for k in grows)
