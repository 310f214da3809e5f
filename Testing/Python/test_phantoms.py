"""The demo pool: deterministic, grouped by patient, with a rare kind, and readable."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from ActiveSuggestLib.data.labels import find_labels, read_label
from ActiveSuggestLib.data.pool import scan_images
from ActiveSuggestLib.errors import CancelledError, ProjectExistsError
from ActiveSuggestLib.progress import Cancel
from ActiveSuggestLib.simulating.phantom_anatomy import draw_anatomy, smooth_field
from ActiveSuggestLib.simulating.phantoms import (
    COMMON,
    RARE,
    SEGMENTS,
    PhantomCase,
    make_case,
    make_pool,
    plan_pool,
)

LIVER, SPLEEN, KIDNEYS = (segment.value for segment in SEGMENTS)


@pytest.fixture(scope="module")
def a_pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pool")
    make_pool(folder, cases=6, seed=3, repeat_fraction=0.6)
    return folder


def a_case(patient: int, variant: str = COMMON, timepoint: int = 1) -> PhantomCase:
    name = f"patient-{patient:03d}"
    return PhantomCase(f"{name}_scan-{timepoint}", name, timepoint, variant)


def digests(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files
    }


def test_the_same_seed_gives_the_same_files_and_another_seed_others(
    a_pool: Path, tmp_path: Path
) -> None:
    make_pool(tmp_path / "again", cases=6, seed=3, repeat_fraction=0.6)
    make_pool(tmp_path / "other", cases=6, seed=4, repeat_fraction=0.6)
    again, other = digests(tmp_path / "again"), digests(tmp_path / "other")
    assert again == digests(a_pool)
    assert not {v for k, v in again.items() if "images/" in k} & set(other.values())


def test_every_case_is_readable_and_its_label_lies_on_its_grid(a_pool: Path) -> None:
    scanned = list(scan_images(a_pool / "images", patient_csv=a_pool / "patients.csv"))
    labels = find_labels(a_pool / "labels", [case.name for case in scanned])
    assert len(scanned) == len(labels) == 6
    for case in scanned:
        assert case.problem is None
        label = read_label(labels[case.name], SEGMENTS, case.geometry)
        assert set(label.present) == {"liver", "spleen", "kidneys"}


def test_both_scans_of_a_patient_are_grouped_in_the_table(a_pool: Path) -> None:
    with (a_pool / "patients.csv").open(encoding="utf-8") as file:
        patient_of = {row["case"]: row["patient"] for row in csv.DictReader(file)}
    scanned = list(scan_images(a_pool / "images", patient_csv=a_pool / "patients.csv"))
    assert {c.name: c.patient for c in scanned} == patient_of
    assert max(Counter(patient_of.values()).values()) == 2


def test_both_scans_of_a_patient_show_one_anatomy_and_another_patient_another() -> None:
    first, second = make_case(a_case(3)), make_case(a_case(3, timepoint=2))
    other = make_case(a_case(5))
    volumes = [np.array([(p.label == v).sum() for v in (1, 2, 3)]) for p in (first, second, other)]
    assert first.image.shape == second.image.shape
    assert not np.array_equal(first.image, second.image)
    change = np.abs(volumes[0] - volumes[1]).sum()
    assert change < np.abs(volumes[0] - volumes[2]).sum()


def test_the_rare_anatomy_has_a_small_dark_liver_and_a_large_bright_spleen() -> None:
    ratios, contrasts = {}, {}
    for variant in (COMMON, RARE):
        made = [make_case(a_case(n, variant)) for n in range(4)]
        sizes = [((p.label == LIVER).sum(), (p.label == SPLEEN).sum()) for p in made]
        ratios[variant] = np.mean([liver / spleen for liver, spleen in sizes])
        contrasts[variant] = np.mean(
            [p.image[p.label == LIVER].mean() / p.image[p.label == SPLEEN].mean() for p in made]
        )
    assert ratios[RARE] < 0.5 * ratios[COMMON]
    assert contrasts[RARE] < 0.95
    assert contrasts[COMMON] > 1.02


def test_only_the_rare_anatomy_has_cysts() -> None:
    rng = np.random.default_rng(0)
    assert draw_anatomy(rng, RARE).cysts
    assert not draw_anatomy(rng, COMMON).cysts


def test_the_image_has_the_size_that_runs_on_a_cpu_and_air_around_the_body() -> None:
    phantom = make_case(a_case(1))
    assert all(abs(n - m) <= 2 for n, m in zip(phantom.image.shape, (40, 48, 56), strict=True))
    assert phantom.geometry.shape == phantom.image.shape == phantom.label.shape
    corner = phantom.image[:, :4, :4]
    assert 0 < corner.mean() < 0.1 * np.percentile(phantom.image, 99)
    assert not phantom.label[:, :4, :4].any()


@pytest.mark.parametrize(("cases", "seed"), [(40, 0), (40, 1), (7, 2), (1, 0)])
def test_a_plan_has_exactly_the_cases_asked_for_and_a_few_rare_patients(
    cases: int, seed: int
) -> None:
    planned = plan_pool(cases, seed)
    assert len({c.case for c in planned}) == cases
    patients = {c.patient for c in planned}
    rare = {c.patient for c in planned if c.variant == RARE}
    assert len(rare) == max(1, round(0.15 * len(patients)))
    assert not rare & {c.patient for c in planned if c.variant == COMMON}


def test_a_pool_without_a_rare_kind_can_be_asked_for() -> None:
    assert all(c.variant == COMMON for c in plan_pool(20, rare_fraction=0.0))


def test_a_pool_that_was_cut_short_is_completed_without_making_what_exists_anew(
    tmp_path: Path,
) -> None:
    cancel = Cancel()

    def after_two(done: float, total: float, message: str = "", **data: object) -> None:
        if done == 2:
            cancel.cancel()

    with pytest.raises(CancelledError):
        make_pool(tmp_path / "p", cases=4, progress=after_two, cancel=cancel)
    kept = {p: p.stat().st_mtime_ns for p in (tmp_path / "p" / "images").iterdir()}
    make_pool(tmp_path / "p", cases=4)
    make_pool(tmp_path / "whole", cases=4)
    assert 0 < len(kept) < 4
    assert all(p.stat().st_mtime_ns == time for p, time in kept.items())
    assert digests(tmp_path / "p") == digests(tmp_path / "whole")


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious", encoding="utf-8")
    with pytest.raises(ProjectExistsError, match="other files"):
        make_pool(tmp_path, cases=2)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_smooth_field_has_the_size_asked_for_and_no_jumps() -> None:
    field = smooth_field(np.random.default_rng(0), (60, 80, 100), knots=5, size=2.0)
    assert field.shape == (60, 80, 100)
    assert field.std() == pytest.approx(2.0, rel=1e-4)
    assert max(np.abs(np.diff(field, n=2, axis=a)).max() for a in range(3)) < 0.1
