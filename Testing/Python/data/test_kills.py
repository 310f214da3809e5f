"""SIGKILL while saving: the project opens every time, and no saved label is lost or torn.

``ACTIVESUGGEST_KILLS=200`` raises the number of kills.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from ActiveSuggestLib.data.project import Project, create_project
from Testing.Python.data.small_projects import (
    SHAPE,
    a_mask,
    a_project,
    leftovers,
    number_of,
    start_script,
    write_images,
)

KILLS = int(os.environ.get("ACTIVESUGGEST_KILLS", "25"))

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")

SAVER = """
import sys
from ActiveSuggestLib.data.project import Project
from Testing.Python.data.small_projects import a_mask
first = int(sys.argv[2])
with Project.open(sys.argv[1]) as project:
    project.save_draft("c2", a_mask(0))  # what is imported on the way is not worth a kill
    print("ready", flush=True)
    for number in range(first, first + 100_000):
        project.save_draft("c0", a_mask(number))
        saved = project.save_label("c0", a_mask(number))
        print("c0", saved.version, number, flush=True)
        index = number % 6
        saved = project.save_label("c1", a_mask(number), slices=[index])
        print("c1", saved.version, number, flush=True)
"""


def kill_while_saving(folder: Path, first: int, wait: float) -> list[tuple[str, int, int]]:
    """Let a child save, kill it after ``wait`` seconds; return (case, version, number) it saved."""
    process = start_script(SAVER, folder, first)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(wait)
    process.kill()
    lines = process.stdout.read().splitlines(keepends=True)
    process.wait()
    said = [line.split() for line in lines if line.endswith("\n")]
    return [(case, int(version), int(number)) for case, version, number in said]


def newest_number(project: Project, case: str) -> int:
    label = project.read_label(case)
    assert label is not None
    slices = range(SHAPE[0]) if label.slices is None else label.slices
    return max(number_of(label.array, index) for index in slices)


def test_no_saved_label_is_lost_or_torn_however_often_saving_is_killed(tmp_path: Path) -> None:
    chance = random.Random(20260801)
    with a_project(tmp_path) as project:
        folder = project.folder
    first, saved = 1, {"c0": (0, 0), "c1": (0, 0)}
    slices: dict[int, int] = {}
    for _ in range(KILLS):
        for case, version, number in kill_while_saving(folder, first, chance.uniform(0, 0.2)):
            assert version > saved[case][0]
            saved[case] = (version, number)
            if case == "c1":
                slices[number % 6] = number
        with Project.open(folder) as project:
            for case, (version, number) in saved.items():
                if not version:
                    continue
                row = project.case(case)
                assert row.has_label
                assert row.label_version >= version
                assert newest_number(project, case) >= number
            label = project.read_label("c1")
            for index, number in slices.items():
                assert label is not None
                assert number_of(label.array, index) >= number
            draft = project.read_draft("c0")
            if draft is not None:
                number_of(draft.array)
            assert project.recovery.refused == []
            assert project.recovery.lost == []
            assert leftovers(project) == []
            versions = project.label_history("c0")
            assert all(v.path.is_file() for v in versions)
            # What was killed before it was acknowledged may have been saved: go on above it.
            if project.case("c0").has_label:
                first = newest_number(project, "c0") + 1
    assert saved["c0"][0] > 0
    assert saved["c1"][0] > 0


def kill_at_line(line: int, work: Callable[[], object]) -> bool:
    """Work in a forked child that kills itself at the n-th line; whether it got there."""
    child = os.fork()
    if child == 0:
        try:
            sys.settrace(_killer(line))
            work()
        except BaseException:
            os._exit(2)
        finally:
            sys.settrace(None)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def _killer(line: int):
    passed = 0

    def trace(frame, event, argument):
        nonlocal passed
        if "ActiveSuggestLib" not in frame.f_code.co_filename:
            return None
        if event == "line":
            passed += 1
            if passed == line:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    return trace


def save(folder: Path, number: int) -> None:
    with Project.open(folder) as project:
        project.save_label("c0", a_mask(number))


def test_a_kill_at_any_line_of_saving_leaves_the_earlier_label_or_the_new_one(
    tmp_path: Path,
) -> None:
    template = tmp_path / "template"
    with a_project(template) as project:
        project.save_label("c0", a_mask(1))
        project.save_label("c0", a_mask(2))
        project.save_draft("c0", a_mask(9))
    stride = max(1, 1000 // (2 * KILLS))
    line, found = 1 + random.Random(7).randrange(stride), []
    while True:
        folder = tmp_path / "project"
        shutil.copytree(template / "project", folder)
        was_killed = kill_at_line(line, partial(save, folder, 3))
        with Project.open(folder) as project:
            number = newest_number(project, "c0")
            assert number in (2, 3)
            assert project.case("c0").label_version == number
            for version in range(1, number + 1):
                label = project.read_label("c0", version)
                assert label is not None
                assert number_of(label.array) == version
            draft = project.read_draft("c0")
            if number == 2:
                assert draft is not None
                assert number_of(draft.array) == 9
            assert project.case("c0").has_draft == (draft is not None)
            assert leftovers(project) == []
            assert project.save_label("c0", a_mask(4)).version == number + 1
        shutil.rmtree(folder)
        found.append(number)
        if not was_killed:
            break
        line += stride
    assert found[0] == 2
    assert found[-1] == 3
    assert found == sorted(found)


def test_a_kill_at_any_line_of_recovery_leaves_the_rest_to_the_next_opening(
    tmp_path: Path,
) -> None:
    template = tmp_path / "template"
    with a_project(template) as project:
        project.save_label("c0", a_mask(1))
        project.save_label("c1", a_mask(5))
        labels, drafts = project.folder / "labels", project.folder / "drafts"
        # As a save, a draft and an image folder that came back without the journal noticing.
        shutil.copyfile(labels / "c1.seg.nrrd", labels / "c2.seg.nrrd")
        shutil.copyfile(labels / "c1.seg.nrrd", drafts / "c0.seg.nrrd")
        (labels / "c1.seg.nrrd").replace(labels / "c0.seg.nrrd")
    stride = max(1, 2000 // (2 * KILLS))
    line = 1 + random.Random(8).randrange(stride)
    while True:
        folder = tmp_path / "project"
        shutil.copytree(template / "project", folder)
        was_killed = kill_at_line(line, partial(open_and_close, folder))
        with Project.open(folder) as project:
            rows = {row.name: row for row in project.cases()}
            assert [rows[name].label_version for name in ("c0", "c1", "c2")] == [2, 1, 1]
            assert [rows[name].has_label for name in ("c0", "c1", "c2")] == [True, False, True]
            assert newest_number(project, "c0") == newest_number(project, "c2") == 5
            assert rows["c0"].has_draft
            kinds = [event.kind for event in project.events()]
            assert [kinds.count(k) for k in ("recovered", "label_lost", "draft_recovered")] == [
                2,
                1,
                1,
            ]
        shutil.rmtree(folder)
        if not was_killed:
            break
        line += stride


def open_and_close(folder: Path) -> None:
    Project.open(folder).close()


CREATOR = """
import sys
from ActiveSuggestLib.data.scan import scanning
from ActiveSuggestLib.data.project import create_project
scanning.BATCH_CASES = 5
def say(done, total, message="", **data):
    print(done, flush=True)
create_project(sys.argv[1], sys.argv[2], segments="liver,tumour", progress=say)
"""


def test_a_creation_that_was_killed_is_completed_by_a_scan(tmp_path: Path) -> None:
    chance = random.Random(5)
    images = write_images(tmp_path / "images", [f"c{i:02}" for i in range(40)])
    for attempt in range(max(3, KILLS // 8)):
        folder = tmp_path / f"p{attempt}"
        process = start_script(CREATOR, folder, images)
        assert process.stdout is not None
        for _ in range(chance.randrange(60)):
            process.stdout.readline()
        process.kill()
        process.communicate()
        if not (folder / "project.json").is_file():
            create_project(folder, images, segments="liver,tumour").close()
        with Project.open(folder) as project:
            before = sum(project.counts().values())
            report = project.rescan()
            assert len(report.new) == 40 - before
            assert project.counts()["unlabelled"] == 40
