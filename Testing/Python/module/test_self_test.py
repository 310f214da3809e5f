"""The scenarios of ActiveSuggestTest, on the Qt host with the real worker."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def loaded(slicer_host: Any) -> Any:
    """The module as Slicer has it after its start, not opened yet."""
    from Testing.Python.module.conftest import MODULE

    slicer_host.module_manager.load("ActiveSuggest", MODULE)
    return slicer_host


@pytest.fixture
def loaded_headless(headless_host: Any) -> Any:
    """The same in a Slicer that was started with ``--no-main-window``."""
    from Testing.Python.module.conftest import MODULE

    headless_host.module_manager.load("ActiveSuggest", MODULE)
    return headless_host


def test_all_scenarios_pass(
    loaded: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from ActiveSuggestModule import self_test
    from ActiveSuggestModule.self_test.scenarios import ALL

    results = self_test.run(folder=tmp_path)

    assert len(results) == len(ALL)
    assert f"{len(ALL)} of {len(ALL)} scenarios ran" in capsys.readouterr().out


def test_all_scenarios_pass_without_a_main_window(loaded_headless: Any, tmp_path: Path) -> None:
    import slicer
    from ActiveSuggestModule import self_test
    from ActiveSuggestModule.self_test.scenarios import ALL

    assert slicer.app.layoutManager() is None
    assert len(self_test.run(folder=tmp_path)) == len(ALL)


def test_one_failure_fails_the_whole_and_the_others_still_run(
    loaded: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from ActiveSuggestModule import self_test

    ran: list[str] = []

    def good(_bench: Any) -> None:
        """A scenario that passes."""
        ran.append("good")

    def bad(_bench: Any) -> None:
        """A scenario that does not."""
        raise ValueError("because")

    with pytest.raises(AssertionError, match="1 of 3 scenarios failed") as caught:
        self_test.run([good, bad, good], tmp_path)

    assert ran == ["good", "good"]
    assert "A scenario that does not.: ValueError: because" in str(caught.value)
    assert "3 of 3 scenarios ran, 2 passed, 1 failed, 0 skipped" in capsys.readouterr().out


def test_a_trouble_that_nobody_expected_fails_a_scenario(loaded: Any, tmp_path: Path) -> None:
    from ActiveSuggestModule import self_test
    from ActiveSuggestModule.troubles import Trouble

    def complaining(bench: Any) -> None:
        """Something goes wrong that is only shown in the bar."""
        bench.session._troubles.tell(Trouble("The disk is full.", kind="disk_full"))

    def forgiven(bench: Any) -> None:
        """The same, where it belongs."""
        bench.forgive("disk_full")
        complaining(bench)

    self_test.run([forgiven], tmp_path)
    with pytest.raises(AssertionError, match="The disk is full"):
        self_test.run([complaining], tmp_path)


def test_slicers_own_runner_finds_the_test_class(loaded: Any, monkeypatch: Any) -> None:
    import unittest

    from ActiveSuggestModule import self_test

    import ActiveSuggest

    ran: list[str] = []
    monkeypatch.setattr(self_test, "run", lambda: ran.append("run"))

    suite = unittest.TestLoader().loadTestsFromName("ActiveSuggest")
    found = {type(test) for tests in suite for test in tests}
    result = unittest.TextTestRunner(verbosity=0).run(suite)

    assert result.wasSuccessful(), result.errors
    assert ran == ["run"]
    assert not result.skipped
    assert ActiveSuggest.ActiveSuggestTest in found


def test_missing_packages_fail_with_a_way_out(loaded: Any, monkeypatch: Any) -> None:
    from ActiveSuggestModule import dependencies
    from ActiveSuggestModule.self_test import worker_packages

    said: list[str] = []
    monkeypatch.setattr(
        dependencies, "missing", lambda: (dependencies.Lack("torch", "torch>=2.4.1"),)
    )
    asked: list[dict[str, Any]] = []

    def install(**options: Any) -> Any:
        asked.append(options)
        state = dependencies.NEEDS_EXTENSION if len(asked) == 1 else dependencies.FAILED
        return dependencies.Outcome(state, "The index could not be reached.", "Use wheels.")

    monkeypatch.setattr(dependencies, "install", install)

    with pytest.raises(AssertionError, match="ACTIVESUGGEST_PYTHON") as caught:
        worker_packages.ensure(said.append)

    assert "The index could not be reached." in str(caught.value)
    assert [options.get("torch_from") for options in asked] == [None, dependencies.INDEX]
