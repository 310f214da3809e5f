"""Packages: which versions a Python interpreter has, read from their metadata alone."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from slicer.i18n import tr as _

from .errors import InterpreterError

SLICERS_OWN = frozenset({"numpy", "scipy", "simpleitk", "pydicom"})
"""Packages that Slicer itself is built with: another version of them can break Slicer."""

# Runs in the user's interpreter, which may know nothing but the standard library.
_QUESTION = """
import importlib.metadata as metadata, json, os, platform, sys
versions = {}
for found in metadata.distributions():
    name = found.metadata["Name"]
    if name and name not in versions:
        versions[name] = found.version
print(json.dumps({"versions": versions, "environment": {
    "implementation_name": sys.implementation.name,
    "implementation_version": platform.python_version(),
    "os_name": os.name, "platform_machine": platform.machine(),
    "platform_release": platform.release(), "platform_system": platform.system(),
    "platform_version": platform.version(), "python_full_version": platform.python_version(),
    "platform_python_implementation": platform.python_implementation(),
    "python_version": ".".join(platform.python_version_tuple()[:2]),
    "sys_platform": sys.platform}}))
"""
_ANSWER_SECONDS = 60


@dataclass(frozen=True)
class Lack:
    """A package that the worker needs: ``installed`` is the version that is there, or ``None``."""

    name: str
    requirement: str
    installed: str | None = None


@dataclass(frozen=True)
class Packages:
    """The packages of one interpreter.

    ``versions`` by canonical name; ``environment`` holds the values that markers are judged by.
    """

    versions: Mapping[str, str]
    environment: Mapping[str, str]

    def lacks(self, requirements: Iterable[Requirement]) -> tuple[Lack, ...]:
        """Return the requirements that apply to this interpreter and are not met."""
        return tuple(
            Lack(r.name, _without_marker(r), self.versions.get(canonicalize_name(r.name)))
            for r in requirements
            if (r.marker is None or r.marker.evaluate(dict(self.environment)))
            and not _is_met(r, self.versions.get(canonicalize_name(r.name)))
        )


def packages_here(names: Iterable[str] | None = None) -> Packages:
    """Return the packages of Slicer's own Python; only ``names``, where they are given (faster)."""
    importlib.invalidate_caches()
    if names is None:
        found = {
            str(canonicalize_name(name)): distribution.version
            for distribution in reversed(list(importlib.metadata.distributions()))
            if (name := distribution.metadata["Name"]) and distribution.version
        }
    else:
        found = {
            str(canonicalize_name(name)): version
            for name in names
            if (version := _version_here(name)) is not None
        }
    return Packages(found, {key: str(value) for key, value in default_environment().items()})


def packages_of(python: str, environment: Mapping[str, str]) -> Packages:
    """Ask another interpreter for its packages; ``environment`` is that of its process.

    Raises ``InterpreterError``.
    """
    answer = _ask(python, environment)
    try:
        form = json.loads(answer.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        raise InterpreterError(
            _("The Python chosen for ActiveSuggest did not say what it has: {python}").format(
                python=python
            ),
            remedy=_remedy(),
            details=answer.stdout + answer.stderr,
        ) from None
    versions = {str(canonicalize_name(n)): str(v) for n, v in form["versions"].items()}
    return Packages(versions, form["environment"])


def constraints(versions: Mapping[str, str], free: Sequence[str] = ()) -> str:
    """Return a pip constraints file that holds every package but ``free`` at its version."""
    open_names = {canonicalize_name(name) for name in free}
    return "".join(
        f"{name}=={version}\n"
        for name, version in sorted(versions.items())
        if name not in open_names and _is_valid(name, version)
    )


def _version_here(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _ask(python: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [python, "-c", _QUESTION],
            env=dict(environment),
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_ANSWER_SECONDS,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise InterpreterError(
            _("The Python chosen for ActiveSuggest cannot be started: {python}").format(
                python=python
            ),
            remedy=_remedy(),
            details=str(error),
        ) from error


def _remedy() -> str:
    return _(
        "Correct or clear the setting ActiveSuggest/Python, or the variable ACTIVESUGGEST_PYTHON."
    )


def _without_marker(requirement: Requirement) -> str:
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{requirement.name}{extras}{requirement.specifier}"


def _is_met(requirement: Requirement, version: str | None) -> bool:
    return version is not None and requirement.specifier.contains(version, prereleases=True)


def _is_valid(name: str, version: str) -> bool:
    try:
        Version(version)
    except InvalidVersion:
        return False
    return not name.startswith(("-", "~"))
