"""Every strategy on a small project: volumes and slices, patients apart, reasons to read."""

from __future__ import annotations

import re
from functools import partial

import numpy as np
import pytest
import SimpleITK as sitk

from ActiveSuggestLib.data.project import create_project
from ActiveSuggestLib.learner import ActiveLearner
from ActiveSuggestLib.models.inference import Samples
from ActiveSuggestLib.strategies import registry
from Testing.Python import blobs

STRATEGIES = registry.names(simulation=True)


def truths(pool):
    """Return the function that a simulation gives to a workbench."""
    return lambda case: sitk.GetArrayFromImage(sitk.ReadImage(pool / "labels" / f"{case}.nii.gz"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A learner with four labels, a partly labelled volume and a model."""
    folder = tmp_path_factory.mktemp("strategies")
    pool = blobs.write_pool(folder / "pool", 12, visits=2)
    project = create_project(
        folder / "project",
        pool / "images",
        segments=blobs.SEGMENTS,
        patient_pattern=r"(p\d+)_v\d+",
        settings=blobs.SETTINGS,
    )
    with ActiveLearner(project, device="cpu", threads=1) as learner:
        for index, case in enumerate(project.cases()[:5]):
            some = {"slices": [4, 9]} if index == 4 else {}
            learner.save_label(case.name, pool / "labels" / f"{case.name}.nii.gz", **some)
        learner.fine_tune(steps=10)
        learner.bench.truth = truths(pool)
        yield learner


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_volumes_of_different_patients_with_reasons(trained, strategy):
    batch = trained.suggest(strategy, count=3)
    assert len({s.patient for s in batch}) == 3
    assert all(s.reasons and all(r.endswith((".", "…")) for r in s.reasons) for s in batch)
    assert [s.case for s in trained.suggest(strategy, count=3)] == [s.case for s in batch]
    taken = {c.name for c in trained.project.cases("labelled")}
    assert not taken & {s.case for s in batch}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_slices_apart_from_each_other_and_from_labelled_ones(trained, strategy):
    batch = trained.suggest(strategy, unit="slice", count=6)
    places = [(s.case, s.slice) for s in batch]
    assert len(set(places)) == 6
    partly = trained.project.cases("labelled")[4]
    near = [*places, *((partly.name, i) for i in partly.labelled_slices)]
    for place in places:
        others = [o for o in near if o is not place and o[0] == place[0]]
        assert all(abs(o[1] - place[1]) >= 5 for o in others)
    assert all(s.reasons for s in batch)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_without_a_model_every_strategy_suggests_something(make_learner, strategy):
    learner = make_learner(4)
    learner.bench.truth = pytest.fail  # No model has predicted anything that could be wrong.
    suggestions = learner.suggest(strategy, count=2)
    assert len({s.patient for s in suggestions}) == 2


def test_a_labelled_image_is_embedded_once_and_kept_in_the_cache(trained, monkeypatch):
    trained.suggest("k-center")
    reads = []
    load = trained.bench.load
    monkeypatch.setattr(trained.bench, "load", lambda c: reads.append(c.name) or load(c))
    row = trained.score("k-center").iloc[0]
    labelled = {c.name for c in trained.project.cases("labelled")}
    assert any(f"Nearest labelled: {name}, at distance" in row["reasons"] for name in labelled)
    assert reads == []


def test_the_nearest_labelled_slice_is_named(trained):
    reasons = " ".join(trained.suggest("k-center", unit="slice")[0].reasons)
    assert re.search(r"Nearest labelled: p\d\d_v\d, slice \d+, at distance", reasons)


def test_embeddings_are_those_of_the_network(trained):
    from ActiveSuggestLib.learning.pool_view import ProjectPool
    from ActiveSuggestLib.learning.scoring import case_statistics, gather

    bench, samples = trained.bench, Samples(1)
    cases = {state: trained.project.cases(state) for state in ("unlabelled", "labelled")}
    lists = cases["unlabelled"], cases["labelled"]
    looks = partial(gather, bench), pytest.fail, pytest.fail  # no latents, no gradients
    pool = ProjectPool(bench, *lists, "volume", "x", *looks)
    found = pool.embeddings(samples)
    assert len(found.candidates) == len(pool.units) == 7
    assert len(found.labelled) == len(pool.labelled) == 5
    for rows, state in ((found.candidates, "unlabelled"), (found.labelled, "labelled")):
        case = cases[state][1]
        own = case_statistics(bench, bench.model(), bench.load(case), samples).embedding
        assert np.allclose(rows[1], own, atol=1e-5)


def test_a_labelled_image_that_vanished_is_not_compared_with(trained, tmp_path):
    gone = trained.project.cases("labelled")[0]
    away = gone.source.paths[0].rename(tmp_path / "elsewhere.nii.gz")
    try:
        trained.project.rescan()
        reasons = " ".join(trained.score("k-center")["reasons"])
        assert gone.name not in reasons
        assert "Nearest labelled" in reasons
    finally:
        away.rename(gone.source.paths[0])
        trained.project.rescan()


def test_the_round_counts_trainings_on_new_labels_only(make_learner, labels):
    learner = make_learner(8, labelled=3)
    assert "cold start" in " ".join(learner.suggest("default")[0].reasons)
    assert learner.project.score_runs()[-1].model == ""
    rounds = []
    for new in ((), (), ("p03_v0", "p04_v0")):
        for case in new:
            learner.save_label(case, labels / f"{case}.nii.gz")
        learner.fine_tune(steps=2)
        reasons = " ".join(learner.suggest("default")[0].reasons)
        rounds.append(int(re.search(r"round (\d+)", reasons)[1]))
    assert rounds == [1, 1, 2]
    assert learner.project.score_runs()[-1].model == learner.bench.model().record.hash


def test_an_image_that_breaks_between_two_looks_at_it_leaves_the_pool(make_learner, tmp_path):
    learner = make_learner(10, labelled=3)
    learner.fine_tune(steps=2)
    samples = {"samples": 3}
    learner.score("entropy", options=samples)  # its statistics are kept now, its looks are not
    broken = learner.project.cases("unlabelled")[2]
    broken.source.paths[0].write_bytes(b"torn")
    batch = learner.suggest("default", count=6, options=samples)
    assert len({s.case for s in batch}) == 6
    assert broken.name not in {s.case for s in batch}
    assert learner.project.case(broken.name).state == "excluded"


def test_the_default_names_the_segment_it_picks_for(trained):
    reasons = " ".join(r for s in trained.suggest(count=5) for r in s.reasons)
    assert "Picked for ball" in reasons
    assert "Picked for core" in reasons
