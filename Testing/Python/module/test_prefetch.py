"""Fetching ahead: the next three, one thing at a time, and never in the user's way."""

from __future__ import annotations

from pathlib import Path

import pytest
from ActiveSuggestModule.prepared import PreparedCase, Shelf
from ActiveSuggestModule.suggestions import Suggested, grouped, merged_ranking, upcoming

SLOW_PREDICT = """
import time
import ActiveSuggestLib.learner as learner
def wait(self, *arguments, cancel=None, **options):
    while True:
        cancel.raise_if_cancelled()
        time.sleep(0.05)
learner.ActiveLearner.predict = wait
"""


def row(case: str, index: int | None = None, *reasons: str) -> dict:
    return {
        "rank": 1,
        "case": case,
        "slice": index,
        "score": 1.0,
        "reasons": list(reasons),
        "strategy": "bsq",
        "patient": case,
    }


def suggested(case: str, state: str = "waiting") -> Suggested:
    suggestion = grouped([row(case)])[0]
    suggestion.state = state
    return suggestion


def test_three_are_made_ready_and_the_fourth_waits(stage, trained_pool):
    stage.open(trained_pool)
    stage.done(stage.session.suggest("mc-dropout", "volume", 4))
    stage.until(lambda: [s.state for s in stage.session.suggestions].count("ready") == 3)
    assert stage.session.suggestions[3].state == "waiting"
    # A step on, the fourth is one of the next three.
    stage.session.open_case(stage.session.suggestions[0].case)
    stage.until(lambda: stage.session.suggestions[3].state == "ready")
    cached = {path.name for path in (trained_pool / "cache" / "scene").glob("*.nrrd")}
    assert {f"{s.case}.nrrd" for s in stage.session.suggestions} <= cached


def test_images_do_not_wait_for_a_slow_proposal(stage, trained_pool):
    stage.preamble = SLOW_PREDICT
    stage.open(trained_pool)
    stage.done(stage.session.suggest("random", "volume", 3))
    images = [
        trained_pool / "cache" / "scene" / f"{s.case}.nrrd" for s in stage.session.suggestions
    ]
    stage.until(lambda: all(path.is_file() for path in images), "the images")
    third = stage.session.suggestions[2]
    stage.until(lambda: stage.session.open_case(third.case).state == "done")
    assert stage.session.current.source == "empty"
    assert stage.session.current.proposal_waiting


def test_a_proposal_put_off_for_the_user_is_fetched_after_theirs(stage, trained_pool):
    stage.open(trained_pool)
    stage.done(stage.session.suggest("random", "volume", 3))
    other = next(
        f["case"]
        for f in stage.session.cases
        if f["state"] == "unlabelled"
        and f["case"] not in {s.case for s in stage.session.suggestions}
    )
    stage.done(stage.session.open_case(other))
    stage.until(lambda: not stage.session.current.proposal_waiting)
    assert stage.session.current.source == "proposal"
    stage.until(lambda: all(s.state == "ready" for s in stage.session.suggestions), "the others")


def test_a_broken_volume_costs_itself_alone(stage, trained_pool):
    stage.open(trained_pool)
    broken = trained_pool.parent / "images" / "p04_v0.nii.gz"
    broken.write_bytes(b"no longer an image")
    stage.done(stage.session.suggest("random", "volume", 4))
    rows = {s.case: s for s in stage.session.suggestions}
    stage.until(lambda: all(s.state in ("ready", "failed") for s in rows.values()), "prefetching")
    assert rows["p04_v0"].state == "failed"
    assert rows["p04_v0"].error
    assert [t.case for t in stage.troubles] == ["p04_v0"]
    assert sum(s.state == "ready" for s in rows.values()) == 3


def test_without_a_model_the_images_alone_are_ready(stage, fresh_pool):
    stage.open(fresh_pool)
    stage.done(stage.session.suggest("random", "volume", 2))
    stage.until(lambda: all(s.state == "ready" for s in stage.session.suggestions))
    assert stage.session.open_case(stage.session.suggestions[0].case).state == "done"
    assert not stage.troubles


def test_a_dead_worker_leaves_the_list_and_fetching_goes_on_after_it(stage, trained_pool):
    stage.open(trained_pool)
    stage.done(stage.session.suggest("mc-dropout", "volume", 3))
    stage.kill_worker()
    stage.until(lambda: stage.troubles)
    assert len(stage.session.suggestions) == 3
    stage.until(lambda: all(s.state == "ready" for s in stage.session.suggestions), "again")
    assert len(stage.troubles) == 1


# The list ------------------------------------------------------------------------------


def test_slices_of_one_case_are_one_row():
    rows = [row("a", 7, "far"), row("b", 1), row("a", 3, "far", "unsure")]
    found = grouped(rows)
    assert [(s.rank, s.case, s.slices) for s in found] == [(1, "a", (7, 3)), (2, "b", (1,))]
    assert found[0].reasons == ("far", "unsure")


def test_a_case_that_is_wanted_whole_is_not_wanted_by_slices_too():
    rows = [row("a", 7), row("b", None), row("a", None), row("b", 3)]
    assert [(s.case, s.slices) for s in grouped(rows)] == [("a", ()), ("b", ())]


def test_what_is_done_or_failed_is_not_offered():
    rows = [suggested("a", "done"), suggested("b", "failed"), suggested("c"), suggested("d")]
    assert [s.case for s in upcoming(rows)] == ["c", "d"]
    assert [s.case for s in upcoming(rows, besides="c", count=1)] == ["d"]


def test_a_new_ranking_keeps_pictures_and_leaves_out_what_failed():
    before = [suggested("a", "ready"), suggested("b", "failed")]
    before[0].thumbnail = Path("a.png")
    merged = merged_ranking([suggested("b"), suggested("a"), suggested("c")], before)
    assert [(s.rank, s.case, s.thumbnail) for s in merged] == [
        (1, "a", Path("a.png")),
        (2, "c", None),
    ]


# What is shown --------------------------------------------------------------------------


@pytest.fixture
def prepared(tmp_path: Path) -> PreparedCase:
    """A case of which everything lies ready: image, draft, label, proposal."""
    paths = {}
    for name in ("image", "draft", "label", "proposal", "heat"):
        paths[name] = tmp_path / f"{name}.nrrd"
        paths[name].touch()
    scene = {
        "images": [{"path": str(paths["image"]), "name": "CT", "window": [-160, 240]}],
        "draft": str(paths["draft"]),
        "label": str(paths["label"]),
        "window": [-160, 240],
        "plane": "coronal",
        "modality": "CT",
    }
    proposal = {"labels": str(paths["proposal"]), "uncertainty": str(paths["heat"])}
    return PreparedCase("a", scene, {**proposal, "worst_slice": 5, "slices": []}, asked_of=2)


@pytest.mark.parametrize("prefer", ["draft", "label", "proposal"])
def test_what_is_preferred_is_shown(prepared, tmp_path, prefer):
    assert prepared.segmentation(prefer) == (tmp_path / f"{prefer}.nrrd", prefer)


def test_empty_segments_can_be_asked_for(prepared):
    assert prepared.segmentation("empty") == (None, "empty")


def test_what_is_not_there_gives_way_to_the_next(prepared, tmp_path):
    (tmp_path / "draft.nrrd").unlink()
    assert prepared.segmentation("draft")[1] == "label"
    prepared.scene = {**prepared.scene, "label": None}
    assert prepared.segmentation("draft")[1] == "proposal"
    prepared.proposal = None
    assert prepared.segmentation("draft") == (None, "empty")


def test_the_files_say_how_to_look_at_the_case(prepared, tmp_path):
    files = prepared.files("draft", plane="axial", slice_index=None)
    assert (files.plane, files.slice, files.modality) == ("coronal", 5, "CT")
    assert files.images[0].window == files.window == (-160.0, 240.0)
    assert files.uncertainty == tmp_path / "heat.nrrd"
    assert prepared.files("draft", plane="axial", slice_index=2).slice == 2


def test_images_that_the_cache_has_dropped_are_asked_for_again(prepared, tmp_path):
    assert prepared.files_exist()
    (tmp_path / "image.nrrd").unlink()
    assert not prepared.files_exist()
    assert not Shelf().of("b").files_exist()


def test_a_proposal_of_an_earlier_model_is_not_fresh(prepared):
    assert prepared.is_fresh(2)
    assert not prepared.is_fresh(3)
