"""The strategy ``synthetic`` in a simulation, also by the paper's leak."""

from __future__ import annotations

from pathlib import Path

import pytest

from ActiveSuggestLib.data.project import Project
from ActiveSuggestLib.errors import StrategyFailedError
from ActiveSuggestLib.simulating.arms import START, folder_name
from ActiveSuggestLib.simulation import simulate
from Testing.Python.simulation_pools import FAST, SEGMENTS, write_pool

OURS = "synthetic:per_image=1:samples=2"
PAPER = "synthetic:paper:per_image=1:samples=2"
SETTINGS = {**FAST, "dimensions": 2, "bayesian_steps": 1, "synthetic_steps": 1}


def test_both_protocols_run_from_the_tools_of_the_shared_start(tmp_path: Path) -> None:
    pool = write_pool(tmp_path / "pool", 6)
    result = simulate(
        pool / "images",
        pool / "labels",
        SEGMENTS,
        (OURS, PAPER),
        out=tmp_path / "out",
        rounds=1,
        batch=1,
        initial=2,
        test_cases=2,
        steps=2,
        validation=False,
        threads=1,
        device="cpu",
        project_settings=SETTINGS,
    )

    def events(arm: str, kind: str) -> list[dict[str, object]]:
        with Project.open(tmp_path / "out" / "arms" / "seed-0" / folder_name(arm)) as project:
            return [event.data for event in project.events(kind)]

    at_first = events(START, "synthetics")
    assert len(at_first) == 2
    for name in (OURS, PAPER):
        record = result.arm(name, 0)[1]
        assert record.labelled_cases == 3
        reasons = " ".join(record.queries[0].reasons)
        assert "epistemic" in reasons
        assert ("which only a simulation knows" in reasons) == (name == PAPER)
        assert events(name, "synthetics") == at_first
        assert events(name, "trained")[-1]["synthetics"] == 32
    assert events(START, "trained")[-1]["synthetics"] == 0


def test_classes_are_nothing_that_a_simulation_knows(tmp_path: Path) -> None:
    with pytest.raises(StrategyFailedError, match="labels, not classes"):
        simulate(
            tmp_path / "images", tmp_path / "labels", SEGMENTS, ("synthetic:target=class",),
            out=tmp_path / "out",
        )  # fmt: skip
    assert not (tmp_path / "out").exists()
