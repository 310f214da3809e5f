"""Synthetics in a project: they judge, they join the training, and they are never labels."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from ActiveSuggestLib.errors import CancelledError, NoLabelError, NoTruthError
from ActiveSuggestLib.learning import bayesian_network, fine_tuning, synthetic_tools
from ActiveSuggestLib.learning.bayesian_network import PoolBayesianNetwork
from ActiveSuggestLib.learning.synthetic_tools import SyntheticTools, newest_synthesiser
from ActiveSuggestLib.learning.synthetics import PARTS, PoolSynthetics, judged_rows, shown_slices
from ActiveSuggestLib.models.heteroscedastic import HeteroscedasticNetwork
from ActiveSuggestLib.models.inference import Samples
from ActiveSuggestLib.models.memory import Limits
from ActiveSuggestLib.models.noise_inference import NoiseInference, summarise_parts
from ActiveSuggestLib.models.plan import Normalisation, Plan
from ActiveSuggestLib.models.synthesis import SyntheticSpec
from ActiveSuggestLib.progress import Cancel

SPEC = SyntheticSpec(per_image=2, samples=3)
FLAT = {"dimensions": 2}


def known(labels):
    return lambda case: sitk.GetArrayFromImage(sitk.ReadImage(labels / f"{case}.nii.gz"))


@pytest.fixture
def steps(monkeypatch):
    """The names of the trainings begun since, with the step that each began at."""
    seen = []
    original, train = synthetic_tools.learn, bayesian_network.train

    def train_network(*args, state, **options):
        seen.append(("Bayesian network", state.step if state else 0))
        return train(*args, state=state, **options)

    monkeypatch.setattr(bayesian_network, "train", train_network)

    def learn(work, budget, *, name, unfinished, **options):
        seen.append((name, unfinished.step if unfinished else 0))
        return original(work, budget, name=name, unfinished=unfinished, **options)

    monkeypatch.setattr(synthetic_tools, "learn", learn)
    return seen


@pytest.fixture
def trained(make_learner):
    learner = make_learner(6, labelled=4, settings=FLAT)
    learner.fine_tune(steps=2)
    return learner


@pytest.mark.parametrize("settings", [{}, FLAT], ids=["3D network", "2D network"])
def test_volumes_and_slices_are_ranked_with_both_parts_in_the_reasons(make_learner, settings):
    learner = make_learner(6, labelled=3, settings=settings)
    learner.fine_tune(steps=2)
    options = {"per_image": 2, "samples": 3}
    for unit, count in (("volume", 3), ("slice", 48)):
        table = learner.score("synthetic", unit=unit, options=options)
        assert len(table) == count
        assert table["score"].is_monotonic_decreasing
        assert table["score"].iloc[0] > 0
        reasons = table["reasons"].iloc[0]
        for words in ("2 synthetic variations", "epistemic", "aleatoric", "GAN trained 3 steps"):
            assert words in reasons
    picked = learner.suggest("synthetic", "slice", 2, options=options)
    assert {s.case for s in picked} <= {c.name for c in learner.project.cases("unlabelled")}


def test_the_slice_to_look_at_first_is_the_most_uncertain_one(trained):
    options = {"per_image": 4, "samples": 2}
    (first,) = trained.suggest("synthetic", options=options)
    assert first.worst_slice is not None
    assert f"Most uncertain around slice {first.worst_slice}." in first.reasons
    mixed = trained.suggest("synthetic", "mixed", 2, options=options)
    assert len(mixed) == 2
    assert all(s.reasons for s in mixed)


def test_an_image_that_cannot_be_read_stops_nothing(trained, tmp_path):
    (tmp_path / "pool" / "images" / "p04_v0.nii.gz").write_bytes(b"torn")
    table = trained.score("synthetic", options={"per_image": 1, "samples": 2})
    assert list(table["case"]) == ["p05_v0"]


def test_the_tools_are_trained_once_for_the_same_labels_and_model(trained, labels, steps):
    first = SyntheticTools(trained.bench, SPEC).tools().digest
    assert [name for name, _ in steps] == ["Bayesian network", "mask autoencoder", "GAN"]
    assert SyntheticTools(trained.bench, SPEC).tools().digest == first
    assert len(steps) == 3
    trained.save_label("p04_v0", labels / "p04_v0.nii.gz")
    assert SyntheticTools(trained.bench, SPEC).tools().digest != first
    assert len(steps) == 6
    assert trained.project.events("synthetics")[-1].data["labels"] == 4


def test_the_judge_is_the_projects_bayesian_network(trained, steps):
    tools = SyntheticTools(trained.bench, SPEC).tools()
    assert PoolBayesianNetwork(trained.bench).trained().digest == tools.judge.trained().digest
    assert len(steps) == 3
    assert tools.judge_steps == 3


def test_the_settings_of_the_bayesian_network_bound_it_and_those_of_synthetics_the_rest(
    trained, steps
):
    trained.project.update_settings(bayesian_steps=2, synthetic_steps=1)
    tools = SyntheticTools(trained.bench, SPEC).tools()
    assert tools.judge_steps == 2
    assert tools.steps == {"masks": 1, "gan": 1}


def test_beside_a_3d_network_the_judge_is_a_flat_one_and_nothing_is_told(make_learner):
    told = []
    learner = make_learner(4, labelled=2, on_notice=lambda kind, *rest: told.append(kind))
    learner.fine_tune(steps=1)
    assert learner.bench.plan.dimensions == 3
    tools = SyntheticTools(learner.bench, SPEC).tools()
    assert tools.judge.trained().network.architecture.dimensions == 2
    found = PoolSynthetics(learner.bench, SPEC, by_slice=True).of(learner.project.cases()[2:])
    assert [rows.shape for rows in found.rows.values()] == [(16, len(PARTS) + 2)] * 2
    assert not told


def test_the_progress_of_the_trainings_names_them_and_never_goes_back(trained):
    heard = []
    SyntheticTools(
        trained.bench, SPEC, progress=lambda d, t, message="", **_: heard.append((d / t, message))
    ).tools()
    shares = [share for share, _ in heard]
    assert shares == sorted(shares)
    assert shares[-1] <= 1.0
    names = dict.fromkeys(message.split(",")[0] for _, message in heard)
    assert list(names) == ["Bayesian network", "mask autoencoder", "GAN"]


def test_what_was_judged_is_kept(trained, monkeypatch):
    cases = trained.project.cases("unlabelled")
    first = PoolSynthetics(trained.bench, SPEC, by_slice=False).of(cases)
    monkeypatch.setattr(trained.bench, "load", pytest.fail)
    again = PoolSynthetics(trained.bench, SPEC, by_slice=False).of(cases)
    for name, rows in first.rows.items():
        assert np.array_equal(rows, again.rows[name])


def test_a_cancelled_training_goes_on_to_the_same_end(trained, steps):
    whole = SyntheticTools(trained.bench, SPEC).tools()
    folder = next(f for f in SyntheticTools(trained.bench, SPEC).root.iterdir())
    weights = whole.synthesiser.generator.state_dict()
    (folder / "gan.pt").write_bytes(b"torn")
    cancel = Cancel()

    def stop(done, total, message="", **data):
        if "GAN, step 2" in message:
            cancel.cancel()

    with pytest.raises(CancelledError):
        SyntheticTools(trained.bench, SPEC, progress=stop, cancel=cancel).tools()
    assert (folder / "unfinished-gan.pt").is_file()
    again = SyntheticTools(trained.bench, SPEC).tools()
    assert steps[3:] == [("GAN", 0), ("GAN", 2)]
    assert not list(folder.glob("unfinished*"))
    for name, value in again.synthesiser.generator.state_dict().items():
        assert value.equal(weights[name])


def test_nothing_is_learnt_from_validation_cases(make_learner, monkeypatch):
    learner = make_learner(8, labelled=6, settings=FLAT)
    learner.fine_tune(steps=1)
    apart = set(learner.project.validation_cases)
    assert apart
    seen = []
    original = synthetic_tools.labelled_slices
    monkeypatch.setattr(
        synthetic_tools,
        "labelled_slices",
        lambda cases: seen.extend(c.name for c in cases) or original(cases),
    )
    SyntheticTools(learner.bench, SPEC).tools()
    assert len(set(seen)) == 6 - len(apart)
    assert not apart & set(seen)


def test_a_gan_that_has_seen_a_validation_patient_joins_no_training(trained):
    SyntheticTools(trained.bench, SPEC).tools()
    assert newest_synthesiser(trained.bench) is not None
    seen = next(
        c.name
        for c in trained.project.cases("labelled")
        if c.name not in trained.project.validation_cases
    )
    trained.project.lock_validation((*trained.project.validation_cases, seen))
    assert newest_synthesiser(trained.bench) is None


def test_without_a_label_there_is_nothing_to_make_synthetics_from(make_learner):
    with pytest.raises(NoLabelError, match="synthetic images"):
        SyntheticTools(make_learner(3).bench, SPEC).tools()


def test_the_papers_leak_needs_a_truth_and_says_so(trained, labels):
    options = {"per_image": 1, "samples": 2}
    with pytest.raises(NoTruthError, match="outside a simulation nobody knows them"):
        trained.score("synthetic", preset="paper", options=options)
    trained.bench.truth = known(labels)
    trained.project.update_settings(synthetic_steps=1)
    table = trained.score("synthetic", preset="paper", options=options)
    assert all("true mask, which only a simulation knows" in r for r in table["reasons"])


def test_before_a_model_the_papers_protocol_refuses_too(make_learner):
    with pytest.raises(NoTruthError):
        make_learner(4).suggest("synthetic", preset="paper")


@pytest.fixture
def trainings(monkeypatch):
    """What each fine-tuning since was given: the real cases and the synthetic ones."""
    seen = []
    original = fine_tuning.train

    def train(network, plan, cases, *args, synthetic=(), **options):
        seen.append((list(cases), list(synthetic)))
        return original(network, plan, cases, *args, synthetic=synthetic, **options)

    monkeypatch.setattr(fine_tuning, "train", train)
    return seen


def test_synthetics_join_the_training_after_its_suggestions_alone(trained, trainings):
    options = {"per_image": 1, "samples": 2}
    trained.suggest("synthetic", options=options)
    report = trained.fine_tune(steps=2)
    synthetic = trainings[-1][1]
    assert len(synthetic) == report.synthetics == 32
    assert trained.project.events("trained")[-1].data["synthetics"] == 32
    trained.suggest("random")
    assert trained.fine_tune(steps=2).synthetics == 0
    assert trainings[-1][1] == []


def test_the_setting_says_how_many_join_whatever_the_strategy(trained, trainings):
    SyntheticTools(trained.bench, SPEC).tools()
    trained.project.update_settings(synthetics=5)
    assert trained.fine_tune(steps=1).synthetics == 5
    trained.suggest("synthetic", options={"per_image": 1, "samples": 2})
    trained.project.update_settings(synthetics=0)
    assert trained.fine_tune(steps=1).synthetics == 0


def test_synthetics_are_no_cases_no_labels_and_never_validate(trained, trainings):
    project = trained.project
    before = {c.name: (c.state, c.label_hash) for c in project.cases()}
    files = sorted(p.name for p in (project.folder / "labels").rglob("*"))
    trained.suggest("synthetic", options={"per_image": 1, "samples": 2})
    report = trained.fine_tune(steps=2)
    assert report.synthetics
    real, synthetic = trainings[-1]
    names = {c.name for c in synthetic}
    record = trained.models()[-1]
    assert set(record.labels) == {c.name for c in real}
    assert not names & (set(record.labels) | set(record.dice) | set(project.validation_cases))
    assert {c.name: (c.state, c.label_hash) for c in project.cases()} == before
    assert sorted(p.name for p in (project.folder / "labels").rglob("*")) == files
    assert report.trained_on == len(real)
    known_classes = {0, 1, 2, 255}
    assert all(set(np.unique(c.label)) <= known_classes for c in synthetic)
    assert any((c.label == 1).any() for c in synthetic)


def test_without_a_kept_gan_the_training_goes_on_with_real_images_and_says_so(trained):
    trained.project.update_settings(synthetics=4)
    assert trained.fine_tune(steps=1).synthetics == 0
    assert trained.project.events("notice")[-1].data["notice"] == "no_synthetics"


def test_synthetics_of_a_volume_are_spread_over_what_it_shows():
    mask = np.zeros((10, 4, 4), np.uint8)
    mask[3:8, 1:3, 1:3] = 1
    chosen, counts = shown_slices(mask, 3)
    assert list(chosen) == [3, 5, 7]
    assert list(counts) == [1, 1, 1]
    assert list(shown_slices(mask, 10)[0]) == [3, 4, 5, 6, 7]
    assert shown_slices(mask, 10)[1].sum() == 10
    assert list(shown_slices(np.zeros((3, 2, 2), np.uint8), 2)[0]) == [0, 2]


# What the judge says of slices ----------------------------------------------------------

FLAT_PLAN = Plan(
    plane="axial", dimensions=2, channels=1, classes=3, spacing=(1.0, 1.0, 1.0), patch=(1, 32, 32),
    features=(4, 8), strides=((2, 2),), dropout=0.5, normalisation=Normalisation("volume"),
    batch=2, samples=4, device_kind="cpu",
)  # fmt: skip


@pytest.fixture
def inference():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return NoiseInference(HeteroscedasticNetwork(FLAT_PLAN.architecture), FLAT_PLAN)


def pictures(count=3, side=40):
    return torch.randn((count, 1, side, side), generator=torch.Generator().manual_seed(1))


def judged(inference, slices, samples):
    volume = slices.movedim(1, 0)
    parts, result = inference.parts(volume, Samples(samples), Limits("cpu"))
    return judged_rows(summarise_parts(parts, result, np.arange(len(slices))))


def test_one_sample_is_certain_and_more_are_not(inference):
    one, many = (dict(zip(PARTS, judged(inference, pictures(), t).T, strict=True)) for t in (1, 6))
    assert np.allclose(one["epistemic"], 0, atol=1e-9)
    assert (many["epistemic"] > 0).all()
    assert (one["aleatoric"] > 0).all()
    assert ((many["foreground"] > 0) & (many["foreground"] < 1)).all()
    assert judged(inference, pictures(), 6).shape == (3, 5)


def test_a_slice_is_judged_alike_alone_among_others_and_again(inference):
    together = judged(inference, pictures(), 4)
    alone = judged(inference, pictures()[1:2], 4)
    assert np.allclose(together[1], alone[0], rtol=1e-4)
    assert np.array_equal(together, judged(inference, pictures(), 4))


def test_a_foretold_noise_is_given_back_also_through_windows(inference, monkeypatch):
    original = inference.network.decode

    def constant(features, samples=1):
        logits, log_variance = original(features, samples)
        return logits * 0, torch.full_like(log_variance, float(np.log(0.25)))

    monkeypatch.setattr(inference.network, "decode", constant)
    for side in (40, 3 * FLAT_PLAN.patch[1]):
        found = dict(zip(PARTS, judged(inference, pictures(2, side), 3).T, strict=True))
        assert np.allclose(found["aleatoric"], 0.25, rtol=1e-5)
        assert np.allclose(found["aleatoric_foreground"], 0.25, rtol=1e-5)
        assert np.allclose(found["epistemic"], 0, atol=1e-9)
        assert np.allclose(found["epistemic_foreground"], 0, atol=1e-9)
        assert np.allclose(found["foreground"], 2 / 3, rtol=1e-5)
