"""``slicer.packaging``: what is installed is answered truly, installing is recorded."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

# What the tests' host was asked to install; a test may make it fail by ``declined``.
installed: list[tuple[str, ...]] = []
questions: list[str] = []
declined = False


def load_requirements(path: str | Path) -> list[Requirement]:
    """Read a requirements file; comments and options are left out."""
    lines = Path(path).read_text("utf-8").splitlines()
    texts = [line.split(" #")[0].strip() for line in lines]
    return [Requirement(text) for text in texts if text and not text.startswith(("#", "-"))]


def _requirements(requirements: Any) -> list[Requirement]:
    if isinstance(requirements, (str, Requirement)):
        requirements = [requirements]
    return [Requirement(str(requirement)) for requirement in requirements]


def pip_check(requirements: Any) -> bool:
    """Say whether all requirements that apply here are installed."""
    for requirement in _requirements(requirements):
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            return False
        if not requirement.specifier.contains(version, prereleases=True):
            return False
    return True


def pip_install(requirements: Any, **_options: Any) -> None:
    """Record what would be installed."""
    if isinstance(requirements, str):
        installed.append(tuple(requirements.split()))
    else:
        installed.append(tuple(str(requirement) for requirement in requirements))


def pip_ensure(
    requirements: Any,
    constraints: Any = None,
    skip_packages: list[str] | None = None,
    prompt_install: bool = True,
    prompt_restart: bool = True,
    requester: str | None = None,
    skip_in_testing: bool = True,
    show_progress: bool = True,
) -> list[str]:
    """Ask, then record what would be installed; RuntimeError where the user declines."""
    missing = [r for r in _requirements(requirements) if not pip_check(r)]
    if not missing:
        return []
    if prompt_install:
        questions.append(f"{requester}: {', '.join(str(r) for r in missing)}")
        if declined:
            raise RuntimeError("User declined package installation")
    pip_install(missing)
    return []


def isPipInstallInProgress() -> bool:
    """Say whether an installation runs."""
    return False
