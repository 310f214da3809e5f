"""Which files the extension packages: the lists of the CMake files, held against the tree.

``python Testing/package_lists.py`` says what is missing or too much, ``--write`` puts it right.
"""

from __future__ import annotations

import argparse
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
COMMAND = "python Testing/package_lists.py --write"


@dataclass(frozen=True)
class PackageList:
    """One ``set(variable …)`` of a CMake file, and what of the tree belongs into it."""

    cmake_file: str
    variable: str
    folders: tuple[str, ...]
    """Relative to the CMake file's folder, as the paths in the list are."""
    scripts: bool


LISTS = (
    PackageList("CMakeLists.txt", "CORE_PYTHON_SCRIPTS", ("ActiveSuggestLib",), scripts=True),
    PackageList("CMakeLists.txt", "CORE_PYTHON_RESOURCES", ("ActiveSuggestLib",), scripts=False),
    PackageList("ActiveSuggest/CMakeLists.txt", "MODULE_PYTHON_SCRIPTS", (".",), scripts=True),
    PackageList("ActiveSuggest/CMakeLists.txt", "MODULE_PYTHON_RESOURCES", (".",), scripts=False),
)


def listed(package_list: PackageList, repository: Path = REPOSITORY) -> list[str]:
    """Return the entries of the list as they stand in the CMake file."""
    text = (repository / package_list.cmake_file).read_text(encoding="utf-8")
    match = _block(package_list.variable).search(text)
    if match is None:
        raise ValueError(f"{package_list.cmake_file} has no set({package_list.variable} …).")
    return match["entries"].split()


def wanted(package_list: PackageList, repository: Path = REPOSITORY) -> list[str]:
    """Return the entries that the tree asks for, sorted."""
    base = (repository / package_list.cmake_file).parent
    entries = []
    for path in _tracked(repository):
        if not path.is_relative_to(base):
            continue
        entry = path.relative_to(base)
        in_folder = any(f == "." or entry.parts[0] == f for f in package_list.folders)
        is_build_file = entry.name == "CMakeLists.txt"
        if in_folder and not is_build_file and (entry.suffix == ".py") == package_list.scripts:
            entries.append(entry.as_posix())
    return sorted(entries)


def write(package_list: PackageList, repository: Path = REPOSITORY) -> bool:
    """Put the list right; whether something changed."""
    path = repository / package_list.cmake_file
    text = path.read_text(encoding="utf-8")
    entries = "".join(f"  {entry}\n" for entry in wanted(package_list, repository))
    changed = _block(package_list.variable).sub(
        lambda match: f"{match['head']}\n{entries}  )", text, count=1
    )
    if changed == text:
        return False
    path.write_text(changed, encoding="utf-8")
    return True


def differences(package_list: PackageList, repository: Path = REPOSITORY) -> list[str]:
    """Return a sentence for each file that is missing from the list or is not in the tree."""
    have, want = listed(package_list, repository), wanted(package_list, repository)
    where = f"{package_list.variable} in {package_list.cmake_file}"
    return [
        *(f"{entry} is missing from {where}" for entry in want if entry not in have),
        *(f"{entry} in {where} is not in the tree" for entry in have if entry not in want),
        *(f"{entry} stands twice in {where}" for entry in set(have) if have.count(entry) > 1),
    ]


def _block(variable: str) -> re.Pattern[str]:
    return re.compile(rf"(?P<head>set\({variable})\s(?P<entries>[^)]*)\)")


def _tracked(repository: Path) -> list[Path]:
    """Files under version control that are there; without git (a source archive), all of them."""
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=repository, capture_output=True, text=True, check=False
    )
    if listing.returncode == 0 and listing.stdout:
        paths = [repository / name for name in listing.stdout.split("\0") if name]
    else:
        paths = [p for p in repository.rglob("*") if "__pycache__" not in p.parts]
    return [path for path in paths if path.is_file()]


def main() -> int:
    """Say or put right what the lists lack; 1 if something was found and not put right."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--write", action="store_true", help="put the CMake files right")
    found = 0
    write_them = parser.parse_args().write
    for package_list in LISTS:
        for sentence in differences(package_list):
            print(sentence)
            found += 1
        if write_them:
            write(package_list)
    return 1 if found and not write_them else 0


if __name__ == "__main__":
    raise SystemExit(main())
