"""Where a simulation happens: its folders, and what each seed draws."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..data.project import Project
from ..errors import SimulationExistsError
from .arms import folder_name
from .curves import RoundRecord
from .held_out import HeldOutSet
from .json_files import read_json
from .known_cases import KnownCase, link_images, read_truth
from .splits import Split, draw_split
from .task import Task


class World:
    """A seed's split of the known cases, and where its projects lie."""

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
        self.test = HeldOutSet([self.known[c] for c in self.split.test], task.segments)
        self._foreground: dict[str, np.ndarray] = {}

    def folder(self, arm: str) -> Path:
        """Return the project folder of an arm."""
        return self.task.out / "arms" / f"seed-{self.seed}" / folder_name(arm)

    def rounds(self, arm: str) -> Path:
        """Return the folder of an arm's finished rounds; it exists."""
        folder = self.task.out / "rounds" / f"seed-{self.seed}" / folder_name(arm)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def record_path(self, arm: str, number: int) -> Path:
        """Return the file of a finished round of an arm."""
        return self.rounds(arm) / f"{number:02d}.json"

    @property
    def steps_path(self) -> Path:
        """The file with the steps that a trial found to take the time given."""
        return self.task.out / "steps.json"

    def known_steps(self) -> int | None:
        """Return the length of every training, or ``None`` before a trial has found it."""
        if self.task.seconds is None and self.task.steps is not None:
            return self.task.steps
        return int(read_json(self.steps_path)) if self.steps_path.is_file() else None

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
        """Return the true label of a case of the pool, uint8 (z, y, x) of segment values."""
        return read_truth(self.known[case], self.task.segments)

    def foreground(self, case: str, plane: str) -> np.ndarray:
        """Return the true foreground pixels of each slice of a case, (S,)."""
        if case not in self._foreground:
            axis = self.known[case].geometry.plane_axis(plane)
            others = tuple(a for a in range(3) if a != axis)
            self._foreground[case] = np.count_nonzero(self.truth(case), axis=others)
        return self._foreground[case]

    def first_units(
        self, plane: str, cases: Sequence[str] | None = None
    ) -> list[tuple[str, int | None]]:
        """Return what is labelled at first: volumes, or one slice each that shows something.

        ``cases`` takes the place of the split's initial ones.
        """
        chosen = self.split.initial if cases is None else cases
        if self.task.unit == "volume":
            return [(case, None) for case in chosen]
        rng = np.random.default_rng([self.seed, 102])
        units: list[tuple[str, int | None]] = []
        for case in chosen:
            foreground = self.foreground(case, plane)
            shown = np.flatnonzero(foreground)
            index = rng.choice(shown) if shown.size else len(foreground) // 2
            units.append((case, int(index)))
        return units


def read_rounds(folder: Path, rounds: int) -> list[RoundRecord]:
    """Return the finished rounds from the first on, without a gap."""
    records = []
    for number in range(rounds + 1):
        path = folder / f"{number:02d}.json"
        if not path.is_file():
            break
        records.append(RoundRecord.from_dict(read_json(path)))
    return records
