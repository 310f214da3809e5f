"""Fine-tuning a project: validation apart, roll-back, resuming, sparse labels."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from ActiveSuggestLib.errors import CancelledError, LabelError, NoLabelError, NoModelError
from ActiveSuggestLib.learning.validation import validation_cases
from ActiveSuggestLib.progress import Cancel


def test_nothing_labelled_is_an_ordinary_state(make_learner):
    with pytest.raises(NoLabelError, match="Save a label first"):
        make_learner(3).fine_tune(steps=1)


def test_one_label_trains_a_model_without_a_check(make_learner):
    report = make_learner(3, labelled=1).fine_tune(steps=2)
    assert report.accepted
    assert report.validation_dice is None
    assert "too few patients" in report.reason


def test_validation_cases_are_fixed_by_patient_and_never_trained_on(make_learner, labels):
    learner = make_learner(20, labelled=12, visits=2)
    learner.fine_tune(steps=2)
    fixed = learner.project.validation_cases
    patients = {learner.project.case(c).patient for c in fixed}
    assert len(patients) >= 1
    assert len(fixed) == 2 * len(patients)
    for case in [c.name for c in learner.project.cases("unlabelled")][:4]:
        learner.save_label(case, labels / f"{case}.nii.gz")
    report = learner.fine_tune(steps=2)
    assert set(fixed) <= set(learner.project.validation_cases)
    assert report.validation_cases == len(learner.project.validation_cases)
    for record in learner.models():
        trained = {learner.project.case(c).patient for c in record.labels}
        assert not trained & patients
    assert learner.status()["warnings"] == []


def rows(names):
    class Row:
        def __init__(self, name):
            self.name, self.patient = name, name.split("_")[0]

    return [Row(n) for n in names]


def test_a_good_validation_set_never_changes():
    many = rows([f"p{i}" for i in range(16)])
    fixed = validation_cases(many, (), {}, seed=0)
    assert len(fixed) == 4
    more = rows([f"p{i}" for i in range(60)])
    assert validation_cases(more, fixed, {}, seed=0) == fixed


def test_a_project_trained_after_every_label_still_gets_a_validation_set():
    trained, fixed = set(), ()
    for count in range(1, 21):
        labelled = rows([f"p{i:02d}" for i in range(count)])
        fixed = validation_cases(labelled, fixed, trained, seed=0)
        assert not set(fixed) & trained
        trained |= {r.name for r in labelled if r.name not in fixed}
    assert len(fixed) == 3


def test_a_worse_model_is_rolled_back_and_kept_apart(make_learner, monkeypatch):
    learner = make_learner(10, labelled=8)
    first = learner.fine_tune(steps=25)
    monkeypatch.setattr("ActiveSuggestLib.models.training.WARM_LEARNING_RATE", 50.0)
    second = learner.fine_tune(steps=4)
    assert first.accepted
    assert not second.accepted
    assert "Rolled back" in second.reason
    assert second.previous_dice == pytest.approx(first.validation_dice)
    assert learner.bench.model().record.version == first.model
    assert [r.accepted for r in learner.models()] == [True, False]


def test_the_next_training_starts_from_the_model_in_use(make_learner):
    learner = make_learner(6, labelled=4)
    first = learner.fine_tune(steps=3)
    second = learner.fine_tune(steps=1)
    assert learner.models()[1].parent == first.model
    a, b = (
        torch.load(learner.bench.checkpoints.path(v), weights_only=True)["weights"]
        for v in (first.model, second.model)
    )
    drift = max(float((a[k] - b[k]).abs().max()) for k in a)
    assert 0 < drift < 0.05


def test_a_cancelled_fine_tune_keeps_the_model_in_use_and_goes_on_later(make_learner):
    learner = make_learner(6, labelled=4)
    learner.fine_tune(steps=2)
    cancel = Cancel()

    def progress(done, total, message="", **data):
        if data.get("step") == 3:
            cancel.cancel()

    with pytest.raises(CancelledError):
        learner.fine_tune(steps=8, progress=progress, cancel=cancel)
    assert learner.bench.model().record.version == 1
    report = learner.fine_tune(steps=8)
    assert report.resumed
    assert report.steps == 8
    assert not learner.fine_tune(steps=2).resumed


def test_an_unfinished_training_is_dropped_once_validation_cases_are_chosen_from_it(
    make_learner, labels
):
    learner = make_learner(8, labelled=3)
    cancel = Cancel()

    def progress(done, total, message="", **data):
        if data.get("step") == 2:
            cancel.cancel()

    with pytest.raises(CancelledError):
        learner.fine_tune(steps=8, progress=progress, cancel=cancel)
    for case in ("p03_v0", "p04_v0"):
        learner.save_label(case, labels / f"{case}.nii.gz")
    report = learner.fine_tune(steps=8)
    assert learner.project.validation_cases
    assert not report.resumed


def test_a_shorter_budget_than_what_was_spent_still_trains(make_learner):
    learner = make_learner(4, labelled=2)
    cancel = Cancel()

    def progress(done, total, message="", **data):
        if data.get("step", 0) >= 1 and done > 0.05:
            cancel.cancel()

    with pytest.raises(CancelledError):
        learner.fine_tune(seconds=30, progress=progress, cancel=cancel)
    report = learner.fine_tune(seconds=1.2)
    assert report.resumed
    assert report.seconds >= 1.0


def test_labels_saved_after_an_interruption_are_trained_on(make_learner, labels):
    learner = make_learner(4, labelled=1)
    cancel = Cancel()

    def progress(done, total, message="", **data):
        if data.get("step", 0) >= 3 and done > 0.3:
            cancel.cancel()

    with pytest.raises(CancelledError):
        learner.fine_tune(seconds=1.5, progress=progress, cancel=cancel)
    learner.save_label("p01_v0", labels / "p01_v0.nii.gz")
    report = learner.fine_tune(seconds=1.0)
    assert report.resumed
    assert report.seconds >= 0.9
    assert report.trained_on == 2


def test_out_of_memory_while_validating_is_told_and_the_training_goes_on(make_learner, monkeypatch):
    from ActiveSuggestLib.models.inference import Inference

    learner = make_learner(6, labelled=4)
    told, failures = [], [torch.OutOfMemoryError("CUDA out of memory")]
    learner.bench.on_notice = lambda *a: told.append(a)
    probability = Inference.probability

    def hungry(self, *args, **options):
        if failures:
            raise failures.pop()
        return probability(self, *args, **options)

    monkeypatch.setattr(Inference, "probability", hungry)
    report = learner.fine_tune(steps=4)
    assert report.validation_cases == 1
    assert [t[0] for t in told] == ["out_of_memory"]


def test_a_label_saved_while_training_is_taken_in(make_learner, labels, monkeypatch):
    monkeypatch.setattr("ActiveSuggestLib.models.training.REFRESH_SECONDS", 0.0)
    learner = make_learner(6, labelled=2)
    new = learner.project.cases("unlabelled")[0].name

    def progress(done, total, message="", **data):
        if data.get("step") == 2:
            learner.save_label(new, labels / f"{new}.nii.gz")

    report = learner.fine_tune(steps=6, progress=progress)
    assert report.trained_on == 3
    assert new in learner.models()[-1].labels


def test_slices_alone_can_be_trained_on(make_learner, labels):
    learner = make_learner(5)
    for case in [c.name for c in learner.project.cases()][:2]:
        learner.save_label(case, labels / f"{case}.nii.gz", slices=[7, 8])
    report = learner.fine_tune(steps=3)
    assert report.trained_on == 2
    assert learner.predict("p03_v0").labels.shape == (16, 18, 20)


def test_an_unusable_label_is_reported_and_the_rest_is_trained_on(make_learner):
    learner = make_learner(5, labelled=2)
    told = []
    learner.bench.on_notice = lambda *a: told.append(a)
    path = learner.project.label_path("p00_v0")
    path.write_bytes(b"NRRD0004\nnothing")
    report = learner.fine_tune(steps=2)
    assert report.trained_on == 1
    assert any("p00_v0" in str(t) for t in told)


def test_a_damaged_model_gives_way_to_the_one_before(make_learner):
    learner = make_learner(6, labelled=4)
    learner.fine_tune(steps=2)
    learner.fine_tune(steps=2)
    path = learner.bench.checkpoints.path(2)
    path.write_bytes(path.read_bytes()[:1000])
    from ActiveSuggestLib.learner import ActiveLearner

    told = []
    again = ActiveLearner(learner.project.folder, device="cpu", on_notice=lambda *a: told.append(a))
    assert again.bench.model().record.version == 1
    assert [t[0] for t in told] == ["damaged_checkpoint"]
    assert again.fine_tune(steps=1).model == 3


def test_no_sound_model_is_left_says_so(make_learner):
    learner = make_learner(3, labelled=1)
    learner.fine_tune(steps=1)
    learner.bench.checkpoints.path(1).unlink()
    from ActiveSuggestLib.learner import ActiveLearner

    with pytest.raises(NoModelError, match="train first"):
        ActiveLearner(learner.project.folder, device="cpu").predict("p00_v0")


def test_another_plan_leaves_old_models_aside(make_learner):
    learner = make_learner(5, labelled=2)
    learner.fine_tune(steps=1)
    learner.project.update_settings(features=[4, 4])
    learner.replan()
    assert learner.bench.model_or_none() is None
    report = learner.fine_tune(steps=1)
    assert learner.bench.model().record.version == report.model == 2
    assert report.previous_dice is None


def test_a_model_can_be_taken_back_by_hand(make_learner):
    learner = make_learner(6, labelled=4)
    learner.fine_tune(steps=2)
    learner.fine_tune(steps=2)
    learner.rollback(1)
    assert learner.bench.model().record.version == 1
    assert learner.project.events("rolled_back")


def test_the_record_says_what_the_model_was_made_from(make_learner):
    learner = make_learner(8, labelled=6)
    learner.fine_tune(steps=3)
    record = json.loads((learner.project.folder / "models" / "v1.json").read_text("utf-8"))
    assert record["plan"] == learner.bench.plan.hash
    assert record["steps"] == 3
    for case, digest in record["labels"].items():
        assert learner.project.case(case).label_hash == digest
    assert record["validation_cases"] == len(record["dice"])
    assert record["curve"][-1]["step"] == 3


def test_out_of_memory_while_scoring_is_told_and_the_scores_are_the_same(make_learner, monkeypatch):
    learner = make_learner(6, labelled=4)
    learner.fine_tune(steps=3)
    expected = learner.score("mc-dropout")
    import shutil

    shutil.rmtree(learner.project.folder / "cache")
    told = []
    learner.bench.on_notice = lambda *a: told.append(a)
    network = learner.bench.model().inference.network
    decode = network.decode

    def hungry(features, samples=1):
        if samples > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return decode(features, samples)

    monkeypatch.setattr(network, "decode", hungry)
    table = learner.score("mc-dropout")
    assert list(table["case"]) == list(expected["case"])
    assert np.allclose(table["score"], expected["score"], rtol=1e-4)
    assert {t[0] for t in told} == {"out_of_memory"}


def test_the_proposal_is_judged_before_it_is_trained_on(make_learner, labels):
    learner = make_learner(6, labelled=4)
    learner.fine_tune(steps=20)
    case = learner.project.cases("unlabelled")[0].name
    proposal = learner.predict(case)
    assert proposal.uncertainty.shape == proposal.labels.shape
    assert 0 <= proposal.worst_slice < 16
    learner.save_label(case, labels / f"{case}.nii.gz")
    (event,) = learner.project.events("prequential")
    assert event.case == case
    from ActiveSuggestLib.metrics import mean_foreground_dice

    truth = learner.project.read_label(case).array
    expected = mean_foreground_dice(proposal.labels, truth, {"ball": 1, "core": 2})
    assert event.data["dice"] == pytest.approx(expected)
    assert event.data["model"] == 1


def test_a_wrong_mask_is_refused_before_anything_is_written(make_learner):
    learner = make_learner(2)
    with pytest.raises(LabelError):
        learner.save_label("p00_v0", np.zeros((3, 3, 3), np.uint8))
    with pytest.raises(LabelError):
        learner.save_label("p00_v0", np.full((16, 18, 20), 9, np.uint8))
    assert learner.project.counts()["labelled"] == 0


def test_predictions_are_written_and_a_broken_image_stops_none(make_learner, tmp_path):
    learner = make_learner(6, labelled=4)
    learner.fine_tune(steps=2)
    broken = learner.project.cases("unlabelled")[0]
    broken.source.paths[0].write_bytes(b"")
    failed = []
    files = learner.predict_to(None, tmp_path / "out", on_error=lambda c, e: failed.append(c))
    assert failed == [broken.name]
    assert [f.name for f in files] == ["p05_v0.seg.nrrd"]
    other = learner.project.read_label("p00_v0")
    from ActiveSuggestLib.data.labels import read_label

    label = read_label(files[0], learner.project.segments, other.geometry)
    assert label.array.shape == (16, 18, 20)


def test_a_steps_budget_repeats_exactly(make_learner, tmp_path):
    import shutil

    learner = make_learner(6, labelled=4)
    learner.project.close()
    shutil.copytree(tmp_path / "project", tmp_path / "twin")
    from ActiveSuggestLib.learner import ActiveLearner

    hashes = []
    for folder in ("project", "twin"):
        twin = ActiveLearner(tmp_path / folder, device="cpu", seed=5)
        twin.fine_tune(steps=4)
        weights = torch.load(twin.bench.checkpoints.path(1), weights_only=True)["weights"]
        hashes.append(weights)
    assert all(torch.equal(hashes[0][k], hashes[1][k]) for k in hashes[0])
