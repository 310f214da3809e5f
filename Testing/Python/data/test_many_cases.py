"""Ten thousand cases: opening and counting look at names, sizes and times only."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ActiveSuggestLib.data.project import Project
from Testing.Python.data.small_projects import a_project, start_script

MANY = 10_000

COUNTER = """
import json, sys
opened = []
sys.addaudithook(lambda event, arguments: opened.append(str(arguments[0])) if event == "open"
                 and isinstance(arguments[0], str) else None)
from ActiveSuggestLib.data.project import Project
with Project.open(sys.argv[1]) as project:
    counts = project.counts()
heavy = ["torch", "SimpleITK", "numpy", "scipy", "pydicom", "pandas", "matplotlib"]
print(json.dumps({
    "counts": counts,
    "imported": [name for name in heavy if name in sys.modules],
    "labels": [path for path in opened if path.endswith(".nrrd")],
    "images": [path for path in opened if path.endswith(".nii.gz")],
}))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of ten thousand cases, a thousand of them labelled."""
    with a_project(tmp_path_factory.mktemp("many"), count=1) as project:
        project.save_label("c0", [[[1] * 10] * 8] * 6)
        labels = project.folder / "labels"
        content = (labels / "c0.seg.nrrd").read_bytes()
        with project._journal.transaction() as connection:
            [image] = connection.execute("SELECT signature, record FROM images").fetchall()
            [label] = connection.execute("SELECT label_hash FROM cases").fetchall()
            for number in range(1, MANY):
                name, known = f"c{number}", (0, None, None, "")
                if number < MANY // 10:
                    path = labels / f"{name}.seg.nrrd"
                    path.write_bytes(content)
                    status = path.stat()
                    known = (1, status.st_size, status.st_mtime_ns, label[0])
                connection.execute("INSERT INTO images VALUES (?, ?, ?)", (name, *image))
                connection.execute(
                    "INSERT INTO cases (name, patient, label_version, label_size,"
                    " label_mtime_ns, label_hash) VALUES (?, ?, ?, ?, ?, ?)",
                    (name, name, *known),
                )
        return project.folder


def test_counting_reads_no_label_and_imports_nothing_heavy(folder: Path) -> None:
    said = json.loads(start_script(COUNTER, folder).communicate()[0])
    assert said == {
        "counts": {"unlabelled": 9000, "draft": 0, "labelled": 1000, "excluded": 0},
        "imported": [],
        "labels": [],
        "images": [],
    }


def test_opening_takes_one_look_at_the_labels(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    real = os.scandir

    def counted(path):
        looked.append(str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", counted)
    queries: list[str] = []
    with Project.open(folder) as project:
        project._journal._connection().set_trace_callback(queries.append)
        project._recover()
        project.counts()
        project.labels_version()
    assert len(queries) < 20
    assert len(looked) < 20


def test_all_cases_can_be_listed(folder: Path) -> None:
    with Project.open(folder) as project:
        assert len(project.cases()) == MANY
        assert len(project.cases("labelled")) == MANY // 10
