"""The race in a project: kept samples, honest counts, volumes and slices."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ActiveSuggestLib.errors import CancelledError
from ActiveSuggestLib.learning.racing import PoolRace
from ActiveSuggestLib.models.inference import Slab
from ActiveSuggestLib.progress import Cancel
from ActiveSuggestLib.strategies.race import RaceSpec

# So few volumes that a third of the passes would finish hardly two of them.
OPTIONS = {"race": 2, "samples": 40, "share": 0.8}


@pytest.fixture
def a_trained_learner(make_learner):
    learner = make_learner(12, labelled=4)
    learner.fine_tune(steps=6)
    return learner


def open_cases(learner):
    return learner.project.cases("unlabelled")


def test_with_no_limit_it_ranks_as_all_samples_do(a_trained_learner):
    learner = a_trained_learner
    whole = learner.score("mc-dropout", options={"samples": 16})
    raced = learner.score("mc-dropout", options={"race": 8, "samples": 16, "share": 1.0})
    assert set(raced["case"][:4]) == set(whole["case"][:4])
    assert all("All 16 samples were drawn" in r for r in raced["reasons"])


@pytest.mark.parametrize("unit", ["volume", "slice"])
def test_reasons_tell_how_far_each_unit_got(a_trained_learner, unit):
    table = a_trained_learner.score("mc-dropout", unit, options=OPTIONS)
    assert len(table) == (8 if unit == "volume" else 8 * 16)
    assert table["reasons"].str.contains("All 40 samples were drawn").any()
    told = table["reasons"].str.contains("samples were drawn|Stopped after", regex=True)
    assert told.all()
    suggested = a_trained_learner.suggest("mc-dropout", unit, 2, options=OPTIONS)
    assert len({s.patient for s in suggested}) == 2


def test_it_draws_fewer_samples_and_a_second_race_none(a_trained_learner):
    learner, spec = a_trained_learner, RaceSpec(2, 40)
    first = PoolRace(learner.bench, spec)
    result, found = first.run(open_cases(learner), None)
    assert first.passes < 40 * 8
    assert min(result.drawn.values()) < 40
    assert {n: len(f.sums) + 1 for n, f in found.items()} == result.drawn
    again = PoolRace(learner.bench, spec)
    second, _ = again.run(open_cases(learner), None)
    assert again.passes == 0
    assert second.drawn == result.drawn
    assert second.passes == result.passes
    assert all(second.estimates[c] == pytest.approx(result.estimates[c]) for c in result.estimates)


def test_an_image_that_vanishes_during_the_race_keeps_its_first_samples(
    a_trained_learner, monkeypatch
):
    learner = a_trained_learner
    race = PoolRace(learner.bench, RaceSpec(8, 16, share=1.0))
    more = race._more

    def gone(case, upto):
        case.source.paths[0].unlink(missing_ok=True)
        return more(case, upto)

    monkeypatch.setattr(race, "_more", gone)
    result, found = race.run(open_cases(learner), None)
    assert set(result.drawn.values()) == {race.spec.opening}
    assert all(np.isfinite(e).all() for e in result.estimates.values())
    assert len(found) == 8


def test_memory_that_runs_out_half_way_costs_samples_and_nothing_else(
    a_trained_learner, monkeypatch
):
    learner, spec = a_trained_learner, RaceSpec(2, 16)
    cases = open_cases(learner)
    expected = PoolRace(learner.bench, spec).run(cases, None)[0]
    cache = learner.project.folder / "cache" / "statistics"
    for file in cache.rglob("*.npz"):
        file.unlink()
    draw, failed = Slab.draw, []

    def fail_once(self, samples, which=None):
        for index, chunk in enumerate(draw(self, samples, which)):
            if not failed and index == 1:
                failed.append(True)
                raise torch.OutOfMemoryError("out of memory")
            yield chunk

    monkeypatch.setattr(Slab, "draw", fail_once)
    found = PoolRace(learner.bench, spec).run(cases, None)[0]
    assert failed
    assert found.drawn == expected.drawn
    for case, estimate in expected.estimates.items():
        assert found.estimates[case] == pytest.approx(estimate, rel=1e-4)


def test_it_can_be_cancelled(a_trained_learner):
    cancel = Cancel()
    cancel.cancel()
    with pytest.raises(CancelledError):
        PoolRace(a_trained_learner.bench, RaceSpec(2), cancel=cancel).run(
            open_cases(a_trained_learner), None
        )
