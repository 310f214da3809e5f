"""A project made in the worker: told step by step, cancellable, taken up where it stopped."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ActiveSuggestLib.data.project import Project
from ActiveSuggestLib.errors import (
    BadRequestError,
    CancelledError,
    ImageFolderError,
    InvalidSegmentsError,
    ProjectExistsError,
)
from ActiveSuggestLib.serving.creation import create_or_complete, read_spec, segments_of
from ActiveSuggestLib.worker_client import WorkerClient
from Testing.Python.ball_pool import write_pool

SECONDS = 60.0
SEGMENTS = [
    {"name": "ball", "color": [0.1, 0.2, 0.3], "terminology": "T", "value": 1},
    {"name": "core"},
]


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pool")
    write_pool(folder)
    return folder


@pytest.fixture
def spec(pool: Path, tmp_path: Path) -> dict[str, Any]:
    return {
        "images": str(pool / "images"),
        "labels": str(pool / "labels"),
        "segments": SEGMENTS,
        "name": "Bälle",
        "patient_pattern": None,
    }


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., WorkerClient]]:
    clients = []

    def starter(spec: dict[str, Any], folder: Path = tmp_path / "project") -> WorkerClient:
        file = tmp_path / "spec.json"
        file.write_text(json.dumps(spec), encoding="utf-8")
        program = [sys.executable, "-m", "ActiveSuggestLib.worker", str(folder)]
        command = [*program, "--device=cpu", "--threads=1", f"--create={file}"]
        client = WorkerClient(folder, command=command)
        clients.append(client)
        return client

    yield starter
    for client in clients:
        client.close()


def many(pool: Path, folder: Path, count: int = 900) -> Path:
    """Return a folder of images whose scan takes a while."""
    folder.mkdir()
    for number in range(count):
        os.link(pool / "images" / "case-0.nii.gz", folder / f"n{number:04d}.nii.gz")
    return folder


def until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def creating(client: WorkerClient) -> list[Any]:
    return [notice for notice in client.notices if notice.kind == "creating"]


def test_a_project_is_made_with_its_labels_and_told_step_by_step(
    start: Callable[..., WorkerClient], spec: dict[str, Any], tmp_path: Path
) -> None:
    client = start(spec)
    client.wait_ready(SECONDS)
    last = creating(client)[-1]
    assert set(last.data) == {"done", "total", "message", "remaining_seconds"}
    assert last.data["done"] == last.data["total"] == 8
    assert last.message == last.data["message"] == "Importing labels"
    status = client.request("status").result(SECONDS)
    assert (status["name"], status["counts"]["labelled"]) == ("Bälle", 8)
    client.close()
    with Project.open(tmp_path / "project") as project:
        ball, core = project.segments
        assert (ball.color, ball.terminology, core.value) == ((0.1, 0.2, 0.3), "T", 2)


def test_what_cannot_be_made_is_said_and_ends_the_worker(
    start: Callable[..., WorkerClient], spec: dict[str, Any], tmp_path: Path
) -> None:
    client = start(spec | {"images": str(tmp_path / "nowhere")})
    with pytest.raises(ImageFolderError):
        client.wait_ready(SECONDS)
    assert client.process.wait(SECONDS) == 1


@pytest.mark.parametrize("how", ["shutdown", "close the input"])
def test_making_a_project_is_cancelled_and_gone_on_with_later(
    start: Callable[..., WorkerClient], spec: dict[str, Any], pool: Path, tmp_path: Path, how: str
) -> None:
    spec = spec | {"images": str(many(pool, tmp_path / "many")), "labels": None}
    client = start(spec)
    until(lambda: any(notice.data["done"] > 300 for notice in creating(client)))
    if how == "shutdown":
        client.request("shutdown")
    else:
        client.process.stdin.close()  # type: ignore[union-attr]
    with pytest.raises(CancelledError):
        client.wait_ready(SECONDS)
    assert client.process.wait(SECONDS) == 1
    with Project.open(tmp_path / "project") as project:
        found = project.counts()["unlabelled"]
        assert 0 < found < 900
        assert not project.events(kind="scanned")
    again = start(spec)
    again.wait_ready(SECONDS)
    assert again.request("status").result(SECONDS)["counts"]["unlabelled"] == 900


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_worker_killed_while_it_takes_in_labels_leaves_a_project_that_is_completed(
    start: Callable[..., WorkerClient], spec: dict[str, Any], tmp_path: Path
) -> None:
    client = start(spec)
    until(lambda: any("Importing" in notice.message for notice in creating(client)))
    os.kill(client.process.pid, signal.SIGKILL)
    client.process.wait(SECONDS)
    again = start(spec)
    again.wait_ready(SECONDS)
    assert again.request("status").result(SECONDS)["counts"]["labelled"] == 8


def test_another_project_in_the_folder_is_never_taken_for_this_one(
    spec: dict[str, Any], pool: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    chosen = {"images": spec["images"], "segments": segments_of(SEGMENTS)}
    create_or_complete(folder, chosen).close()
    create_or_complete(folder, chosen).close()
    with pytest.raises(ProjectExistsError):
        create_or_complete(folder, chosen | {"segments": segments_of("ball")})
    elsewhere = Path(shutil.copytree(pool / "images", tmp_path / "elsewhere"))
    with pytest.raises(ProjectExistsError):
        create_or_complete(folder, chosen | {"images": str(elsewhere)})
    with Project.open(folder) as project:
        assert project.image_folder == pool / "images"


def test_a_specification_is_checked_before_anything_is_made(
    spec: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "spec.json"

    def read(**changes: Any) -> dict[str, Any]:
        path.write_text(json.dumps(spec | changes), encoding="utf-8")
        return read_spec(path)

    assert "patient_pattern" not in read()
    with pytest.raises(BadRequestError, match="no colour"):
        read(colour="red")
    with pytest.raises(BadRequestError, match="needs images"):
        read(images=None)
    with pytest.raises(BadRequestError, match="cannot be read"):
        read_spec(tmp_path / "nowhere.json")
    path.write_text("[1]", encoding="utf-8")
    with pytest.raises(BadRequestError, match="not a JSON object"):
        read_spec(path)


def test_segments_are_named_in_text_or_described_one_by_one() -> None:
    assert [s.value for s in segments_of("liver,tumour=5")] == [1, 5]
    given = segments_of(["a", {"name": "b", "value": 1}, {"name": "c", "value": None}])
    assert [(s.name, s.value) for s in given] == [("a", 2), ("b", 1), ("c", 3)]
    assert len({s.color for s in given}) == 3
    for wrong in ([{"value": 1}], [{"name": "a"}, {"name": "A"}], []):
        with pytest.raises(InvalidSegmentsError):
            segments_of(wrong)
