"""A demo project in a folder: phantoms, and expert labels of the first few.

Run as a program in a Python of its own, so that Slicer's window stays free:
``python sample_pool.py FOLDER CASES LABELLED`` prints a JSON line a step.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from ActiveSuggestLib.data.project import Project, create_project
from ActiveSuggestLib.simulating import phantoms

PROJECT, KNOWN = "project", "labels-of-an-expert"


def make_demo_project(folder: Path, cases: int, labelled: int, progress: Any) -> Path:
    """Make the phantoms and the project, or what a kill left of them; return the project's folder.

    All labels stand in ``labels/``, to compare with; those of the first ``labelled`` cases are
    taken into the project.
    """
    made = phantoms.make_pool(folder, cases, progress=progress)
    known = folder / KNOWN
    known.mkdir(exist_ok=True)
    for case in made[:labelled]:
        name = f"{case.case}.seg.nrrd"
        shutil.copyfile(folder / "labels" / name, known / name)
    project = folder / PROJECT
    if (project / "project.json").is_file():
        Project.open(project).close()
        return project
    create_project(
        project,
        folder / "images",
        labels=known,
        segments=phantoms.SEGMENTS,
        name="ActiveSuggest demo",
        patient_csv=folder / "patients.csv",
    ).close()
    return project


def _print(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _main(arguments: list[str]) -> int:
    folder, cases, labelled = Path(arguments[0]), int(arguments[1]), int(arguments[2])

    def progress(done: float, total: float, message: str = "") -> None:
        _print({"done": done, "total": total, "message": message})

    project = make_demo_project(folder, cases, labelled, progress)
    _print({"project": str(project)})
    return 0


if __name__ == "__main__":
    raise SystemExit(_main(sys.argv[1:]))
