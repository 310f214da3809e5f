"""The Learning section: training, its curve, and the models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from .. import plot
from . import looks, words
from .guard import Guard

if TYPE_CHECKING:
    from ..session import Session

MODEL, LABELS, DICE, STATE = range(4)
DICE_LINES = 2
MIN_WIDTH = 120


class LearningPanel:
    """Binds the Learning section to the session."""

    def __init__(
        self,
        ui: Any,
        session: Session,
        guard: Guard,
        *,
        buttons: looks.Buttons,
        needs_learner: Callable[[Callable[[], None]], bool],
    ) -> None:
        self._ui, self._session, self._buttons = ui, session, buttons
        self._needs_learner = needs_learner
        self._progress = looks.ProgressRow(ui.trainStack, ui.trainBar, ui.trainText)
        self._last = looks.FittedText(ui.trainIdleText)
        self._models: list[dict[str, Any]] = []
        self._drawn: tuple[Any, ...] = ()
        looks.reserve_lines(ui.diceLabel, DICE_LINES)
        looks.stretch_column(ui.modelsTable, STATE, {MODEL: 56, LABELS: 56, DICE: 92})
        ui.trainButton.connect("clicked()", guard(self._train_or_stop))
        ui.rollBackButton.connect("clicked()", guard(self._roll_back))
        ui.modelsTable.connect("itemSelectionChanged()", guard(self._refresh_buttons))

    def refresh(self) -> None:
        """Show job, curve and models."""
        self._refresh_buttons()
        self._show_models()
        label = self._ui.diceLabel
        label.text = proposal_sentence(self._session.curve)
        label.toolTip = label.text
        self.redraw()

    def refresh_job(self) -> None:
        """Show the training that runs."""
        self._refresh_buttons()

    def refit(self) -> None:
        """Fit the texts and the curve to the width of the panel."""
        self._progress.refit()
        self._last.refit()
        self.redraw()

    def redraw(self) -> None:
        """Draw the curve, if it, the size, the screen or the palette is another than drawn."""
        label = self._ui.curveLabel
        size = (max(MIN_WIDTH, label.width - 2), label.maximumHeight - 2)
        palette = plot.Colours.of(label.palette)
        wanted = (repr(self._session.curve), size, label.devicePixelRatioF(), palette)
        if wanted != self._drawn:
            self._drawn = wanted
            label.setPixmap(plot.draw(self._session.curve, size, wanted[2], palette))

    def train(self) -> None:
        """Fine-tune now."""
        if not self._needs_learner(self.train):
            self._session.fine_tune(float(self._ui.trainSeconds.value))

    def _train_or_stop(self) -> None:
        if "fine_tune" in self._session.jobs:
            self._session.cancel("fine_tune")
        else:
            self.train()

    def _refresh_buttons(self) -> None:
        ui, session = self._ui, self._session
        job = session.jobs.get("fine_tune")
        self._progress.show(job)
        if job is not None:
            ui.trainButton.text = _("Stop")
            stopping = _("It is being stopped.") if job.state == "cancelling" else ""
            self._buttons.allow(ui.trainButton, stopping)
        else:
            ui.trainButton.text = _("Train now")
            self._buttons.allow(ui.trainButton, self._why_not_train())
        self._buttons.allow(ui.rollBackButton, self._why_not_roll_back())

    def _why_not_train(self) -> str:
        session = self._session
        if session.folder is None:
            return _("Open a project first.")
        if session.worker_state in ("starting", "creating"):
            return _("The project is being opened.")
        if not (session.overview.get("counts") or {}).get("labelled"):
            return _("Save a label first: there is nothing to learn from yet.")
        return ""

    def _why_not_roll_back(self) -> str:
        chosen = self._selected()
        if chosen is None:
            return _("Select a model of the table first.")
        if "roll_back" in self._session.jobs or "fine_tune" in self._session.jobs:
            return _("Wait until the training is done, or stop it.")
        if chosen.get("version") == self._in_use():
            return _("This model is in use already.")
        return ""

    def _in_use(self) -> Any:
        return (self._session.overview.get("model") or {}).get("version")

    def _selected(self) -> dict[str, Any] | None:
        row = self._ui.modelsTable.currentRow()
        return self._models[row] if 0 <= row < len(self._models) else None

    def _roll_back(self) -> None:
        chosen = self._selected()
        if chosen is not None:
            self._session.roll_back(int(chosen["version"]))

    def _show_models(self) -> None:
        table = self._ui.modelsTable
        chosen = self._selected()
        points = self._session.curve.get("models") or self._session.models
        self._models = sorted(points, key=lambda m: -int(m.get("version") or 0))
        self._last.set(last_training(self._models))
        table.setRowCount(len(self._models))
        for row, model in enumerate(self._models):
            texts = model_words(model, self._in_use())
            for column, text in enumerate(texts):
                item = table.item(row, column)
                if item is None:
                    item = qt.QTableWidgetItem(text)
                    table.setItem(row, column, item)
                elif item.text() != text:
                    item.setText(text)
                item.setData(qt.Qt.ToolTipRole, str(model.get("reason") or text))
        versions = [model.get("version") for model in self._models]
        if chosen is not None and chosen.get("version") in versions:
            table.setCurrentCell(versions.index(chosen.get("version")), MODEL)


def model_words(model: dict[str, Any], in_use: Any) -> tuple[str, str, str, str]:
    """Return the texts of a model's row: name, labels, Dice with the number of cases, state."""
    labels = model.get("labels")
    count = len(labels) if isinstance(labels, dict) else int(labels or 0)
    value = model.get("validation_dice")
    measured = "–" if value is None else words.dice(float(value), model.get("validation_cases"))
    if model.get("version") == in_use:
        state = _("in use")
    else:
        state = "" if model.get("accepted", True) else _("set aside")
    return (f"v{model.get('version')}", str(count), measured, state)


def last_training(models: Sequence[dict[str, Any]]) -> str:
    """Return how the last training ended, of models that are listed newest first."""
    if not models:
        return ""
    reason = str(models[0].get("reason") or "")
    name = f"v{models[0].get('version')}"
    return f"{name}: {reason}" if reason else name


def proposal_sentence(curve: dict[str, Any]) -> str:
    """Return how well the last proposal fitted the saved label, in words."""
    measured = [p for p in curve.get("prequential") or () if p.get("dice") is not None]
    if not measured:
        return _("How well proposals fit your labels is shown here after the first ones are saved.")
    last = measured[-1]
    value = float(last["dice"])
    text = _("The last proposal ({case}) had a Dice of {dice} with your label.").format(
        case=last.get("case", ""), dice=f"{value:.2f}"
    )
    if len(measured) > 1:
        recent = [float(p["dice"]) for p in measured[-5:]]
        text += " " + _("Mean of the last {n}: {dice}.").format(
            n=len(recent), dice=f"{sum(recent) / len(recent):.2f}"
        )
    return text
