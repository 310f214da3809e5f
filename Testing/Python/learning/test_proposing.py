"""What the model proposes for a case, and in which order it is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ActiveSuggestLib.data.project import create_project
from ActiveSuggestLib.learner import ActiveLearner
from ActiveSuggestLib.serving.thumbnails import display_slice
from Testing.Python import blobs


@pytest.fixture
def trained(make_learner):
    learner = make_learner(6, labelled=4)
    learner.fine_tune(steps=15)
    return learner


def test_the_labels_are_known_before_the_uncertainty_and_are_the_same(trained):
    early = []
    case = trained.project.cases("unlabelled")[0].name
    whole = trained.predict(case, on_labels=early.append)
    (proposal,) = early
    assert proposal.uncertainty is None
    assert proposal.model == whole.model
    assert np.array_equal(proposal.labels, whole.labels)
    assert trained.predict(case, uncertainty=False, on_labels=early.append) is early[1]


def test_progress_grows_through_both_phases_to_the_end(trained):
    told = []
    trained.predict(
        trained.project.cases("unlabelled")[0].name,
        progress=lambda done, total, *_: told.append(done / total),
    )
    assert told == sorted(told)
    assert told[0] == 0.0
    assert 0.2 <= max(told) <= 1.0


def test_the_slices_uncertainty_is_highest_in_the_worst_one(trained):
    found = trained.predict(trained.project.cases("unlabelled")[0].name)
    assert found.slice_uncertainty.shape == (found.labels.shape[0],)
    assert found.worst_slice == int(np.argmax(found.slice_uncertainty))


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_the_picture_is_the_worst_slice_as_it_is_shown(tmp_path, plane):
    pool = blobs.write_pool(tmp_path / "pool", 4)
    project = create_project(
        tmp_path / "project",
        pool / "images",
        segments=blobs.SEGMENTS,
        plane=plane,
        settings=blobs.SETTINGS,
    )
    with ActiveLearner(project, device="cpu", threads=1) as learner:
        for row in project.cases()[:2]:
            learner.save_label(row.name, pool / "labels" / f"{row.name}.nii.gz")
        learner.fine_tune(steps=3)
        row = project.cases()[3]
        found = learner.predict(row.name)
        image = project.read_image(row.name)
        shown = display_slice(image.array[0], image.geometry, plane, found.worst_slice)
        assert found.picture.shape == shown.shape
        assert np.corrcoef(found.picture.ravel(), shown.ravel())[0, 1] > 0.99


def test_warming_up_runs_the_model_in_use_and_needs_none(trained, make_learner, monkeypatch):
    run = []
    forward = torch.nn.Module.__call__
    network = trained.bench.model().inference.network

    def watch(module, *arguments, **options):
        run.append(module)
        return forward(module, *arguments, **options)

    monkeypatch.setattr(torch.nn.Module, "__call__", watch)
    before = {k: v.clone() for k, v in network.state_dict().items()}
    trained.warm_up()
    assert run
    assert all(torch.equal(before[k], v) for k, v in network.state_dict().items())


def test_warming_up_without_a_model_does_nothing(make_learner):
    learner = make_learner(2)
    learner.warm_up()
    assert learner.bench.stored_plan() is None
