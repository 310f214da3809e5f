"""The entry for the Extensions Index, and what its reviewers and scripts look at."""

from __future__ import annotations

import ast
import json
import re
import struct
from pathlib import Path
from urllib.parse import urlsplit

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
ENTRY = REPOSITORY / "Resources" / "ActiveSuggest.json"
CMAKE = (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8")

# The properties of schema version 1.0.2 of the index; no others are allowed.
SCHEMA = {
    "$schema": str,
    "category": str,
    "scm_url": str,
    "scm_revision": str,
    "scm_type": str,
    "build_dependencies": list,
    "dicom_support_rule": str,
    "build_subdirectory": str,
    "enabled": bool,
    "tier": int,
}


def _entry() -> dict[str, object]:
    return json.loads(ENTRY.read_text(encoding="utf-8"))


def _cmake(name: str) -> str:
    match = re.search(rf'set\s*\(EXTENSION_{name}\s*"([^"]+)"[ ]*\)', CMAKE)
    assert match, f"EXTENSION_{name} is not set in the form that the index's script reads"
    return match[1]


def test_the_entry_follows_the_schema() -> None:
    entry = _entry()

    assert {"$schema", "category", "scm_url"} <= set(entry) <= set(SCHEMA)
    for key, value in entry.items():
        assert isinstance(value, SCHEMA[key]), key
    assert str(entry["$schema"]).endswith("catalog-entry-schema-v1.0.2.json#")
    assert entry["tier"] in range(1, 6)
    assert b"\r" not in ENTRY.read_bytes()


def test_the_entry_and_the_cmake_file_say_the_same() -> None:
    entry = _entry()

    assert entry["category"] == _cmake("CATEGORY") == "Active Learning"
    assert entry["build_dependencies"] == _cmake("DEPENDS").split()
    assert entry["scm_url"] == _cmake("HOMEPAGE") + ".git"
    project = re.search(r"project\s*\(\s*([^\s)]+)", CMAKE)
    assert project is not None
    assert project[1] == ENTRY.stem
    assert not ENTRY.stem.lower().startswith("slicer")


def test_the_repository_is_named_as_the_index_wants() -> None:
    url = urlsplit(str(_entry()["scm_url"]))

    assert url.scheme == "https"
    assert url.path.rsplit("/", 1)[-1].startswith("Slicer")


@pytest.mark.parametrize("name", ["ICONURL", "SCREENSHOTURLS"])
def test_pictures_lie_where_the_addresses_say(name: str) -> None:
    homepage = urlsplit(_cmake("HOMEPAGE")).path.strip("/")
    prefix = f"https://raw.githubusercontent.com/{homepage}/{_entry()['scm_revision']}/"

    for address in _cmake(name).split():
        assert address.startswith(prefix)
        picture = REPOSITORY / address.removeprefix(prefix)
        assert picture.read_bytes().startswith(b"\x89PNG"), picture


def test_the_icon_is_128_pixels_wide_and_high() -> None:
    icons = REPOSITORY / "ActiveSuggest" / "Resources" / "Icons"
    header = (icons / "ActiveSuggest.png").read_bytes()[:24]

    assert struct.unpack(">II", header[16:24]) == (128, 128)
    assert "<svg" in (icons / "ActiveSuggest.svg").read_text(encoding="utf-8")


def test_licence_and_homepage_have_what_the_checklist_asks() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")

    assert (REPOSITORY / "LICENSE.txt").is_file()
    assert "Apache 2.0" in readme
    assert "Apache 2.0" in _cmake("DESCRIPTION")
    assert "![" in readme


def test_nothing_is_installed_and_nothing_heavy_imported_at_file_scope() -> None:
    """What reviewers of extensions look for first."""
    heavy = {"torch", "monai", "pandas", "matplotlib", "scipy", "pydicom"}
    found = []
    for path in sorted((REPOSITORY / "ActiveSuggest").rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name.split(".")[0] for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [(node.module or "").split(".")[0]]
            found += [f"{path.name}: {name}" for name in names if name in heavy]
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                source = ast.unparse(node)
                if "pip" in source or "install" in source:
                    found.append(f"{path.name}: {source}")

    assert found == []
