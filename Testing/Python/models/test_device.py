"""The device's memory, with and without psutil."""

from __future__ import annotations

import sys

import pytest

from ActiveSuggestLib.models import system_memory
from ActiveSuggestLib.models.device import GIBIBYTE, choose_device


def test_a_cpu_that_was_asked_for_says_so_and_how_much_memory_is_free():
    device = choose_device("cpu", threads=2)
    free, total = device.memory_now()
    assert device.why == "asked for"
    assert 0 < free < total
    assert "GiB free (asked for)" in device.description


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="psutil has no rival elsewhere")
def test_without_psutil_the_system_itself_is_asked(monkeypatch):
    psutil = pytest.importorskip("psutil")
    theirs = psutil.virtual_memory()
    monkeypatch.setitem(sys.modules, "psutil", None)
    free, total = system_memory.system_memory()
    assert total == theirs.total
    assert abs(free - theirs.available) < GIBIBYTE


def test_the_pages_that_macos_counts_become_bytes():
    text = (
        "Mach Virtual Memory Statistics: (page size of 16384 bytes)\n"
        "Pages free:                               10.\n"
        "Pages active:                            500.\n"
        "Pages inactive:                           20.\n"
        "Pages speculative:                         7.\n"
    )
    assert system_memory.available_by_vm_stat(text) == 30 * 16384
    with pytest.raises(ValueError, match="vm_stat"):
        system_memory.available_by_vm_stat("vm_stat: command not found")


def test_a_system_that_tells_nothing_gives_a_careful_guess(monkeypatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    monkeypatch.setattr(system_memory.sys, "platform", "linux")

    def refuse(_path):
        raise OSError("no such file")

    monkeypatch.setattr(system_memory, "_of_linux", refuse)
    free, total = system_memory.system_memory()
    assert 0 < free < total <= 8 * GIBIBYTE
