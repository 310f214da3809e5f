"""Idle threads sleep, so that a viewer and a training can share the processor."""

from __future__ import annotations

import os
import subprocess
import sys

CODE = """
import os, sys
from ActiveSuggestLib import cli
cli.main(["--version"])
print("torch" in sys.modules, os.environ.get("GOMP_SPINCOUNT"))
"""


def answer(**environment: str) -> str:
    """Return what a fresh process says after a command."""
    ours = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
    kept = {k: v for k, v in os.environ.items() if k not in ours}
    run = subprocess.run(
        [sys.executable, "-c", CODE],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.splitlines()[-1]


def test_a_command_asks_for_it_before_torch_is_loaded():
    assert answer() == "False 1000"


def test_what_the_person_has_set_is_kept():
    assert answer(OMP_WAIT_POLICY="ACTIVE") == "False None"
    assert answer(GOMP_SPINCOUNT="7") == "False 7"
