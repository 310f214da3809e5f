"""A folder is shown by the system's file browser, outside Slicer's environment."""

from __future__ import annotations

import sys

import pytest
from ActiveSuggestModule.file_browser import FileBrowserMissingError, show_folder

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="a stand-in for xdg-open is started"
)


def test_the_systems_program_is_started_with_the_folder(
    slicer_host, wait_until, tmp_path, monkeypatch
):
    heard = tmp_path / "heard"
    program = tmp_path / "bin" / "xdg-open"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nprintf %s "$1" > "{heard}.new"\nmv "{heard}.new" "{heard}"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    folder = tmp_path / "rescued, with ümlaut"
    show_folder(str(folder))
    wait_until(heard.exists, 10, "the file browser")
    assert heard.read_text(encoding="utf-8") == str(folder)


def test_a_system_without_one_says_where_the_folder_is(slicer_host, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(FileBrowserMissingError) as caught:
        show_folder(str(tmp_path))
    assert caught.value.remedy
    assert str(caught.value.path) == str(tmp_path)
