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
