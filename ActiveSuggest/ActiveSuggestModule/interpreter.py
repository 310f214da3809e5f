"""How the worker is started: which Python, with which arguments, in which environment."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PYTHON_SETTING = "ActiveSuggest/Python"
DEVICE_SETTING = "ActiveSuggest/Device"
PYTHON_VARIABLE = "ACTIVESUGGEST_PYTHON"


@dataclass(frozen=True)
class Command:
    """A program to start; ``environment`` is all of the child's."""

    program: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


def worker_command(folder: Path, settings: Any = None, *, create: Path | None = None) -> Command:
    """Return how to start the worker of a project; ``create``: a file that says what to make."""
    program = worker_python(settings)
    arguments = ["-m", "ActiveSuggestLib.worker", str(folder), "--own-group"]
    if device := text_setting(settings, DEVICE_SETTING):
        arguments.append(f"--device={device}")
    if create is not None:
        arguments += ["--create", str(create)]
    return Command(program, tuple(arguments), worker_environment(program))


def worker_python(settings: Any = None) -> str:
    """Return the Python of the worker: as set by the user, else by the environment, else Slicer's.

    The setting is ``ActiveSuggest/Python``, the variable ``ACTIVESUGGEST_PYTHON``.
    """
    chosen = text_setting(settings, PYTHON_SETTING) or os.environ.get(PYTHON_VARIABLE, "")
    return chosen or slicer_python()


def slicer_python() -> str:
    """Return Slicer's own Python: the launcher that finds Slicer's libraries."""
    import slicer

    suffix = ".exe" if os.name == "nt" else ""
    installed = Path(slicer.app.slicerHome) / "bin" / f"PythonSlicer{suffix}"
    if installed.is_file():
        return str(installed)
    # A Slicer that is run where it was built has it elsewhere, and on its path.
    return shutil.which("PythonSlicer") or str(installed)


def worker_environment(program: str) -> dict[str, str]:
    """Return the environment of the worker: UTF-8, unbuffered, and the core can be imported."""
    environment = dict(os.environ) if _is_slicers(program) else _outside_slicer()
    core = core_folder()
    found = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    environment["PYTHONPATH"] = os.pathsep.join([core, *(p for p in found if p != core)])
    return environment | {"PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}


def core_folder() -> str:
    """Return the folder in which ``ActiveSuggestLib`` lies."""
    import ActiveSuggestLib

    return str(Path(ActiveSuggestLib.__file__).resolve().parents[1])


def text_setting(settings: Any, key: str) -> str:
    """Return a setting of ``qt.QSettings`` as text; empty where there is none."""
    value = None if settings is None else settings.value(key)
    return str(value).strip() if value else ""


def _is_slicers(program: str) -> bool:
    return Path(program) in (Path(slicer_python()), Path(sys.executable))


def _outside_slicer() -> dict[str, str]:
    """Return the environment without Slicer's libraries, which another Python must not load."""
    import slicer.util

    return {str(key): str(value) for key, value in slicer.util.startupEnvironment().items()}
