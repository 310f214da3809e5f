"""The demonstration: several rounds of active learning with a simulated expert, and a report."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .data.labels import find_labels
from .data.segments import Segment
from .errors import ImageFolderError, LabelFolderError
from .progress import Cancel, Progress, no_progress
from .reporting.figures import LIGHT
from .reporting.plots import learning_curve
from .reporting.report import Story, write_report
from .reporting.words import conclusion, headline
from .simulating import phantoms
from .simulating.known_cases import KnownCase, find_known_cases
from .simulating.known_segments import find_segments

if TYPE_CHECKING:
    from .simulating.curves import SimulationResult

PHANTOM_CASES = 48
MOST_POOL, MOST_TEST, MOST_BATCH = 60, 40, 4
LARGE_VOXELS = 300_000
"""Volumes beyond this make a rehearsal smaller, so that it still ends in minutes on a CPU."""

CPU_SECONDS_A_VOLUME = 1.5
TRAINING_STEPS, TRAINING_SECONDS = 150, 60.0
SIMULATION = "simulation"


@dataclass(frozen=True)
class Demo:
    """What a demonstration gave: the result, its two files, and the outcome in sentences."""

    result: SimulationResult
    report: Path
    curve: Path
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Size:
    """How much of a data set a demonstration uses, and why in words."""

    test: int
    pool: int
    initial: int
    batch: int
    reasons: tuple[str, ...]


def run_demo(
    data: str | Path | None = None,
    rounds: int = 5,
    out: str | Path = "activesuggest-demo",
    strategies: Sequence[str] = ("default", "random"),
    *,
    cases: int | None = None,
    seed: int = 0,
    segments: str | Sequence[Segment] | None = None,
    seconds: float | None = None,
    steps: int | None = None,
    device: str | None = None,
    threads: int | None = None,
    patient_pattern: str | None = None,
    patient_csv: str | Path | None = None,
    command: str | None = None,
    progress: Progress = no_progress,
    cancel: Cancel | None = None,
) -> Demo:
    """Rehearse active learning on phantoms, or on ``data`` with its images/ and labels/.

    Writes ``out/report.html``, ``out/learning_curve.png`` and the simulation with its tables.
    ``cases`` is the number of phantoms (default 48). A training has ``steps``, or as many as take
    about ``seconds``; by default 150 steps, fewer where those would take more than a minute.
    ``command`` is what the report tells to type. Calling again continues what was interrupted.
    """
    from .simulation import simulate

    out = Path(out)
    tags: dict[str, str] = {}
    if data is None:
        folder = out / "phantoms"
        number = PHANTOM_CASES if cases is None else cases
        made = phantoms.make_pool(folder, number, seed, progress=progress, cancel=cancel)
        tags = {c.case: c.variant for c in made if c.variant != phantoms.COMMON}
        segments = phantoms.SEGMENTS if segments is None else segments
        patient_csv = folder / "patients.csv"
    else:
        folder = Path(data)
    images, labels = _folders(folder)
    known, notes = find_known_cases(
        images,
        labels,
        patient_pattern=patient_pattern,
        patient_csv=None if patient_csv is None else Path(patient_csv),
        progress=progress,
        cancel=cancel,
    )
    if segments is None:
        segments = find_segments(labels, find_labels(labels, [c.name for c in known]).values())
    size = choose_size([_voxels(case) for case in known], rounds)
    result = simulate(
        images,
        labels,
        segments,
        strategies,
        out=out / SIMULATION,
        rounds=rounds,
        batch=size.batch,
        initial=size.initial,
        seeds=(seed,),
        test_cases=size.test,
        pool_cases=size.pool,
        seconds=seconds or (None if steps else TRAINING_SECONDS),
        steps=steps or (None if seconds else TRAINING_STEPS),
        device=device,
        threads=threads,
        patient_pattern=patient_pattern,
        patient_csv=patient_csv,
        known=(known, notes),
        project_settings={"seconds_a_volume": CPU_SECONDS_A_VOLUME},
        progress=progress,
        cancel=cancel,
    )
    story = Story(
        subject=_subject(known, made_up=data is None),
        command=command or _command(data, rounds, out),
        notes=(*notes, *size.reasons),
        tags=tags,
        tag_meanings={phantoms.RARE: phantoms.RARE_MEANING},
        repeat_command=_repeat_command(result, images, labels),
    )
    curve = out / "learning_curve.png"
    curve.write_bytes(learning_curve(result, LIGHT))
    return Demo(
        result,
        write_report(result, story, out / "report.html"),
        curve,
        (f"{headline(result)}.", *conclusion(result)),
    )


def choose_size(voxels: Sequence[int], rounds: int) -> Size:
    """Choose how many cases test, are chosen from, and are labelled, for volumes of these sizes.

    >>> choose_size([50_000] * 260, rounds=5).pool
    60
    """
    count = len(voxels)
    typical = statistics.median(voxels)
    share = min(1.0, LARGE_VOXELS / typical)
    most_test, most_pool = max(8, round(MOST_TEST * share)), max(16, round(MOST_POOL * share))
    test = max(1, min(round(0.3 * count), most_test))
    pool = max(2, min(count - test, most_pool))
    initial = max(1, min(MOST_BATCH, pool // 6))
    # At least a third of the pool stays unlabelled, so that there is a choice to the end.
    batch = max(1, min(MOST_BATCH, (pool * 2 // 3 - initial) // max(1, rounds)))
    reasons = []
    if test + pool < count:
        size = "large volumes" if share < 1 else "images"
        reasons.append(
            f"Of {count} labelled {size}, {pool} to choose from and {test} to test on were drawn "
            "by lot, so that the rehearsal ends in minutes."
        )
    return Size(test, pool, initial, batch, tuple(reasons))


def _folders(folder: Path) -> tuple[Path, Path]:
    """Return images/ and labels/ of a data set, by the names in use for them."""
    images = _first_folder(folder, ("images", "imagesTr"))
    labels = _first_folder(folder, ("labels", "labelsTr"))
    if images is None:
        raise ImageFolderError(
            "The folder has no images/ in it.",
            path=folder,
            remedy="Name a folder that holds images/ and labels/.",
        )
    if labels is None:
        raise LabelFolderError(
            "The folder has no labels/ in it.",
            path=folder,
            remedy="Name a folder that holds images/ and labels/.",
        )
    return images, labels


def _first_folder(folder: Path, names: Sequence[str]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_dir()), None)


def _voxels(case: KnownCase) -> int:
    x, y, z = case.geometry.size
    return x * y * z


def _subject(known: Sequence[KnownCase], *, made_up: bool) -> str:
    patients = len({case.patient for case in known})
    kind = "made-up abdominal MR volumes" if made_up else "images with known labels"
    return f"{len(known)} {kind} of {patients} patients."


def _command(data: Any, rounds: int, out: Path) -> str:
    parts = ["activesuggest", "demo"]
    if data is not None:
        parts += ["--data", _quoted(str(data))]
    return " ".join([*parts, "--rounds", str(rounds), "--out", _quoted(str(out))])


def _repeat_command(result: SimulationResult, images: Path, labels: Path) -> str:
    settings = result.settings
    named = ",".join(f"{s['name']}={s['value']}" for s in settings["segments"])
    options = {
        "images": str(images),
        "labels": str(labels),
        "segments": named,
        "strategies": ",".join(result.strategies),
        "rounds": settings["rounds"],
        "batch": settings["batch"],
        "initial": settings["initial"],
        "test-cases": settings["test_cases"],
        "pool-cases": settings["pool_cases"],
        "seconds": settings["seconds"],
        "steps": settings["steps"],
        "patient-csv": settings["patient_csv"],
        "seeds": 5,
        "out": "repetitions",
    }
    given = [f"--{name} {_quoted(str(v))}" for name, v in options.items() if v is not None]
    return " ".join(["activesuggest simulate", *given])


def _quoted(text: str) -> str:
    return f'"{text}"' if " " in text else text
