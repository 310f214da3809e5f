"""A pool of phantoms on disk: the data of a demonstration that needs no data."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..data.labels import write_label
from ..errors import ProjectExistsError
from ..progress import Cancel, Progress, no_progress
from .phantom_anatomy import (
    COMMON,
    RARE,
    RARE_MEANING,
    SEGMENTS,
    Phantom,
    draw_anatomy,
    draw_scan,
    render,
)

__all__ = [
    "COMMON",
    "RARE",
    "RARE_MEANING",
    "SEGMENTS",
    "PhantomCase",
    "make_case",
    "make_pool",
    "plan_pool",
]


@dataclass(frozen=True)
class PhantomCase:
    """One row of ``manifest.csv``."""

    case: str
    patient: str
    timepoint: int
    variant: str


def plan_pool(
    cases: int, seed: int = 0, *, rare_fraction: float = 0.15, repeat_fraction: float = 0.2
) -> list[PhantomCase]:
    """Say which cases a pool holds: who they are of, and who has the rare anatomy.

    ``repeat_fraction`` of the patients were scanned twice; ``rare_fraction`` are rare.
    """
    rng = np.random.default_rng([seed, 0])
    visits: list[int] = []
    while sum(visits) < cases:
        repeat = rng.random() < repeat_fraction and cases - sum(visits) > 1
        visits.append(2 if repeat else 1)
    rare = max(1, round(rare_fraction * len(visits))) if rare_fraction > 0 else 0
    chosen = set(rng.choice(len(visits), size=min(rare, len(visits)), replace=False).tolist())
    return [
        PhantomCase(
            case=f"patient-{number + 1:03d}_scan-{visit + 1}",
            patient=f"patient-{number + 1:03d}",
            timepoint=visit + 1,
            variant=RARE if number in chosen else COMMON,
        )
        for number, count in enumerate(visits)
        for visit in range(count)
    ]


def make_case(case: PhantomCase, seed: int = 0) -> Phantom:
    """Render one case of a pool; both scans of a patient show one anatomy."""
    number = int(case.patient.rsplit("-", 1)[1])
    anatomy = draw_anatomy(np.random.default_rng([seed, 1, number]), case.variant)
    scan = draw_scan(np.random.default_rng([seed, 2, number, case.timepoint]))
    if case.timepoint > 1:
        grown = anatomy.cysts and tuple((c, 1.15 * radius) for c, radius in anatomy.cysts)
        anatomy = replace(anatomy, cysts=grown)
    return render(anatomy, scan)


def make_pool(
    folder: str | Path,
    cases: int = 40,
    seed: int = 0,
    *,
    rare_fraction: float = 0.15,
    repeat_fraction: float = 0.2,
    progress: Progress = no_progress,
    cancel: Cancel | None = None,
) -> list[PhantomCase]:
    """Write images/CASE.nii.gz, labels/CASE.seg.nrrd, patients.csv and manifest.csv.

    The same arguments give the same files. A pool that a kill left incomplete is completed.
    Raises ``ProjectExistsError`` if the folder holds something else.
    """
    import SimpleITK

    folder = Path(folder)
    planned = plan_pool(cases, seed, rare_fraction=rare_fraction, repeat_fraction=repeat_fraction)
    recipe = f"phantoms {seed} {cases} {rare_fraction:g} {repeat_fraction:g}\n"
    _claim_folder(folder, recipe)
    for name in ("images", "labels"):
        (folder / name).mkdir(exist_ok=True)
    for done, case in enumerate(planned):
        if cancel is not None:
            cancel.raise_if_cancelled()
        progress(done, len(planned), f"Making {case.case}")
        image_path = folder / "images" / f"{case.case}.nii.gz"
        label_path = folder / "labels" / f"{case.case}.seg.nrrd"
        if image_path.is_file() and label_path.is_file():
            continue
        phantom = make_case(case, seed)
        image = SimpleITK.GetImageFromArray(phantom.image)
        image.SetSpacing(phantom.geometry.spacing)
        image.SetOrigin(phantom.geometry.origin)
        partial = folder / f"partial-{case.case}"
        write_label(partial.with_name(partial.name + ".seg.nrrd"), phantom.label,
                    phantom.geometry, SEGMENTS)  # fmt: skip
        SimpleITK.WriteImage(image, str(partial.with_name(partial.name + ".nii.gz")), True)
        partial.with_name(partial.name + ".nii.gz").replace(image_path)
        partial.with_name(partial.name + ".seg.nrrd").replace(label_path)
    _write_csv(folder / "patients.csv", ["case", "patient"], [[c.case, c.patient] for c in planned])
    _write_csv(
        folder / "manifest.csv",
        ["case", "patient", "timepoint", "variant"],
        [[c.case, c.patient, str(c.timepoint), c.variant] for c in planned],
    )
    progress(len(planned), len(planned), f"Made {len(planned)} phantoms")
    return planned


def _claim_folder(folder: Path, recipe: str) -> None:
    marker = folder / "recipe.txt"
    if marker.is_file() and marker.read_text(encoding="utf-8") == recipe:
        return
    if folder.is_dir() and any(folder.iterdir()):
        raise ProjectExistsError(
            "The folder for the phantoms already holds other files.",
            path=folder,
            remedy="Choose an empty folder.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    marker.write_text(recipe, encoding="utf-8")


def _write_csv(path: Path, header: list[str], rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
