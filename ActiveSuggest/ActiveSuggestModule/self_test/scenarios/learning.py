"""Learning: in the background, never restarted by a save, and taken back where it did harm."""

from __future__ import annotations

from ..bench import Bench


def a_model_is_trained_by_the_button(bench: Bench) -> None:
    """The button trains a model in the background, and the panel shows it."""
    bench.ready()
    bench.learn(after_save=False)
    before = len(bench.session.models)
    bench.wait(lambda: bench.ui.trainButton.enabled, "the button of the training", 10)
    bench.ui.trainButton.click()
    bench.done(bench.session.jobs.get("fine_tune"), "the training")
    bench.wait(lambda: len(bench.session.models) == before + 1, "the model to be listed")
    bench.wait(
        lambda: bench.ui.modelsTable.rowCount == len(bench.session.models), "the models' table", 10
    )
    assert bench.session.overview["model"], "no model is in use"


def a_proposal_comes_with_its_uncertainty(bench: Bench) -> None:
    """A case opens with the model's proposal, its uncertainty, and places to look at."""
    _have_a_model(bench)
    case = bench.unlabelled()[0]
    bench.show(case, prefer="proposal")
    bench.wait(
        lambda: bench.session.current.source == "proposal" and bench.shown.uncertainty is not None,
        "the proposal",
    )
    scene = bench.session.scene
    places = scene.places()
    assert places, "no uncertain place"
    assert [p.uncertainty for p in places] == sorted((p.uncertainty for p in places), reverse=True)
    scene.go_to_place(places[0])
    scene.set_overlay(visible=False, opacity=0.5)
    scene.set_overlay(visible=True, opacity=0.5)
    assert bench.session.current.uncertain_slices


def a_save_starts_a_training_that_takes_in_the_next(bench: Bench) -> None:
    """A save starts a training; a save meanwhile does not restart it, and the curve moves."""
    _have_a_model(bench)
    session = bench.session
    bench.learn(after_save=True, seconds=8, rank=True)
    before = len(session.curve.get("models", ()))
    proposals = len(session.curve.get("prequential", ()))
    first, second = (row.case for row in bench.suggest(count=2))
    bench.show(first, prefer="proposal")
    bench.wait(lambda: session.current.source == "proposal", "the proposal")
    bench.paint("ball", (8, 9, 10), 4)
    assert session.save()
    bench.wait(lambda: "fine_tune" in session.jobs, "the training to begin")
    training = session.jobs["fine_tune"]
    bench.show(second)
    bench.paint("ball", (8, 9, 10), 3)
    assert session.save()
    bench.wait(lambda: not session.pending_saves, "the second label")
    assert session.jobs.get("fine_tune") in (training, None), "the training was begun anew"
    bench.wait(lambda: training.has_ended, "the training to end")
    assert training.state == "done", (training.state, training.error)
    bench.learn(after_save=False)
    bench.wait(lambda: len(session.curve.get("models", ())) > before, "the curve to move")
    bench.wait(
        lambda: len(session.curve.get("prequential", ())) > proposals,
        "the proposal to be compared with the label",
    )
    bench.idle()


def an_earlier_model_is_taken_back(bench: Bench) -> None:
    """An earlier model is made the current one again."""
    _have_a_model(bench)
    session = bench.session
    if len(session.models) < 2:
        bench.done(session.fine_tune(5), "a second training")
        bench.wait(lambda: len(session.models) >= 2, "the second model")
    earliest = int(session.models[0]["version"])
    bench.done(session.roll_back(earliest), "the earlier model")
    bench.wait(lambda: session.overview["model"]["version"] == earliest, "the model in use")


def a_training_is_stopped(bench: Bench) -> None:
    """The button that starts a training stops it."""
    _have_a_model(bench)
    bench.learn(after_save=False, seconds=600)
    bench.ui.trainButton.click()
    training = bench.session.jobs["fine_tune"]
    bench.wait(lambda: training.state == "running" and training.done > 0, "the training to run")
    bench.ui.trainButton.click()
    bench.wait(lambda: training.has_ended, "the training to stop", 30)
    bench.learn(after_save=False)
    bench.idle()


def _have_a_model(bench: Bench) -> None:
    bench.ready()
    bench.learn(after_save=False)
    if not bench.session.overview.get("model"):
        bench.done(bench.session.fine_tune(5), "a training")
        bench.wait(lambda: bench.session.overview.get("model"), "the model")


SCENARIOS = (
    a_model_is_trained_by_the_button,
    a_proposal_comes_with_its_uncertainty,
    a_save_starts_a_training_that_takes_in_the_next,
    an_earlier_model_is_taken_back,
    a_training_is_stopped,
)
