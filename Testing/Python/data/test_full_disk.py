"""A full disk while saving: the earlier label is untouched, the error says what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ActiveSuggestLib.data.project import Project, create_project
from ActiveSuggestLib.errors import DiskFullError, SaveFailedError
from Testing.Python.data.small_projects import (
    SHAPE,
    a_mask,
    a_project,
    labels_on_disk,
    leftovers,
    number_of,
    start_script,
    write_images,
)


@pytest.fixture
def small_disk(tmp_path: Path):
    """A real file system of one megabyte."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root on Linux")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip(f"mounting is not possible here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path, left: int) -> Path:
    """Fill the disk until ``left`` bytes are free; return the file that fills it."""
    filler = disk / "filler"
    status = os.statvfs(disk)
    with filler.open("wb") as stream:
        stream.write(b"x" * max(0, status.f_bavail * status.f_frsize - left))
    return filler


def test_with_however_little_room_a_save_succeeds_or_leaves_everything_as_it_was(
    tmp_path: Path, small_disk: Path
) -> None:
    images = write_images(tmp_path / "images", ["c0", "c1"])
    noise = np.random.default_rng(0).integers(1, 3, (16, *SHAPE)).astype(np.uint8)
    outcomes = []
    with create_project(small_disk / "p", images, segments="liver,tumour") as project:
        project.save_label("c0", noise[0])
        for step in range(16):
            files, row = labels_on_disk(project), project.case("c0")
            filler = fill(small_disk, left=4096 * step)
            try:
                project.save_label("c0", noise[step])
                outcomes.append("saved")
            except DiskFullError as error:
                outcomes.append("full" if error.remedy else "full, and nothing to do")
            finally:
                filler.unlink()
            assert leftovers(project) == []
            label = project.read_label("c0")
            assert label is not None
            if outcomes[-1] == "full":
                assert labels_on_disk(project) == files
                assert project.case("c0").label_version == row.label_version
            else:
                assert (label.array == noise[step]).all()
    assert set(outcomes) == {"full", "saved"}
    assert outcomes[0] == "full"
    assert outcomes[-1] == "saved"
    with Project.open(small_disk / "p") as again:
        assert again.recovery.recovered == []
        assert again.case("c0").state == "labelled"


def test_a_project_on_a_full_disk_opens_and_shows_its_labels(
    tmp_path: Path, small_disk: Path
) -> None:
    images = write_images(tmp_path / "images", ["c0", "c1"])
    with create_project(small_disk / "p", images, segments="liver,tumour") as project:
        project.save_label("c0", a_mask(6))
        project.lock_validation(["c1"])
    fill(small_disk, left=0)
    with Project.open(small_disk / "p") as project:
        label = project.read_label("c0")
        assert label is not None
        assert number_of(label.array) == 6
        with pytest.raises(DiskFullError):
            project.update_settings(note="x" * 50_000)
        with pytest.raises(DiskFullError):
            project.save_draft("c0", a_mask(7))
        assert project.validation_cases == ("c1",)
        assert project.settings == {}


def test_a_project_cannot_be_created_on_a_full_disk(tmp_path: Path, small_disk: Path) -> None:
    images = write_images(tmp_path / "images", ["c0"])
    fill(small_disk, left=0)
    with pytest.raises(DiskFullError):
        create_project(small_disk / "p", images, segments="liver")


def test_a_project_on_a_read_only_disk_can_be_looked_at(tmp_path: Path, small_disk: Path) -> None:
    images = write_images(tmp_path / "images", ["c0", "c1"])
    with create_project(small_disk / "p", images, segments="liver,tumour") as project:
        project.save_label("c0", a_mask(6))
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with Project.open(small_disk / "p") as project:
        assert project.counts()["labelled"] == 1
        assert project.read_label("c0") is not None
        with pytest.raises(SaveFailedError) as caught:
            project.save_label("c1", a_mask(1))
        assert caught.value.remedy


@pytest.mark.skipif(os.name == "nt", reason="Windows has no file size limit")
def test_a_file_size_limit_while_saving_leaves_the_earlier_label(tmp_path: Path) -> None:
    script = """
import resource, sys
import numpy as np
from ActiveSuggestLib.data.project import Project
from ActiveSuggestLib.errors import DiskFullError
from Testing.Python.data.small_projects import SHAPE
with Project.open(sys.argv[1]) as project:
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))
    try:
        project.save_label("c0", np.random.default_rng(0).integers(1, 3, SHAPE))
    except DiskFullError:
        sys.exit(7)
"""
    with a_project(tmp_path) as project:
        project.save_label("c0", a_mask(1))
        files = labels_on_disk(project)
        assert start_script(script, project.folder).wait(60) == 7
        assert labels_on_disk(project) == files
        assert leftovers(project) == []


def test_where_writing_a_label_fails_for_want_of_room_nothing_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_project(tmp_path) as project:
        project.save_label("c0", a_mask(1))
        files = labels_on_disk(project)

        def no_room(path: Path, *_arguments: object, **_options: object) -> None:
            path.write_bytes(b"half a lab")
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("ActiveSuggestLib.data.labels.write_label", no_room)
        with pytest.raises(DiskFullError):
            project.save_label("c0", a_mask(2))
        assert labels_on_disk(project) == files
        assert leftovers(project) == []
