"""The judge of synthetics: both parts of eq. 6, repeatable, and the training beside the labels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ActiveSuggestLib.data.geometry import Geometry
from ActiveSuggestLib.models.batches import SYNTHETIC_SHARE, Batches, LabelledCase
from ActiveSuggestLib.models.device import choose_device
from ActiveSuggestLib.models.heteroscedastic import HeteroscedasticNetwork
from ActiveSuggestLib.models.judging import Judge, JudgeLearning
from ActiveSuggestLib.models.memory import Limits
from ActiveSuggestLib.models.networks import SegmentationNetwork
from ActiveSuggestLib.models.plan import fingerprint, make_plan
from Testing.Python import blobs

LIMITS = Limits("cpu")


@pytest.fixture(scope="module")
def plan():
    geometry = Geometry(size=(40, 40, 1), spacing=(1.0, 1.0, 1.0))
    pool = fingerprint([geometry], [{}], channels=1, modality="MR", plane="axial")
    return make_plan(
        pool, choose_device("cpu"), classes=3, plane="axial", dimensions=2, features=[4, 8]
    )


@pytest.fixture
def judge(plan):
    torch.manual_seed(0)
    return Judge(HeteroscedasticNetwork(SegmentationNetwork(plan.architecture)), plan)


def pictures(count=3, side=40):
    generator = torch.Generator().manual_seed(1)
    return torch.randn((count, 1, side, side), generator=generator)


def test_one_sample_is_certain_and_more_are_not(judge):
    one, many = (judge.judge(pictures(), t, LIMITS) for t in (1, 6))
    assert np.allclose(one.epistemic, 0, atol=1e-9)
    assert (many.epistemic > 0).all()
    assert (one.aleatoric > 0).all()
    assert ((many.foreground > 0) & (many.foreground < 1)).all()
    assert many.rows().shape == (3, 5)


def test_a_slice_is_judged_alike_alone_among_others_and_again(judge):
    together = judge.judge(pictures(), 4, LIMITS)
    alone = judge.judge(pictures()[1:2], 4, LIMITS)
    assert np.allclose(together.rows()[1], alone.rows()[0], rtol=1e-4)
    assert np.array_equal(together.rows(), judge.judge(pictures(), 4, LIMITS).rows())


def test_a_foretold_noise_is_given_back_also_through_windows(judge, plan, monkeypatch):
    def constant(x):
        logits = torch.zeros(len(x), 3, *x.shape[2:])
        return logits, torch.full_like(logits, float(np.log(0.25)))

    monkeypatch.setattr(judge.network, "forward", constant)
    wide = 3 * plan.patch[1]
    for side in (40, wide):
        found = judge.judge(pictures(2, side), 3, LIMITS)
        assert np.allclose(found.aleatoric, 0.25, rtol=1e-5)
        assert np.allclose(found.aleatoric_foreground, 0.25, rtol=1e-5)
        assert np.allclose(found.epistemic, 0, atol=1e-9)
        assert np.allclose(found.foreground, 2 / 3, rtol=1e-5)


def a_case(name, value=0.0, plain=False):
    image, label = blobs.blob(0, (1, 40, 40))
    image = np.full_like(image, value) if plain else image
    return LabelledCase.of(name, image[None], label, is_new=False, label_hash=name)


def test_the_judge_learns(judge, plan):
    learning = JudgeLearning(judge.network, plan, [a_case("a")], seed=0, batch=4)
    losses = [learning.step(i, 0.0) for i in range(25)]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])


def test_a_third_of_what_is_drawn_is_synthetic(plan):
    real = [a_case(n) for n in "abc"]
    synthetic = [a_case(f"s{i}", 50.0, plain=True) for i in range(7)]
    batches = Batches(real, plan, 0, synthetic)
    bright = [(x > 20).any() for i in range(75) for x in batches.draw(i, 4)[0]]
    assert abs(np.mean(bright) - SYNTHETIC_SHARE) < 0.09
    alone = Batches(real, plan, 0)
    assert torch.equal(alone.draw(3, 4)[0], Batches(real, plan, 0, ()).draw(3, 4)[0])
    batches.replace_cases(real[:1])
    assert any((x > 20).any() for i in range(5) for x in batches.draw(i, 4)[0])
