"""Label files: which file in a folder is the label of which case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from ..formats.naming import case_name, is_segmentation, may_be_dicom, named_format
from ..scan.names import key, without_image_words, without_label_words
from ..scan.walk import files_below


class FoundLabels(dict[str, Path]):
    """The label file of each case, the cases with several, and the files of no case."""

    def __init__(self) -> None:
        super().__init__()
        self.ambiguous: dict[str, tuple[Path, ...]] = {}
        self.unmatched: tuple[Path, ...] = ()


def find_labels(folder: Path, case_names: Iterable[str]) -> FoundLabels:
    """Match the label files below ``folder`` to cases by their names.

    ``CASE.seg.nrrd``, ``CASE.nii.gz``, ``CASE_seg…``, ``mask-CASE…``, ``segmentation-7`` for the
    case ``volume-7``, and a label in a folder called as the case. Nothing is guessed: a case
    with two files of equal standing is ``ambiguous`` and gets none.
    """
    folder = Path(folder)
    cases = {key(name): name for name in case_names}
    shorter: dict[str, list[str]] = defaultdict(list)
    for name in cases.values():
        shorter[key(without_image_words(name))].append(name)
    standing: dict[str, dict[int, list[Path]]] = defaultdict(lambda: defaultdict(list))
    unmatched = []
    for path in files_below(folder):
        if not named_format(path) and not (path.suffix.lower() == ".seg" and may_be_dicom(path)):
            continue
        found = _case_of(path, folder, cases, shorter)
        if found is None:
            unmatched.append(path)
        else:
            standing[found[0]][found[1]].append(path)
    labels = FoundLabels()
    labels.unmatched = tuple(unmatched)
    for name in cases.values():
        if name in standing:
            best = standing[name][min(standing[name])]
            if len(best) == 1:
                labels[name] = best[0]
            else:
                labels.ambiguous[name] = tuple(sorted(best))
    return labels


def _case_of(
    path: Path, folder: Path, cases: dict[str, str], shorter: dict[str, list[str]]
) -> tuple[str, int] | None:
    """Return the file's case and how surely (0 is surest) it is its label."""
    stem = path.name[: -len(".seg")] if path.suffix.lower() == ".seg" else case_name(path)
    exact = cases.get(key(stem))
    if exact is not None:
        # In a folder of images and labels together, the exact name may be the image's.
        return exact, 0 if is_segmentation(path) else 2
    parents = [p.name for p in path.parents if p != folder and p.is_relative_to(folder)]
    joined = cases.get(key("_".join([*reversed(parents), stem])))
    if joined is not None:
        return joined, 2
    bare = without_label_words(stem)
    if bare != stem or is_segmentation(path):
        if bare and key(bare) in cases:
            return cases[key(bare)], 1
        inside = _case_of_folder(parents, cases, shorter)
        if inside is not None and (not bare or is_segmentation(path)):
            return inside, 1
        alike = shorter.get(key(bare), []) if bare else []
        if len(alike) == 1:
            return alike[0], 3
    parent = _case_of_folder(parents[:1], cases, shorter)
    if parent is not None and _only_candidate(path):
        return parent, 3
    return None


def _case_of_folder(
    parents: list[str], cases: dict[str, str], shorter: dict[str, list[str]]
) -> str | None:
    for parent in parents:
        if key(parent) in cases:
            return cases[key(parent)]
        alike = shorter.get(key(parent), [])
        if len(alike) == 1:
            return alike[0]
    return None


def _only_candidate(path: Path) -> bool:
    return sum(1 for p in path.parent.iterdir() if named_format(p)) == 1
