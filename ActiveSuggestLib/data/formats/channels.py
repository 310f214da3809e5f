"""Channels: which files are the channels of one case, and which are cases of their own."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from ...errors import ActiveSuggestError, UnexpectedChannelsError
from ..geometry import Geometry
from ..images import CHANNEL_TOLERANCE, ImageSource
from ..scan.found import Found, Known
from ..scan.names import key, without_label_words
from .naming import PICTURES, case_name, named_format

MOST_CHANNELS = 16
_CHANNEL = re.compile(r"(.+)_(\d{4})")


def without_labels(paths: list[Path]) -> list[Path]:
    """Leave out a label that lies beside its image (``a_seg.nii.gz`` beside ``a.nii.gz``)."""
    stems = {key(case_name(path)) for path in paths}
    bare_channels = {key(found.group(1)) for stem in stems if (found := _CHANNEL.fullmatch(stem))}

    def is_label(path: Path) -> bool:
        stem = case_name(path)
        bare = without_label_words(stem)
        if bare == stem:
            return False
        return not bare or key(bare) in stems | bare_channels | {key(path.parent.name)}

    labels = {path for path in paths if is_label(path)}
    return [path for path in paths if path not in labels] if len(labels) < len(paths) else paths


def files_of(paths: list[Path]) -> list[Found]:
    """Return one case a file, or one case of ``_0000``, ``_0001``, … files (nnU-Net)."""
    groups: dict[str, dict[int, Path]] = defaultdict(dict)
    single = []
    for path in paths:
        stem = _CHANNEL.fullmatch(case_name(path))
        if stem:
            groups[stem.group(1)].setdefault(int(stem.group(2)), path)
        if not stem or groups[stem.group(1)][int(stem.group(2))] != path:
            single.append(path)
    if not _are_channels(groups):
        groups, single = {}, paths
    counts = Counter(max(channels) + 1 for channels in groups.values())
    usual = max(counts, key=lambda n: (counts[n], n)) if counts else 0
    cases = [Found(case_name(path), ImageSource((path,), "file")) for path in single]
    for stem_name, channels in groups.items():
        ordered = tuple(channels[i] for i in sorted(channels))
        missing = [i for i in range(usual) if i not in channels]
        problem = _missing_channels(stem_name, ordered[0], [f"_{i:04d}" for i in missing])
        kind = "channels" if len(ordered) > 1 or usual > 1 else "file"
        cases.append(
            Found(stem_name, ImageSource(ordered, kind), problem=problem if missing else None)  # type: ignore[arg-type]
        )
    return cases


def _are_channels(groups: Mapping[str, Mapping[int, Path]]) -> bool:
    """Whether ``_dddd`` counts channels, not cases: it starts at 0 and stays small.

    One group alone may be either; then only files on one grid are channels, and pictures never.
    """
    good = [g for g in groups.values() if 0 in g and max(g) < MOST_CHANNELS]
    if not good or len(good) * 2 <= len(groups):
        return False
    if len(groups) > 1 or len(good[0]) == 1:
        return True
    return _share_a_grid(list(good[0].values()))


def channel_folders(by_folder: Mapping[Path, list[Path]], top: Path, known: Known) -> list[Found]:
    """Return folders that each hold the same registered files, as one case of channels each.

    The names count without what they share with the folder's; a majority has to agree on them and
    to have one grid a folder, so that several time points of a patient are not taken for channels.
    """
    candidates = {
        parent: keys
        for parent, paths in by_folder.items()
        if parent != top
        and 1 < len(paths) <= MOST_CHANNELS
        and not any(named_format(p) in PICTURES for p in paths)
        and len(keys := {_channel_key(p, parent): p for p in paths}) == len(paths)
    }
    lone = {
        parent: {_channel_key(paths[0], parent): paths[0]}
        for parent, paths in by_folder.items()
        if parent != top and len(paths) == 1 and named_format(paths[0]) not in PICTURES
    }
    if not candidates:
        return []
    shared = Counter(frozenset(keys) for keys in candidates.values())
    usual, agreeing = max(shared.items(), key=lambda item: (item[1], len(item[0]), sorted(item[0])))
    if agreeing < 2 and not all(_known_channels(k.values(), known) for k in candidates.values()):
        return []
    alike = [keys for keys in candidates.values() if frozenset(keys) == usual]
    registered = sum(_known_channels(k.values(), known) or _share_a_grid(k.values()) for k in alike)
    if registered * 2 <= len(alike):
        return []
    cases = []
    for parent, keys in {**candidates, **lone}.items():
        here = usual & frozenset(keys)
        if not here:
            continue
        paths = tuple(keys[name] for name in sorted(here))
        extra = sorted(keys[name].name for name in frozenset(keys) - usual)
        missing = sorted(usual - here)
        cases.append(
            Found(
                parent.name,
                ImageSource(paths, "channels"),
                notes=(f"Not a channel in the other folders: {', '.join(extra)}.",)
                if extra
                else (),
                problem=_missing_channels(parent.name, paths[0], missing) if missing else None,
            )
        )
    return cases


def _channel_key(path: Path, parent: Path) -> str:
    stem = key(case_name(path))
    shorter = stem.removeprefix(key(parent.name)).lstrip("_-. ")
    return shorter or stem


def _known_channels(paths: Iterable[Path], known: Known) -> bool:
    listed = list(paths)
    return all(
        (source := known.sources.get(path)) is not None and source.kind == "channels"
        for path in listed
    )


def _share_a_grid(paths: Iterable[Path]) -> bool:
    from .itk import read_information

    grids = []
    for path in paths:
        if named_format(path) in PICTURES:
            return False
        try:
            grids.append(Geometry.from_sitk(read_information(path)))
        except ActiveSuggestError:
            # A damaged channel says nothing about the others; reading it will name it.
            continue
    return bool(grids) and all(grids[0].matches(grid, CHANNEL_TOLERANCE) for grid in grids)


def _missing_channels(name: str, path: Path, missing: list[str]) -> UnexpectedChannelsError:
    return UnexpectedChannelsError(
        f"Case '{name}' lacks channels that the other cases have: {', '.join(missing)}.",
        case=name,
        path=path,
        remedy="Add the missing files, or take the case out of the folder.",
    )
