"""Series: the DICOM files below a folder, sorted into one case a series."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from ...errors import ActiveSuggestError, UnreadableImageError
from ..images import ImageSource
from ..scan.found import Found, Known
from .dicom import Slice, read_slice, sort_slices
from .naming import case_name, named_format, sniff


def dicom_cases(
    paths: list[Path], top: Path, known: Known, looked_at: Callable[[int], None]
) -> list[Found]:
    candidates = set(paths)
    cases: list[Found] = []
    settled: dict[str, Found] = {}
    for series, source in known.series.items():
        if candidates.issuperset(source.paths) and known.unchanged(source):
            settled[series] = Found("", source, series=series)
            candidates.difference_update(source.paths)
    slices: dict[str, list[Slice]] = defaultdict(list)
    for count, path in enumerate(p for p in paths if p in candidates):
        if count % 50 == 0:
            looked_at(count)
        try:
            single = _read_candidate(path)
        except ActiveSuggestError as error:
            cases.append(Found(case_name(path), ImageSource((path,), "dicom"), problem=error))
            continue
        if single is not None:
            slices[_series_key(single)].append(single)
    for series in settled.keys() & slices.keys():
        # New slices of a known series: its other files have to be looked at again.
        again = (read_slice(path) for path in settled.pop(series).source.paths)
        slices[series] += [s for s in again if s is not None]
    found = {
        series: (ImageSource(tuple(s.path for s in sort_slices(group)), "dicom"), group[0])
        for series, group in slices.items()
    }
    everything = {**{s: (f.source, None) for s, f in settled.items()}, **found}
    in_folder = Counter(source.paths[0].parent for source, _ in everything.values())
    for series, (source, first) in everything.items():
        name = _series_name(source, first, top, in_folder)
        cases.append(
            Found(
                name,
                source,
                patient=first.patient if first else "",
                modality=first.modality if first else "",
                series=series,
            )
        )
    return cases


def _read_candidate(path: Path) -> Slice | None:
    try:
        if named_format(path) != "dicom" and sniff(path) != "dicom":
            return None
        if path.stat().st_size == 0:
            raise UnreadableImageError(
                f"{path.name} is empty (0 bytes).", path=path, remedy="Copy or export it again."
            )
        return read_slice(path)
    except OSError as error:
        raise UnreadableImageError(
            f"{path.name} cannot be opened: {error.strerror or error}.",
            path=path,
            remedy="Check the permissions of the file and its folder.",
        ) from error


def _series_key(single: Slice) -> str:
    """Slices with a place belong to their series; films and X-rays are cases of their own."""
    if single.frames > 1 or single.position is None or not single.series:
        return f"{single.series or single.path.parent}/{single.path.name}"
    return single.series


def _series_name(
    source: ImageSource, first: Slice | None, top: Path, in_folder: Mapping[Path, int]
) -> str:
    path = source.paths[0]
    parent = path.parent
    alone = in_folder[parent] == 1
    if len(source.paths) == 1 and (not alone or parent == top):
        return case_name(path)
    if alone or first is None:
        return parent.name
    parts = [parent.name, "" if first.number is None else str(first.number), first.description]
    return "_".join(part for part in parts if part)
