"""A training gives way to what someone waits for, and goes on as if nothing had been."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch

from ActiveSuggestLib.errors import CancelledError
from ActiveSuggestLib.pauses import Pauses
from ActiveSuggestLib.progress import Cancel


class Interruptions:
    """Lets ``work()`` in at each of the first ``times`` opportunities after ``after`` others."""

    def __init__(self, pauses: Pauses, work, *, times: int = 1, after: int = 0) -> None:
        self.left, self.after, self.work, self.done = times, after, work, []
        pauses.connect(self.waiting, self.serve)

    def waiting(self) -> bool:
        self.after -= 1
        return self.after < 0 < self.left

    def serve(self) -> None:
        self.left -= 1
        self.done.append(self.work())


def weights_of(learner, version: int) -> dict[str, torch.Tensor]:
    path = learner.bench.checkpoints.path(version)
    return torch.load(path, weights_only=True)["weights"]


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


@pytest.fixture
def trained(make_learner):
    learner = make_learner(10, labelled=6)
    learner.fine_tune(steps=4)
    return learner


def everything(learner, case: str):
    """Ask for what may be asked for while a training runs; spend random numbers besides."""

    def work():
        torch.rand(1000)
        np.random.rand(10)
        prediction = learner.predict(case)
        suggested = learner.suggest("mc-dropout", count=2)
        learner.suggest("bsq", count=1)
        return prediction, suggested

    return work


def test_a_training_that_was_interrupted_gives_the_very_same_model(trained):
    case = trained.project.cases("unlabelled")[0].name
    undisturbed = trained.fine_tune(steps=12)
    trained.rollback(1)
    interruptions = Interruptions(trained.bench.pauses, everything(trained, case), times=3, after=7)
    disturbed = trained.fine_tune(steps=12)
    assert len(interruptions.done) == 3
    assert disturbed.steps == undisturbed.steps == 12
    assert disturbed.validation_dice == undisturbed.validation_dice
    assert disturbed.validation_dice is not None
    assert same(weights_of(trained, disturbed.model), weights_of(trained, undisturbed.model))


def test_the_comparison_of_weights_sees_a_difference(trained):
    first = weights_of(trained, 1)
    other = {name: value.clone() for name, value in first.items()}
    name = next(iter(other))
    other[name].view(-1)[0] += 1e-6
    assert same(first, first)
    assert not same(first, other)


def test_what_is_predicted_meanwhile_comes_from_the_model_in_use_not_the_one_being_trained(
    trained,
):
    case = trained.project.cases("unlabelled")[0].name
    before = trained.predict(case)
    interruptions = Interruptions(
        trained.bench.pauses, lambda: trained.predict(case), times=2, after=20
    )
    report = trained.fine_tune(steps=40)
    assert len(interruptions.done) == 2
    for meanwhile in interruptions.done:
        assert meanwhile.model == before.model
        assert np.array_equal(meanwhile.labels, before.labels)
        assert np.array_equal(meanwhile.uncertainty, before.uncertainty)
    assert report.accepted
    after = trained.predict(case)
    assert not np.array_equal(after.uncertainty, before.uncertainty)


def test_time_that_was_given_to_others_is_not_the_trainings(trained):
    Interruptions(trained.bench.pauses, lambda: time.sleep(1.5), times=2, after=10)
    started = time.monotonic()
    report = trained.fine_tune(seconds=2.0)
    assert time.monotonic() - started >= 5.0
    assert report.seconds < 4.0
    assert all(point["seconds"] < 3.0 for point in report.curve)


def test_a_failure_of_the_other_work_is_its_own(trained):
    def fail():
        with pytest.raises(ZeroDivisionError):
            return 1 / 0

    Interruptions(trained.bench.pauses, fail, times=1, after=5)
    assert trained.fine_tune(steps=3).steps == 3


def test_a_training_that_is_cancelled_while_it_gives_way_stops_and_is_taken_up_later(trained):
    cancel = Cancel()
    Interruptions(trained.bench.pauses, cancel.cancel, times=1, after=12)
    with pytest.raises(CancelledError):
        trained.fine_tune(steps=30, cancel=cancel)
    report = trained.fine_tune(steps=30)
    assert report.resumed
    assert report.steps == 30


def test_scoring_gives_way_between_two_cases_and_gives_the_same_ranking(trained):
    case = trained.project.cases("labelled")[0].name
    undisturbed = [(s.case, s.score) for s in trained.rank("entropy")]
    for file in (trained.project.folder / "cache" / "statistics").rglob("*"):
        if file.is_file():
            file.unlink()
    interruptions = Interruptions(
        trained.bench.pauses, lambda: trained.predict(case), times=3, after=1
    )
    assert [(s.case, s.score) for s in trained.rank("entropy")] == undisturbed
    assert len(interruptions.done) == 3


# The clock --------------------------------------------------------------------------------


def test_a_clock_stands_still_while_other_work_is_done():
    pauses = Pauses()
    Interruptions(pauses, lambda: time.sleep(0.3))
    before = pauses.now()
    assert pauses.give_way()
    assert not pauses.give_way()
    assert pauses.now() - before < 0.2


def test_work_let_in_by_work_that_was_let_in_is_not_counted_twice():
    pauses = Pauses()

    def inner():
        Interruptions(pauses, lambda: time.sleep(0.2))
        assert pauses.give_way()
        time.sleep(0.1)

    Interruptions(pauses, inner)
    real, before = time.monotonic(), pauses.now()
    pauses.give_way()
    assert 0.0 <= pauses.now() - before < 0.1
    assert time.monotonic() - real >= 0.3


def test_an_interruption_leaves_the_random_numbers_of_the_long_work_alone(make_learner):
    pauses = make_learner(1).bench.pauses
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    Interruptions(pauses, lambda: torch.rand(100))
    assert pauses.give_way()
    assert torch.equal(torch.rand(4), expected)
