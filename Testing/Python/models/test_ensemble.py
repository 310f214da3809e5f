"""Ensembles: resamples that repeat, disagreement with known answers, members side by side."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from ActiveSuggestLib.models.batches import LabelledCase
from ActiveSuggestLib.models.device import GIBIBYTE, Device
from ActiveSuggestLib.models.ensemble import (
    EnsembleSpec,
    bootstrap,
    combined,
    draw_alone,
    member_network,
    side_by_side,
)
from ActiveSuggestLib.models.inference import VolumeResult
from ActiveSuggestLib.models.memory import Limits
from ActiveSuggestLib.models.plan import Fingerprint, make_plan
from ActiveSuggestLib.models.statistics import SampleMaps
from ActiveSuggestLib.models.training import Budget, train
from Testing.Python import blobs

CPU = Device("cpu", 8 * GIBIBYTE, 4, "a CPU")


def a_plan():
    pool = Fingerprint(8, 1, "MR", (1.0, 1.0, 1.0), (16, 18, 20), 0.0, 1.0, 0.0, 1.0, 1.0)
    return make_plan(pool, CPU, classes=3, plane="axial", features=(4, 8, 8))


def result(probability, embedding):
    mean = torch.as_tensor(probability, dtype=torch.float32).reshape(-1, 1, 1, 1)
    zero = torch.zeros(1, 1, 1)
    rows = np.asarray(embedding, float)
    return VolumeResult(SampleMaps(mean, zero, zero), rows, rows[None])


def test_members_that_contradict_each_other_disagree_by_log_two():
    # Known answer 2.
    maps = combined([result((1, 0), [1, 0]), result((0, 1), [1, 0])]).maps
    assert float(maps.measure("bald")) == pytest.approx(np.log(2))
    assert float(maps.variance) == pytest.approx(0.25)
    same = combined([result((0.7, 0.3), [1, 0])] * 4).maps
    assert float(same.measure("bald")) == pytest.approx(0, abs=1e-7)
    assert float(same.variance) == 0


def test_a_descriptor_is_the_members_own_each_of_length_one():
    found = combined([result((1, 0), [3, 4]), result((1, 0), [0, 0]), result((1, 0), [0, 9])])
    assert found.embedding == pytest.approx([0.6, 0.8, 0, 0, 0, 1])
    assert found.slice_embeddings == pytest.approx(found.embedding[None])


def test_a_bootstrap_repeats_differs_between_members_and_leaves_a_third_out():
    rows = [bootstrap(500, member, seed=3) for member in range(4)]
    assert all(len(r) == 500 for r in rows)
    assert np.array_equal(rows[2], bootstrap(500, 2, seed=3))
    assert not np.array_equal(rows[0], rows[1])
    assert not np.array_equal(rows[0], bootstrap(500, 0, seed=4))
    left_out = [1 - len(np.unique(r)) / 500 for r in rows]
    assert np.mean(left_out) == pytest.approx(np.exp(-1), abs=0.03)


def test_members_begin_differently_and_each_always_alike():
    spec, plan = EnsembleSpec(), a_plan()
    first, again, second = (member_network(spec, plan, m, 0) for m in (0, 0, 1))
    torch.manual_seed(99)
    for a, b in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)
    assert not all(
        torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True)
    )


def test_members_trained_side_by_side_are_those_trained_one_after_the_other():
    plan = replace(a_plan(), dropout=0.5)
    cases = []
    for index in range(3):
        image, label = blobs.blob(index)
        cases.append(LabelledCase.of(f"c{index}", image[None], label, is_new=False, label_hash="x"))

    def learnt(member, network):
        draw_alone(network, member, 0, "cpu")
        chosen = [cases[i] for i in bootstrap(3, member, 0)]
        limits = Limits("cpu", batch=2)
        return train(
            network, plan, chosen, Budget(steps=3), limits, seed=member, warm=False
        ).weights

    def networks():
        return [member_network(EnsembleSpec(), plan, m, 0) for m in range(3)]

    alone = [learnt(*each) for each in enumerate(networks())]
    with ThreadPoolExecutor(3) as threads:
        together = list(threads.map(learnt, range(3), networks()))
    for one, other in zip(alone, together, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_as_many_train_at_once_as_the_device_has_threads_or_memory():
    plan = a_plan()
    assert side_by_side(4, plan, CPU, threads=8) == 4
    assert side_by_side(4, plan, CPU, threads=2) == 2
    assert side_by_side(4, plan, replace(CPU, free_memory=1), threads=8) == 1
    assert side_by_side(6, plan, Device("cuda:0", 80 * GIBIBYTE, 2, "a GPU"), threads=2) == 6
