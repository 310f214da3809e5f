"""The loop with known labels, on small pools and with trainings of a few steps."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ActiveSuggestLib.data.project import Project
from ActiveSuggestLib.errors import CancelledError, NoLabelError, SimulationExistsError
from ActiveSuggestLib.learner import ActiveLearner
from ActiveSuggestLib.progress import Cancel
from ActiveSuggestLib.reporting.pictures import Picture
from ActiveSuggestLib.simulating.arms import START
from ActiveSuggestLib.simulating.curves import RoundRecord, SimulationResult
from ActiveSuggestLib.simulating.held_out import HeldOutSet
from ActiveSuggestLib.simulation import simulate
from Testing.Python.simulation_pools import SEGMENTS, simulated, write_pool

STRATEGIES = ("mc-dropout", "random")


@pytest.fixture(scope="module")
def a_pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pool(tmp_path_factory.mktemp("pool"), 14, scans_a_patient=2)


def run(pool: Path, out: Path, **changes: Any) -> SimulationResult:
    options: dict[str, Any] = {
        "rounds": 2,
        "initial": 2,
        "test_cases": 4,
        "patient_csv": pool / "patients.csv",
        **changes,
    }
    return simulated(pool, out, options.pop("strategies", STRATEGIES), **options)


@pytest.fixture(scope="module")
def a_result(a_pool: Path, tmp_path_factory: pytest.TempPathFactory) -> SimulationResult:
    return run(a_pool, tmp_path_factory.mktemp("simulated") / "out", seeds=(0, 1))


def picks(result: SimulationResult) -> dict[tuple[int, str, int], list[tuple[str, int | None]]]:
    return {
        (r.seed, r.strategy, r.round): [(q.case, q.slice) for q in r.queries]
        for r in result.records
    }


def labelled(result: SimulationResult, seed: int, arm: str) -> set[str]:
    with Project.open(result.folder / "arms" / f"seed-{seed}" / arm) as project:
        return {row.name for row in project.cases("labelled")}


def test_every_arm_spends_exactly_the_budget(a_result: SimulationResult) -> None:
    for seed in (0, 1):
        for name in STRATEGIES:
            arm = a_result.arm(name, seed)
            assert [r.labelled_cases for r in arm] == [2, 4, 6]
            assert len(labelled(a_result, seed, name)) == 6


def test_nothing_is_asked_twice_and_the_first_labels_are_not_asked(
    a_result: SimulationResult,
) -> None:
    for seed in (0, 1):
        for name in STRATEGIES:
            asked = [q.case for r in a_result.arm(name, seed) for q in r.queries]
            first = a_result.splits[seed]["initial"]
            assert len(asked) == len(set(asked)) == 4
            assert not set(asked) & set(first)
            assert {*asked, *first} == labelled(a_result, seed, name)


def test_no_patient_of_the_test_set_is_in_any_project(
    a_result: SimulationResult, a_pool: Path
) -> None:
    lines = (a_pool / "patients.csv").read_text(encoding="utf-8").splitlines()[1:]
    patient_of = dict(line.split(",") for line in lines)
    for seed in (0, 1):
        tested = {patient_of[c] for c in a_result.splits[seed]["test"]}
        for arm in (START, *STRATEGIES):
            with Project.open(a_result.folder / "arms" / f"seed-{seed}" / arm) as project:
                assert not tested & {row.patient for row in project.cases()}
                assert len(project.cases()) == 10


def test_a_batch_never_holds_two_scans_of_a_patient(a_result: SimulationResult) -> None:
    for record in a_result.records:
        assert len({q.patient for q in record.queries}) == len(record.queries)


def test_all_arms_of_a_seed_share_the_first_labels_and_the_first_model(
    a_result: SimulationResult,
) -> None:
    for seed in (0, 1):
        first = [a_result.arm(name, seed)[0] for name in STRATEGIES]
        assert first[0].scores == first[1].scores
        assert first[0].training == first[1].training


def test_every_test_case_is_scored_in_every_round(a_result: SimulationResult) -> None:
    for record in a_result.records:
        assert set(record.scores) == set(a_result.splits[record.seed]["test"])
        assert all(set(s) == {"bright", "dark"} for s in record.scores.values())
        assert 0.0 <= record.mean <= 1.0


def test_each_query_tells_why_and_how_well_the_model_did_before_it(
    a_result: SimulationResult,
) -> None:
    for record in a_result.records:
        for query in record.queries:
            assert query.reasons
            assert query.mean_proposal_dice is not None
            if record.seed != 0:  # The report shows the first repetition's suggestions.
                assert query.picture is None
                continue
            assert query.picture is not None
            picture = Picture.load(a_result.folder / query.picture)
            assert picture.image.shape == picture.truth.shape == (16, 20)
            assert picture.proposal is not None
            assert picture.uncertainty is not None


def test_the_tables_hold_every_case_and_round_and_can_be_read_again(
    a_result: SimulationResult,
) -> None:
    table, curve = a_result.table(), a_result.curve_table()
    assert len(table) == 2 * 2 * 3 * 4 * 2  # seeds, strategies, rounds, test cases, segments
    assert len(curve) == 2 * 2 * 3
    assert SimulationResult.load(a_result.folder).records == a_result.records
    header = (a_result.folder / "dice.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == (
        "seed,strategy,round,labelled_cases,labelled_units,case,segment,dice,hausdorff95,"
        "surface_distance"
    )
    assert (table[["hausdorff95", "surface_distance"]] >= 0).all(axis=None)


def test_strategies_are_compared_in_pairs_over_the_seeds(a_result: SimulationResult) -> None:
    ours, reference = a_result.comparisons()
    assert reference.strategy == "random"
    assert reference.difference is None
    assert ours.difference is not None
    assert ours.difference.n == 2
    assert ours.difference.low <= ours.difference.mean <= ours.difference.high
    assert ours.difference.mean == pytest.approx(ours.area - reference.area)


def test_the_same_seed_asks_the_same_and_another_seed_something_else(
    a_result: SimulationResult, a_pool: Path, tmp_path: Path
) -> None:
    again = run(a_pool, tmp_path / "again", seeds=(1,))
    before = {key: value for key, value in picks(a_result).items() if key[0] == 1}
    assert picks(again) == before
    assert [r.scores for r in again.records] == [r.scores for r in a_result.records if r.seed == 1]
    assert a_result.splits[0] != a_result.splits[1]


class _KilledError(BaseException):
    """Stands for a kill: nothing may catch it."""


@pytest.mark.parametrize("killed_in", ["suggest", "save_label", "fine_tune", "test"])
def test_a_killed_simulation_goes_on_where_it_stopped_and_asks_the_same(
    killed_in: str, a_result: SimulationResult, a_pool: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    owner = HeldOutSet if killed_in == "test" else ActiveLearner
    method = getattr(owner, killed_in)
    calls = {"left": {"suggest": 1, "save_label": 3, "fine_tune": 2, "test": 2}[killed_in]}

    def until_killed(self: Any, *args: Any, **options: Any) -> Any:
        if calls["left"] == 0:
            raise _KilledError
        calls["left"] -= 1
        return method(self, *args, **options)

    monkeypatch.setattr(owner, killed_in, until_killed)
    with pytest.raises(_KilledError):
        run(a_pool, tmp_path / "out", seeds=(1,))
    monkeypatch.undo()
    resumed = run(a_pool, tmp_path / "out", seeds=(1,))
    before = {key: value for key, value in picks(a_result).items() if key[0] == 1}
    assert {k: v for k, v in picks(resumed).items() if k[2] < 2} == {
        k: v for k, v in before.items() if k[2] < 2
    }
    assert [r.labelled_cases for r in resumed.arm("mc-dropout", 1)] == [2, 4, 6]
    for name in STRATEGIES:
        with ActiveLearner(tmp_path / "out" / "arms" / "seed-1" / name, device="cpu") as learner:
            assert len(learner.models()) == 3  # a training that was done is not done again
    if killed_in != "fine_tune":
        assert picks(resumed) == before


def test_a_finished_simulation_is_not_done_again(
    a_result: SimulationResult, a_pool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise AssertionError("nothing is left to train")

    monkeypatch.setattr(ActiveLearner, "fine_tune", fail)
    assert run(a_pool, a_result.folder, seeds=(0, 1)).records == a_result.records


def test_other_settings_do_not_overwrite_an_earlier_simulation(
    a_result: SimulationResult, a_pool: Path
) -> None:
    before = (a_result.folder / "results.json").read_bytes()
    with pytest.raises(SimulationExistsError, match="other settings"):
        run(a_pool, a_result.folder, seeds=(0, 1), rounds=3)
    assert (a_result.folder / "results.json").read_bytes() == before


def test_a_folder_with_other_files_is_left_alone(a_pool: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious", encoding="utf-8")
    with pytest.raises(SimulationExistsError, match="not empty"):
        run(a_pool, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_exhausted_pool_ends_an_arm_with_what_there_was(a_pool: Path, tmp_path: Path) -> None:
    result = run(a_pool, tmp_path / "out", strategies=["random"], pool_cases=4, rounds=4, batch=1)
    assert [r.labelled_cases for r in result.arm("random", 0)] == [2, 3, 4]


def test_the_oracle_sees_the_labels_and_asks_for_what_the_model_does_worst(
    a_pool: Path, tmp_path: Path
) -> None:
    result = run(a_pool, tmp_path / "out", strategies=["oracle"], rounds=1, batch=1)
    query = result.arm("oracle", 0)[-1].queries[0]
    assert "The true Dice of the prediction is" in " ".join(query.reasons)


def test_single_slices_are_asked_and_counted(a_pool: Path, tmp_path: Path) -> None:
    result = run(a_pool, tmp_path / "out", unit="slice", strategies=["random", "mc-dropout"],
                 rounds=1, batch=3)  # fmt: skip
    for name in ("random", "mc-dropout"):
        first, second = result.arm(name, 0)
        assert (first.labelled_units, second.labelled_units) == (2, 5)
        asked = [(q.case, q.slice) for q in second.queries]
        assert len(set(asked)) == 3
        assert all(index is not None for _, index in asked)
        with Project.open(result.folder / "arms" / "seed-0" / name) as project:
            slices = [row.labelled_slices for row in project.cases("labelled")]
        assert None not in slices
        assert sum(len(s or ()) for s in slices) == 5


def test_cases_without_a_label_or_with_a_damaged_image_are_left_out_and_said(
    a_pool: Path, tmp_path: Path
) -> None:
    pool = tmp_path / "pool"
    shutil.copytree(a_pool, pool)
    (pool / "labels" / "case-00.seg.nrrd").unlink()
    damaged = pool / "images" / "case-01.nii.gz"
    damaged.write_bytes(damaged.read_bytes()[:200])
    result = run(pool, tmp_path / "out", strategies=["random"], rounds=1)
    split = result.splits[0]
    assert len(split["test"]) + len(split["pool"]) == 12
    assert not {"case-00", "case-01"} & {*split["test"], *split["pool"]}
    assert result.notes == (
        "Left out because the image cannot be used: 1.",
        "Left out because there is no label: 1.",
    )


def test_images_without_any_label_are_an_error_that_says_what_is_needed(
    a_pool: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "labels"
    empty.mkdir()
    with pytest.raises(NoLabelError, match="None of the 14 images"):
        simulate(a_pool / "images", empty, SEGMENTS, ["random"], out=tmp_path / "out")


def test_a_cancelled_simulation_stops_and_can_go_on(a_pool: Path, tmp_path: Path) -> None:
    cancel = Cancel()

    def at_half(done: float, total: float, message: str = "", **data: Any) -> None:
        if done / total >= 0.5:
            cancel.cancel()

    with pytest.raises(CancelledError):
        run(a_pool, tmp_path / "out", progress=at_half, cancel=cancel)
    assert len(run(a_pool, tmp_path / "out").records) == 6


def test_progress_never_goes_back_and_ends_at_its_total(a_pool: Path, tmp_path: Path) -> None:
    seen: list[tuple[float, float, str]] = []

    def hear(done: float, total: float, message: str = "", **data: Any) -> None:
        seen.append((done, total, message))

    run(a_pool, tmp_path / "out", rounds=1, strategies=["random"], progress=hear)
    done = [d for d, _, _ in seen]
    assert done == sorted(done)
    assert seen[-1][0] == seen[-1][1]
    assert any("random, round 1: training" in message for _, _, message in seen)


def test_the_images_are_never_written_to_and_the_recorded_rounds_are_json(
    a_result: SimulationResult, a_pool: Path
) -> None:
    assert {p.suffix for p in (a_pool / "images").iterdir()} == {".gz"}
    assert len(list((a_pool / "images").iterdir())) == 14
    paths = sorted((a_result.folder / "rounds").rglob("[0-9][0-9].json"))
    assert len(paths) == 2 * (1 + 2 * 3)
    for path in paths:
        form = json.loads(path.read_text(encoding="utf-8"))
        assert RoundRecord.from_dict(form).to_dict() == RoundRecord.from_dict(form).to_dict()


def test_all_trainings_have_the_steps_that_a_trial_found_to_take_the_time_given(
    a_pool: Path, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"rounds": 1, "strategies": ["random"]}
    timed = run(a_pool, tmp_path / "timed", seconds=2.0, steps=None, **options)
    (steps,) = {r.training["steps"] for r in timed.records}
    assert steps > 2
    capped = run(a_pool, tmp_path / "capped", seconds=100.0, steps=3, **options)
    assert {r.training["steps"] for r in capped.records} == {3}
    assert not (tmp_path / "timed" / "arms" / "seed-0" / "trial").exists()
