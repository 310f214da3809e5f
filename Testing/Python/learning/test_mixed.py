"""The mixed ranking in a project."""

from __future__ import annotations

import numpy as np
import pytest

from ActiveSuggestLib.models.inference import Samples


@pytest.fixture
def a_trained_learner(make_learner, labels):
    learner = make_learner(9, labelled=4)
    learner.save_label("p04_v0", labels / "p04_v0.nii.gz", slices=[3, 8])
    learner.fine_tune(steps=8)
    return learner


@pytest.mark.parametrize("strategy", ["default", "mc-dropout", "random", "k-center"])
def test_volumes_and_slices_are_in_one_list(a_trained_learner, strategy):
    learner = a_trained_learner
    table = learner.score(strategy, unit="mixed")
    assert table["slice"].isna().sum() == 4
    assert len(table) == 4 + 4 * 16 + 14
    assert table["score"].is_monotonic_decreasing
    assert table["reasons"].str.contains("nats for about .* pixels to correct").all()
    batch = learner.suggest(strategy, unit="mixed", count=4)
    assert len({s.patient for s in batch}) == 4
    assert {s.strategy for s in batch} == {strategy}
    assert learner.project.score_runs()[-1].unit == "mixed"


def test_what_lies_in_a_unit_is_what_the_statistics_say(a_trained_learner):
    from ActiveSuggestLib.learning.scoring import case_statistics
    from ActiveSuggestLib.learning.suggesting import score_pool

    bench = a_trained_learner.bench
    scored = score_pool(bench, "mc-dropout", "mixed")
    contents = scored.pool.contents()
    row = next(i for i, u in enumerate(scored.units) if u.case == "p05_v0" and u.slice is None)
    case = bench.project.case("p05_v0")
    own = case_statistics(bench, bench.model(), bench.load(case), Samples(bench.plan.samples))
    pixels = np.prod(bench.plan.spacing[1:])
    assert contents.wrong[row] == pytest.approx(
        own.slice_values("least_confidence", "sum").sum() * pixels, rel=1e-5
    )
    # Slices 1 mm apart count a fifth each.
    everywhere = own.slice_values("entropy", "sum").sum()
    foreground = own.class_entropy[:, 1:].sum()
    assert 0 < foreground < everywhere
    expected = (everywhere + foreground) / 2 * pixels / 5
    assert contents.entropy[row] == pytest.approx(expected, rel=1e-5)
    assert contents.slices[row] == 16


def test_the_journals_timings_make_it_minutes(a_trained_learner):
    project = a_trained_learner.project
    for _ in range(4):
        project.record_timing("label_volume", 30 + 16 * 4.0, case="p00_v0")
        project.record_timing("label_slices", 30 + 2 * 4.0, case="p04_v0", amount=2)
    table = a_trained_learner.score("mc-dropout", unit="mixed")
    text = "minutes, .*by 8 timed labels: 30 s a case and 4.0 s a slice"
    assert table["reasons"].str.contains(text).all()


def test_without_a_model_it_is_whole_volumes_and_says_so(make_learner):
    batch = make_learner(5).suggest("mc-dropout", unit="mixed", count=2)
    assert [s.slice for s in batch] == [None, None]
    assert "so these are whole volumes" in batch[0].reasons[0]


def test_an_image_that_is_gone_leaves_both_kinds(a_trained_learner, tmp_path):
    (tmp_path / "pool" / "images" / "p06_v0.nii.gz").write_bytes(b"torn")
    table = a_trained_learner.score("mc-dropout", unit="mixed")
    assert "p06_v0" not in set(table["case"])
    assert len(table) == 3 + 3 * 16 + 14


def test_with_only_parts_of_volumes_left_it_ranks_slices(make_learner, labels):
    learner = make_learner(4, labelled=3)
    learner.save_label("p03_v0", labels / "p03_v0.nii.gz", slices=[3])
    learner.fine_tune(steps=2)
    table = learner.score("mc-dropout", unit="mixed")
    assert len(table) == 15
    assert not table["slice"].isna().any()
