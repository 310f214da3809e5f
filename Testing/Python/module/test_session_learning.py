"""Learning in the background: one training at a time, nothing left out, the list kept fresh."""

from __future__ import annotations

import pytest

from ActiveSuggestLib.data.project import Project


@pytest.fixture
def opened(stage, trained_pool):
    """A stage with a ready learner and a list of three."""
    stage.open(trained_pool)
    stage.done(stage.session.suggest("mc-dropout", "volume", 3))
    stage.until(lambda: all(s.state == "ready" for s in stage.session.suggestions))
    return stage


def kinds(stage):
    return set(stage.session.jobs)


def test_a_save_starts_a_training_and_the_list_is_ranked_anew(opened):
    session = opened.session
    session.train_after_save, session.train_seconds = True, 2
    first = session.suggestions[0].case
    session.open_case(first)
    started = []
    session.jobs_changed.connect(lambda: started.extend(kinds(opened)))
    assert session.save_and_next()
    opened.until(lambda: len(session.models) == 2, "the next model")
    opened.until(lambda: "suggest" in started and "suggest" not in kinds(opened), "the ranking")
    assert first in session.models[-1]["labels"]
    assert first not in [s.case for s in session.suggestions]
    assert session.current.case != first
    assert not opened.troubles


def test_a_slice_among_volumes_is_opened_and_saved_alone(stage, trained_pool):
    stage.open(trained_pool)
    session = stage.session
    session.train_after_save = False
    stage.done(session.suggest("default", "mixed", 4))
    row = next(s for s in session.suggestions if s.slices)
    stage.done(session.open_case(row.case, row.slices[0]))
    assert session.current.slices == row.slices
    assert session.scene.current_slice() in (row.slices[0], None)
    assert session.save(session.current.slices)
    stage.until(lambda: stage.saves, "the label")
    with Project.open(trained_pool) as project:
        assert tuple(project.case(row.case).labelled_slices) == tuple(sorted(row.slices))


def test_a_training_shows_how_far_it_is_and_can_be_stopped(opened):
    session = opened.session
    session.open_case(session.suggestions[0].case)
    session.save()
    opened.until(lambda: opened.saves)
    job = session.fine_tune(60)
    opened.until(lambda: job.done > 0 and job.total > 0, "progress")
    assert 0 <= job.share < 1
    session.cancel("fine_tune")
    assert opened.ended(job) == "cancelled"
    assert "fine_tune" not in session.jobs
    assert len(session.models) == 1
    assert not opened.troubles


def test_saves_during_a_training_start_no_second_one_and_are_learnt(opened):
    session = opened.session
    session.train_after_save, session.train_seconds = True, 4
    session.rank_after_training = False
    cases = [s.case for s in session.suggestions[:2]]
    session.open_case(cases[0])
    session.save_and_next()
    opened.until(lambda: "fine_tune" in session.jobs, "the training")
    training = session.jobs["fine_tune"]
    opened.until(lambda: training.done > 0)
    assert session.current.case == cases[1]
    session.save()
    opened.until(lambda: len(opened.saves) == 2)
    assert session.jobs.get("fine_tune", training) is training
    opened.done(training)
    opened.until(
        lambda: session.models and cases[1] in session.models[-1]["labels"] and not kinds(opened),
        "the second label in a model",
    )
    assert set(cases) <= set(session.models[-1]["labels"])


def test_a_training_that_is_asked_for_twice_is_one(opened):
    first = opened.session.fine_tune(2)
    assert opened.session.fine_tune(2) is first
    opened.ended(first)


def test_without_the_option_a_save_trains_nothing(opened):
    session = opened.session
    session.open_case(session.suggestions[0].case)
    session.save()
    opened.until(lambda: opened.saves)
    opened.host.process_events(0.5)
    assert "fine_tune" not in session.jobs


def test_too_few_labels_are_a_notice_after_a_save_and_a_trouble_when_asked(stage, fresh_pool):
    stage.open(fresh_pool)
    job = stage.session.fine_tune(2)
    assert stage.ended(job) == "failed"
    assert [t.kind for t in stage.troubles] == ["no_label"]


def test_an_earlier_model_is_taken_into_use_again(opened):
    session = opened.session
    opened.done(session.fine_tune(2))
    opened.until(lambda: session.overview["model"]["version"] == 2)
    opened.done(session.roll_back(1))
    opened.until(lambda: session.overview["model"]["version"] == 1)


def test_new_models_make_new_proposals_for_what_lies_ready(opened):
    session = opened.session
    session.rank_after_training = False
    case = session.suggestions[0].case
    session.open_case(case)
    assert "v1" in str(session.current.files.segmentation)
    session.open_case("p00_v0")
    opened.done(session.fine_tune(2))
    opened.until(lambda: session.overview["model"]["version"] == 2)
    opened.until(lambda: all(s.state == "ready" for s in session.suggestions), "prefetching again")
    session.open_case(case)
    assert "v2" in str(session.current.files.segmentation)


def test_a_ranking_in_the_background_gives_way_to_the_user(opened):
    session = opened.session
    opened.done(session.fine_tune(2))
    opened.until(lambda: "suggest" in session.jobs, "the ranking in the background")
    background = session.jobs["suggest"]
    assert background.background
    job = session.score("random")
    opened.until(lambda: background.has_ended)
    assert background.state in ("cancelled", "done")
    opened.done(job)
    opened.until(lambda: not kinds(opened), "the ranking taken up again")
    assert not opened.troubles


def test_scoring_writes_everything_to_a_table(opened, tmp_path):
    out = tmp_path / "scores.csv"
    value = opened.done(opened.session.score("mc-dropout", "slice", out))
    assert value["path"] == str(out)
    assert value["total"] == len(value["rows"]) == 4 * 16
    assert len(out.read_text().splitlines()) == 65


def test_proposals_of_all_unlabelled_cases_are_written(opened, tmp_path):
    answers = opened.done(opened.session.predict(out=tmp_path / "out"))
    assert sorted(a["case"] for a in answers) == [f"p{n:02d}_v0" for n in range(2, 6)]
    assert len(list((tmp_path / "out").glob("*.seg.nrrd"))) == 4


def test_what_was_suggested_here_is_suggested_to_nobody_else(
    opened, trained_pool, slicer_host, monkeypatch
):
    from Testing.Python.module.session_stage import Stage

    other = Stage(slicer_host, monkeypatch)
    other.open(trained_pool)
    other.done(other.session.suggest("random", "volume", 4))
    mine = {s.case for s in opened.session.suggestions}
    theirs = {s.case for s in other.session.suggestions}
    assert theirs
    assert not mine & theirs
    other.finish()
    with Project.open(trained_pool) as project:
        assert len(project.cases()) == 6


@pytest.mark.parametrize("touch", ["nothing", "paint", "asked for empty"])
def test_the_first_model_proposes_for_the_case_that_was_opened_before_it(stage, fresh_pool, touch):
    session = stage.session
    stage.open(fresh_pool)
    session.train_after_save, session.train_seconds = True, 2
    stage.done(session.open_case("p00_v0"))
    stage.paint("ball")
    assert session.save()
    prefer = "empty" if touch == "asked for empty" else "draft"
    stage.done(session.open_case("p02_v0", prefer=prefer))
    if touch == "paint":
        stage.paint("core")
    assert session.current.source == "empty"
    stage.until(lambda: session.models and "fine_tune" not in kinds(stage), "the first model")
    if touch == "nothing":
        stage.until(lambda: session.current.source == "proposal", "its proposal")
        assert stage.scene.shown.uncertainty is not None
    else:
        stage.until(lambda: not kinds(stage))
        assert session.current.source == "empty"
    assert not stage.troubles
