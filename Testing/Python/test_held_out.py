"""Testing a model on cases outside its project."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ActiveSuggestLib.data.project import create_project
from ActiveSuggestLib.errors import CancelledError, NoModelError
from ActiveSuggestLib.learner import ActiveLearner
from ActiveSuggestLib.metrics import segment_dice
from ActiveSuggestLib.progress import Cancel
from ActiveSuggestLib.simulating import held_out
from ActiveSuggestLib.simulating.held_out import HeldOutSet
from ActiveSuggestLib.simulating.known_cases import (
    KnownCase,
    find_known_cases,
    link_images,
    read_truth,
)
from Testing.Python.simulation_pools import FAST, SEGMENTS, write_pool


@pytest.fixture
def known(tmp_path: Path) -> list[KnownCase]:
    pool = write_pool(tmp_path / "pool", 5)
    return find_known_cases(pool / "images", pool / "labels")[0]


@pytest.fixture
def a_learner(tmp_path: Path, known: list[KnownCase]) -> Iterator[ActiveLearner]:
    link_images(known[:2], tmp_path / "pool" / "images", tmp_path / "linked")
    project = create_project(
        tmp_path / "project", tmp_path / "linked", segments=SEGMENTS, settings=FAST
    )
    with ActiveLearner(project, device="cpu", threads=1) as learner:
        learner.save_label(known[0].name, read_truth(known[0], SEGMENTS))
        yield learner


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    read = held_out.read_image

    def counted(source: Any, *, case: str) -> Any:
        names.append(case)
        return read(source, case=case)

    monkeypatch.setattr(held_out, "read_image", counted)
    return names


def test_only_the_linked_cases_are_in_the_project(
    a_learner: ActiveLearner, known: list[KnownCase]
) -> None:
    assert [row.name for row in a_learner.project.cases()] == [c.name for c in known[:2]]


def test_a_case_scores_as_if_it_were_in_the_project(
    a_learner: ActiveLearner, known: list[KnownCase]
) -> None:
    a_learner.fine_tune(steps=3)
    prediction = a_learner.predict(known[1].name, uncertainty=False)
    values = {s.name: s.value for s in SEGMENTS}
    expected = segment_dice(prediction.labels, read_truth(known[1], SEGMENTS), values)
    scores = HeldOutSet(known[1:2], SEGMENTS).test(a_learner.bench)
    assert scores.dice == {known[1].name: pytest.approx(expected)}


def test_images_are_read_once_while_they_fit_and_the_scores_do_not_depend_on_it(
    a_learner: ActiveLearner, known: list[KnownCase], reads: list[str]
) -> None:
    a_learner.fine_tune(steps=1)
    roomy, cramped = HeldOutSet(known[2:], SEGMENTS), HeldOutSet(known[2:], SEGMENTS, kept=0)
    first = roomy.test(a_learner.bench)
    assert roomy.test(a_learner.bench) == first
    assert len(reads) == 3
    assert cramped.test(a_learner.bench) == first
    assert cramped.test(a_learner.bench) == first
    assert len(reads) == 9
    roomy.forget()
    assert roomy.test(a_learner.bench) == first
    assert len(reads) == 12


def test_without_a_model_there_is_nothing_to_test(
    a_learner: ActiveLearner, known: list[KnownCase]
) -> None:
    with pytest.raises(NoModelError):
        HeldOutSet(known[2:], SEGMENTS).test(a_learner.bench)


def test_a_test_can_be_cancelled(a_learner: ActiveLearner, known: list[KnownCase]) -> None:
    a_learner.fine_tune(steps=1)
    cancel = Cancel()
    cancel.cancel()
    with pytest.raises(CancelledError):
        HeldOutSet(known[2:], SEGMENTS).test(a_learner.bench, cancel=cancel)
