"""Labelling: suggested, shown, painted, kept, saved."""

from __future__ import annotations

import numpy as np
import slicer

from .. import pool
from ..bench import Bench


def suggestions_come_with_reasons(bench: Bench) -> None:
    """Suggest next gives unlabelled cases with reasons, and fetches them ahead."""
    bench.ready()
    rows = bench.suggest(count=3)
    open_cases = bench.unlabelled()
    assert [row.rank for row in rows] == [1, 2, 3]
    assert all(row.case in open_cases for row in rows), (rows, open_cases)
    assert all(row.reasons for row in rows), rows
    bench.wait(lambda: bench.ui.rankingTable.rowCount == 3, "three rows in the table", 10)
    bench.wait(lambda: all(r.state == "ready" for r in rows), "the cases to be fetched ahead")


def a_case_is_shown_beside_the_users_own_nodes(bench: Bench) -> None:
    """A case is shown with its segments by name and colour; the user's own nodes stay."""
    bench.ready()
    own = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", "Mine")
    case = bench.suggest(count=2)[0].case
    bench.show(case)
    shown = bench.shown
    segmentation = shown.segmentation.GetSegmentation()
    names = [segmentation.GetNthSegment(n).GetName() for n in range(2)]
    colors = [segmentation.GetNthSegment(n).GetColor() for n in range(2)]
    assert names == ["ball", "core"]
    assert np.allclose(colors, [s["color"] for s in pool.SEGMENTS], atol=0.01), colors
    assert shown.volume.GetImageData().GetDimensions() == pool.SHAPE[::-1]
    layout = slicer.app.layoutManager()
    # Without a main window there is no layout, and a layout may be without the view Red.
    red = None if layout is None else layout.sliceWidget("Red")
    if red is not None:
        logic = red.sliceLogic()
        assert logic.GetSliceCompositeNode().GetBackgroundVolumeID() == shown.volume.GetID()
    bench.session.close_case()
    assert bench.shown is None
    assert slicer.mrmlScene.IsNodePresent(own), "the user's own node went"
    slicer.mrmlScene.RemoveNode(own)


def an_edit_is_kept_as_a_draft(bench: Bench) -> None:
    """An edit is kept as a draft, which is there again when the case is opened again."""
    bench.ready()
    case = bench.unlabelled()[0]
    bench.show(case, prefer="empty")
    bench.paint("ball", (8, 9, 10))
    painted = bench.mask()
    assert painted.any()
    assert bench.session.autosave()
    assert (bench.project / "drafts" / f"{case}.seg.nrrd").is_file()
    bench.session.close_case()
    current = bench.show(case)
    assert current.source == "draft", current.source
    assert np.array_equal(bench.mask(), painted)
    bench.session.discard_draft()
    bench.wait(
        lambda: bench.session.current is not None and bench.session.current.source != "draft",
        "the draft to be thrown away",
    )
    bench.session.close_case()


def a_label_is_saved(bench: Bench) -> None:
    """Save label writes what is seen to disk, and the case counts as labelled."""
    bench.ready()
    case = bench.unlabelled()[0]
    labelled = bench.session.overview["counts"]["labelled"]
    bench.show(case, prefer="empty")
    bench.paint("ball", (8, 9, 10), 3)
    bench.paint("core", (8, 9, 10), 1)
    painted = bench.mask()
    assert set(np.unique(painted)) == {0, 1, 2}
    bench.wait(lambda: bench.ui.saveButton.enabled, "the button Save label", 10)
    bench.ui.scopeCombo.setCurrentIndex(0)
    bench.ui.saveButton.click()
    bench.wait(lambda: bench.version_of(case) and not bench.session.pending_saves, "the label")
    assert np.array_equal(bench.label_on_disk(case), painted)
    bench.wait(
        lambda: bench.session.overview["counts"]["labelled"] == labelled + 1,
        "the label to be counted",
    )
    assert bench.session.current.case == case, "Save label leaves the case open"
    assert not bench.session.current.dirty


def a_labelled_case_is_opened_again(bench: Bench) -> None:
    """A labelled case opens with its label, and an earlier version is kept when it is changed."""
    bench.ready()
    case = next(c["case"] for c in bench.session.cases if c["state"] == "labelled")
    before = bench.label_on_disk(case)
    current = bench.show(case, prefer="label")
    assert current.source == "label"
    assert np.array_equal(bench.mask(), before)
    bench.paint("core", (3, 3, 3), 1)
    assert bench.session.save()
    bench.wait(lambda: not bench.session.pending_saves, "the label")
    assert not np.array_equal(bench.label_on_disk(case), before)
    assert any((bench.project / "labels" / "history").rglob(f"*{case}*"))


def save_and_next_shows_the_next_case(bench: Bench) -> None:
    """Save and next writes the label and shows the next suggestion."""
    bench.ready()
    first, second = (row.case for row in bench.suggest(count=2))
    bench.show(first, prefer="empty")
    bench.paint("ball", (7, 8, 9), 3)
    painted = bench.mask()
    bench.ui.scopeCombo.setCurrentIndex(0)
    bench.wait(lambda: bench.ui.saveNextButton.enabled, "the button Save and next", 10)
    bench.ui.saveNextButton.click()
    bench.wait(
        lambda: bench.session.current is not None and bench.session.current.case == second,
        "the next case",
    )
    bench.wait(lambda: bench.version_of(first) and not bench.session.pending_saves, "the label")
    assert np.array_equal(bench.label_on_disk(first), painted)


def single_slices_are_saved_alone(bench: Bench) -> None:
    """Suggested slices are saved alone: what is not labelled stays unknown."""
    bench.ready()
    row = next(row for row in bench.suggest(unit="slice", count=3) if row.slices)
    bench.show(row.case, prefer="empty")
    chosen = row.slices[0]
    bench.wait(lambda: bench.session.scene.current_slice() in (chosen, None), "the slice", 10)
    bench.paint("ball", (chosen, 9, 10), 2)
    assert bench.session.save([chosen])
    bench.wait(lambda: not bench.session.pending_saves, "the label of one slice")
    assert tuple(bench.session.current.labelled_slices or ()) == (chosen,)


def cases_are_passed_over_and_taken_back(bench: Bench) -> None:
    """A case is skipped, another excluded with a reason and taken back."""
    bench.ready()
    first, second = (row.case for row in bench.suggest(count=2))
    bench.show(first)
    bench.session.skip("for a second reader")
    bench.wait(
        lambda: bench.session.current is not None and bench.session.current.case == second,
        "the next case after a skip",
    )
    bench.session.exclude(second, "motion artefacts")

    def state() -> str:
        return next(str(c["state"]) for c in bench.session.cases if c["case"] == second)

    bench.wait(lambda: state() == "excluded", "the case to be excluded")
    bench.session.include(second)
    bench.wait(lambda: state() != "excluded", "the case to be taken back")


SCENARIOS = (
    suggestions_come_with_reasons,
    a_case_is_shown_beside_the_users_own_nodes,
    an_edit_is_kept_as_a_draft,
    a_label_is_saved,
    a_labelled_case_is_opened_again,
    save_and_next_shows_the_next_case,
    single_slices_are_saved_alone,
    cases_are_passed_over_and_taken_back,
)
