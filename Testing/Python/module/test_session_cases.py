"""Opening cases: at once where they were fetched ahead, with the right mask on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import slicer

from ActiveSuggestLib.data.labels import read_label
from ActiveSuggestLib.data.project import Project
from Testing.Python import blobs


@pytest.fixture
def suggested(stage, trained_pool):
    """A stage whose project is open and whose three suggestions lie ready."""
    stage.open(trained_pool)
    stage.done(stage.session.suggest("mc-dropout", "volume", 3))
    stage.until(lambda: all(s.state == "ready" for s in stage.session.suggestions), "prefetching")
    return stage


def mask_of(stage):
    return stage.scene.mask().array


def test_a_suggestion_fetched_ahead_is_shown_before_the_click_returns(suggested):
    session = suggested.session
    first = session.suggestions[0]
    job = session.open_case(first.case)
    assert job.state == "done"
    assert suggested.scene.shown.case == first.case
    current = session.current
    assert (current.case, current.source, current.suggestion) == (first.case, "proposal", first)
    assert current.files.uncertainty is not None
    assert sorted(current.uncertain_slices) == list(range(16))
    assert not current.proposal_waiting
    assert not current.dirty


def test_every_row_gets_a_picture(suggested):
    assert all(s.thumbnail and s.thumbnail.is_file() for s in suggested.session.suggestions)


def test_the_views_go_to_the_most_uncertain_slice(suggested):
    session = suggested.session
    session.open_case(session.suggestions[0].case)
    assert suggested.scene.current_slice() == session.current.uncertain_slices[0]


def test_a_case_can_be_opened_at_a_slice(suggested):
    suggested.done(suggested.session.open_case("p04_v0", 3))
    assert suggested.scene.current_slice() == 3


def test_suggested_slices_are_one_row_a_case(stage, trained_pool):
    stage.open(trained_pool)
    stage.done(stage.session.suggest("random", "slice", 6))
    rows = stage.session.suggestions
    assert sum(len(row.slices) for row in rows) == 6
    assert len({row.case for row in rows}) == len(rows)
    stage.done(stage.session.open_case(rows[0].case))
    assert stage.session.current.slices == rows[0].slices
    assert stage.scene.current_slice() == rows[0].slices[0]


def test_a_labelled_case_opens_with_its_label(stage, trained_pool):
    stage.open(trained_pool, ready=False)
    stage.done(stage.session.open_case("p01_v0"))
    assert stage.session.current.source == "label"
    assert np.array_equal(mask_of(stage), blobs.blob(1)[1])


def test_the_proposal_of_a_labelled_case_can_be_asked_for(stage, trained_pool):
    stage.open(trained_pool)
    stage.done(stage.session.open_case("p01_v0", prefer="proposal"))
    stage.until(lambda: stage.session.current.source == "proposal", "the late proposal")
    assert not np.array_equal(mask_of(stage), blobs.blob(1)[1])
    stage.done(stage.session.open_case("p01_v0", prefer="empty"))
    assert stage.session.current.source == "empty"
    assert not mask_of(stage).any()


def test_without_a_model_the_segments_are_empty_and_there_is_no_trouble(stage, fresh_pool):
    stage.open(fresh_pool, ready=False)
    stage.done(stage.session.open_case("p02_v0"))
    assert stage.session.current.source == "empty"
    assert not stage.session.current.proposal_waiting
    assert not stage.troubles


def test_a_late_proposal_comes_into_an_untouched_case(stage, trained_pool):
    stage.open(trained_pool, ready=False)
    stage.done(stage.session.open_case("p03_v0"))
    assert stage.session.current.proposal_waiting
    assert stage.session.current.source == "empty"
    stage.until(lambda: not stage.session.current.proposal_waiting, "the proposal")
    assert stage.session.current.source == "proposal"
    assert stage.scene.shown.uncertainty is not None
    assert not stage.session.current.dirty
    assert stage.scene.current_slice() == stage.session.current.uncertain_slices[0]


def test_a_late_proposal_does_not_touch_what_the_user_has_painted(stage, trained_pool):
    stage.open(trained_pool, ready=False)
    stage.done(stage.session.open_case("p03_v0"))
    stage.paint("core")
    painted = mask_of(stage)
    stage.until(lambda: not stage.session.current.proposal_waiting, "the proposal")
    assert stage.session.current.source == "empty"
    assert np.array_equal(mask_of(stage), painted)
    assert stage.scene.shown.uncertainty is not None
    assert stage.session.current.dirty


def test_a_late_proposal_leaves_alone_what_became_a_draft_meanwhile(stage, trained_pool):
    stage.open(trained_pool, ready=False)
    stage.done(stage.session.open_case("p03_v0"))
    stage.paint("core")
    painted = mask_of(stage)
    assert stage.session.autosave()
    stage.until(lambda: not stage.session.current.proposal_waiting, "the proposal")
    assert np.array_equal(mask_of(stage), painted)
    assert stage.scene.shown.uncertainty is not None
    assert not stage.troubles


def test_a_late_proposal_leaves_alone_what_was_saved_meanwhile(stage, trained_pool):
    stage.open(trained_pool, ready=False)
    stage.done(stage.session.open_case("p03_v0"))
    stage.paint("core")
    painted = mask_of(stage)
    assert stage.session.save()
    stage.until(lambda: stage.saves and not stage.session.current.proposal_waiting, "both")
    assert np.array_equal(mask_of(stage), painted)
    assert not stage.troubles


def test_strokes_made_while_the_same_case_is_opened_again_come_back_with_it(stage, trained_pool):
    stage.open(trained_pool)
    stage.done(stage.session.open_case("p03_v0", prefer="empty"))
    stage.paint("ball")
    stage.session.autosave()
    job = stage.session.open_case("p03_v0")
    assert not job.has_ended
    stage.paint("core", np.s_[9:11, 9:11, 9:11])
    painted = mask_of(stage)
    stage.done(job)
    assert stage.session.current.source == "draft"
    assert np.array_equal(mask_of(stage), painted)
    assert not stage.troubles


def test_a_late_proposal_for_a_case_left_meanwhile_goes_nowhere(stage, trained_pool):
    stage.open(trained_pool, ready=False)
    stage.done(stage.session.open_case("p03_v0"))
    stage.done(stage.session.open_case("p00_v0"))
    stage.until(lambda: not stage.session.current.proposal_waiting)
    assert stage.session.current.case == "p00_v0"
    assert np.array_equal(mask_of(stage), blobs.blob(0)[1])
    assert not stage.troubles


def test_slices_labelled_before_stand_in_the_proposal_for_the_others(stage, trained_pool):
    truth = blobs.blob(3)[1]
    with Project.open(trained_pool) as project:
        project.save_label("p03_v0", np.full_like(truth, 1), slices=[0, 7])
    stage.open(trained_pool)
    stage.done(stage.session.open_case("p03_v0"))
    stage.until(lambda: not stage.session.current.proposal_waiting, "the proposal")
    current = stage.session.current
    assert (current.source, current.labelled_slices) == ("proposal", (0, 7))
    shown = mask_of(stage).copy()
    assert (shown[[0, 7]] == 1).all()
    proposal = stage.done(stage.session.look_up("predict", case="p03_v0"))
    proposed = read_label(Path(proposal["labels"]), stage.session.segments, None).array
    others = [n for n in range(16) if n not in (0, 7)]
    assert np.array_equal(shown[others], proposed[others])
    # Another slice is saved: all three are labelled, and as they were saved.
    stage.paint("ball", np.s_[3:4, 5:9, 5:9])
    assert stage.session.save(slices=[3])
    stage.until(lambda: stage.saves)
    assert stage.saves[0]["slices"] == [0, 3, 7]
    stage.done(stage.session.open_case("p03_v0", prefer="label"))
    assert (mask_of(stage)[[0, 7]] == 1).all()


def test_edits_of_the_case_before_become_its_draft(stage, trained_pool):
    stage.open(trained_pool, ready=False)
    stage.done(stage.session.open_case("p01_v0"))
    stage.paint("ball", np.s_[0:2, 0:2, 0:2])
    painted = mask_of(stage)
    stage.done(stage.session.open_case("p02_v0"))
    stage.done(stage.session.open_case("p01_v0"))
    current = stage.session.current
    assert (current.source, current.draft_offer) == ("draft", True)
    assert np.array_equal(mask_of(stage), painted)
    assert [facts["state"] for facts in stage.session.cases][1] == "labelled"


def test_a_draft_that_is_discarded_gives_way_to_the_label(stage, trained_pool):
    stage.open(trained_pool, ready=False)
    stage.done(stage.session.open_case("p01_v0"))
    stage.paint("ball", np.s_[0:2, 0:2, 0:2])
    assert stage.session.autosave()
    stage.session.discard_draft()
    stage.until(lambda: stage.session.current and stage.session.current.source == "label")
    assert np.array_equal(mask_of(stage), blobs.blob(1)[1])
    assert not stage.session.current.draft_offer
    assert not list((trained_pool / "drafts").glob("*.seg.nrrd"))


def test_a_draft_survives_the_worker_and_the_session(stage, trained_pool, slicer_host, monkeypatch):
    from Testing.Python.module.session_stage import Stage

    stage.open(trained_pool, ready=False)
    stage.done(stage.session.open_case("p02_v0"))
    stage.paint("core")
    painted = mask_of(stage)
    stage.session.shut_down()
    assert not stage.workers[0].is_running
    slicer.mrmlScene.Clear()
    again = Stage(slicer_host, monkeypatch)
    again.open(trained_pool, ready=False)
    again.done(again.session.open_case("p02_v0"))
    assert again.session.current.source == "draft"
    assert np.array_equal(mask_of(again), painted)
    again.finish()


def test_the_newest_click_wins(stage, trained_pool):
    stage.open(trained_pool, ready=False)
    first, second = stage.session.open_case("p02_v0"), stage.session.open_case("p03_v0")
    assert stage.ended(first) == "cancelled"
    stage.done(second)
    assert stage.session.current.case == "p03_v0"
    assert not stage.troubles


def test_a_broken_volume_is_named_and_the_next_one_is_offered(stage, trained_pool):
    stage.open(trained_pool)
    stage.done(stage.session.suggest("random", "volume", 3))
    broken, following = (s.case for s in stage.session.suggestions[:2])
    stage.until(lambda: all(s.state == "ready" for s in stage.session.suggestions))
    (trained_pool / "cache" / "scene" / f"{broken}.nrrd").unlink()
    (trained_pool.parent / "images" / f"{broken}.nii.gz").write_bytes(b"no longer an image")
    job = stage.session.open_case(broken)
    assert stage.ended(job) == "failed"
    assert stage.session.suggestions[0].state == "failed"
    assert stage.session.suggestions[0].error
    assert [t.case for t in stage.troubles] == [broken]
    assert stage.session.current is None
    stage.done(stage.session.next_case())
    assert stage.session.current.case == following


def test_a_file_that_cannot_be_put_into_the_scene_is_named(stage, trained_pool):
    stage.open(trained_pool)
    stage.done(stage.session.suggest("random", "volume", 2))
    stage.until(lambda: all(s.state == "ready" for s in stage.session.suggestions))
    case = stage.session.suggestions[0].case
    (trained_pool / "cache" / "scene" / f"{case}.nrrd").write_bytes(b"NRRD0004\ntype: nonsense\n\n")
    assert stage.ended(stage.session.open_case(case)) == "failed"
    assert [t.case for t in stage.troubles] == [case]
    assert stage.session.suggestions[0].state == "failed"


def test_a_scene_that_the_user_closes_keeps_the_edits(stage, trained_pool):
    stage.open(trained_pool, ready=False)
    stage.done(stage.session.open_case("p02_v0"))
    stage.paint("core")
    painted = mask_of(stage)
    slicer.mrmlScene.Clear()
    stage.until(lambda: stage.session.current is None)
    assert stage.notices
    stage.done(stage.session.open_case("p02_v0"))
    assert stage.session.current.source == "draft"
    assert np.array_equal(mask_of(stage), painted)


def test_skipping_goes_on_to_the_next_and_is_recorded(suggested, trained_pool):
    session = suggested.session
    first, second = (s.case for s in session.suggestions[:2])
    session.open_case(first)
    session.skip("too noisy")
    suggested.until(lambda: session.current.case == second)
    assert session.suggestions[0].state == "done"
    suggested.until(lambda: next(f for f in session.cases if f["case"] == first)["skipped"])
    with Project.open(trained_pool) as project:
        assert [e.data["reason"] for e in project.events(kind="skipped")] == ["too noisy"]


def test_excluding_the_open_case_goes_on_to_the_next(suggested):
    session = suggested.session
    first, second = (s.case for s in session.suggestions[:2])
    session.open_case(first)
    session.exclude(first, "another study")
    suggested.until(lambda: session.current.case == second)
    suggested.until(lambda: session.overview["counts"]["excluded"] == 1)
    session.include(first)
    suggested.until(lambda: session.overview["counts"]["excluded"] == 0)


def test_excluding_without_a_reason_is_refused_once(suggested):
    suggested.session.exclude("p05_v0", "")
    suggested.until(lambda: suggested.troubles)
    assert [t.kind for t in suggested.troubles] == ["missing_reason"]


def test_a_note_is_recorded(stage, trained_pool):
    stage.open(trained_pool, ready=False)
    stage.done(stage.session.open_case("p02_v0"))
    stage.session.add_note("ask the surgeon")
    events = stage.done(stage.session.look_up("events", kind="note"))
    assert [(e["case"], e["data"]["text"]) for e in events] == [("p02_v0", "ask the surgeon")]


def test_the_end_of_the_list_asks_again_and_opens_the_best(stage, trained_pool):
    stage.open(trained_pool)
    stage.done(stage.session.suggest("random", "volume", 1))
    first = stage.session.suggestions[0].case
    stage.done(stage.session.open_case(first))
    assert stage.session.save_and_next()
    stage.until(lambda: stage.session.current.case != first, "the next one")
    assert stage.session.suggestions[0].case == stage.session.current.case


def test_with_nothing_ever_asked_for_next_says_what_to_do(stage, trained_pool):
    stage.open(trained_pool, ready=False)
    assert stage.session.next_case() is None
    assert len(stage.notices) == 1
