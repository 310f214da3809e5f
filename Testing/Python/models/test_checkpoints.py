"""Models on disk: whole or not at all, known by their hash, never run as code."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import pytest
import torch

from ActiveSuggestLib.errors import DamagedCheckpointError, ForeignCheckpointError
from ActiveSuggestLib.models.checkpoints import Checkpoints
from ActiveSuggestLib.models.networks import SegmentationNetwork
from ActiveSuggestLib.models.plan import Normalisation, Plan
from ActiveSuggestLib.models.training import TrainingState

PLAN = Plan(
    plane="axial", dimensions=3, channels=1, classes=2, spacing=(1.0, 1.0, 1.0),
    patch=(16, 16, 16), features=(4, 8), strides=((2, 2, 2),), dropout=0.2,
    normalisation=Normalisation("volume"), batch=2, samples=4, device_kind="cpu",
)  # fmt: skip


def save(checkpoints, **changes):
    network = SegmentationNetwork(PLAN.architecture)
    facts = {
        "parent": None, "accepted": True, "reason": "", "labels": {"a": "1"}, "dice": {"v": 0.5},
        "steps": 3, "seconds": 1.0, "seed": 0, "device": "cpu", "validation_dice": 0.5,
        "validation_cases": 1, **changes,
    }  # fmt: skip
    return network, checkpoints.save(network.state_dict(), PLAN, ("liver",), **facts)


def test_a_model_comes_back_as_it_was_saved(tmp_path):
    checkpoints = Checkpoints(tmp_path / "models")
    network, record = save(checkpoints)
    loaded = checkpoints.load(record, PLAN, ("liver",))
    for name, value in network.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name])
    assert checkpoints.records() == [record]
    form = json.loads((tmp_path / "models" / "v1.json").read_text("utf-8"))
    assert form["labels"] == {"a": "1"}


def test_versions_count_up_and_the_newest_accepted_comes_first(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    save(checkpoints)
    save(checkpoints)
    save(checkpoints, accepted=False)
    assert [r.version for r in checkpoints.records()] == [1, 2, 3]
    assert [r.version for r in checkpoints.accepted()] == [2, 1]


def test_a_model_without_a_record_is_never_overwritten(tmp_path):
    # A kill between the weights and the record leaves the weights alone.
    checkpoints = Checkpoints(tmp_path)
    save(checkpoints)
    (tmp_path / "v1.json").unlink()
    before = (tmp_path / "v1.pt").read_bytes()
    _, record = save(checkpoints)
    assert record.version == 2
    assert (tmp_path / "v1.pt").read_bytes() == before


@pytest.mark.parametrize("damage", ["cut", "empty", "flipped", "gone"])
def test_a_damaged_file_is_named(tmp_path, damage):
    checkpoints = Checkpoints(tmp_path)
    _, record = save(checkpoints)
    path = checkpoints.path(1)
    content = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "flipped":
        content[len(content) // 2] ^= 255
        path.write_bytes(content)
    else:
        path.unlink()
    with pytest.raises(DamagedCheckpointError, match="Model 1"):
        checkpoints.load(record, PLAN, ("liver",))


def test_a_model_of_another_plan_or_other_segments_is_left_aside(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    _, record = save(checkpoints)
    with pytest.raises(ForeignCheckpointError, match="another plan"):
        checkpoints.load(record, replace(PLAN, dropout=0.3), ("liver",))
    with pytest.raises(ForeignCheckpointError, match="other segments"):
        checkpoints.load(record, PLAN, ("spleen",))


def test_a_torn_record_hides_no_other(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    save(checkpoints)
    save(checkpoints)
    (tmp_path / "v2.json").write_text('{"version": 2, "hash', "utf-8")
    assert [r.version for r in checkpoints.records()] == [1]


def test_a_model_file_cannot_run_code(tmp_path):
    class Trap:
        def __reduce__(self):
            return (pytest.fail, ("code was run",))

    checkpoints = Checkpoints(tmp_path)
    checkpoints.folder.joinpath("unfinished.pt").write_bytes(pickle.dumps({"facts": Trap()}))
    assert checkpoints.unfinished() is None


def test_an_unfinished_training_is_taken_up_only_under_the_same_facts(tmp_path):
    checkpoints = Checkpoints(tmp_path / "models")
    network = SegmentationNetwork(PLAN.architecture)
    optimiser = torch.optim.AdamW(network.parameters())
    state = TrainingState(network.state_dict(), optimiser.state_dict(), 5, 2.5, {"a": "1"})
    checkpoints.keep_unfinished(state, plan="p", seed=0)
    assert checkpoints.unfinished(plan="q", seed=0) is None
    found = checkpoints.unfinished(plan="p", seed=0)
    assert (found.step, found.elapsed, found.trained_on) == (5, 2.5, {"a": "1"})
    checkpoints.discard_unfinished()
    assert checkpoints.unfinished(plan="p", seed=0) is None
