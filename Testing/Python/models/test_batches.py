"""What a training draws: real cases, and synthetics beside them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ActiveSuggestLib.data.geometry import Geometry
from ActiveSuggestLib.models.batches import SYNTHETIC_SHARE, Batches, LabelledCase
from ActiveSuggestLib.models.device import choose_device
from ActiveSuggestLib.models.plan import fingerprint, make_plan
from Testing.Python import blobs


@pytest.fixture(scope="module")
def plan():
    geometry = Geometry(size=(40, 40, 1), spacing=(1.0, 1.0, 1.0))
    pool = fingerprint([geometry], [{}], channels=1, modality="MR", plane="axial")
    return make_plan(
        pool, choose_device("cpu"), classes=3, plane="axial", dimensions=2, features=[4, 8]
    )


def a_case(name, value=0.0, plain=False):
    image, label = blobs.blob(0, (1, 40, 40))
    image = np.full_like(image, value) if plain else image
    return LabelledCase.of(name, image[None], label, is_new=False, label_hash=name)


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
