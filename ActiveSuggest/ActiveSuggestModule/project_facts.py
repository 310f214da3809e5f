"""What is known of the open project: counts, cases, models, curve, asked for when they change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .signals import OnError, Signal
from .worker_link import WorkerLink, is_told

if TYPE_CHECKING:
    from ActiveSuggestLib.data.segments import Segment

Fail = Callable[[dict[str, Any]], None]


class ProjectFacts:
    """The facts of one project; ``model_changed(version)`` when another model is in use."""

    def __init__(self, link: WorkerLink, on_failed: Fail, on_error: OnError | None = None) -> None:
        self.overview_changed = Signal(on_error)
        self.models_changed = Signal(on_error)
        self.model_changed = Signal(on_error)
        self._link = link
        self._on_failed = on_failed
        self._asked: set[str] = set()
        self._again: set[str] = set()
        self.forget()

    def forget(self) -> None:
        """No project is open."""
        self.folder: Path | None = None
        self.segments: tuple[Segment, ...] = ()
        self.plane = "axial"
        self.overview: dict[str, Any] = {}
        self.cases: list[dict[str, Any]] = []
        self.models: list[dict[str, Any]] = []
        self.curve: dict[str, Any] = {}
        self.strategies: list[dict[str, Any]] = []
        self._asked.clear()
        self._again.clear()

    @property
    def model_version(self) -> int | None:
        """The version of the model in use, or ``None``."""
        model = self.overview.get("model")
        return None if not model else int(model["version"])

    def read(self, folder: Path) -> None:
        """Read what project.json holds; raises ``ProjectError``."""
        from ActiveSuggestLib.data.record.project_file import read_project_file

        content, _ = read_project_file(folder)
        self.folder, self.segments = folder, content.segments
        self.plane = content.plane or "axial"

    def refresh_all(self) -> None:
        """Ask for everything: the project was opened or scanned."""
        for name in ("status", "cases", "models", "curve", "strategies"):
            self._refresh(name)

    def refresh_overview(self) -> None:
        """Ask for the counts: something was saved, skipped or excluded."""
        self._refresh("status")

    def refresh_models(self) -> None:
        """Ask for models and curve: something was trained, rolled back or judged."""
        self._refresh("models")
        self._refresh("curve")

    def refresh_case(self, case: str) -> None:
        """Ask for one case; a list of ten thousand is not sent again for one label."""
        self._link.ask("case", self._take_case, self._failed, case=case)

    def case(self, name: str) -> dict[str, Any] | None:
        """Return what the list of cases says of one."""
        return next((facts for facts in self.cases if facts["case"] == name), None)

    # Answers ----------------------------------------------------------------------------

    def _refresh(self, name: str) -> None:
        if name in self._asked:
            self._again.add(name)
            return
        self._asked.add(name)

        def done(value: Any) -> None:
            self._answered(name)
            getattr(self, f"_take_{name}")(value)

        def failed(error: dict[str, Any]) -> None:
            self._answered(name)
            self._failed(error)

        self._link.ask(name, done, failed)

    def _answered(self, name: str) -> None:
        self._asked.discard(name)
        if name in self._again:
            self._again.discard(name)
            self._refresh(name)

    def _failed(self, error: dict[str, Any]) -> None:
        if not is_told(error):
            self._on_failed(error)

    def _take_status(self, value: dict[str, Any]) -> None:
        before = self.model_version
        self.overview = value
        self.plane = str(value.get("plane") or self.plane)
        self.overview_changed.emit()
        if self.model_version != before:
            self.model_changed.emit(self.model_version)

    def _take_cases(self, value: list[dict[str, Any]]) -> None:
        self.cases = value
        self.overview_changed.emit()

    def _take_case(self, value: dict[str, Any]) -> None:
        known = self.case(value["case"])
        if known is not None:
            known.update({key: value[key] for key in known if key in value})
            self.overview_changed.emit()

    def _take_models(self, value: list[dict[str, Any]]) -> None:
        self.models = value
        self.models_changed.emit()

    def _take_curve(self, value: dict[str, Any]) -> None:
        self.curve = value
        self.models_changed.emit()

    def _take_strategies(self, value: list[dict[str, Any]]) -> None:
        self.strategies = value
        self.overview_changed.emit()
