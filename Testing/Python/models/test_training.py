"""Training: repeatable, time-boxed, resumable, blind to the unlabelled, safe when it fails."""

from __future__ import annotations

import copy
import time

import numpy as np
import pytest
import torch

from ActiveSuggestLib.data.labels import UNKNOWN
from ActiveSuggestLib.errors import CancelledError, TrainingDivergedError
from ActiveSuggestLib.models.batches import Batches, LabelledCase, crop
from ActiveSuggestLib.models.memory import Limits
from ActiveSuggestLib.models.networks import SegmentationNetwork
from ActiveSuggestLib.models.plan import Normalisation, Plan
from ActiveSuggestLib.models.training import Budget, Hooks, train
from ActiveSuggestLib.progress import Cancel


def a_plan(dimensions=3):
    patch = (16, 16, 16) if dimensions == 3 else (1, 16, 16)
    return Plan(
        plane="axial", dimensions=dimensions, channels=1, classes=2, spacing=(1.0, 1.0, 1.0),
        patch=patch, features=(4, 8), strides=((2,) * dimensions,), dropout=0.2,
        normalisation=Normalisation("volume"), batch=2, samples=4, device_kind="cpu",
    )  # fmt: skip


def a_case(name="a", seed=0, shape=(16, 18, 20), is_new=True):
    rng = np.random.default_rng(seed)
    label = np.zeros(shape, np.uint8)
    z, y, x = (int(rng.integers(1, n - 7)) for n in shape)
    label[z : z + 7, y : y + 7, x : x + 7] = 1
    image = (label * 2.0 + rng.normal(scale=0.5, size=shape)).astype(np.float32)[None]
    return LabelledCase.of(name, image, label, is_new=is_new, label_hash=f"{name}{seed}")


def a_network(plan, seed=0):
    torch.manual_seed(seed)
    return SegmentationNetwork(plan.architecture)


def run(budget, *, plan=None, cases=None, seed=0, hooks=None, state=None, network=None):
    plan = plan or a_plan()
    return train(
        network or a_network(plan), plan, cases or [a_case(), a_case("b", 1)], budget,
        Limits("cpu", batch=2), seed=seed, warm=False, hooks=hooks, state=state,
    )  # fmt: skip


def test_the_same_seed_gives_the_same_weights():
    first, second, other = (run(Budget(steps=5), seed=s) for s in (3, 3, 4))
    assert all(torch.equal(first.weights[k], second.weights[k]) for k in first.weights)
    assert any(not torch.equal(first.weights[k], other.weights[k]) for k in first.weights)
    assert first.steps == 5


def test_training_does_not_disturb_other_random_numbers():
    network = a_network(a_plan())
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    run(Budget(steps=2), network=network)
    assert torch.equal(torch.rand(3), expected)


def test_the_loss_falls():
    seen = []
    hooks = Hooks(progress=lambda *a, **data: seen.append(data["loss"]))
    run(Budget(steps=40), hooks=hooks)
    assert seen[-1] < 0.8 * seen[0]


def test_a_budget_of_seconds_ends_in_time():
    started = time.monotonic()
    outcome = run(Budget(seconds=1.5))
    assert outcome.steps > 1
    assert outcome.seconds >= 1.4
    assert time.monotonic() - started < 15  # a runaway, not a timing


def test_the_best_checked_weights_are_kept():
    dice = iter([0.9, 0.4, 0.3, 0.2, 0.1])
    kept = []

    def validate(network, seconds):
        kept.append(copy.deepcopy(network.state_dict()))
        return {"v": next(dice)}

    outcome = run(Budget(steps=12), hooks=Hooks(validate=validate))
    assert outcome.dice == {"v": 0.9}
    assert len(kept) > 1
    assert all(torch.equal(outcome.weights[k], kept[0][k]) for k in kept[0])


def test_a_label_saved_meanwhile_is_taken_in_without_a_restart(monkeypatch):
    monkeypatch.setattr("ActiveSuggestLib.models.training.REFRESH_SECONDS", 0.0)
    fresh = iter([None, [a_case(), a_case("new", 5)]])
    hooks = Hooks(refresh=lambda: next(fresh, None))
    outcome = run(Budget(steps=8), cases=[a_case()], hooks=hooks)
    assert outcome.steps == 8
    assert outcome.trained_on == {"a": "a0", "new": "new5"}


def test_a_cancelled_training_goes_on_where_it_stood():
    cancel, kept = Cancel(), []

    def progress(done, total, message="", **data):
        if data["step"] == 4:
            cancel.cancel()

    hooks = Hooks(progress=progress, cancel=cancel, keep=kept.append)
    with pytest.raises(CancelledError):
        run(Budget(steps=10), hooks=hooks)
    assert kept[-1].step == 4
    steps = []
    hooks = Hooks(progress=lambda *a, **data: steps.append(data["step"]))
    outcome = run(Budget(steps=10), state=kept[-1], hooks=hooks)
    assert steps[0] == 5
    assert outcome.steps == 10


def test_a_training_kept_with_another_way_to_update_goes_on():
    # As one that began on a GPU, or with an older version.
    cancel, kept = Cancel(), []
    hooks = Hooks(keep=kept.append, cancel=cancel)
    hooks.progress = lambda done, total, message="", **data: data["step"] == 2 and cancel.cancel()
    with pytest.raises(CancelledError):
        run(Budget(steps=4), hooks=hooks)
    for group in kept[-1].optimiser["param_groups"]:
        group["fused"] = None
    assert run(Budget(steps=4), state=kept[-1]).steps == 4


def test_out_of_memory_is_answered_by_a_smaller_batch_and_told(monkeypatch):
    plan, told = a_plan(), []
    network = a_network(plan)
    forward = network.forward

    def hungry(x):
        if len(x) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(x)

    monkeypatch.setattr(network, "forward", hungry)
    outcome = run(Budget(steps=3), network=network, hooks=Hooks(notice=lambda *a: told.append(a)))
    assert outcome.steps == 3
    assert outcome.limits.batch == 1
    assert told
    assert told[0][0] == "out_of_memory"


def test_a_diverging_training_is_a_named_error():
    broken = a_case()
    broken.image[:] = np.nan
    with pytest.raises(TrainingDivergedError, match="earlier model"):
        run(Budget(steps=100), cases=[broken])


def test_2d_networks_train_on_slices():
    assert run(Budget(steps=3), plan=a_plan(2)).steps == 3


def test_the_time_for_the_last_check_is_set_aside_from_the_start():
    slow = []

    def validate(network, seconds):
        slow.append(seconds)
        time.sleep(0.3)
        return {"v": 0.5}

    # One case passes over as many voxels as hundreds of steps: too much for checks in between.
    hooks = Hooks(validate=validate, check_voxels=[16**3 * 6 * 100.0])
    run(Budget(seconds=2.0), hooks=hooks)
    assert len(slow) == 1


def test_the_time_left_is_what_was_given():
    seen = []
    hooks = Hooks(progress=lambda *a, **data: seen.append(data["remaining_seconds"]))
    run(Budget(seconds=1.0), hooks=hooks)
    assert 0.5 < seen[0] <= 1.0
    assert seen == sorted(seen, reverse=True)


def test_newest_labels_are_drawn_more_often():
    cases = [a_case("old", 0, is_new=False), a_case("new", 1)]
    cases[1].image[:] += 100
    batches = Batches(cases, a_plan(), seed=0)
    drawn = [float(batches.draw(i, 1)[0].mean()) > 20 for i in range(150)]
    assert np.mean(drawn) == pytest.approx(2 / 3, abs=0.1)


def test_crops_are_centred_on_labelled_slices():
    case = a_case(shape=(60, 18, 20))
    label = np.full_like(case.label, UNKNOWN)
    label[40] = case.label[40]
    sparse = LabelledCase.of("s", case.image, label, is_new=True, label_hash="")
    rng = np.random.default_rng(0)
    for _ in range(30):
        assert (crop(sparse, (16, 16, 16), rng)[1] != UNKNOWN).any()


def test_half_of_the_crops_hold_foreground_however_rare_it_is():
    label = np.zeros((16, 200, 200), np.uint8)
    label[8, 100, 100] = 1
    case = LabelledCase.of(
        "r", np.zeros((1, *label.shape), np.float32), label, is_new=True, label_hash=""
    )
    rng = np.random.default_rng(0)
    hits = [(crop(case, (16, 16, 16), rng)[1] == 1).any() for _ in range(200)]
    assert np.mean(hits) > 0.4


def test_beyond_a_small_volume_the_label_is_unknown():
    case = a_case(shape=(16, 10, 20))
    image, label = crop(case, (16, 16, 16), np.random.default_rng(0))
    assert image.shape == (1, 16, 16, 16)
    assert (label[:, :3] == UNKNOWN).all()
    assert (label[:, 3:13] != UNKNOWN).all()
    assert (image[:, :, :3] == 0).all()


def test_batches_do_not_depend_on_the_order_in_which_they_are_made():
    batches = Batches([a_case(), a_case("b", 1)], a_plan(), seed=1)
    third = batches.draw(3, 2)
    batches.draw(0, 2)
    again = batches.draw(3, 2)
    assert torch.equal(third[0], again[0])
    assert torch.equal(third[1], again[1])
