"""Simulations in which every strategy chooses its own first labels, before there is a model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ActiveSuggestLib.data.project import Project
from ActiveSuggestLib.learner import ActiveLearner
from ActiveSuggestLib.learning import latents
from ActiveSuggestLib.reporting.report import Story, render_report
from ActiveSuggestLib.simulating.arms import FULL, START
from ActiveSuggestLib.simulating.curves import SimulationResult
from ActiveSuggestLib.strategies import cold_start
from Testing.Python.simulation_pools import FAST, simulated, write_pool

ARMS = ("default", "bsq", "bald", "random", "strided")
SETTINGS = {**FAST, "autoencoder_steps": 2}


@pytest.fixture(scope="module")
def a_pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pool(tmp_path_factory.mktemp("pool"), 12)


def run(pool: Path, out: Path, *strategies: str, **changes: Any) -> SimulationResult:
    options: dict[str, Any] = {
        "rounds": 2,
        "initial": 0,
        "test_cases": 3,
        "first_steps": 4,
        "project_settings": SETTINGS,
        **changes,
    }
    return simulated(pool, out, strategies or ("random",), **options)


@pytest.fixture(scope="module")
def trainings() -> list[str]:
    return []


@pytest.fixture(scope="module")
def a_result(
    a_pool: Path, tmp_path_factory: pytest.TempPathFactory, trainings: list[str]
) -> SimulationResult:
    train = latents.train_autoencoder

    def counted(plan: Any, *args: Any, **options: Any) -> Any:
        trainings.append(plan.hash)
        return train(plan, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(latents, "train_autoencoder", counted)
        patch.setattr(cold_start, "FEWEST_PATIENTS", 5)
        return run(a_pool, tmp_path_factory.mktemp("cold") / "out", *ARMS, full_data=True)


def asked(result: SimulationResult, arm: str, number: int) -> list[tuple[str, int | None]]:
    record = next(r for r in result.arm(arm, 0) if r.round == number)
    return [(q.case, q.slice) for q in record.queries]


def test_the_curves_begin_at_the_labels_that_each_arm_chose(a_result: SimulationResult) -> None:
    for name in ARMS:
        arm = a_result.arm(name, 0)
        assert [(r.round, r.labelled_units) for r in arm] == [(1, 2), (2, 4)]
        assert a_result.curve(name).units == [2, 4]
        assert all(np.isfinite(r.mean) for r in arm)
    assert set(a_result.table()["round"]) == {1, 2}
    assert SimulationResult.load(a_result.folder).records == a_result.records


def test_nothing_is_labelled_in_the_start_and_all_arms_train_by_its_plan(
    a_result: SimulationResult,
) -> None:
    arms = a_result.folder / "arms" / "seed-0"
    with Project.open(arms / START) as project:
        assert project.cases("labelled") == []
    plans = {(arms / name / "models" / "plan.json").read_bytes() for name in (START, *ARMS, FULL)}
    assert len(plans) == 1


def test_strategies_that_need_a_model_draw_the_first_labels_that_random_draws(
    a_result: SimulationResult,
) -> None:
    for name in ("bsq", "bald"):
        assert asked(a_result, name, 1) == asked(a_result, "random", 1)
        first, fair = a_result.arm(name, 0)[0], a_result.arm("random", 0)[0]
        assert first.scores == fair.scores
    reasons = [" ".join(r.queries[0].reasons) for r in a_result.arm("bald", 0)]
    assert ["this is a fair draw" in text for text in reasons] == [True, False]


def test_a_cold_start_looks_at_the_pool_and_proposes_nothing_yet(
    a_result: SimulationResult,
) -> None:
    first, second = a_result.arm("default", 0)
    assert "looks most like the rest of the pool" in " ".join(first.queries[0].reasons)
    assert [q.proposal_dice for q in first.queries] == [None, None]
    assert all(q.proposal_dice is not None for q in second.queries)


def test_the_autoencoders_are_made_once_in_the_start(
    a_result: SimulationResult, trainings: list[str]
) -> None:
    # That of bsq; the cold start needs none.
    assert len(trainings) == 1
    assert len(a_result.arm("bsq", 0)) == 2


def test_the_first_training_is_the_first_rounds_and_the_full_data_get_the_same_steps(
    a_result: SimulationResult,
) -> None:
    for name in ARMS:
        assert [r.training["steps"] for r in a_result.arm(name, 0)] == [4, 2]
    full = a_result.full_data(0)
    assert full is not None
    assert full.training["steps"] == 6
    assert full.labelled_cases == 9


def test_the_report_tells_that_there_was_no_model_at_first(a_result: SimulationResult) -> None:
    page = render_report(a_result, Story("Balls.", "activesuggest simulate --initial 0"))
    assert "It starts from no label at all" in page
    assert "No proposal: there was no model yet." in page
    assert "after the first training" in page
    assert "<h3>Round 1</h3>" in page
    assert "<h3>Round 2</h3>" in page
    assert "nan" not in re.sub(r"base64,[\w+/=]+", "", page.split("<body>")[1]).lower()


def test_a_default_with_few_patients_draws_what_random_draws(a_pool: Path, tmp_path: Path) -> None:
    arms = ("default", "default:cold=random", "oracle", "random")
    result = run(a_pool, tmp_path / "out", *arms, rounds=1, pool_cases=6)
    assert len({tuple(asked(result, arm, 1)) for arm in arms}) == 1


def test_single_slices_are_chosen_without_a_model_too(a_pool: Path, tmp_path: Path) -> None:
    result = run(a_pool, tmp_path / "out", "entropy", "random", unit="slice", rounds=1, batch=3)
    assert asked(result, "entropy", 1) == asked(result, "random", 1)
    assert result.arm("random", 0)[0].labelled_units == 3


def test_a_trial_finds_the_steps_without_leaving_a_label(a_pool: Path, tmp_path: Path) -> None:
    result = run(a_pool, tmp_path / "out", rounds=1, steps=3, seconds=100.0, first_steps=None)
    assert result.arm("random", 0)[0].training["steps"] == 3
    assert len(labelled(result, "random")) == 2
    assert labelled(result, START) == set()


def labelled(result: SimulationResult, arm: str) -> set[str]:
    with Project.open(result.folder / "arms" / "seed-0" / arm) as project:
        return {row.name for row in project.cases("labelled")}


class _KilledError(BaseException):
    """Stands for a kill: nothing may catch it."""


@pytest.fixture(scope="module")
def whole(a_pool: Path, tmp_path_factory: pytest.TempPathFactory) -> SimulationResult:
    return run(a_pool, tmp_path_factory.mktemp("whole") / "out", "bald", "random")


@pytest.mark.parametrize(("killed_in", "after"), [("save_label", 1), ("fine_tune", 0)])
def test_a_killed_simulation_goes_on_and_asks_the_same(
    killed_in: str, after: int, a_pool: Path, whole: SimulationResult, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    method = getattr(ActiveLearner, killed_in)
    calls = {"left": after}

    def until_killed(self: Any, *args: Any, **options: Any) -> Any:
        if calls["left"] == 0:
            raise _KilledError
        calls["left"] -= 1
        return method(self, *args, **options)

    arms = ("bald", "random")
    monkeypatch.setattr(ActiveLearner, killed_in, until_killed)
    with pytest.raises(_KilledError):
        run(a_pool, tmp_path / "out", *arms)
    monkeypatch.undo()
    resumed = run(a_pool, tmp_path / "out", *arms)
    for arm in arms:
        assert [asked(resumed, arm, n) for n in (1, 2)] == [asked(whole, arm, n) for n in (1, 2)]
        assert [r.scores for r in resumed.arm(arm, 0)] == [r.scores for r in whole.arm(arm, 0)]
        with ActiveLearner(resumed.folder / "arms" / "seed-0" / arm, device="cpu") as learner:
            assert len(learner.models()) == 2  # a training that was done is not done again
