"""Case names: one for every case, that no label can mistake for another's."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from ...errors import DuplicateCaseError
from ..formats.naming import extension
from .found import Found
from .names import key, safe_name


def named(
    cases: Iterable[Found], folder: Path, known: Mapping[Path, str] | None = None
) -> list[Found]:
    """Give every case a name of its own: known ones keep theirs, equal ones get their folder's.

    Two images of one folder with the same name cannot be told apart by a label's name either:
    they get a ``DuplicateCaseError``, unless one of them had the name already.
    """
    listed = list(cases)
    twins = Counter((_place(case), key(case.name)) for case in listed)
    result: list[Found] = []
    taken: set[str] = set()
    fresh: dict[str, list[Found]] = defaultdict(list)
    for case in listed:
        name = next((known[p] for p in case.source.paths if p in known), None) if known else None
        twin = bool(case.name) and twins[_place(case), key(case.name)] > 1
        if name is None or key(name) in taken:
            fresh[key(case.name)].append(case)
            continue
        taken.add(key(name))
        renamed = key(name) != key(case.name)
        problem = case.problem or (_duplicate(case) if twin and renamed else None)
        result.append(replace(case, name=name, problem=problem))
    for name_key, group in sorted(fresh.items()):
        alone = len(group) == 1 and name_key not in taken
        names = [safe_name(group[0].name)] if alone else _distinct(group, folder, taken)
        for case, name in zip(group, names, strict=True):
            twin = twins[_place(case), name_key] > 1
            taken.add(key(name))
            problem = case.problem or (_duplicate(case) if twin else None)
            result.append(replace(case, name=name, problem=problem))
    return sorted(result, key=lambda case: case.name)


def _place(case: Found) -> Path:
    """The folder that the case lies in; a case called by its folder lies in the one above."""
    parent = case.source.paths[0].parent
    by_folder = case.source.kind != "file" and key(case.name) == key(parent.name)
    return parent.parent if by_folder else parent


def _distinct(group: list[Found], folder: Path, taken: set[str]) -> list[str]:
    """Return names with as many folders in front as it takes to tell the group apart."""
    places = [_place(case) for case in group]
    above = [
        [p.name for p in (place, *place.parents) if p != folder and p.is_relative_to(folder)]
        for place in places
    ]
    twins = Counter(places)
    names = [case.name for case in group]
    for index, case in enumerate(group):
        if twins[places[index]] > 1:
            ending = extension(case.source.paths[0]).strip(".")
            names[index] = f"{case.name}_{ending}" if ending else case.name
    for depth in range(1, max(len(folders) for folders in above) + 1):
        tried = [
            safe_name("_".join([*reversed(folders[:depth]), name]))
            for folders, name in zip(above, names, strict=True)
        ]
        keys = {key(name) for name in tried}
        if len(keys) == len(tried) and not keys & taken:
            return tried
    return [safe_name(f"{n}_{_digest(c, folder)}") for n, c in zip(names, group, strict=True)]


def _digest(case: Found, folder: Path) -> str:
    first = case.source.paths[0]
    relative = first.relative_to(folder).as_posix() if first.is_relative_to(folder) else str(first)
    return hashlib.blake2b(relative.encode("utf-8", "replace"), digest_size=3).hexdigest()


def _duplicate(case: Found) -> DuplicateCaseError:
    first = case.source.paths[0]
    return DuplicateCaseError(
        f"Several images in {first.parent.name} would be the case '{case.name}'.",
        path=first,
        remedy="Rename or remove all but one of them, and scan again.",
    )
