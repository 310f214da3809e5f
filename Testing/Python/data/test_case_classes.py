"""Image-level classes: kept in one readable file, changed by several, never torn."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import pytest

from ActiveSuggestLib.data import store
from ActiveSuggestLib.data.project import Project
from ActiveSuggestLib.errors import (
    ClassTableError,
    InvalidClassError,
    SaveFailedError,
    UnknownCaseError,
)
from ActiveSuggestLib.serving.overview import project_overview
from Testing.Python.data.small_projects import a_project, leftovers, start_script, write_images


def a_table(path: Path, *rows: str, header: str = "case,class") -> Path:
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def test_a_case_has_no_class_until_it_is_given_one(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        assert project.classes() == {}
        assert project.save_class("c1", " normal ") == "normal"
        project.save_class("c0", "cardiomegaly")
        assert project.classes() == {"c0": "cardiomegaly", "c1": "normal"}
    with Project.open(tmp_path / "project") as again:
        assert again.classes() == {"c0": "cardiomegaly", "c1": "normal"}
        assert (again.folder / "classes.csv").read_text("utf-8") == (
            "case,class\nc0,cardiomegaly\nc1,normal\n"
        )
        assert [(e.case, e.data["name"]) for e in again.events("classified")] == [
            ("c1", "normal"), ("c0", "cardiomegaly"),
        ]  # fmt: skip


def test_a_class_can_be_changed_and_taken_back(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        project.save_class("c0", "normal")
        project.save_class("c0", "nodule")
        assert project.classes() == {"c0": "nodule"}
        assert project.save_class("c0", None) is None
        assert project.classes() == {}
        project.save_class("c1", "normal")
        assert project.classes() == {"c1": "normal"}


def test_capitals_make_no_other_class(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        project.save_class("c0", "Normal")
        assert project.save_class("c1", "NORMAL") == "Normal"


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "x" * 121])
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with a_project(tmp_path) as project:
        with pytest.raises(InvalidClassError, match="name of a class"):
            project.save_class("c0", name)
        assert project.classes() == {}


def test_an_unknown_case_is_answered_with_the_nearest_names(tmp_path: Path) -> None:
    with a_project(tmp_path) as project, pytest.raises(UnknownCaseError, match="c0"):
        project.save_class("c00", "normal")


def test_bad_rows_are_named_and_stop_none_of_the_others(tmp_path: Path) -> None:
    table = a_table(
        tmp_path / "t.csv", "C0.,normal", "c1,nodule", "nobody,normal", "c2,", "c1,normal",
        "c1,Nodule",
    )  # fmt: skip
    with a_project(tmp_path) as project:
        report = project.import_classes(table)
        assert report.taken == project.classes() == {"c0": "normal", "c1": "nodule"}
        found = [(row.line, row.case, row.reason) for row in report.refused]
        assert found == [
            (4, "nobody", "There is no case of this name."),
            (5, "c2", "It has no class."),
            (6, "c1", "It was called 'nodule' in an earlier row."),
        ]
        assert [e.data["line"] for e in project.events("class_refused")] == [4, 5, 6]


def test_semicolons_quotes_and_columns_in_any_order_are_read(tmp_path: Path) -> None:
    table = a_table(tmp_path / "t.csv", 'x;"with, comma";c0', header="\ufeffAge;Class;CASE")
    with a_project(tmp_path) as project:
        project.import_classes(table)
        assert project.classes() == {"c0": "with, comma"}


@pytest.mark.parametrize("content", [b"", b"case,label\nc0,normal\n", b"\xff\xfe\x00", None])
def test_what_is_no_table_is_said_and_nothing_changes(tmp_path: Path, content) -> None:
    table = tmp_path / "t.csv"
    if content is not None:
        table.write_bytes(content)
    with a_project(tmp_path) as project:
        project.save_class("c0", "normal")
        with pytest.raises(ClassTableError, match="columns case and class"):
            project.import_classes(table)
        assert project.classes() == {"c0": "normal"}
    images = write_images(tmp_path / "more", ["a"])
    from ActiveSuggestLib.data.project import create_project

    with pytest.raises(ClassTableError):
        create_project(tmp_path / "new", images, segments="liver", classes=table)
    assert not (tmp_path / "new").exists()


def test_a_project_can_be_created_with_classes(tmp_path: Path) -> None:
    table = a_table(tmp_path / "t.csv", "c0,normal", "c1,nodule")
    with a_project(tmp_path, classes=table) as project:
        assert project.classes() == {"c0": "normal", "c1": "nodule"}
        assert project_overview(project)["classes"] == {"nodule": 1, "normal": 1}


def test_a_damaged_file_is_neither_overwritten_nor_in_the_way_of_the_status(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        path = project.folder / "classes.csv"
        path.write_bytes(b"\xff torn")
        with pytest.raises(ClassTableError, match=r"classes\.csv"):
            project.save_class("c0", "normal")
        assert path.read_bytes() == b"\xff torn"
        assert project_overview(project)["classes"] is None


def test_a_save_that_fails_leaves_file_and_journal_as_they_were(
    tmp_path: Path, monkeypatch
) -> None:
    with a_project(tmp_path) as project:
        project.save_class("c0", "normal")

        def broken(*arguments, **data):
            raise SaveFailedError("no")

        journal = type(project._journal)
        monkeypatch.setattr(journal, "append", broken)
        with pytest.raises(SaveFailedError):
            project.save_class("c1", "normal")
        monkeypatch.undo()
        monkeypatch.setattr(store, "publish", broken)
        with pytest.raises(SaveFailedError):
            project.save_class("c2", "normal")
        monkeypatch.undo()
        assert project.classes() == {"c0": "normal"}
        assert len(project.events("classified")) == 1
        assert not leftovers(project)


def test_nobodys_class_is_lost_when_two_write_at_once(tmp_path: Path) -> None:
    with a_project(tmp_path, count=8) as project, Project.open(project.folder) as other:
        each = {project: range(0, 8, 2), other: range(1, 8, 2)}

        def write(opened: Project) -> None:
            for index in each[opened]:
                opened.save_class(f"c{index}", "normal")

        threads = [threading.Thread(target=write, args=(opened,)) for opened in each]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(project.classes()) == 8


def test_after_a_kill_the_file_is_whole_and_what_was_told_is_in_it(tmp_path: Path) -> None:
    script = """
import sys
from ActiveSuggestLib.data.project import Project
project = Project.open(sys.argv[1])
for round in range(10_000):
    for case in ("c0", "c1", "c2"):
        project.save_class(case, f"class {round}")
        print(case, f"class {round}", sep=",", flush=True)
"""
    a_project(tmp_path).close()
    for kill in range(3):
        process = start_script(script, tmp_path / "project")
        assert process.stdout is not None
        told = [process.stdout.readline().strip() for _ in range(3 + 4 * kill)]
        process.send_signal(signal.SIGKILL)
        told += process.stdout.read().split("\n")
        process.wait()
        last = dict(line.split(",") for line in told if line.count(",") == 1)
        with Project.open(tmp_path / "project") as project:
            found = project.classes()
            # The one save under way may have ended without having told so.
            behind = [c for c in last if found[c] != last[c]]
            assert len(behind) <= 1
            assert set(found) == {"c0", "c1", "c2"}
            assert not leftovers(project)
