"""The demonstration, on phantoms and on a folder of one's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK

from ActiveSuggestLib import demo as demo_module
from ActiveSuggestLib.data.labels import find_labels
from ActiveSuggestLib.demo import choose_size, run_demo
from ActiveSuggestLib.errors import ImageFolderError, InvalidSegmentsError, LabelFolderError
from ActiveSuggestLib.simulating.known_segments import find_segments
from Testing.Python.simulation_pools import SEGMENTS, write_pool


@pytest.fixture
def small_nets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_module, "CPU_SECONDS_A_VOLUME", 0.02)


def test_the_demo_on_phantoms_runs_unattended_and_writes_its_report(
    tmp_path: Path, small_nets: None
) -> None:
    seen: list[str] = []

    def hear(done: float, total: float, message: str = "", **data: Any) -> None:
        seen.append(message)

    made = run_demo(
        None,
        rounds=1,
        out=tmp_path / "demo",
        cases=8,
        steps=1,
        threads=1,
        device="cpu",
        progress=hear,
    )
    assert made.report == tmp_path / "demo" / "report.html"
    page = made.report.read_text(encoding="utf-8")
    assert "8 made-up abdominal MR volumes" in page
    assert "Was the rare kind found?" in page
    assert "activesuggest simulate" in page
    assert made.curve.read_bytes().startswith(b"\x89PNG")
    assert [r.labelled_cases for r in made.result.arm("random", 0)] == [1, 4]
    assert made.sentences[0].endswith(".")
    assert "seed 0, random, round 1: training" in seen


def test_the_demo_on_a_folder_finds_its_segments_and_continues_when_called_again(
    tmp_path: Path, small_nets: None
) -> None:
    pool = write_pool(tmp_path / "my data", 9)
    options: dict[str, Any] = {"rounds": 1, "out": tmp_path / "out", "steps": 1, "threads": 1}
    made = run_demo(pool, **options)
    assert made.result.segments == ("bright", "dark")
    assert '--data "' in made.report.read_text(encoding="utf-8").replace("&quot;", '"')
    assert run_demo(pool, **options).result.records == made.result.records


def test_a_folder_without_images_or_labels_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageFolderError, match="images"):
        run_demo(tmp_path, out=tmp_path / "out")
    (tmp_path / "images").mkdir()
    with pytest.raises(LabelFolderError, match="labels"):
        run_demo(tmp_path, out=tmp_path / "out")


@pytest.mark.parametrize("rounds", [1, 3, 5, 10])
@pytest.mark.parametrize("count", [4, 6, 9, 20, 45, 260, 10_000])
def test_the_budget_of_a_demo_always_fits_its_pool(count: int, rounds: int) -> None:
    size = choose_size([60_000] * count, rounds)
    assert size.test + size.pool <= count
    assert size.initial >= 1
    assert size.batch >= 1
    assert size.initial + 1 <= size.pool
    if count >= 20 and rounds <= 5:
        assert size.initial + size.batch * rounds < size.pool


def test_a_large_data_set_is_cut_to_what_ends_in_minutes_and_says_so() -> None:
    small, large = choose_size([60_000] * 260, 5), choose_size([6_000_000] * 260, 5)
    assert (small.pool, small.test, small.initial, small.batch) == (60, 40, 4, 4)
    assert large.pool < small.pool
    assert "260" in small.reasons[0]
    assert "large volumes" in large.reasons[0]
    assert choose_size([60_000] * 40, 5).reasons == ()


# Which segments there are --------------------------------------------------------------


def a_label_file(path: Path, values: list[int]) -> Path:
    label = np.zeros((3, 4, 5), np.uint8)
    label.reshape(-1)[: len(values)] = values
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(label), str(path))
    return path


def test_names_come_from_the_segmentation_files(tmp_path: Path) -> None:
    pool = write_pool(tmp_path, 2)
    files = find_labels(pool / "labels", ["case-00", "case-01"]).values()
    found = find_segments(pool / "labels", files)
    assert [(s.name, s.value) for s in found] == [(s.name, s.value) for s in SEGMENTS]


@pytest.mark.parametrize(
    "listed",
    [{"0": "background", "2": "tumour", "1": "liver"}, {"background": 0, "liver": 1, "tumour": 2}],
)
def test_names_come_from_dataset_json_in_either_style(
    tmp_path: Path, listed: dict[str, Any]
) -> None:
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": listed}), encoding="utf-8")
    (tmp_path / "labels").mkdir()
    file = a_label_file(tmp_path / "labels" / "a.nii.gz", [1, 2])
    found = find_segments(tmp_path / "labels", [file])
    assert [(s.name, s.value) for s in found] == [("liver", 1), ("tumour", 2)]


def test_without_names_the_values_number_the_segments(tmp_path: Path) -> None:
    files = [a_label_file(tmp_path / f"{n}.nii.gz", values) for n, values in
             enumerate([[1, 1], [4], [0]])]  # fmt: skip
    found = find_segments(tmp_path, files)
    assert [(s.name, s.value) for s in found] == [("segment_1", 1), ("segment_4", 4)]


def test_a_mask_in_black_and_white_has_one_segment(tmp_path: Path) -> None:
    found = find_segments(tmp_path, [a_label_file(tmp_path / "a.nii.gz", [255, 255])])
    assert [s.name for s in found] == ["segment_1"]


def test_labels_without_any_segment_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidSegmentsError, match="no segment"):
        find_segments(tmp_path, [a_label_file(tmp_path / "a.nii.gz", [0])])


def test_the_demo_runs_on_a_real_data_set_and_keeps_its_test_cases_apart(
    shared_data: Path, tmp_path: Path, small_nets: None
) -> None:
    options: dict[str, Any] = {"strategies": ["random"], "rounds": 1, "steps": 1, "threads": 1}
    made = run_demo(shared_data / "hippocampus", out=tmp_path, **options)
    split = made.result.splits[0]
    assert (len(split["pool"]), len(split["test"])) == (60, 40)
    assert not set(split["pool"]) & set(split["test"])
    assert "Of 260 labelled images" in made.report.read_text(encoding="utf-8")
