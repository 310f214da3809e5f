"""The Bayesian network of a project: trained once, nothing lost, nothing leaked."""

from __future__ import annotations

import numpy as np
import pytest

from ActiveSuggestLib.errors import CancelledError, NoLabelError, NoModelError
from ActiveSuggestLib.learning import bayesian_network
from ActiveSuggestLib.learning.bayesian_network import PoolBayesianNetwork
from ActiveSuggestLib.models.inference import Samples
from ActiveSuggestLib.models.noise_inference import NoiseInference
from ActiveSuggestLib.progress import Cancel

SAMPLES = Samples(4)


@pytest.fixture
def trainings(monkeypatch):
    """The names of the cases that each training since was given."""
    seen = []
    original = bayesian_network.train

    def train(network, plan, cases, *args, **options):
        seen.append([c.name for c in cases])
        return original(network, plan, cases, *args, **options)

    monkeypatch.setattr(bayesian_network, "train", train)
    return seen


def digest(learner) -> str:
    return PoolBayesianNetwork(learner.bench).trained().digest


def folder(learner):
    return learner.project.folder / "cache" / "bayesian"


def test_it_is_trained_once_for_a_model_and_its_labels(make_learner, labels, trainings):
    learner = make_learner(6, labelled=4)
    learner.fine_tune(steps=1)
    first = digest(learner)
    assert digest(learner) == first
    assert len(trainings) == 1
    learner.save_label("p04_v0", labels / "p04_v0.nii.gz")
    second = digest(learner)
    learner.fine_tune(steps=1)
    assert len({first, second, digest(learner)}) == len(trainings) == 3
    assert len(list(folder(learner).iterdir())) == 2
    assert learner.project.events("bayesian_network")[-1].data["steps"] == 3


def test_it_learns_nothing_from_validation_cases(make_learner, trainings):
    learner = make_learner(8, labelled=6)
    learner.fine_tune(steps=1)
    digest(learner)
    apart = set(learner.project.validation_cases)
    assert apart
    assert not apart & set(trainings[0])
    assert len(trainings[0]) == 6 - len(apart)


def test_it_starts_from_the_model_in_use(make_learner, monkeypatch):
    learner = make_learner(4, labelled=3)
    learner.fine_tune(steps=2)
    trained = learner.bench.model().inference.network.state_dict()

    def train(network, *args, **options):
        start = network.segmentation.state_dict()
        assert all((start[name] == value).all() for name, value in trained.items())
        raise RuntimeError("seen")

    monkeypatch.setattr(bayesian_network, "train", train)
    with pytest.raises(RuntimeError, match="seen"):
        digest(learner)


def test_under_another_plan_it_starts_afresh_from_the_labels_alone(make_learner, monkeypatch):
    told, warm = [], []
    learner = make_learner(4, labelled=3, on_notice=lambda kind, *rest: told.append(kind))
    flat = learner.bench.with_plan(learner.bench.made_plan(dimensions=2))
    original = bayesian_network.train

    def train(*args, **options):
        warm.append(options["warm"])
        return original(*args, **options)

    monkeypatch.setattr(bayesian_network, "train", train)
    first = PoolBayesianNetwork(flat, fresh=True).trained()
    assert first.network.architecture.dimensions == 2
    learner.fine_tune(steps=1)
    assert PoolBayesianNetwork(flat, fresh=True).trained().digest == first.digest
    assert digest(learner) != first.digest
    assert warm == [False, True]
    assert not told


def test_it_learns(make_learner, monkeypatch):
    learner = make_learner(3, labelled=2, settings={"dimensions": 2, "bayesian_steps": 40})
    losses = []
    original = bayesian_network._NoisyLoss.__call__

    def heard(self, *args):
        loss = original(self, *args)
        losses.append(float(loss.detach()))
        return loss

    monkeypatch.setattr(bayesian_network._NoisyLoss, "__call__", heard)
    PoolBayesianNetwork(learner.bench, fresh=True).trained()
    assert len(losses) == 40
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])


def test_slices_have_the_parts_that_they_have_in_a_volume(make_learner):
    learner = make_learner(3, labelled=2, settings={"dimensions": 2})
    learner.fine_tune(steps=1)
    case = learner.project.cases()[2]
    prepared = learner.bench.load(case)
    store = PoolBayesianNetwork(learner.bench)
    pictures = prepared.array.movedim(0, 1)[prepared.image_slices()]
    found, whole = store.of_slices(pictures, SAMPLES), store.of([case], SAMPLES)[case.name]
    for part in ("epistemic", "aleatoric", "total"):
        for aggregator in ("mean", "foreground"):
            one, other = (s.slice_values(part, aggregator) for s in (found, whole))
            assert np.allclose(one, other, rtol=1e-4)


def test_a_torn_file_is_trained_again_to_the_same_network(make_learner, trainings):
    learner = make_learner(4, labelled=3)
    learner.fine_tune(steps=1)
    first = digest(learner)
    path = next(folder(learner).rglob("network.pt"))
    path.write_bytes(path.read_bytes()[:1000])
    assert digest(learner) == first
    assert len(trainings) == 2


def test_a_cancelled_training_goes_on_where_it_stood(make_learner):
    learner = make_learner(4, labelled=3)
    learner.fine_tune(steps=1)
    cancel = Cancel()

    def stop(done, total, message="", **data):
        if message.startswith("step 2"):
            cancel.cancel()

    with pytest.raises(CancelledError):
        PoolBayesianNetwork(learner.bench, progress=stop, cancel=cancel).trained()
    assert list(folder(learner).rglob("unfinished.pt"))
    seen = []
    store = PoolBayesianNetwork(
        learner.bench, progress=lambda d, t, message="", **data: seen.append(message)
    )
    store.trained()
    assert not [m for m in seen if m.startswith(("step 1", "step 2"))]
    assert [m for m in seen if m.startswith("step 3")]
    assert not list(folder(learner).rglob("unfinished.pt"))


def test_cases_have_both_parts_and_keep_them(make_learner, monkeypatch):
    learner = make_learner(4, labelled=3)
    learner.fine_tune(steps=2)
    runs = []
    original = NoiseInference.parts
    monkeypatch.setattr(
        NoiseInference, "parts", lambda self, *a, **o: runs.append(1) or original(self, *a, **o)
    )
    cases = learner.project.cases()
    found = PoolBayesianNetwork(learner.bench).of(cases, SAMPLES)
    again = PoolBayesianNetwork(learner.bench).of(cases, SAMPLES)
    assert len(found) == len(runs) == 4
    for name, statistics in found.items():
        epistemic, aleatoric = (
            statistics.slice_values(part, "mean") for part in ("epistemic", "aleatoric")
        )
        assert epistemic.shape == (16,)
        assert (epistemic > 0).all()
        assert (aleatoric > 0).all()
        assert not np.allclose(epistemic / aleatoric, (epistemic / aleatoric)[0])
        assert np.allclose(again[name].slice_values("epistemic", "mean"), epistemic)


def test_a_broken_image_is_reported_and_stops_none_of_the_others(make_learner):
    told = []
    learner = make_learner(
        4, labelled=3, on_notice=lambda kind, message, data: told.append(data.get("case"))
    )
    learner.fine_tune(steps=1)
    cases = learner.project.cases()
    cases[3].source.paths[0].write_bytes(b"torn")
    found = PoolBayesianNetwork(learner.bench).of(cases, SAMPLES)
    assert set(found) == {c.name for c in cases[:3]}
    assert "p03_v0" in told


def test_without_model_or_label_it_says_what_to_do(make_learner, monkeypatch):
    learner = make_learner(4, labelled=2)
    with pytest.raises(NoModelError):
        digest(learner)
    learner.fine_tune(steps=1)
    monkeypatch.setattr(bayesian_network.TrainingMaterial, "cases", lambda self: [])
    with pytest.raises(NoLabelError, match="Save a label first"):
        digest(learner)


class Parted:
    """A strategy that ranks by the total of both parts."""

    name, summary, needs_model = "parted", "", True

    def score(self, pool):
        from ActiveSuggestLib.strategies.base import Scores

        view = pool.bayesian(SAMPLES)
        values = view.table.values("total", "foreground")
        return Scores(values, [[view.training]] * len(values))


@pytest.mark.parametrize(("unit", "count"), [("volume", 2), ("slice", 32)])
def test_a_strategy_gets_both_parts_of_its_units(make_learner, monkeypatch, unit, count):
    from ActiveSuggestLib.strategies import registry

    monkeypatch.setattr(registry, "make", lambda *a, **o: Parted())
    learner = make_learner(5, labelled=3)
    learner.fine_tune(steps=1)
    table = learner.score("parted", unit=unit)
    assert len(table) == count
    assert (table["score"] > 0).all()
    assert set(table["reasons"]) == {"trained 3 steps"}
