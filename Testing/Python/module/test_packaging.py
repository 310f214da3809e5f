"""Packaging: each file is in the CMake lists, and the installed tree works by itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from Testing.package_lists import COMMAND, LISTS, differences, listed, wanted, write

REPOSITORY = Path(__file__).resolve().parents[3]
INSTALLED = Path("lib", "Slicer-5.12", "qt-scripted-modules")


@pytest.mark.parametrize("package_list", LISTS, ids=lambda x: x.variable)
def test_every_file_is_in_its_list(package_list) -> None:  # type: ignore[no-untyped-def]
    found = differences(package_list)

    assert not found, "\n".join([*found, f"Put it right by: {COMMAND}"])


def test_a_file_that_is_not_listed_is_found_and_written_into_the_list(tmp_path: Path) -> None:
    (tmp_path / "ActiveSuggestLib" / "data").mkdir(parents=True)
    for name in ("__init__.py", "data/new.py", "py.typed"):
        (tmp_path / "ActiveSuggestLib" / name).touch()
    (tmp_path / "CMakeLists.txt").write_text(
        "set(CORE_PYTHON_SCRIPTS\n  ActiveSuggestLib/gone.py\n  )\n"
        "set(CORE_PYTHON_RESOURCES\n  ActiveSuggestLib/py.typed\n  )\n"
    )
    scripts, resources = LISTS[:2]

    found = differences(scripts, tmp_path)

    assert sorted(found) == [
        "ActiveSuggestLib/__init__.py is missing from CORE_PYTHON_SCRIPTS in CMakeLists.txt",
        "ActiveSuggestLib/data/new.py is missing from CORE_PYTHON_SCRIPTS in CMakeLists.txt",
        "ActiveSuggestLib/gone.py in CORE_PYTHON_SCRIPTS in CMakeLists.txt is not in the tree",
    ]
    assert write(scripts, tmp_path)
    assert differences(scripts, tmp_path) == []
    assert differences(resources, tmp_path) == []
    assert not write(scripts, tmp_path), "written once, it is right"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension configured, built and installed by cmake.

    With the macros of a Slicer and a CTK source tree where the environment names them, else with
    the stand-ins of Testing/Packaging.
    """
    if shutil.which("cmake") is None:
        pytest.skip("no cmake: the extension cannot be built here")
    build = tmp_path_factory.mktemp("build")
    prefix = tmp_path_factory.mktemp("installed extension")
    real = [
        f"-D{name}={os.environ[name]}"
        for name in ("ACTIVESUGGEST_SLICER_CMAKE", "ACTIVESUGGEST_CTK_CMAKE")
        if os.environ.get(name)
    ]
    for command in (
        [
            "cmake",
            "-S", str(REPOSITORY),
            "-B", str(build),
            f"-DSlicer_DIR={REPOSITORY / 'Testing' / 'Packaging'}",
            f"-DCMAKE_INSTALL_PREFIX={prefix}",
            f"-DPython3_EXECUTABLE={sys.executable}",
            "-DBUILD_TESTING=ON",
            *real,
        ],
        ["cmake", "--build", str(build), "--parallel", "2"],
        ["cmake", "--install", str(build)],
    ):  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    shutil.copy(build / "description.json", prefix / "description.json")
    shutil.copy(build / "unittests.txt", prefix / "unittests.txt")
    return prefix


def test_the_installed_tree_holds_what_the_lists_say(installed: Path) -> None:
    there = {
        path.relative_to(installed / INSTALLED).as_posix()
        for path in (installed / INSTALLED).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }

    assert there == {entry for package_list in LISTS for entry in listed(package_list)}
    assert there == {entry for package_list in LISTS for entry in wanted(package_list)}


def test_the_unit_tests_of_the_module_are_registered(installed: Path) -> None:
    assert (installed / "unittests.txt").read_text().split() == ["ActiveSuggest.py"]


_LOAD = """
import json, sys
sys.path.insert(0, {repository!r})
from Testing.Host.qt_host.host import SlicerHost, install_stand_ins
install_stand_ins()
from pathlib import Path
host = SlicerHost(Path({folder!r}))
host.start(Path({folder!r}))
sys.path.remove({repository!r})
sys.path.insert(0, {modules!r})
host.module_manager.load("ActiveSuggest", Path({modules!r}) / "ActiveSuggest.py")
import slicer
widget = slicer.util.getModuleWidget("ActiveSuggest")
import ActiveSuggestLib.messages, ActiveSuggestModule.dependencies as dependencies
from ActiveSuggestModule.interpreter import core_folder
print("LOADED", json.dumps({{
    "module": sys.modules["ActiveSuggest"].__file__,
    "core": ActiveSuggestLib.__file__,
    "for the worker": core_folder(),
    "icon": slicer.modules.activesuggest.icon is not None,
    "title": slicer.modules.activesuggest.title,
    "requirements": len(dependencies.load_requirements()),
    "torch": "torch" in sys.modules,
}}))
host.finish()
"""


def test_the_installed_module_opens_in_a_fresh_interpreter(installed: Path, tmp_path: Path) -> None:
    modules = installed / INSTALLED
    code = _LOAD.format(repository=str(REPOSITORY), folder=str(tmp_path), modules=str(modules))
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=False,
    )

    line = next((x for x in done.stdout.splitlines() if x.startswith("LOADED ")), None)
    assert line, f"{done.stdout}\n{textwrap.shorten(done.stderr, 3000)}"
    facts = json.loads(line.removeprefix("LOADED "))
    assert Path(facts["module"]) == modules / "ActiveSuggest.py"
    assert Path(facts["core"]) == modules / "ActiveSuggestLib" / "__init__.py"
    assert Path(facts["for the worker"]) == modules
    assert facts["title"] == "ActiveSuggest"
    assert facts["requirements"] > 2
    assert not facts["torch"], "the panel needs no torch"


def test_the_installed_worker_starts_without_the_repository(
    installed: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ActiveSuggestLib.worker", "--help"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed / INSTALLED)},
        capture_output=True,
        text=True,
        check=False,
    )
    where = subprocess.run(
        [sys.executable, "-c", "import ActiveSuggestLib; print(ActiveSuggestLib.__file__)"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed / INSTALLED)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.returncode == 0, done.stderr
    assert where.stdout.startswith(str(installed))


def test_the_description_for_the_catalogue_is_whole(installed: Path) -> None:
    description = json.loads((installed / "description.json").read_text())

    assert description["name"] == "ActiveSuggest"
    assert description["CATEGORY"] == "Active Learning"
    assert description["DEPENDS"] == "PyTorch"
    assert len(description["DESCRIPTION"].split(". ")) <= 4
