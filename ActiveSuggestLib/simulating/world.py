"""Where a simulation happens: its task, its folders, and what each seed draws."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..data.project import Project
from ..data.segments import Segment
from ..errors import SimulationExistsError
from .curves import RoundRecord, write_json
from .held_out import HeldOutSet
from .known_cases import KnownCase, link_images, read_truth
from .splits import Split, draw_split

Unit = Literal["volume", "slice"]


@dataclass(frozen=True)
class Task:
    """What a simulation is asked to do; ``Simulation`` does it."""

    images: Path
    labels: Path
    segments: tuple[Segment, ...]
    strategies: tuple[str, ...]
    out: Path
    rounds: int
    batch: int
    initial: int
    seeds: tuple[int, ...]
    test_cases: int | None
    test_fraction: float
    pool_cases: int | None
    seconds: float | None
    steps: int | None
    unit: Unit
    plane: str | None
    patient_pattern: str | None
    patient_csv: Path | None
    project_settings: dict[str, Any]

    def settings(self) -> dict[str, Any]:
        """Return what makes one simulation differ from another, as JSON."""
        plain = {**vars(self), "segments": [s.to_dict() for s in self.segments]}
        del plain["out"]
        form = {k: str(v) if isinstance(v, Path) else v for k, v in plain.items()}
        return json.loads(json.dumps(form))


class World:
    """A seed's split of the known cases, and where its projects lie.

    ``steps`` is the length of every training, once it is known.
    """

    def __init__(self, task: Task, seed: int, known: Sequence[KnownCase]) -> None:
        self.task = task
        self.seed = seed
        self.known = {case.name: case for case in known}
        self.split: Split = draw_split(
            {case.name: case.patient for case in known},
            seed=seed,
            initial=task.initial,
            test_cases=task.test_cases,
            test_fraction=task.test_fraction,
            pool_cases=task.pool_cases,
        )
        self.steps: int | None = task.steps
        self.test = HeldOutSet([self.known[c] for c in self.split.test], task.segments)

    def folder(self, arm: str) -> Path:
        """Return the project folder of an arm."""
        return self.task.out / "arms" / f"seed-{self.seed}" / arm

    def rounds(self, arm: str) -> Path:
        """Return the folder of an arm's finished rounds; it exists."""
        folder = self.task.out / "rounds" / f"seed-{self.seed}" / arm
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def link_pool(self) -> Path:
        """Make the image folder of this seed's projects: the pool without the test cases."""
        folder = self.folder("images")
        link_images((self.known[c] for c in self.split.pool), self.task.images, folder)
        return folder

    def check_cases(self, project: Project) -> None:
        """Raise ``SimulationExistsError`` unless the project holds exactly the pool."""
        names = {row.name for row in project.cases()}
        if names != set(self.split.pool):
            other = sorted(names ^ set(self.split.pool))
            raise SimulationExistsError(
                f"The project's cases are not those of the pool: {', '.join(other[:3])}, ….",
                path=project.folder,
                remedy="Give the images names of their own and use an empty output folder.",
            )

    def truth(self, case: str) -> np.ndarray:
        """Return the true label of a case of the pool."""
        return read_truth(self.known[case], self.task.segments)

    def first_units(self, plane: str) -> list[tuple[str, int | None]]:
        """Return what is labelled at first: volumes, or one slice each that shows something."""
        if self.task.unit == "volume":
            return [(case, None) for case in self.split.initial]
        rng = np.random.default_rng([self.seed, 102])
        units: list[tuple[str, int | None]] = []
        for case in self.split.initial:
            truth = self.truth(case)
            axis = self.known[case].geometry.plane_axis(plane)
            shown = np.flatnonzero(truth.any(axis=tuple(a for a in range(3) if a != axis)))
            index = rng.choice(shown) if shown.size else truth.shape[axis] // 2
            units.append((case, int(index)))
        return units


def claim_folder(task: Task) -> None:
    """Make the output folder this task's own; raises ``SimulationExistsError`` if it is not."""
    path, settings = task.out / "simulation.json", task.settings()
    if path.is_file():
        if json.loads(path.read_text(encoding="utf-8")) == settings:
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


def read_rounds(folder: Path, rounds: int) -> list[RoundRecord]:
    """Return the finished rounds from the first on, without a gap."""
    records = []
    for number in range(rounds + 1):
        path = folder / f"{number:02d}.json"
        if not path.is_file():
            break
        form = json.loads(path.read_text(encoding="utf-8"))
        records.append(RoundRecord.from_dict(form))
    return records
