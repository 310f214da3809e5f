"""The worker with nothing but what Slicer's own Python has, and with torch and MONAI besides."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ActiveSuggestLib.errors import ActiveSuggestError
from ActiveSuggestLib.worker_client import WorkerClient
from Testing.Python.ball_pool import write_pool

SECONDS = 120.0
IN_SLICER = ("numpy", "scipy", "SimpleITK", "pydicom", "requests", "PIL", "packaging")
NOT_ASKED_FOR = (
    "pandas", "matplotlib", "psutil", "click", "skimage", "slicerio", "nrrd", "nibabel",
)  # fmt: skip

# Runs the worker in a Python in which other packages are not found.
HIDING = """
import runpy, sys
from importlib.machinery import PathFinder
class Hiding:
    def find_spec(self, name, path=None, target=None):
        top = name.partition('.')[0]
        return None if {hidden} else PathFinder.find_spec(name, path, target)
sys.meta_path = [f for f in sys.meta_path if f is not PathFinder and 'editable' not in repr(f)]
sys.meta_path.append(Hiding())
{then}
"""
RUN = "runpy.run_module('ActiveSuggestLib.worker', run_name='__main__', alter_sys=True)"
PRESENT = (*IN_SLICER, "ActiveSuggestLib", *sys.stdlib_module_names)
ONLY = f"top not in {PRESENT!r} and not top.startswith('_')"
WITHOUT = f"top in {NOT_ASKED_FOR!r}"


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    write_pool(tmp_path / "pool")
    file = tmp_path / "spec.json"
    form = {"images": str(tmp_path / "pool" / "images"), "segments": "ball"}
    file.write_text(json.dumps(form), encoding="utf-8")
    return file


def worker(hidden: str, spec: Path) -> WorkerClient:
    folder = str(spec.with_name("project"))
    arguments = [folder, "--device=cpu", "--threads=1", f"--create={spec}"]
    return WorkerClient(
        folder, command=[sys.executable, "-c", HIDING.format(hidden=hidden, then=RUN), *arguments]
    )


def ask(client: WorkerClient, method: str, **params: Any) -> Any:
    return client.request(method, **params).result(SECONDS)


def test_all_but_learning_works_with_what_slicer_brings(spec: Path) -> None:
    labels = spec.with_name("pool") / "labels"
    with worker(ONLY, spec) as client:
        client.wait_ready(SECONDS)
        found = ask(client, "prepare", case="case-0")
        assert Path(found["images"][0]["path"]).is_file()
        assert Path(found["thumbnail"]).is_file()
        assert Path(ask(client, "thumbnail", case="case-1", slice=2)["path"]).is_file()
        ask(client, "save_draft", case="case-1", mask=labels / "case-1.nii.gz")
        ask(client, "adopt_draft", case="case-1")
        saved = ask(client, "save_label", case="case-0", mask=labels / "case-0.nii.gz", slices=[4])
        assert Path(saved["path"]).is_file()
        ask(client, "import_labels", folder=labels)
        ask(client, "exclude", case="case-7", reason="motion")
        ask(client, "skip", case="case-6")
        ask(client, "rescan")
        counts = ask(client, "status")["counts"]
        assert (counts["labelled"], counts["excluded"]) == (7, 1)
        assert ask(client, "curve") == {"models": [], "prequential": []}
        assert ask(client, "models") == []
        assert len(ask(client, "strategies")) >= 16
        with pytest.raises(ActiveSuggestError, match="torch is not installed"):
            ask(client, "suggest")
        (notice,) = [n for n in client.notices if n.kind == "learner_unavailable"]
        assert notice.data["kind"] == "missing_package"


def test_learning_needs_torch_and_monai_and_nothing_else(spec: Path) -> None:
    labels = spec.with_name("pool") / "labels"
    with worker(WITHOUT, spec) as client:
        client.wait_ready(SECONDS)
        for number in range(4):
            name = f"case-{number}"
            ask(client, "save_label", case=name, mask=labels / f"{name}.nii.gz")
        ask(client, "fine_tune", steps=3)
        assert ask(client, "suggest", strategy="mc-dropout", count=2)
        assert ask(client, "suggest", strategy="typicality", unit="slice", count=2)
        table = ask(client, "score", strategy="entropy", unit="slice")
        lines = Path(table["path"]).read_text(encoding="utf-8").splitlines()
        assert lines[0] == "rank,case,slice,patient,score,reasons"
        assert len(lines) == table["total"] + 1
        assert Path(ask(client, "predict", case="case-5")["thumbnail"]).is_file()
        ready = next(n for n in client.notices if n.kind == "ready")
        assert 0 < ready.data["free_bytes"] < ready.data["total_bytes"]


@pytest.mark.parametrize(
    ("hidden", "absent"), [(ONLY, "torch"), (ONLY, "pandas"), (WITHOUT, "psutil")]
)
def test_what_is_hidden_is_not_found(hidden: str, absent: str) -> None:
    code = HIDING.format(hidden=hidden, then=f"import {absent}")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert f"No module named '{absent}'".encode() in run.stderr
