"""The oracle: the lowest true Dice in a simulation, and a refusal outside of one."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from ActiveSuggestLib.errors import NoTruthError
from ActiveSuggestLib.learning.truth import true_dice
from ActiveSuggestLib.strategies import registry


def known(labels):
    return lambda case: sitk.GetArrayFromImage(sitk.ReadImage(labels / f"{case}.nii.gz"))


def test_outside_a_simulation_it_refuses_with_a_sentence(make_learner):
    learner = make_learner(4)
    with pytest.raises(NoTruthError, match="outside a simulation nobody knows them"):
        learner.suggest("oracle")
    assert "oracle" not in registry.names()
    assert "oracle" in registry.names(simulation=True)


def test_without_a_model_it_draws_and_says_so(make_learner, labels):
    learner = make_learner(4)
    learner.bench.truth = known(labels)
    assert "nothing is wrong yet" in learner.suggest("oracle")[0].reasons[0]


def test_it_ranks_by_the_true_dice(make_learner, labels):
    learner = make_learner(8, labelled=4)
    learner.fine_tune(steps=6)
    learner.bench.truth = known(labels)
    table = learner.score("oracle")
    dice = true_dice(learner.bench, learner.project.cases("unlabelled"))
    assert list(table["case"]) == sorted(dice, key=lambda c: dice[c].volume)
    assert table["score"].iloc[0] == pytest.approx(1 - dice[table["case"].iloc[0]].volume)
    slices = learner.score("oracle", unit="slice")
    first = slices.iloc[0]
    assert first["score"] == pytest.approx(1 - dice[first["case"]].slices[first["slice"]])


def test_an_empty_slice_that_stays_empty_comes_last(make_learner, labels, monkeypatch):
    learner = make_learner(5, labelled=3)
    learner.fine_tune(steps=2)
    learner.bench.truth = known(labels)
    case = learner.project.cases("unlabelled")[0]

    def of(change):
        from ActiveSuggestLib.learning import truth

        original = truth.predict

        def predict(bench, name, **options):
            found = original(bench, name, **options)
            found.labels[:] = known(labels)(name)
            change(found.labels)
            return found

        monkeypatch.setattr(truth, "predict", predict)
        slices = true_dice(learner.bench, [case])[case.name].slices
        monkeypatch.setattr(truth, "predict", original)
        return slices

    assert np.all(of(lambda labels: None) == 1)
    spurious = of(lambda labels: labels[0].fill(1))
    assert spurious[0] == pytest.approx(0.5)  # The core is in neither, the ball only predicted.
    assert np.all(spurious[1:] == 1)
