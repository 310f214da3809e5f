"""Fixtures that all tests share."""

from __future__ import annotations

import os

# Many small networks: threads would only get in each other's way, here and in child processes.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data, or a skip that says how to provide it."""
    folder = Path(os.environ.get("ACTIVESUGGEST_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "README.md").is_file():
        pytest.skip("no real data: set ACTIVESUGGEST_DATA to the folder that holds hippocampus/ …")
    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests on real data ran, so that a green run cannot hide that none did."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for outcome in counts:
        for report in terminalreporter.stats.get(outcome, []):
            if "shared_data" in getattr(report, "keywords", {}) and report.when != "teardown":
                counts[outcome] += 1
    ran = counts["passed"] + counts["failed"]
    terminalreporter.write_line(f"tests on real data: {ran} ran, {counts['skipped']} skipped")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that use real data, for the summary."""
    for item in items:
        if "shared_data" in getattr(item, "fixturenames", ()):
            item.keywords["shared_data"] = True
