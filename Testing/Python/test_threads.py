"""Idle threads sleep, so that a viewer and a training can share the processor."""

from __future__ import annotations

import os
import subprocess
import sys

CODE = """
import os, sys
from ActiveSuggestLib import cli
cli.main(["--version"])
print("torch" in sys.modules, os.environ["OMP_WAIT_POLICY"])
"""


def answer(**environment: str) -> str:
    """Return what a fresh process says after a command."""
    kept = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    run = subprocess.run(
        [sys.executable, "-c", CODE],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.splitlines()[-1]


def test_a_command_asks_for_it_before_torch_is_loaded():
    assert answer() == "False PASSIVE"


def test_what_the_person_has_set_is_kept():
    assert answer(OMP_WAIT_POLICY="ACTIVE") == "False ACTIVE"
