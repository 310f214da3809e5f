"""Training in the background: started by a save, never by two, and followed by a new ranking."""

from __future__ import annotations

from typing import Any

from .desk import Desk
from .jobs import Job
from .ranking import Ranking
from .worker_link import OPEN, READY

KIND = "fine_tune"


class Trainer:
    """Fine-tunes after saves; a training that runs takes new labels in by itself.

    A label that came too late for it is what the next training starts for.
    """

    def __init__(self, desk: Desk, ranking: Ranking) -> None:
        self.after_save = True
        self.seconds = 120.0
        self.rank_again = True
        self._desk = desk
        self._ranking = ranking
        self._new: dict[str, str] = {}
        self._trained_version: int | None = None
        desk.facts.models_changed.connect(self._look_for_late_labels)

    def fine_tune(self, seconds: float | None = None, *, background: bool = False) -> Job:
        """Train now; the training that runs, if there is one, is the answer."""
        running = self._desk.board.jobs.get(KIND)
        if running is not None and running.state != "cancelling":
            return running
        self._trained_version = None
        return self._desk.board.ask(
            KIND,
            "fine_tune",
            self._trained,
            background=background,
            on_failed=self._too_few if background else None,
            seconds=float(seconds if seconds is not None else self.seconds),
        )

    def label_saved(self, saved: dict[str, Any]) -> None:
        """A label is on disk: train on it, unless the user wants none of it."""
        self._new[str(saved["case"])] = str(saved.get("hash", ""))
        if self.after_save and self._desk.link.state in (OPEN, READY):
            self.fine_tune(background=True)

    def forget(self) -> None:
        """Another project is open."""
        self._new.clear()
        self._trained_version = None

    def _trained(self, report: dict[str, Any]) -> None:
        self._trained_version = int(report["model"])
        self._desk.facts.refresh_overview()
        self._desk.facts.refresh_models()
        if not report.get("accepted"):
            self._desk.say(str(report.get("reason", "")))
        elif self.rank_again:
            self._ranking.rank_again()

    def _look_for_late_labels(self) -> None:
        records = {record.get("version"): record for record in self._desk.facts.models}
        trained = records.get(self._trained_version)
        if trained is None:
            return  # The list is still the one from before the training.
        self._trained_version = None
        known = trained.get("labels") or {}
        held_out = set(self._desk.facts.overview.get("validation_cases") or ())
        late = {
            case
            for case, label in self._new.items()
            if known.get(case) != label and case not in held_out
        }
        # Whatever is still missing after the next one is missing for a reason of its own.
        self._new.clear()
        if late and self.after_save:
            self.fine_tune(background=True)

    def _too_few(self, error: dict[str, Any]) -> bool:
        """Before there is enough to train on, a save is no reason for a trouble."""
        if error.get("kind") != "no_label":
            return False
        self._desk.say(f"{error.get('message', '')} {error.get('remedy', '')}".strip())
        return True
