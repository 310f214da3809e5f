"""A worker whose learner only waits, prints and fails on demand: for tests of the protocol.

Run as a program: ``python fake_worker.py FOLDER [--no-learner | --no-project]``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from ActiveSuggestLib.errors import NotAProjectError, UnreadableImageError
from ActiveSuggestLib.pauses import Pauses
from ActiveSuggestLib.worker import run_process


@dataclass
class FakeEvent:
    """An event of the fake journal."""

    id: int
    kind: str
    case: str | None
    data: dict[str, Any]


@dataclass
class FakeLabel:
    """What saving a label gives."""

    version: int
    path: Path
    hash: str


class FakeProject:
    """Labels are text files; events are a list."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name, self.plane, self.modality = "fake", "axial", "MR"
        self.segments: tuple[Any, ...] = ()
        self.validation_cases: tuple[str, ...] = ()
        self.all_events: list[FakeEvent] = []

    def record(self, kind: str, case: str | None = None, **data: Any) -> None:
        self.all_events.append(FakeEvent(len(self.all_events) + 1, kind, case, data))

    def save_label(self, case: str, mask: Path, **options: Any) -> FakeLabel:
        path = self.folder / f"{case}.label"
        path.write_bytes(mask.read_bytes())
        self.record("label", case, **options)
        return FakeLabel(version=1, path=path, hash="abc")

    def exclude(self, case: str, reason: str) -> None:
        self.record("exclude", case, reason=reason)

    def note(self, case: str, text: str) -> None:
        self.record("note", case, text=text)

    def cases(self, state: str | None = None) -> list[Any]:
        return []

    def excluded(self, limit: int) -> list[tuple[str, str]]:
        return []

    def counts(self) -> dict[str, int]:
        return {"unlabelled": 3, "excluded": 0}

    def class_counts(self) -> dict[str, int]:
        return {}

    def labels_version(self) -> int:
        return max((event.id for event in self.all_events if event.kind == "label"), default=0)

    def events(
        self, kind: str | None = None, case: str | None = None, since: int = 0
    ) -> list[FakeEvent]:
        return [
            e
            for e in self.all_events
            if e.id > since and kind in (None, e.kind) and case in (None, e.case)
        ]

    def other_sessions(self) -> int:
        return 0

    def close(self) -> None:
        (self.folder / "closed").write_text("closed", encoding="utf-8")


DEVICE = SimpleNamespace(
    name="cpu",
    description="CPU, 2 threads",
    is_cpu=True,
    why="asked for",
    memory_now=lambda: (3, 4),
)


class FakeLearner:
    """``options`` of ``suggest`` say what happens."""

    def __init__(self, project: FakeProject, tell: Any) -> None:
        self.bench = SimpleNamespace(device=DEVICE, pauses=Pauses())
        self.project = project
        self.tell = tell

    def warm_up(self) -> None:
        raise MemoryError("what fails while warming up is no matter")

    def save_label(self, case: str, mask: Path, **options: Any) -> FakeLabel:
        return self.project.save_label(case, mask, **options)

    def suggest(self, *, options: dict[str, Any], progress: Any, cancel: Any, **_: Any) -> Any:
        action = options.get("do", "work")
        if action == "print":
            print("a library prints this")
            os.write(1, b"and a C library this\n")
            subprocess.run([sys.executable, "-c", "print('and a child this')"], check=True)
        elif action == "read":
            return [sys.stdin.read()]
        elif action == "raise":
            raise ZeroDivisionError("a fault nobody foresaw")
        elif action == "bad_image":
            raise UnreadableImageError("It is truncated.", case="a", path="a.nii", remedy="Go on.")
        elif action == "unsendable":
            return [object()]
        elif action == "die":
            print("about to die", file=sys.stderr, flush=True)
            os._exit(7)
        elif action == "notice":
            self.tell("out_of_memory", "Smaller.", {"patch": [9]})
        elif action == "child":
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            return [child.pid]
        steps = options.get("steps", 1)
        for step in range(steps + 1):
            progress(step, steps, f"Step {step}", step=step)
            cancel.raise_if_cancelled()
            time.sleep(options.get("pause", 0.0))
        (self.project.folder / "finished").write_text("finished", encoding="utf-8")
        return ["äöü 肝臓", float("nan")]

    def fine_tune(self, seconds: float | None, *, steps: Any, progress: Any, cancel: Any) -> Any:
        """Train until a label has come in."""
        assert steps is None
        started = self.project.labels_version()
        deadline = time.monotonic() + (seconds or 30)
        while time.monotonic() < deadline:
            self.bench.pauses.give_way()
            cancel.raise_if_cancelled()
            progress(0, 1, "Training")
            if self.project.labels_version() != started:
                return {"taken_in": self.project.labels_version()}
            time.sleep(0.01)
        return {"taken_in": None}


def main() -> int:
    """Serve the fake project in the folder given."""
    folder, flags = Path(sys.argv[1]), sys.argv[2:]

    def open_project(progress: Any, cancel: Any) -> FakeProject:
        if "--no-project" in flags:
            raise NotAProjectError("No project here.", path=folder, remedy="Create one.")
        return FakeProject(folder)

    def open_learner(project: FakeProject, tell: Any) -> FakeLearner:
        if "--no-learner" in flags:
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
        return FakeLearner(project, tell)

    return run_process(open_project, open_learner, "cpu")


if __name__ == "__main__":
    sys.exit(main())
