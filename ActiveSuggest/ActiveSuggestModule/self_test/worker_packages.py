"""The packages of the worker: there, or installed without asking, or a failure that says so."""

from __future__ import annotations

import os
from collections.abc import Callable

from .. import dependencies

WHEELS_VARIABLE = "ACTIVESUGGEST_WHEELS"


def ensure(say: Callable[[str], None]) -> None:
    """Install what is missing, non-interactively; raises ``AssertionError`` if it stays missing.

    A Python chosen by ``ACTIVESUGGEST_PYTHON`` or the setting comes first; then a folder of wheels
    named by ``ACTIVESUGGEST_WHEELS``, the PyTorch extension, and the package index.
    """
    lacks = dependencies.missing()
    if not lacks:
        return
    say(dependencies.explain(lacks))
    wheels = os.environ.get(WHEELS_VARIABLE) or None
    outcome = dependencies.install(progress=say, wheels=wheels)
    if outcome.state == dependencies.NEEDS_EXTENSION:
        say(outcome.sentence)
        outcome = dependencies.install(progress=say, torch_from=dependencies.INDEX)
    dependencies.forget_unfinished()
    if not outcome.is_ready:
        raise AssertionError(
            f"The worker's packages are missing, and the scenarios need them. {outcome.sentence} "
            f"{outcome.remedy} (Or name a Python that has them in ACTIVESUGGEST_PYTHON, or a "
            f"folder of wheels in {WHEELS_VARIABLE}.)\n{outcome.details}"
        )
