"""Atomic files: whole or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ActiveSuggestLib.data import store
from ActiveSuggestLib.data.journaling.processes import host_mark, is_alive, process_start
from ActiveSuggestLib.errors import DiskFullError, SaveFailedError


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_bytes_are_written_whole(tmp_path: Path) -> None:
    store.atomic_write(tmp_path / "a.json", b"new")
    assert (tmp_path / "a.json").read_bytes() == b"new"
    assert files_in(tmp_path) == ["a.json"]


def test_a_writer_gets_a_path_with_the_same_extensions(tmp_path: Path) -> None:
    seen: list[Path] = []

    def write(path: Path) -> None:
        seen.append(path)
        path.write_bytes(b"label")

    store.atomic_write(tmp_path / "case.seg.nrrd", write)
    assert seen[0].name.endswith(".seg.nrrd")
    assert seen[0].parent == tmp_path
    assert (tmp_path / "case.seg.nrrd").read_bytes() == b"label"


def test_a_very_long_name_still_has_a_temporary_name_that_fits(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 240 + ".seg.nrrd")
    store.atomic_write(path, b"label")
    assert path.read_bytes() == b"label"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_named_and_leaves_the_earlier_file(tmp_path: Path, number: int) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"earlier")

    def write(temporary: Path) -> None:
        temporary.write_bytes(b"ha")
        raise OSError(number, "no room")

    with pytest.raises(DiskFullError) as caught:
        store.atomic_write(path, write)
    assert caught.value.remedy
    assert "a.json" in str(caught.value)
    assert path.read_bytes() == b"earlier"
    assert files_in(tmp_path) == ["a.json"]


def test_a_library_that_hides_the_full_disk_is_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "has_little_room", lambda _: True)

    def write(temporary: Path) -> None:
        raise RuntimeError("PytorchStreamWriter failed writing file")

    with pytest.raises(DiskFullError):
        store.atomic_write(tmp_path / "v1.pt", write)


def test_other_failures_of_a_writer_come_through_and_leave_nothing(tmp_path: Path) -> None:
    def write(temporary: Path) -> None:
        temporary.write_bytes(b"ha")
        raise KeyError("a bug")

    with pytest.raises(KeyError, match="a bug"):
        store.atomic_write(tmp_path / "a.json", write)
    assert files_in(tmp_path) == []


def test_a_folder_that_is_gone_is_a_failed_save(tmp_path: Path) -> None:
    with pytest.raises(SaveFailedError) as caught:
        store.atomic_write(tmp_path / "gone" / "a.json", b"x")
    assert caught.value.remedy


@pytest.mark.skipif(os.name == "nt", reason="Windows has no file size limit")
def test_a_file_size_limit_counts_as_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"earlier")
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from ActiveSuggestLib.data.store import atomic_write\n"
        "from ActiveSuggestLib.errors import DiskFullError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n    atomic_write(Path(sys.argv[1]), b'x' * 100_000)\n"
        "except DiskFullError:\n    sys.exit(7)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert ran.returncode == 7
    assert path.read_bytes() == b"earlier"
    assert files_in(tmp_path) == ["a.bin"]


def test_a_virus_scanner_that_lets_go_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "REPLACE_PATIENCE", 5.0)
    attempts = []
    real = os.replace

    def busy_twice(source: Path, target: Path) -> None:
        attempts.append(target)
        if len(attempts) < 3:
            raise PermissionError(errno.EACCES, "in use")
        real(source, target)

    monkeypatch.setattr(store.os, "replace", busy_twice)
    store.atomic_write(tmp_path / "a.json", b"new")
    assert (tmp_path / "a.json").read_bytes() == b"new"
    assert len(attempts) == 3


def test_a_file_that_stays_locked_is_a_failed_save(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "REPLACE_PATIENCE", 0.1)

    def busy(source: Path, target: Path) -> None:
        raise PermissionError(errno.EACCES, "in use")

    monkeypatch.setattr(store.os, "replace", busy)
    with pytest.raises(SaveFailedError):
        store.atomic_write(tmp_path / "a.json", b"new")
    assert files_in(tmp_path) == []


def test_where_links_are_impossible_a_copy_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"label")

    def no_links(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "not supported")

    monkeypatch.setattr(store.os, "link", no_links)
    store.keep_copy(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == b"label"


def ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    process.wait()
    return process.pid


def test_leftovers_of_ended_processes_are_swept_and_those_of_living_ones_kept(
    tmp_path: Path,
) -> None:
    own = store.temporary_beside(tmp_path / "a.seg.nrrd")
    own.write_bytes(b"being written")
    stray = tmp_path / f".tmp-{host_mark()}-{ended_process()}-1-abc.seg.nrrd"
    stray.write_bytes(b"half")
    (tmp_path / "a.seg.nrrd").write_bytes(b"label")
    assert store.sweep(tmp_path) == [stray.name]
    assert files_in(tmp_path) == sorted([own.name, "a.seg.nrrd"])


def test_a_leftover_of_another_computer_is_swept_after_a_week_only(tmp_path: Path) -> None:
    young, old = (tmp_path / f".tmp-00000000-1-1-{name}.pt" for name in ("young", "old"))
    for path in (young, old):
        path.write_bytes(b"half")
    week_ago = time.time() - 8 * 86400
    os.utime(old, (week_ago, week_ago))
    assert store.sweep(tmp_path) == [old.name]


def test_a_process_id_used_again_does_not_look_alive() -> None:
    start = process_start(os.getpid())
    if not start:
        pytest.skip("this system does not tell when a process started")
    assert is_alive(os.getpid(), start)
    assert not is_alive(os.getpid(), "1")


def test_an_ended_process_is_not_alive() -> None:
    assert not is_alive(ended_process())
    assert not is_alive(0)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such processes")
def test_a_process_that_ended_but_was_not_collected_is_not_alive() -> None:
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    try:
        deadline = time.monotonic() + 30
        while is_alive(process.pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not is_alive(process.pid)
    finally:
        process.wait()
