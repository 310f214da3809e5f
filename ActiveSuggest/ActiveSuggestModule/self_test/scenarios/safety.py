"""Safety: a worker that dies, a scene that is closed, a module that is left or reloaded."""

from __future__ import annotations

import numpy as np
import slicer

from ..bench import Bench


def a_killed_worker_costs_no_edit(bench: Bench) -> None:
    """The worker is killed under an edit: it starts again, and the label is saved."""
    bench.ready()
    bench.forgive("worker_died")
    case = bench.unlabelled()[0]
    bench.show(case, prefer="empty")
    bench.paint("ball", (8, 9, 10), 3)
    painted = bench.mask()
    process = bench.session._link._process
    process.kill()
    bench.wait(lambda: not process.is_running, "the worker to end", 30)
    assert bench.session.save()
    bench.wait(lambda: not bench.session.pending_saves, "the label after the worker's death")
    assert np.array_equal(bench.label_on_disk(case), painted)
    bench.wait(lambda: bench.session.worker_state == "ready", "the learner to be back")


def the_scene_is_closed_under_a_case(bench: Bench) -> None:
    """The scene is closed under an edited case: the edit is a draft, and the module goes on."""
    bench.ready()
    case = bench.unlabelled()[0]
    bench.show(case, prefer="empty")
    bench.paint("ball", (6, 7, 8), 3)
    painted = bench.mask()
    slicer.mrmlScene.Clear(0)
    bench.wait(lambda: bench.session.current is None, "the case to be closed", 10)
    assert (bench.project / "drafts" / f"{case}.seg.nrrd").is_file()
    bench.leave()
    bench.enter()
    current = bench.show(case)
    assert current.source == "draft"
    assert np.array_equal(bench.mask(), painted)


def the_module_is_left_and_entered_again(bench: Bench) -> None:
    """Another module is opened under an edit, and the case is there when one comes back."""
    bench.ready()
    case = bench.unlabelled()[0]
    bench.show(case, prefer="empty")
    bench.paint("ball", (9, 9, 9), 2)
    painted = bench.mask()
    bench.leave()
    assert (bench.project / "drafts" / f"{case}.seg.nrrd").is_file()
    bench.enter()
    assert bench.session.current.case == case
    assert np.array_equal(bench.mask(), painted)
    bench.session.close_case()


def the_module_is_reloaded(bench: Bench) -> None:
    """The module is reloaded under an edit: nothing is lost, and the new panel works."""
    bench.ready()
    case = bench.unlabelled()[0]
    bench.show(case, prefer="empty")
    bench.paint("core", (8, 8, 8), 2)
    painted = bench.mask()
    old = bench.session
    bench.widget.onReload()
    assert bench.session is not old
    assert old.worker_state == "none"
    bench.begin_scenario()
    bench.enter()
    bench.ready()
    bench.learn(after_save=False)
    current = bench.show(case)
    assert current.source == "draft"
    assert np.array_equal(bench.mask(), painted)
    assert bench.suggest(count=1)


SCENARIOS = (
    a_killed_worker_costs_no_edit,
    the_scene_is_closed_under_a_case,
    the_module_is_left_and_entered_again,
    the_module_is_reloaded,
)
