"""The ensemble of a project: trained once, nothing lost, nothing leaked."""

from __future__ import annotations

import numpy as np
import pytest

from ActiveSuggestLib.errors import CancelledError, NoLabelError
from ActiveSuggestLib.learning import ensembles
from ActiveSuggestLib.learning.ensembles import PoolEnsemble
from ActiveSuggestLib.models.ensemble import EnsembleSpec
from ActiveSuggestLib.progress import Cancel

SPEC = EnsembleSpec(members=3)


@pytest.fixture
def trainings(monkeypatch):
    """The names of the cases that each training since was given."""
    seen = []
    original = ensembles.train

    def train(network, plan, cases, *args, **options):
        seen.append([c.name for c in cases])
        return original(network, plan, cases, *args, **options)

    monkeypatch.setattr(ensembles, "train", train)
    return seen


def digests(learner, spec=SPEC):
    return [m.digest for m in PoolEnsemble(learner.bench, spec).members()]


def test_it_is_trained_once_for_the_same_labels(make_learner, labels, trainings):
    learner = make_learner(5, labelled=3)
    first = digests(learner)
    assert len(set(first)) == len(trainings) == 3
    assert digests(learner) == first
    assert len(trainings) == 3
    learner.save_label("p03_v0", labels / "p03_v0.nii.gz")
    assert set(digests(learner)).isdisjoint(first)
    assert len(trainings) == 6
    assert learner.project.events("ensemble")[-1].data["labels"] == 4


def test_each_member_sees_a_resample_without_the_validation_cases(make_learner, trainings):
    learner = make_learner(8, labelled=6)
    learner.fine_tune(steps=1)
    apart = set(learner.project.validation_cases)
    assert apart
    digests(learner)
    assert all(len(names) == 6 - len(apart) for names in trainings)
    assert not apart & {name for names in trainings for name in names}
    assert len({tuple(names) for names in trainings}) > 1


def test_a_torn_member_is_trained_again_alone_to_the_same_network(make_learner, trainings):
    learner = make_learner(4, labelled=3)
    store = PoolEnsemble(learner.bench, SPEC)
    before = store.statistics(learner.project.cases("unlabelled"))
    files = sorted(store.root.rglob("member-*.pt"))
    files[1].write_bytes(files[1].read_bytes()[:500])
    after = PoolEnsemble(learner.bench, SPEC).statistics(learner.project.cases("unlabelled"))
    assert len(trainings) == 4
    for name, found in before.items():
        assert np.allclose(found.volume, after[name].volume, atol=1e-6)


def test_a_cancelled_training_keeps_the_members_that_are_done(make_learner, trainings, monkeypatch):
    learner = make_learner(4, labelled=3)
    monkeypatch.setattr(ensembles, "side_by_side", lambda *a: 1)
    cancel = Cancel()

    def stop(done, total, message="", **data):
        if "member 2" in message:
            cancel.cancel()

    with pytest.raises(CancelledError):
        PoolEnsemble(learner.bench, SPEC, progress=stop, cancel=cancel).members()
    assert len(trainings) == 2
    assert list((learner.project.folder / "cache" / "ensembles").rglob("unfinished.pt"))
    digests(learner)
    assert len(trainings) == 4
    assert not list((learner.project.folder / "cache" / "ensembles").rglob("unfinished.pt"))


def test_one_members_failure_ends_all_and_is_told(make_learner, monkeypatch):
    learner = make_learner(4, labelled=3)

    def train(*args, **options):
        raise RuntimeError("broken")

    monkeypatch.setattr(ensembles, "train", train)
    with pytest.raises(RuntimeError, match="broken"):
        digests(learner)


def test_the_time_box_is_shared_by_the_members(make_learner, monkeypatch):
    learner = make_learner(4, labelled=3, settings={"ensemble_steps": None})
    budgets = []
    original = ensembles.train

    def train(network, plan, cases, budget, *args, **options):
        budgets.append(budget.seconds)
        return original(network, plan, cases, budget, *args, **options)

    monkeypatch.setattr(ensembles, "train", train)
    monkeypatch.setattr(ensembles, "side_by_side", lambda *a: 2)
    members = PoolEnsemble(learner.bench, EnsembleSpec(members=3, seconds=0.6)).members()
    assert budgets == [pytest.approx(0.3)] * 3
    assert all(m.steps >= 1 for m in members)


def test_the_paper_chooses_by_labels_that_a_member_was_not_trained_on(make_learner, monkeypatch):
    learner = make_learner(8, labelled=6)
    judged, trained = [], []
    original, judge = ensembles.train, ensembles.Validation

    def train(network, plan, cases, *args, **options):
        trained.append({c.name for c in cases})
        return original(network, plan, cases, *args, **options)

    def validation(bench, names):
        judged.append(set(names))
        return judge(bench, names)

    monkeypatch.setattr(ensembles, "train", train)
    monkeypatch.setattr(ensembles, "Validation", validation)
    monkeypatch.setattr(ensembles, "side_by_side", lambda *a: 1)
    spec = EnsembleSpec("suggestive", members=2, validated=True)
    PoolEnsemble(learner.bench, spec).members()
    assert [len(j) for j in judged] == [1, 1]
    assert all(not j & t for j, t in zip(judged, trained, strict=True))


def test_without_a_label_there_is_nothing_to_train_on(make_learner):
    with pytest.raises(NoLabelError, match="No case is labelled"):
        digests(make_learner(3))


def test_the_papers_network_ranks_volumes_and_slices(make_learner):
    learner = make_learner(6, labelled=3)
    learner.fine_tune(steps=2)
    for unit, count in (("volume", 3), ("slice", 48)):
        table = learner.score("ensemble", unit=unit, preset="paper")
        assert len(table) == count
        assert table["score"].is_monotonic_decreasing
        assert table["score"].iloc[0] > 0
