"""Installing what the worker needs: pip for real, into a Python of its own, from tiny wheels.

The Python of the fixture stands for Slicer's: nothing of what it has may change.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import types
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from Testing.Python.module.tiny_wheels import build_wheel

REPOSITORY = Path(__file__).resolve().parents[3]
SLICERS = {"numpy": "2.4.6", "scipy": "1.17.1", "SimpleITK": "2.5.7", "pydicom": "3.0.2"}


@dataclass
class FakeSlicer:
    """A virtual environment in the place of Slicer's Python, and what happened to it."""

    python: Path
    site_packages: Path
    wheels: Path
    settings: Any

    def versions(self) -> dict[str, str]:
        """Return what is installed in it, asked of itself."""
        code = (
            "import importlib.metadata as m, json;"
            "print(json.dumps({d.metadata['Name']: d.version for d in m.distributions()}))"
        )
        answer = subprocess.run(
            [self.python, "-c", code], capture_output=True, text=True, check=True, env=_plain()
        )
        return json.loads(answer.stdout)

    def has(self, name: str) -> str | None:
        return self.versions().get(name)

    def pip(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.python, "-m", "pip", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=_plain(),
        )

    def add(self, name: str, version: str, *requires: str) -> None:
        """Install a package into it, as Slicer or another extension would have."""
        wheel = build_wheel(self.wheels.parent / "before", name, version, requires)
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(self.site_packages)

    def offer(self, name: str, version: str, *requires: str) -> None:
        """Put a wheel into the folder that stands for the package index."""
        build_wheel(self.wheels, name, version, requires)


def _plain() -> dict[str, str]:
    """The environment without what belongs to the tests' own Python."""
    drop = ("PYTHON", "PIP_", "VIRTUAL_ENV")
    return {k: v for k, v in os.environ.items() if not k.startswith(drop)}


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with pip and nothing else, made once and copied for each test."""
    # A blank in the path: Slicer lies in "Program Files" as often as not.
    folder = tmp_path_factory.mktemp("slicer python")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, env=_plain())
    return folder


@pytest.fixture
def slicer_python(
    bare_python: Path, tmp_path: Path, slicer_host: Any, monkeypatch: pytest.MonkeyPatch
) -> FakeSlicer:
    """Slicer's Python with the packages that Slicer brings; pip_install and pip run in it."""
    import qt
    import slicer.packaging
    from ActiveSuggestModule import dependencies, interpreter
    from ActiveSuggestModule.installing import packages

    home = tmp_path / "Slicer home" / "bin"
    home.mkdir(parents=True)
    python = home / "PythonSlicer"
    subprocess.run(
        [sys.executable, "-m", "venv", str(tmp_path / "python of Slicer"), "--without-pip"],
        check=True,
        env=_plain(),
    )
    own = tmp_path / "python of Slicer"
    site = _site_packages(own)
    for entry in _site_packages(bare_python).iterdir():
        (site / entry.name).symlink_to(entry)
    python.write_text(f'#!/bin/sh\nexec "{own / "bin" / "python"}" "$@"\n')
    python.chmod(0o755)
    settings = qt.QSettings(str(tmp_path / "settings.ini"), qt.QSettings.IniFormat)
    fake = FakeSlicer(python, site, tmp_path / "wheel folder", settings)
    fake.wheels.mkdir()
    for name, version in SLICERS.items():
        fake.add(name, version)
    environment = _plain() | {
        "PATH": f"{home}{os.pathsep}{os.environ['PATH']}",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    for name in [n for n in os.environ if n not in environment]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    def here(names: Any = None) -> packages.Packages:
        found = packages.packages_of(str(python), os.environ)
        if names is None:
            return found
        wanted = {n.lower() for n in names}
        return packages.Packages(
            {n: v for n, v in found.versions.items() if n in wanted}, found.environment
        )

    monkeypatch.setattr(dependencies, "packages_here", here)
    monkeypatch.setattr(interpreter, "slicer_python", lambda: str(python))
    monkeypatch.setattr(dependencies, "slicer_python", lambda: str(python))
    if not os.environ.get("ACTIVESUGGEST_SLICER_PYTHON"):
        monkeypatch.setattr(slicer.packaging, "pip_install", _pip_install)
    return fake


def _site_packages(environment: Path) -> Path:
    return next(environment.glob("lib/python*/site-packages"))


def _pip_install(
    requirements: str | list[str],
    constraints: str | Path | None = None,
    no_deps_requirements: str | list[str] | None = None,
    skip_packages: list[str] | None = None,
    blocking: bool = True,
    show_progress: bool = True,
    requester: str | None = None,
    logCallback: Callable[[str], None] | None = None,  # noqa: N803
    completedCallback: Callable[[int], None] | None = None,  # noqa: N803
) -> None:
    """The arguments of Slicer's own, doing what it does with them when nothing blocks."""
    import slicer.util

    assert not blocking, "blocking, it opens a modal dialog"
    assert not show_progress
    assert isinstance(requirements, list)
    arguments = ["install", *requirements]
    if constraints is not None:
        arguments += ["-c", str(constraints)]
    if slicer.app.testingEnabled():
        slicer.util.executePythonModule("pip", arguments)
        return
    slicer.util.executePythonModule(
        "pip", arguments, False, logCallback=logCallback, completedCallback=completedCallback
    )


@pytest.fixture
def pytorch_extension(monkeypatch: pytest.MonkeyPatch, slicer_python: FakeSlicer) -> list[str]:
    """The PyTorch extension, whose installer finds torch where pip's variables say."""
    asked: list[str] = []

    class PyTorchUtilsLogic:
        def installTorch(
            self,
            askConfirmation: bool = False,  # noqa: N803
            forceComputationBackend: str | None = None,  # noqa: N803
            torchVersionRequirement: str | None = None,  # noqa: N803
            torchvisionVersionRequirement: str | None = None,  # noqa: N803
        ) -> Any:
            import slicer.util

            assert askConfirmation is False
            asked.append(f"torch{torchVersionRequirement}")
            slicer.util.executePythonModule(
                "pip", ["install", f"torch{torchVersionRequirement}", "torchvision"]
            )
            return types.SimpleNamespace(__version__="of the extension")

    module = types.ModuleType("PyTorchUtils")
    module.PyTorchUtilsLogic = PyTorchUtilsLogic  # type: ignore[attr-defined]
    module.__spec__ = importlib.util.spec_from_loader("PyTorchUtils", loader=None)
    monkeypatch.setitem(sys.modules, "PyTorchUtils", module)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", slicer_python.wheels.as_uri())
    return asked


@pytest.fixture
def usual_wheels(slicer_python: FakeSlicer) -> FakeSlicer:
    """Wheels that fit: torch, torchvision and monai with what they depend on."""
    slicer_python.offer("filelock", "3.16")
    slicer_python.offer("torch", "2.8.0", "filelock")
    slicer_python.offer("torchvision", "0.23.0", "torch==2.8.0", "numpy")
    slicer_python.offer("monai", "1.5.1", "torch>=2.4.1", "numpy>=1.24,<3")
    return slicer_python


def test_what_is_missing_is_named_with_what_is_wanted(slicer_python: FakeSlicer) -> None:
    from ActiveSuggestModule import dependencies

    lacks = dependencies.missing(slicer_python.settings)

    assert [lack.name for lack in lacks] == ["torch", "monai"]
    assert [lack.installed for lack in lacks] == [None, None]
    assert lacks[0].requirement.startswith("torch>=")
    sentence = dependencies.explain(lacks, slicer_python.settings)
    assert "torch and monai" in sentence
    assert "3 GB" in sentence
    assert "Nothing that Slicer brings is changed" in sentence


def test_looking_for_what_is_missing_imports_none_of_it(slicer_python: FakeSlicer) -> None:
    from ActiveSuggestModule import dependencies

    before = {name for name in ("torch", "monai", "pandas") if name in sys.modules}
    dependencies.missing(slicer_python.settings)
    dependencies.explain(dependencies.missing(slicer_python.settings), slicer_python.settings)

    assert {name for name in ("torch", "monai", "pandas") if name in sys.modules} == before


def test_packages_of_this_python_are_read_from_their_metadata(slicer_host: Any) -> None:
    from ActiveSuggestModule.installing.packages import packages_here

    found = packages_here(["numpy", "SimpleITK", "no-such-package"])

    assert set(found.versions) == {"numpy", "simpleitk"}
    assert packages_here().versions["numpy"] == found.versions["numpy"]
    assert found.environment["sys_platform"] == sys.platform
    assert found.lacks([Requirement("numpy>=1"), Requirement("no-such-package>=2")]) != ()
    assert found.lacks([Requirement('absent; sys_platform == "elsewhere"')]) == ()


def test_declining_is_an_ordinary_outcome_and_changes_nothing(usual_wheels: FakeSlicer) -> None:
    from ActiveSuggestModule import dependencies

    before = usual_wheels.versions()
    heard: list[str] = []

    def decline(sentence: str) -> bool:
        heard.append(sentence)
        return False

    outcome = dependencies.install(
        ask=decline, wheels=usual_wheels.wheels, settings=usual_wheels.settings
    )

    assert outcome.state == dependencies.DECLINED
    assert not outcome.is_ready
    assert heard == [
        dependencies.explain(dependencies.missing(usual_wheels.settings), usual_wheels.settings)
    ]
    assert usual_wheels.versions() == before
    assert dependencies.unfinished(usual_wheels.settings) is None


def test_a_folder_of_wheels_takes_the_place_of_the_internet(usual_wheels: FakeSlicer) -> None:
    from ActiveSuggestModule import dependencies

    before = usual_wheels.versions()
    told: list[str] = []

    outcome = dependencies.install(
        wheels=usual_wheels.wheels, progress=told.append, settings=usual_wheels.settings
    )

    assert outcome.is_ready, outcome
    after = usual_wheels.versions()
    assert {n: v for n, v in after.items() if n not in before} == {
        "torch": "2.8.0",
        "monai": "1.5.1",
        "filelock": "3.16",
    }
    assert {n: after[n] for n in before} == before
    assert dependencies.missing(usual_wheels.settings) == ()
    assert any("Installing" in sentence for sentence in told), told


def test_torch_comes_by_the_extension_and_the_rest_by_pip(
    usual_wheels: FakeSlicer, pytorch_extension: list[str]
) -> None:
    from ActiveSuggestModule import dependencies

    before = usual_wheels.versions()
    told: list[str] = []

    outcome = dependencies.install(progress=told.append, settings=usual_wheels.settings)

    assert outcome.is_ready, outcome
    assert pytorch_extension == ["torch>=2.4.1"]
    after = usual_wheels.versions()
    assert after["torchvision"] == "0.23.0"
    assert after["monai"] == "1.5.1"
    assert {n: after[n] for n in before} == before
    assert "PIP_CONSTRAINT" not in os.environ


@pytest.mark.parametrize("way", ["wheels", "extension", "index"])
def test_a_package_of_slicers_own_is_never_replaced(
    way: str, slicer_python: FakeSlicer, pytorch_extension: list[str]
) -> None:
    from ActiveSuggestModule import dependencies

    slicer_python.offer("numpy", "1.26.4")
    slicer_python.offer("torch", "2.8.0", "numpy<2")
    slicer_python.offer("torchvision", "0.23.0", "torch==2.8.0")
    slicer_python.offer("monai", "1.5.1", "torch", "numpy<2")
    before = slicer_python.versions()
    unguarded = slicer_python.pip(
        "install", "--dry-run", "--no-index", "--find-links", str(slicer_python.wheels), "torch"
    )
    assert "numpy-1.26.4" in unguarded.stdout, "pip alone would have replaced it"

    outcome = dependencies.install(
        wheels=slicer_python.wheels if way == "wheels" else None,
        torch_from=dependencies.INDEX if way == "index" else dependencies.EXTENSION,
        settings=slicer_python.settings,
    )

    assert outcome.state == dependencies.FAILED
    assert "numpy 2.4.6" in outcome.sentence, outcome
    assert "ActiveSuggest/Python" in outcome.remedy
    assert "numpy" in outcome.details
    assert slicer_python.versions() == before


def test_an_installer_that_ignores_the_constraints_is_found_out(
    slicer_python: FakeSlicer, pytorch_extension: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ActiveSuggestModule import dependencies
    from ActiveSuggestModule.installing import torch_extension

    slicer_python.offer("scipy", "1.10.0")
    slicer_python.offer("torch", "2.8.0", "scipy<1.11")
    slicer_python.offer("torchvision", "0.23.0", "torch==2.8.0")
    slicer_python.offer("monai", "1.5.1", "torch")
    monkeypatch.setattr(
        torch_extension, "_environment", lambda _variables: contextlib.nullcontext()
    )

    outcome = dependencies.install(settings=slicer_python.settings)

    assert outcome.state == dependencies.FAILED
    assert "scipy 1.17.1 → 1.10.0" in outcome.sentence, outcome
    assert "scipy==1.17.1" in outcome.remedy


def test_a_package_that_is_too_old_is_named_before_it_is_replaced(
    usual_wheels: FakeSlicer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ActiveSuggestModule import dependencies

    # Another test of this process may have loaded it.
    monkeypatch.delitem(sys.modules, "monai", raising=False)
    usual_wheels.add("monai", "1.3.0")
    usual_wheels.add("other-extension", "1.0")
    lacks = dependencies.missing(usual_wheels.settings)
    assert ("monai", "1.3.0") in [(lack.name, lack.installed) for lack in lacks]
    assert "monai 1.3.0" in dependencies.explain(lacks, usual_wheels.settings)

    outcome = dependencies.install(wheels=usual_wheels.wheels, settings=usual_wheels.settings)

    assert outcome.is_ready, outcome
    assert usual_wheels.has("monai") == "1.5.1"
    assert usual_wheels.has("other-extension") == "1.0"


def test_a_package_replaced_while_in_use_asks_for_a_restart(
    usual_wheels: FakeSlicer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ActiveSuggestModule import dependencies

    usual_wheels.add("monai", "1.3.0")
    monkeypatch.setitem(sys.modules, "monai", types.ModuleType("monai"))

    outcome = dependencies.install(
        wheels=usual_wheels.wheels, project="/somewhere/project", settings=usual_wheels.settings
    )

    assert outcome.state == dependencies.RESTART
    unfinished = dependencies.unfinished(usual_wheels.settings)
    assert unfinished is not None
    assert unfinished.project == "/somewhere/project"


def test_without_the_extension_the_way_to_it_is_told_and_remembered_over_a_restart(
    usual_wheels: FakeSlicer, tmp_path: Path
) -> None:
    import qt
    from ActiveSuggestModule import dependencies

    outcome = dependencies.install(project=tmp_path / "project", settings=usual_wheels.settings)

    assert outcome.state == dependencies.NEEDS_EXTENSION
    assert "Extensions Manager" in outcome.remedy
    assert usual_wheels.has("monai") is None, "nothing is done by halves"
    after_restart = qt.QSettings(usual_wheels.settings.fileName(), qt.QSettings.IniFormat)
    unfinished = dependencies.unfinished(after_restart)
    assert unfinished == dependencies.Unfinished(str(tmp_path / "project"))

    dependencies.forget_unfinished(after_restart)
    assert dependencies.unfinished(after_restart) is None


def test_the_user_may_choose_to_go_without_the_extension(
    usual_wheels: FakeSlicer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ActiveSuggestModule import dependencies

    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", usual_wheels.wheels.as_uri())

    outcome = dependencies.install(torch_from=dependencies.INDEX, settings=usual_wheels.settings)

    assert outcome.is_ready, outcome
    assert usual_wheels.has("torch") == "2.8.0"
    assert dependencies.unfinished(usual_wheels.settings) is None


def test_what_a_restart_interrupted_goes_on_and_is_forgotten(usual_wheels: FakeSlicer) -> None:
    from ActiveSuggestModule import dependencies
    from ActiveSuggestModule.installing.remembered import remember

    remember(
        dependencies.Unfinished("/p", dependencies.INDEX, str(usual_wheels.wheels)),
        usual_wheels.settings,
    )
    unfinished = dependencies.unfinished(usual_wheels.settings)
    assert unfinished is not None

    outcome = dependencies.install(
        wheels=unfinished.wheels,
        torch_from=unfinished.torch_from,
        project=unfinished.project,
        settings=usual_wheels.settings,
    )

    assert outcome.is_ready
    assert dependencies.unfinished(usual_wheels.settings) is None


def test_a_setting_that_cannot_be_read_is_no_unfinished_installation(
    usual_wheels: FakeSlicer,
) -> None:
    from ActiveSuggestModule import dependencies

    usual_wheels.settings.setValue("ActiveSuggest/Installing", "{not json")

    assert dependencies.unfinished(usual_wheels.settings) is None


def test_a_wheel_that_the_folder_lacks_is_named(slicer_python: FakeSlicer) -> None:
    from ActiveSuggestModule import dependencies

    slicer_python.offer("torch", "2.8.0")

    outcome = dependencies.install(wheels=slicer_python.wheels, settings=slicer_python.settings)

    assert outcome.state == dependencies.FAILED
    assert "monai" in outcome.sentence
    assert str(slicer_python.wheels) in outcome.sentence
    assert "pip download" in outcome.remedy
    assert slicer_python.has("torch") is None


def test_a_folder_without_wheels_is_refused(slicer_python: FakeSlicer, tmp_path: Path) -> None:
    from ActiveSuggestModule import dependencies

    outcome = dependencies.install(wheels=tmp_path / "nothing", settings=slicer_python.settings)

    assert outcome.state == dependencies.FAILED
    assert "no wheel files" in outcome.sentence


def test_a_second_click_does_not_install_twice(usual_wheels: FakeSlicer) -> None:
    from ActiveSuggestModule import dependencies

    second: list[Any] = []

    def click_again(_sentence: str) -> None:
        if not second:
            second.append(None)
            second[0] = dependencies.install(
                wheels=usual_wheels.wheels, settings=usual_wheels.settings
            )

    outcome = dependencies.install(
        wheels=usual_wheels.wheels, progress=click_again, settings=usual_wheels.settings
    )

    assert outcome.is_ready
    assert "already under way" in second[0].sentence


def test_the_window_lives_while_pip_works(usual_wheels: FakeSlicer) -> None:
    import qt
    from ActiveSuggestModule import dependencies

    ticks: list[int] = []
    timer = qt.QTimer()
    timer.connect("timeout()", lambda: ticks.append(1))
    timer.start(20)

    outcome = dependencies.install(wheels=usual_wheels.wheels, settings=usual_wheels.settings)
    timer.stop()

    assert outcome.is_ready
    assert len(ticks) > 10


def test_slicers_testing_mode_which_calls_nobody_back_is_waited_for(
    usual_wheels: FakeSlicer, slicer_host: Any
) -> None:
    from ActiveSuggestModule import dependencies

    slicer_host.testing_enabled = True

    outcome = dependencies.install(wheels=usual_wheels.wheels, settings=usual_wheels.settings)

    assert outcome.is_ready, outcome
    assert usual_wheels.has("torch") == "2.8.0"


# A Python of the user's own -------------------------------------------------------------


def test_another_python_is_asked_itself_and_told_how(
    slicer_python: FakeSlicer, bare_python: Path
) -> None:
    from ActiveSuggestModule import dependencies

    python = str(bare_python / "bin" / "python")
    slicer_python.settings.setValue("ActiveSuggest/Python", python)

    lacks = dependencies.missing(slicer_python.settings)
    outcome = dependencies.install(settings=slicer_python.settings)

    assert {"torch", "monai", "numpy", "SimpleITK"} <= {lack.name for lack in lacks}
    assert outcome.state == dependencies.FAILED
    assert python in outcome.sentence
    assert f'"{python}" -m pip install "torch>=' in outcome.remedy
    assert slicer_python.has("torch") is None


def test_another_python_that_has_everything_is_ready(
    slicer_python: FakeSlicer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ActiveSuggestModule import dependencies

    monkeypatch.setenv("ACTIVESUGGEST_PYTHON", sys.executable)

    assert dependencies.missing(slicer_python.settings) == ()
    assert dependencies.install(settings=slicer_python.settings).is_ready


@pytest.mark.parametrize("kind", ["absent", "no python"])
def test_another_python_that_is_none_is_a_sentence(
    kind: str, slicer_python: FakeSlicer, tmp_path: Path
) -> None:
    from ActiveSuggestModule import dependencies

    python = tmp_path / "python of mine"
    if kind == "no python":
        python.write_text("#!/bin/sh\necho hello\n")
        python.chmod(0o755)
    slicer_python.settings.setValue("ActiveSuggest/Python", str(python))

    with pytest.raises(dependencies.InterpreterError, match="python of mine"):
        dependencies.missing(slicer_python.settings)
    outcome = dependencies.install(settings=slicer_python.settings)

    assert outcome.state == dependencies.FAILED
    assert "ACTIVESUGGEST_PYTHON" in outcome.remedy


def test_a_mac_with_an_intel_processor_is_told_before_anything_is_downloaded(
    slicer_python: FakeSlicer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ActiveSuggestModule import dependencies
    from ActiveSuggestModule.installing.packages import Packages

    def intel_mac(_names: Any = None) -> Packages:
        environment = {"sys_platform": "darwin", "platform_machine": "x86_64"}
        return Packages(
            {"numpy": "2.4.6", "scipy": "1.17", "simpleitk": "2.5", "pydicom": "3.0"},
            environment | {"python_version": "3.12"},
        )

    monkeypatch.setattr(dependencies, "packages_here", intel_mac)

    lacks = dependencies.missing(slicer_python.settings)
    outcome = dependencies.install(settings=slicer_python.settings)

    assert [lack.requirement for lack in lacks] == ["torch>=2.2", "monai<1.5,>=1.3.2"]
    assert outcome.state == dependencies.FAILED
    assert "Intel" in outcome.sentence


# Words ----------------------------------------------------------------------------------


def test_the_lines_of_pip_become_progress(slicer_host: Any) -> None:
    from ActiveSuggestModule.installing.pip_words import PipProgress

    words = PipProgress()

    assert words.sentence("Collecting torch>=2.4.1") == "Looking for torch"
    assert (
        words.sentence("Downloading torch-2.8.0-cp312-cp312-linux_x86_64.whl (887.9 MB)")
        == "Downloading torch 2.8.0 (887.9 MB)"
    )
    assert words.sentence("Progress 443 of 886") == "Downloading torch 2.8.0 (887.9 MB): 50 %"
    assert words.sentence("Progress 5 of 0") is None
    assert words.sentence("Requirement already satisfied: numpy") is None
    assert words.sentence("Installing collected packages: torch, monai") == (
        "Installing torch, monai"
    )


@pytest.mark.parametrize(
    ("output", "word"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left", "disk"),
        ("WARNING: Retrying … NewConnectionError('…')\nERROR: No matching", "internet"),
        ("noise\nERROR: Something odd happened", "Something odd happened"),
        ("", "no reason"),
    ],
)
def test_why_pip_failed_is_said_in_a_sentence(output: str, word: str, slicer_host: Any) -> None:
    from ActiveSuggestModule.installing.pip_words import pip_error

    error = pip_error(output)

    assert word in error.message
    assert "exit status" not in error.message
    assert error.remedy
    assert error.details == output


# What is wanted -------------------------------------------------------------------------


def test_the_requirements_are_those_of_the_package() -> None:
    import tomllib

    lines = (REPOSITORY / "ActiveSuggest/Resources/requirements.txt").read_text("utf-8")
    wanted = [Requirement(x) for x in lines.splitlines() if x and not x.startswith("#")]
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    package = {r.name: r.specifier for r in map(Requirement, project["dependencies"])}
    linux = {"sys_platform": "linux", "platform_machine": "x86_64"}
    on_linux = {r.name: r.specifier for r in wanted if r.marker is None or r.marker.evaluate(linux)}

    assert on_linux == {name: package[name] for name in on_linux}
    assert {"torch", "monai"} <= set(on_linux)
    for platform, machine in [("linux", "x86_64"), ("darwin", "arm64"), ("darwin", "x86_64")]:
        here = {"sys_platform": platform, "platform_machine": machine}
        names = [r.name for r in wanted if r.marker is None or r.marker.evaluate(here)]
        assert sorted(names) == sorted(set(names)), (platform, machine)


_HIDE = """
import importlib.machinery, sys
class Finder(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        hidden = name.split(".")[0] in {names!r}
        return None if hidden else super().find_spec(name, path, target)
sys.meta_path[sys.meta_path.index(importlib.machinery.PathFinder)] = Finder
"""
NOT_IN_SLICER = ("pandas", "matplotlib", "psutil", "click", "skimage", "nrrd", "slicerio")


def test_the_worker_needs_nothing_else(tmp_path: Path) -> None:
    """Create, suggest, train and suggest again in a Python that lacks what Slicer lacks."""
    from ActiveSuggestLib.data.project import create_project
    from ActiveSuggestLib.worker_client import WorkerClient
    from Testing.Python import blobs

    pool = blobs.write_pool(tmp_path / "pool", 6)
    for label in sorted((pool / "labels").iterdir())[:2]:
        label.unlink()
    project = create_project(
        tmp_path / "project", pool / "images", segments=blobs.SEGMENTS, settings=blobs.SETTINGS,
        labels=pool / "labels",
    )  # fmt: skip
    project.close()
    (tmp_path / "hide").mkdir()
    (tmp_path / "hide" / "sitecustomize.py").write_text(_HIDE.format(names=NOT_IN_SLICER))
    path = os.pathsep.join([str(tmp_path / "hide"), str(REPOSITORY)])
    environment: Mapping[str, str] = {"PYTHONPATH": path}
    hidden = subprocess.run(
        [sys.executable, "-c", "import pandas"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "No module named 'pandas'" in hidden.stderr

    with WorkerClient(tmp_path / "project", env=environment) as worker:
        report = worker.request("fine_tune", seconds=2, steps=3).result(120)
        suggested = worker.request("suggest", strategy="mc-dropout", count=1).result(120)
        table = worker.request("score", strategy="random", out=str(tmp_path / "r.csv")).result(120)

    assert report["accepted"] is not None
    assert len(suggested) == 1
    assert suggested[0]["reasons"]
    assert table["total"] == 2
