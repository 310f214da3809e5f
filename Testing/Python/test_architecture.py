"""The house keeps its order: who may import whom, and what the GUI process never needs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parents[2] / "ActiveSuggestLib"
FILES = sorted(LIBRARY.rglob("*.py"))
# What Slicer's own Python lacks, so that the module opens before anything is installed.
ABSENT_IN_SLICER = (
    "torch", "monai", "pandas", "matplotlib", "psutil", "skimage", "slicerio", "nrrd", "click",
)  # fmt: skip
# Each layer may import itself and the layers before it.
LAYERS = ("data", "models", "strategies", "learning")
FACES = (
    "learner", "worker", "serving", "simulation", "simulating", "reporting", "commands", "cli",
)  # fmt: skip


def imports(path: Path) -> set[str]:
    """Return the modules that a file imports, relative ones as ActiveSuggestLib.…."""
    package = ("ActiveSuggestLib", *path.relative_to(LIBRARY).parts[:-1])
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *([node.module] if node.module else [])))
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return found


def test_the_core_knows_nothing_of_slicer_or_qt():
    for path in FILES:
        roots = {name.split(".")[0] for name in imports(path)}
        assert not roots & {"slicer", "qt", "ctk", "vtk", "mrml"}, path


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_run_downwards_only(layer):
    above = LAYERS[LAYERS.index(layer) + 1 :]
    for path in (LIBRARY / layer).rglob("*.py"):
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "ActiveSuggestLib" and len(parts) > 1:
                assert parts[1] not in (*above, *FACES), path


def test_the_gui_process_needs_nothing_that_slicer_lacks():
    modules = [
        ".".join(("ActiveSuggestLib", *path.relative_to(LIBRARY).with_suffix("").parts))
        for path in FILES
        if LIBRARY / "data" in path.parents
        or path.name in ("messages.py", "errors.py", "catalogue.py")
    ]
    code = f"""
import importlib, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {ABSENT_IN_SLICER!r}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Refuse())
for name in {modules!r}:
    importlib.import_module(name.removesuffix('.__init__'))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_opening_the_package_is_cheap():
    code = (
        "import sys, ActiveSuggestLib, ActiveSuggestLib.data.project, ActiveSuggestLib.messages;"
        "print([m for m in ('torch', 'SimpleITK', 'scipy', 'pydicom') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
