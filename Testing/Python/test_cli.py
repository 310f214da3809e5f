"""The command line, on a small pool of real files."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK

from ActiveSuggestLib.cli import main
from ActiveSuggestLib.errors import SplitError
from ActiveSuggestLib.serving.overview import current_model, model_records
from Testing.Python.ball_pool import SHAPE, write_pool

HOME = Path(__file__).parents[2]
LABELLED = ("case-0", "case-1", "case-2", "case-3")
LEARNING = ("--device", "cpu", "--threads", "1", "--seed", "1")
HEAVY = ("torch", "SimpleITK", "pandas", "matplotlib", "scipy", "skimage", "pydicom", "monai")


@pytest.fixture(scope="session")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight images with labels, and one that is truncated."""
    folder = tmp_path_factory.mktemp("pool")
    write_pool(folder)
    whole = (folder / "images" / "case-0.nii.gz").read_bytes()
    (folder / "images" / "broken.nii.gz").write_bytes(whole[: len(whole) // 2])
    return folder


@dataclass
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Done]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def runner(*arguments: object) -> Done:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return runner


def create(folder: Path, pool: Path, *more: str) -> list[str]:
    return ["create", str(folder), "--images", str(pool / "images"), "--segments", "ball", *more]


@pytest.fixture(scope="session")
def made(pool: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with four labels."""
    folder = tmp_path_factory.mktemp("made")
    labels = folder / "some labels"
    labels.mkdir()
    for name in LABELLED:
        shutil.copy(pool / "labels" / f"{name}.nii.gz", labels)
    assert main(create(folder / "project", pool, "--labels", str(labels))) == 0
    return folder / "project"


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    """A copy of the project for one test."""
    return Path(shutil.copytree(made, tmp_path / "project"))


@pytest.fixture(scope="session")
def trained_once(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a model."""
    folder = tmp_path_factory.mktemp("trained") / "project"
    shutil.copytree(made, folder)
    assert main(["train", str(folder), "--steps", "3", *LEARNING]) == 0
    return folder


@pytest.fixture
def trained(trained_once: Path, tmp_path: Path) -> Path:
    """A copy of the project with a model, for one test."""
    return Path(shutil.copytree(trained_once, tmp_path / "project"))


def assert_one_line(done: Done, *words: str) -> None:
    """A failure says what, where and what to do, in one line after the progress."""
    assert done.code == 1
    lines = [line for line in done.err.splitlines() if line.startswith("activesuggest:")]
    assert len(lines) == 1
    assert done.err.rstrip().endswith(lines[0])
    for word in words:
        assert word in lines[0]


def in_process(*arguments: object, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "ActiveSuggestLib", *map(str, arguments)],
        cwd=HOME,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


# Create and status ----------------------------------------------------------------------


def test_create_counts_what_it_found_and_names_what_it_could_not_use(
    run: Run, pool: Path, tmp_path: Path
) -> None:
    done = run(*create(tmp_path / "new project ä", pool, "--labels", str(pool / "labels")))
    assert done.code == 0
    assert "9 cases" in done.out
    assert "labelled         8" in done.out
    assert "broken" in done.out
    assert "100%" in done.err


def test_create_writes_json_alone_to_standard_output(run: Run, pool: Path, tmp_path: Path) -> None:
    done = run(*create(tmp_path / "new", pool, "--json", "--name", "Ball"))
    assert done.json["name"] == "Ball"
    assert done.json["counts"] == {"unlabelled": 8, "draft": 0, "labelled": 0, "excluded": 1}
    assert [item["case"] for item in done.json["problems"]] == ["broken"]


def test_create_says_which_labels_it_did_not_take(run: Run, pool: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels"
    labels.mkdir()
    wrong = SimpleITK.GetImageFromArray(np.zeros((3, 3, 3), np.uint8))
    SimpleITK.WriteImage(wrong, str(labels / "case-1.nii.gz"))
    done = run(*create(tmp_path / "new", pool, "--labels", str(labels)))
    assert done.code == 0
    assert "Labels not taken in:" in done.out
    assert "case-1" in done.out


def test_create_does_not_touch_a_folder_that_holds_a_project(
    run: Run, project: Path, pool: Path
) -> None:
    assert_one_line(run(*create(project, pool)), str(project))


def test_create_names_a_folder_of_images_that_is_not_there(
    run: Run, tmp_path: Path, pool: Path
) -> None:
    done = run("create", tmp_path / "p", "--images", tmp_path / "none", "--segments", "a")
    assert_one_line(done, "none")
    assert not (tmp_path / "p").exists()


def test_status_tells_counts_problems_and_that_there_is_no_model(run: Run, project: Path) -> None:
    done = run("status", project)
    assert done.code == 0
    for words in ("labelled         4", "unlabelled       4", "No model yet", "broken"):
        assert words in done.out
    assert done.err == ""


def test_status_as_json(run: Run, project: Path) -> None:
    facts = run("status", project, "--json").json
    assert facts["counts"]["labelled"] == 4
    assert facts["segments"] == ["ball"]
    assert facts["model"] is None


def test_status_loads_nothing_heavy(project: Path) -> None:
    code = (
        "import sys; from ActiveSuggestLib.cli import main;"
        f"code = main(['status', {str(project)!r}]);"
        f"print(sorted(n for n in {HEAVY!r} if n in sys.modules), code, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=HOME, capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[] 0"


def test_status_shows_at_most_ten_problems_and_says_how_many_more(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ActiveSuggestLib.serving.overview.PROBLEMS_SHOWN", 4)
    for number in range(7):
        assert run("exclude", project, f"case-{number}", "motion").code == 0
    done = run("status", project)
    assert done.out.count("motion") == 3
    assert "… and 4 more." in done.out
    facts = run("status", project, "--json").json
    assert (len(facts["problems"]), facts["more_problems"]) == (4, 4)


def test_a_terminal_with_a_poor_code_page_does_not_crash(project: Path) -> None:
    from ActiveSuggestLib.data.project import Project

    with Project.open(project) as opened:
        opened.exclude("case-5", "肝臓 … Bewegungsunschärfe")
    process = in_process("status", project, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert b"case-5" in out


# Decisions ------------------------------------------------------------------------------


def test_a_case_can_be_excluded_and_taken_back(run: Run, project: Path) -> None:
    assert run("exclude", project, "case-5", "motion").code == 0
    assert run("status", project, "--json").json["counts"]["excluded"] == 2
    assert run("include", project, "case-5").code == 0
    assert run("status", project, "--json").json["counts"]["excluded"] == 1


def test_a_case_can_be_skipped_and_who_did_it_is_recorded(run: Run, project: Path) -> None:
    from ActiveSuggestLib.data.project import Project

    assert run("skip", project, "case-5", "--reason", "later", "--rater", "Ada").code == 0
    with Project.open(project) as opened:
        event = opened.events(kind="skipped")[-1]
    assert (event.case, event.rater) == ("case-5", "Ada")


def test_classes_are_taken_in_named_and_counted(run: Run, project: Path, tmp_path: Path) -> None:
    file = tmp_path / "classes.csv"
    file.write_text("case,class\ncase-0,normal\nnobody,normal\n", encoding="utf-8")
    taken = run("classes", project, file)
    assert taken.code == 0
    assert "Took in the classes of 1 cases." in taken.out
    assert "line 3" in taken.out
    assert "nobody" in taken.out
    assert run("classify", project, "case-1", "Cardiomegaly").out == "case-1: Cardiomegaly\n"
    assert run("status", project, "--json").json["classes"] == {"Cardiomegaly": 1, "normal": 1}
    assert "Classes: Cardiomegaly 1, normal 1" in run("status", project).out
    assert run("classify", project, "case-1", "--clear").out == "case-1 has no class.\n"
    assert run("classify", project, "case-1").code == 2
    assert run("classes", project, file, "--json").json["refused"][0]["line"] == 3


def test_create_takes_classes_in_and_says_which_it_did_not(
    run: Run, pool: Path, tmp_path: Path
) -> None:
    file = tmp_path / "classes.csv"
    file.write_text("case,class\ncase-0,normal\nnobody,normal\n", encoding="utf-8")
    made = run(*create(tmp_path / "p", pool, "--classes", str(file)))
    assert made.code == 0
    assert "Classes: normal 1" in made.out
    assert "nobody (line 3)" in made.out


def test_a_misspelt_case_is_answered_with_the_nearest_names(run: Run, project: Path) -> None:
    assert_one_line(run("exclude", project, "caes-5", "motion"), "caes-5", "case-5")


def test_rescan_finds_what_is_new_and_takes_labels_in(run: Run, pool: Path, tmp_path: Path) -> None:
    images = Path(shutil.copytree(pool / "images", tmp_path / "images"))
    (images / "case-7.nii.gz").unlink()
    folder = tmp_path / "project"
    assert run("create", folder, "--images", images, "--segments", "ball").code == 0
    shutil.copy(pool / "images" / "case-7.nii.gz", images)
    facts = run("rescan", folder, "--labels", pool / "labels", "--json").json
    assert facts["counts"] == {"unlabelled": 0, "draft": 0, "labelled": 8, "excluded": 1}


# Wrong usage ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ("dance",),
        ("create", "p"),
        ("suggest",),
        ("suggest", "p", "--unit", "voxel"),
        ("suggest", "p", "--count", "0"),
        ("suggest", "p", "--count", "many"),
        ("label", "p", "case", "mask", "--slices", "3-1"),
        ("label", "p", "case", "mask", "--slices", "a,b"),
        ("train", "p", "--seconds", "0"),
        ("status", "p", "--colour"),
        ("simulate", "--images", "i"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_how(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.code == 2
    assert "Usage: activesuggest" in done.err
    assert done.out == ""


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("suggest", "--help")])
def test_asking_for_help_is_no_failure(run: Run, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.code == 0
    assert done.out


@pytest.mark.parametrize("command", ["suggest", "score", "train", "predict", "status", "rescan"])
def test_a_folder_without_a_project_is_one_line_for_every_command(
    run: Run, tmp_path: Path, command: str
) -> None:
    assert_one_line(run(command, tmp_path), str(tmp_path))


def test_a_fault_is_one_line_and_debug_shows_the_trace(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(_project: Any) -> None:
        raise ZeroDivisionError("nobody foresaw it")

    monkeypatch.setattr("ActiveSuggestLib.commands.project.project_overview", fault)
    assert_one_line(run("status", project), "nobody foresaw it", "--debug")
    done = run("--debug", "status", project)
    assert done.code == 1
    assert "Traceback" in done.err


# The loop -------------------------------------------------------------------------------


def test_suggest_without_a_model_still_suggests_and_says_why(run: Run, project: Path) -> None:
    found = run("suggest", project, "--count", "2", "--json", *LEARNING).json
    assert [item["rank"] for item in found] == [1, 2]
    assert not {item["case"] for item in found} & {*LABELLED, "broken"}
    assert all(item["reasons"] for item in found)


def test_suggest_prints_rank_case_score_and_reasons(run: Run, trained: Path) -> None:
    done = run("suggest", trained, "--count", "2", *LEARNING)
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0].split() == ["rank", "case", "slice", "score", "reasons"]
    assert lines[1].split()[0] == "1"
    assert "case-" in lines[1]


def test_suggest_says_what_to_classify_next(run: Run, trained: Path) -> None:
    ask = ("suggest", trained, "--strategy", "synthetic", "--option", "target=class", *LEARNING)
    assert_one_line(run(*ask), "so far none has", "activesuggest classify PROJECT CASE CLASS")
    for case, name in (("case-0", "normal"), ("case-1", "enlarged"), ("case-4", "enlarged")):
        assert run("classify", trained, case, name).code == 0
    (first,) = run(*ask, "--json").json
    assert first["case"] not in {"case-0", "case-1", "case-4", "broken"}
    assert "the uncertainty of its class" in " ".join(first["reasons"])


def test_score_writes_a_table_of_all_units_best_first(run: Run, trained: Path) -> None:
    out = trained.parent / "tables ä" / "scores.csv"
    done = run("score", trained, "--unit", "slice", "--out", out, *LEARNING)
    assert done.code == 0, done.err
    with out.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [int(row["rank"]) for row in rows] == list(range(1, len(rows) + 1))
    assert {row["case"] for row in rows} == {"case-4", "case-5", "case-6", "case-7"}
    assert all(0 <= int(row["slice"]) < max(SHAPE) for row in rows)


def test_score_as_json_has_every_row(run: Run, trained: Path) -> None:
    rows = run("score", trained, "--json", *LEARNING).json
    assert [row["rank"] for row in rows] == [1, 2, 3, 4]
    assert all(row["slice"] is None for row in rows)


def test_a_label_is_saved_from_a_file_whole_or_in_slices(
    run: Run, project: Path, pool: Path
) -> None:
    mask = pool / "labels" / "case-5.nii.gz"
    saved = run("label", project, "case-5", mask, "--slices", "5,6-7", "--json").json
    assert saved["version"] == 1
    assert Path(saved["path"]).is_file()
    done = run("label", project, "case-5", mask, "--rater", "Ada")
    assert done.code == 0
    assert "version 2 of case-5" in done.out
    assert run("status", project, "--json").json["counts"]["labelled"] == 5


def test_a_label_of_an_excluded_case_is_saved_and_it_is_said_what_that_means(
    run: Run, project: Path, pool: Path
) -> None:
    run("exclude", project, "case-5", "motion")
    saved = run("label", project, "case-5", pool / "labels" / "case-5.nii.gz")
    assert saved.code == 0
    assert "stays excluded" in saved.out


def test_a_case_is_not_excluded_without_a_reason(run: Run, project: Path) -> None:
    assert_one_line(run("exclude", project, "case-5", " "), "case-5", "reason")


def test_a_device_that_nobody_has_is_one_line(run: Run, project: Path) -> None:
    assert_one_line(run("suggest", project, "--device", "tpu"), "tpu", "cuda:1")


def test_an_interrupted_training_is_told(run: Run, trained: Path) -> None:
    assert "interrupted" not in run("status", trained).out
    (trained / "models" / "unfinished.pt").write_bytes(b"half a model")
    assert "A training was interrupted" in run("status", trained).out


def test_a_model_of_another_plan_is_not_the_current_one(run: Run, trained: Path) -> None:
    assert run("status", trained, "--json").json["model"]["version"] == 1
    path = trained / "models" / "plan.json"
    path.write_text(path.read_text("utf-8").replace('"hash": "', '"hash": "0'), "utf-8")
    assert run("status", trained, "--json").json["model"] is None


def test_a_mask_that_is_not_there_or_does_not_fit_is_one_line(
    run: Run, project: Path, tmp_path: Path
) -> None:
    missing = run("label", project, "case-5", tmp_path / "none.nrrd")
    assert_one_line(missing, "none.nrrd")
    wrong = tmp_path / "wrong.nii.gz"
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(np.zeros((3, 3, 3), np.uint8)), str(wrong))
    assert_one_line(run("label", project, "case-5", wrong), "case-5")
    assert run("status", project, "--json").json["counts"]["labelled"] == 4


def test_train_says_the_dice_and_on_how_many_cases(run: Run, trained: Path) -> None:
    done = run("train", trained, "--steps", "2", *LEARNING)
    assert done.code == 0, done.err
    assert "2 steps" in done.out
    assert "validation case" in done.out
    assert "validation case" in run("status", trained).out
    assert len(model_records(trained)) == 2


def test_train_without_a_label_is_an_ordinary_answer(run: Run, pool: Path, tmp_path: Path) -> None:
    assert run(*create(tmp_path / "p", pool)).code == 0
    assert_one_line(run("train", tmp_path / "p", "--seconds", "5", *LEARNING))


def test_predict_without_a_model_is_an_ordinary_answer(run: Run, project: Path) -> None:
    assert_one_line(run("predict", project, *LEARNING), "train")


def test_predict_writes_one_segmentation_a_case(run: Run, trained: Path) -> None:
    out = trained.parent / "out"
    done = run("predict", trained, "case-4", "case-5", "--out", out, "--uncertainty", *LEARNING)
    assert done.code == 0, done.err
    names = sorted(path.name for path in out.iterdir())
    assert names == [
        f"case-{number}.{kind}.nrrd" for number in (4, 5) for kind in ("seg", "uncertainty")
    ]
    truth = SimpleITK.ReadImage(str(out / "case-4.seg.nrrd"))
    assert truth.GetSize() == SHAPE[::-1]
    assert truth.GetMetaData("Segment0_Name") == "ball"


def test_predict_takes_all_unlabelled_cases_and_one_that_vanished_stops_nothing(
    run: Run, trained: Path, pool: Path, tmp_path: Path
) -> None:
    images = Path(shutil.copytree(pool / "images", tmp_path / "images"))
    assert run("rescan", trained, "--images", images).code == 0
    (images / "case-6.nii.gz").unlink()
    done = run("predict", trained, "--out", tmp_path / "out", *LEARNING)
    assert_one_line(done, "1 of 4", "case-6")
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_models_are_listed_and_an_earlier_one_can_be_used_again(run: Run, trained: Path) -> None:
    assert run("train", trained, "--steps", "2", *LEARNING).code == 0
    done = run("models", trained, "--use", "1")
    assert done.code == 0, done.err
    record = current_model(trained)
    assert record is not None
    listed = run("models", trained).out.splitlines()
    assert [line[0] for line in listed].count("*") == 1
    assert_one_line(run("models", trained, "--use", "99"), "99")


def test_simulate_prints_the_curves_and_writes_the_tables(
    run: Run, pool: Path, tmp_path: Path
) -> None:
    done = run(
        *("simulate", "--images", pool / "images", "--labels", pool / "labels"),
        *("--segments", "ball", "--strategies", "random", "--rounds", "1", "--batch", "1"),
        *("--seeds", "1", "--steps", "2", "--test-cases", "2", "--out", tmp_path / "out"),
        *("--device", "cpu", "--threads", "1"),
    )
    assert done.code == 0, done.err
    assert "random" in done.out
    assert (tmp_path / "out" / "curve.csv").is_file()


def test_simulate_passes_its_options_on_and_the_report_tells_what_to_type_again(
    run: Run, pool: Path, tmp_path: Path
) -> None:
    done = run(
        *("simulate", "--images", pool / "images", "--labels", pool / "labels"),
        *("--segments", "ball", "--strategies", "random,bald:samples=2", "--rounds", "1"),
        *("--unit", "slice", "--budget", "pixel", "--batch", "1", "--seeds", "1"),
        *("--first-seed", "7", "--steps", "2", "--first-steps", "3", "--test-cases", "2"),
        *("--restart", "--no-validation", "--full-data", "--setting", "features=[4,8]"),
        *("--out", tmp_path / "out", "--device", "cpu", "--threads", "1", "--jobs", "2"),
    )
    assert done.code == 0, done.err
    assert "All labels of the pool gave a Dice of" in " ".join(done.out.split())
    settings = json.loads((tmp_path / "out" / "simulation.json").read_text("utf-8"))
    wanted = {"seeds": [7], "budget": "pixel", "first_steps": 3, "restart": True,
              "validation": False, "full_data": True}  # fmt: skip
    assert {name: settings[name] for name in wanted} == wanted
    assert settings["project_settings"] == {"features": [4, 8]}
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    for part in ("--restart", "--no-validation", "--full-data", "--first-seed 7", "--jobs 2",
                 "features=[4, 8]", "--strategies random,bald:samples=2"):  # fmt: skip
        assert part in page


def test_demo_passes_its_options_on_and_tells_what_to_type_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}

    def run_demo(**options: Any) -> None:
        given.update(options)
        raise SplitError("Too few cases.", remedy="Give more.")

    monkeypatch.setattr("ActiveSuggestLib.demo.run_demo", run_demo)
    out = tmp_path / "my demo"
    done = run("demo", "--rounds", 3, "--strategies", "random, mc-dropout,random", "--out", out)
    assert_one_line(done, "Too few cases. Give more.")
    assert given["rounds"] == 3
    assert given["out"] == out
    assert given["data"] is None
    assert given["strategies"] == ("random", "mc-dropout")
    assert f'--out "{out}"' in given["command"]
    assert "--rounds 3" in given["command"]
    assert "--seed" not in given["command"]


# Interrupting ---------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="a test cannot press Ctrl-C there")
def test_an_interrupt_ends_in_one_line_and_harms_nothing(run: Run, project: Path) -> None:
    process = in_process("train", project, "--seconds", "600", *LEARNING)
    assert process.stderr is not None
    seen = b""
    while b"Training:" not in seen:
        part = os.read(process.stderr.fileno(), 4096)
        assert part, seen
        seen += part
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, rest = process.communicate(timeout=60)
    last = rest.decode().splitlines()[-1]
    assert process.returncode == 1
    assert last.startswith("activesuggest: Cancelled")
    assert b"Traceback" not in rest
    assert out == b""
    assert run("status", project).code == 0


def test_a_reader_that_goes_away_leaves_no_trace(project: Path) -> None:
    process = in_process("status", project)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()
    process.wait(60)
