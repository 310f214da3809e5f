"""A project of blobs and a learner on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ActiveSuggestLib.data.project import create_project
from ActiveSuggestLib.learner import ActiveLearner
from Testing.Python import blobs

PATTERN = r"(p\d+)_v\d+"


@pytest.fixture
def make_learner(tmp_path: Path) -> Callable[..., ActiveLearner]:
    """Return a function that makes a learner on ``count`` volumes with ``labelled`` labels."""

    def make(count: int = 8, labelled: int = 0, *, visits: int = 1, **options) -> ActiveLearner:
        pool = blobs.write_pool(tmp_path / "pool", count, visits=visits)
        settings = {**blobs.SETTINGS, **options.pop("settings", {})}
        project = create_project(
            tmp_path / "project",
            pool / "images",
            segments=blobs.SEGMENTS,
            patient_pattern=PATTERN,
            settings=settings,
        )
        learner = ActiveLearner(project, device="cpu", **options)
        for case in project.cases()[:labelled]:
            learner.save_label(case.name, pool / "labels" / f"{case.name}.nii.gz")
        return learner

    return make


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """The folder of true labels of the pool that ``make_learner`` writes."""
    return tmp_path / "pool" / "labels"
