"""What a simulation can be asked for: restarts, budgets, the full data, processes side by side."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ActiveSuggestLib.data.project import Project
from ActiveSuggestLib.errors import CancelledError, LabelError, UnknownStrategyError
from ActiveSuggestLib.learner import ActiveLearner
from ActiveSuggestLib.learning import latents
from ActiveSuggestLib.models import inference
from ActiveSuggestLib.progress import Cancel
from ActiveSuggestLib.simulating.arms import FULL
from ActiveSuggestLib.simulating.curves import SimulationResult
from ActiveSuggestLib.simulating.known_cases import find_known_cases
from Testing.Python.simulation_pools import FAST, SHAPE, simulated, write_pool

SLICE_PIXELS = SHAPE[1] * SHAPE[2]


@pytest.fixture(scope="module")
def a_pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pool(tmp_path_factory.mktemp("pool"), 12)


def run(pool: Path, out: Path, *strategies: str, **changes: Any) -> SimulationResult:
    options = {"rounds": 1, "initial": 2, "test_cases": 3, **changes}
    return simulated(pool, out, strategies or ("random",), **options)


def records(result: SimulationResult, arm: str) -> list[Any]:
    with ActiveLearner(result.folder / "arms" / "seed-0" / arm, device="cpu") as learner:
        return learner.models()


def test_trainings_go_on_from_the_model_before_or_start_from_new_weights(
    a_pool: Path, tmp_path: Path
) -> None:
    onward = run(a_pool, tmp_path / "onward", rounds=2)
    anew = run(a_pool, tmp_path / "anew", rounds=2, restart=True)
    assert [m.parent for m in records(onward, "random")] == [None, 1, 2]
    assert [m.parent for m in records(anew, "random")] == [None, None, None]
    assert onward.arm("random", 0)[0].scores == anew.arm("random", 0)[0].scores
    assert onward.arm("random", 0)[2].scores != anew.arm("random", 0)[2].scores


def test_without_validation_every_label_is_trained_on(a_pool: Path, tmp_path: Path) -> None:
    kept = run(a_pool, tmp_path / "kept", initial=5)
    whole = run(a_pool, tmp_path / "whole", initial=5, validation=False)
    assert [r.training["trained_on"] for r in whole.arm("random", 0)] == [5, 7]
    assert [r.training["validation_cases"] for r in whole.arm("random", 0)] == [0, 0]
    first = kept.arm("random", 0)[0].training
    assert first["validation_cases"] > 0
    assert first["trained_on"] == 5 - first["validation_cases"]


def test_the_full_data_arm_has_every_label_and_as_many_steps_as_all_rounds(
    a_pool: Path, tmp_path: Path
) -> None:
    result = run(a_pool, tmp_path / "out", rounds=3, full_data=True, first_steps=4)
    full = result.full_data(0)
    assert full is not None
    assert full.labelled_cases == 9
    assert full.training["steps"] == 3 * 2
    assert result.arm("random", 0)[0].training["steps"] == 4
    assert [r.training["steps"] for r in result.arm("random", 0)[1:]] == [2, 2, 2]
    assert {r.strategy for r in result.records} == {"random", FULL}
    assert result.last_budget == 8


def test_the_full_data_of_a_simulation_of_slices_is_whole_volumes(
    a_pool: Path, tmp_path: Path
) -> None:
    result = run(a_pool, tmp_path / "out", unit="slice", full_data=True)
    full = result.full_data(0)
    assert full is not None
    assert full.labelled_units == full.labelled_slices == 9 * SHAPE[0]
    with Project.open(result.folder / "arms" / "seed-0" / FULL) as project:
        assert all(row.labelled_slices is None for row in project.cases("labelled"))


@pytest.mark.parametrize(
    ("unit", "budget", "batch", "spent"),
    [
        ("slice", "pixel", 3 * SLICE_PIXELS + 1, 3 * SLICE_PIXELS),
        ("volume", "slice", 2 * SHAPE[0], 2 * SHAPE[0]),
        ("volume", "pixel", SLICE_PIXELS, SHAPE[0] * SLICE_PIXELS),  # one at least
    ],
)
def test_a_budget_in_another_currency_pays_for_whole_units(
    unit: Any, budget: Any, batch: int, spent: int, a_pool: Path, tmp_path: Path
) -> None:
    result = run(a_pool, tmp_path / "out", "random", "strided", unit=unit, budget=budget,
                 batch=batch)  # fmt: skip
    for name in ("random", "strided"):
        first, second = result.arm(name, 0)
        assert second.labelled_units - first.labelled_units == spent
        assert second.labelled_pixels == second.labelled_slices * SLICE_PIXELS
        assert 0 < second.labelled_foreground < second.labelled_pixels
    assert result.currency == budget


def test_presets_and_options_make_arms_of_their_own(a_pool: Path, tmp_path: Path) -> None:
    arms = ("bald:samples=3", "bald:paper:samples=3", "bald:samples=4")
    result = run(a_pool, tmp_path / "out", *arms)
    reasons = [result.arm(arm, 0)[1].queries[0].reasons[0] for arm in arms]
    assert ["3 samples" in reasons[0], "4 samples" in reasons[2]] == [True, True]
    assert len({str(r.queries) for arm in arms for r in result.arm(arm, 0)[1:]}) == 3
    folders = {p.name for p in (tmp_path / "out" / "arms" / "seed-0").iterdir()}
    assert {"bald+samples-3", "bald+paper+samples-3", "bald+samples-4"} <= folders


def test_an_option_that_a_strategy_lacks_is_said_before_anything_is_trained(
    a_pool: Path, tmp_path: Path
) -> None:
    with pytest.raises(UnknownStrategyError, match="no option samples"):
        run(a_pool, tmp_path / "out", "random:samples=3")
    assert not (tmp_path / "out").exists()


def test_all_arms_of_a_seed_share_one_autoencoder_and_the_first_statistics(
    a_pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = {"trained": 0, "sampled": 0}
    train, sample = latents.train_autoencoder, inference.Inference.sample

    def counted_training(*args: Any, **options: Any) -> Any:
        counts["trained"] += 1
        return train(*args, **options)

    def counted_sampling(*args: Any, **options: Any) -> Any:
        counts["sampled"] += 1
        return sample(*args, **options)

    monkeypatch.setattr(latents, "train_autoencoder", counted_training)
    monkeypatch.setattr(inference.Inference, "sample", counted_sampling)
    settings = {**FAST, "autoencoder_steps": 2}
    run(a_pool, tmp_path / "out", "bsq", "bald", "entropy", seeds=(0, 1),
        project_settings=settings)  # fmt: skip
    pool = 9
    assert counts["trained"] == 2  # a seed each
    pictures = 2 * 3  # the first seed's suggestions are drawn with their uncertainty
    assert counts["sampled"] <= 2 * pool + pictures


def test_more_seeds_and_strategies_continue_what_there_is(a_pool: Path, tmp_path: Path) -> None:
    first = run(a_pool, tmp_path / "out", "random")
    more = run(a_pool, tmp_path / "out", "random", "strided", seeds=(0, 1), full_data=True)
    assert set(more.strategies) == {"random", "strided"}
    assert more.arm("random", 0) == first.arm("random", 0)
    assert all(len(more.arm(name, seed)) == 2 for name in more.strategies for seed in (0, 1))
    assert more.full_data(0) is not None


def test_processes_side_by_side_find_what_one_finds(a_pool: Path, tmp_path: Path) -> None:
    arms = ("random", "entropy:samples=3")
    one = run(a_pool, tmp_path / "one", *arms, seeds=(0, 1), full_data=True)
    seen: list[tuple[float, float]] = []
    two = run(a_pool, tmp_path / "two", *arms, seeds=(0, 1), full_data=True, jobs=2,
              progress=lambda done, total, message="", **_: seen.append((done, total)))  # fmt: skip

    def found(result: SimulationResult) -> dict[Any, Any]:
        return {
            (r.seed, r.strategy, r.round): ([(q.case, q.slice) for q in r.queries], r.scores)
            for r in result.records
        }

    assert found(one) == found(two)
    done = [d / t for d, t in seen]
    assert done == sorted(done)
    assert done[-1] == 1.0


def test_an_error_in_a_process_reaches_the_caller_as_it_is(tmp_path: Path) -> None:
    pool = write_pool(tmp_path / "pool", 7)
    known = find_known_cases(pool / "images", pool / "labels")
    for label in (pool / "labels").iterdir():
        label.write_bytes(b"no label any more")
    with pytest.raises(LabelError) as raised:
        run(pool, tmp_path / "out", jobs=2, known=known)
    assert raised.value.case in {case.name for case in known[0]}


def test_processes_are_stopped_by_a_cancel_and_go_on_later(a_pool: Path, tmp_path: Path) -> None:
    cancel = Cancel()
    options: dict[str, Any] = {"seeds": (0, 1, 2), "rounds": 7, "batch": 1, "jobs": 2}

    def at_the_first_start(done: float, total: float, message: str = "", **_: Any) -> None:
        if "start" in message:
            cancel.cancel()

    with pytest.raises(CancelledError):
        run(a_pool, tmp_path / "out", progress=at_the_first_start, cancel=cancel, **options)
    finished = len(list((tmp_path / "out" / "rounds").rglob("random/[0-9][0-9].json")))
    time.sleep(1)  # nobody works on in secret
    assert len(list((tmp_path / "out" / "rounds").rglob("random/[0-9][0-9].json"))) == finished
    assert finished < 3 * 8
    assert len(run(a_pool, tmp_path / "out", **options).records) == 3 * 8


COMMAND = """
import sys
from pathlib import Path
from Testing.Python.simulating.test_options import run
if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]), "random", "strided", seeds=(0, 1), rounds=4, jobs=2)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_killed_processes_leave_no_orphans_and_their_work_is_taken_up(
    a_pool: Path, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(COMMAND, encoding="utf-8")
    root = Path(__file__).resolve().parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    parent = subprocess.Popen(
        [sys.executable, str(script), str(a_pool), str(tmp_path / "out")], env=environment
    )
    rounds = tmp_path / "out" / "rounds"
    try:
        until(lambda: any(rounds.rglob("01.json")), 120)
        children = offspring(parent.pid)
        assert len(children) >= 2
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    until(lambda: not any(alive(child) for child in children), 20)
    before = {path: path.read_bytes() for path in rounds.rglob("[0-9][0-9].json")}
    result = run(a_pool, tmp_path / "out", "random", "strided", seeds=(0, 1), rounds=4)
    assert all(len(result.arm(name, seed)) == 5 for name in result.strategies for seed in (0, 1))
    assert all(path.read_bytes() == content for path, content in before.items())


def offspring(pid: int) -> list[int]:
    import psutil

    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def alive(pid: int) -> bool:
    import psutil

    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(condition: Any, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)
