"""Two real processes on one project at once: both can save, and neither gets the other's cases."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ActiveSuggestLib.data.project import Project
from Testing.Python.data.small_projects import (
    SHAPE,
    a_mask,
    a_project,
    number_of,
    start_script,
)

SAVER = """
import sys
from ActiveSuggestLib.data.project import Project
from Testing.Python.data.small_projects import a_mask, SHAPE
folder, remainder = sys.argv[1], int(sys.argv[2])
with Project.open(folder, rater=f"rater {remainder}") as project:
    print("ready"); sys.stdin.readline()
    for round in range(3):
        for index in range(remainder, SHAPE[0], 2):
            project.save_label("c0", a_mask(10 * round + index), slices=[index])
        project.save_label(f"c{remainder + 1}", a_mask(round))
"""

CLAIMER = """
import json, sys
from ActiveSuggestLib.data.project import Project
with Project.open(sys.argv[1]) as project:
    print("ready"); sys.stdin.readline()
    got = []
    names = [row.name for row in project.cases()]
    while True:
        others = [(name, None) for name in names if name not in got]
        new = project.claim(others, 1)
        if not new:
            break
        got.append(new[0][0])
    print(json.dumps(got)); sys.stdin.readline()
"""

COMMAND = """
import json, sys
import ActiveSuggestLib
print("started"); sys.stdin.readline()
from ActiveSuggestLib.data.project import Project
with Project.open(sys.argv[1]) as project:
    names = [(row.name, None) for row in project.cases()]
    print(json.dumps([case for case, _ in project.claim(names, 2)]))
"""


def say(process, text: str = "") -> None:
    process.stdin.write(text + "\n")
    process.stdin.flush()


def test_slices_saved_by_two_processes_add_up_and_no_version_is_lost(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        folder = project.folder
    processes = [start_script(SAVER, folder, remainder) for remainder in (0, 1)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        say(process)
    assert [process.wait(60) for process in processes] == [0, 0]
    with Project.open(folder) as project:
        label = project.read_label("c0")
        assert label is not None
        assert label.slices is None  # all of them: the whole volume
        for index in range(SHAPE[0]):
            assert number_of(label.array, index) == 20 + index
        history = project.label_history("c0")
        assert [version.version for version in history] == list(range(1, 3 * SHAPE[0] + 1))
        assert {version.rater for version in history} == {"rater 0", "rater 1"}
        assert all(version.path.is_file() for version in history)
        for name in ("c1", "c2"):
            saved = project.read_label(name)
            assert saved is not None
            assert (saved.array == a_mask(2)).all()
        assert project.recovery.recovered == []


def test_no_case_is_claimed_by_two_processes_at_once(tmp_path: Path) -> None:
    with a_project(tmp_path, count=12) as project:
        folder = project.folder
    processes = [start_script(CLAIMER, folder) for _ in range(2)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        say(process)
    claimed = [json.loads(process.stdout.readline()) for process in processes]
    for process in processes:
        say(process)
        process.wait(60)
    assert set(claimed[0]).isdisjoint(claimed[1])
    assert set(claimed[0]) | set(claimed[1]) == {f"c{i}" for i in range(12)}


def test_of_two_commands_run_at_once_the_slower_does_not_get_the_cases_of_the_ended_one(
    tmp_path: Path,
) -> None:
    with a_project(tmp_path, count=4) as project:
        folder = project.folder
    quick, slow = (start_script(COMMAND, folder) for _ in range(2))
    for process in (quick, slow):
        assert process.stdout.readline() == "started\n"
    say(quick)
    first = json.loads(quick.stdout.readline())
    quick.wait(60)
    say(slow)
    second = json.loads(slow.stdout.readline())
    slow.wait(60)
    assert (first, second) == (["c0", "c1"], ["c2", "c3"])
    alone = start_script(COMMAND, folder)
    assert alone.stdout.readline() == "started\n"
    say(alone)
    assert json.loads(alone.stdout.readline()) == ["c0", "c1"]
    alone.wait(60)


def test_validation_cases_fixed_by_one_process_hold_for_the_other(tmp_path: Path) -> None:
    script = (
        "import sys; from ActiveSuggestLib.data.project import Project\n"
        "with Project.open(sys.argv[1]) as project: project.lock_validation(['c1'])\n"
    )
    with a_project(tmp_path) as project:
        assert project.validation_cases == ()
        assert start_script(script, project.folder).wait(60) == 0
        assert project.validation_cases == ("c1",)
        assert project.lock_validation(["c2"]) == ("c1",)


def test_the_interpreter_of_the_children_is_this_one() -> None:
    process = start_script("import sys; print(sys.executable)")
    assert process.communicate()[0].strip() == sys.executable
