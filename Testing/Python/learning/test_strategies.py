"""Every strategy on a small project: volumes and slices, patients apart, reasons to read."""

from __future__ import annotations

import pytest

from ActiveSuggestLib.data.project import create_project
from ActiveSuggestLib.learner import ActiveLearner
from ActiveSuggestLib.strategies import registry
from Testing.Python import blobs

STRATEGIES = registry.names()


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
    suggestions = make_learner(4).suggest(strategy, count=2)
    assert len({s.patient for s in suggestions}) == 2
