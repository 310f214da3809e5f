"""A stage for the panel: a session that only writes down what is asked of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import slicer
from ActiveSuggestModule.jobs import Job
from ActiveSuggestModule.open_case import OpenCase
from ActiveSuggestModule.scene.case_files import CaseFiles
from ActiveSuggestModule.scene.case_scene import ShownCase
from ActiveSuggestModule.scene.places import Place
from ActiveSuggestModule.signals import Signal
from ActiveSuggestModule.suggestions import Suggested

from ActiveSuggestLib.data.segments import parse_segments

RESOURCES = Path(__file__).resolve().parents[3] / "ActiveSuggest" / "Resources"
SIGNALS = [
    "project_changed",
    "overview_changed",
    "suggestions_changed",
    "case_changed",
    "jobs_changed",
    "models_changed",
    "trouble",
    "notice",
    "saved",
]


class StageScene:
    """Stands for a ``CaseScene``: holds what is shown, and where one was sent."""

    def __init__(self) -> None:
        self.shown: ShownCase | None = None
        self.went_to: list[Any] = []
        self.overlay: list[tuple[bool, float]] = []
        self.changed: tuple[int, ...] = ()
        self.all_places = [Place(n, (0.0, 0.0, float(n)), 1.0 / n) for n in (9, 4, 6)]

    def places(self) -> list[Place]:
        return self.all_places

    def go_to_place(self, place: Place) -> None:
        self.went_to.append(place.slice)

    def go_to_slice(self, index: int) -> None:
        self.went_to.append(index)

    def set_overlay(self, *, visible: bool, opacity: float) -> None:
        self.overlay.append((visible, opacity))

    def changed_slices(self) -> tuple[int, ...]:
        return self.changed

    def current_slice(self) -> int:
        return 7


class StageSession:
    """Stands for a ``Session``: every method is written into ``asked`` and changes nothing."""

    def __init__(self) -> None:
        for name in SIGNALS:
            setattr(self, name, Signal(_raise))
        self.asked: list[tuple[Any, ...]] = []
        self.scene = StageScene()
        self.folder: Path | None = None
        self.overview: dict[str, Any] = {}
        self.segments = parse_segments("ball,core")
        self.plane = "axial"
        self.worker_state = "none"
        self.device: dict[str, Any] | None = None
        self.suggestions: list[Suggested] = []
        self.current: OpenCase | None = None
        self.jobs: dict[str, Job] = {}
        self.models: list[dict[str, Any]] = []
        self.curve: dict[str, Any] = {}
        self.cases: list[dict[str, Any]] = []
        self.strategies: list[dict[str, Any]] = []
        self.recent: list[str] = []
        self.train_after_save, self.train_seconds, self.rank_after_training = True, 120.0, True
        self.saves = True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in _METHODS:
            raise AttributeError(name)

        def ask(*values: Any, **named: Any) -> Any:
            self.asked.append((name, *values, *named.items()))
            return self.saves if name.startswith("save") else None

        return ask

    def log(self) -> str:
        return "the worker's last words"

    # Scenes of the play -----------------------------------------------------------------

    def open_project(self, **counts: int) -> None:
        """As if a project had been opened."""
        self.folder = Path("/data/studies/liver/liver-project")
        self.overview = {
            "name": "liver",
            "counts": {"unlabelled": 9, "draft": 0, "labelled": 3, "excluded": 1} | counts,
            "model": {"version": 2, "labels": {f"p{n:02d}": "" for n in range(6)}},
        }
        self.worker_state = "ready"
        self.device = {
            "device": "cpu",
            "description": "CPU, 4 cores",
            "kind": "cpu",
            "why": "no GPU was found",
        }
        self.cases = [
            {"case": f"p{n:02d}", "state": "labelled" if n < 3 else "unlabelled", "notes": []}
            for n in range(12)
        ]
        self.cases.append({"case": "torn", "state": "excluded", "reason": "the file is truncated"})
        self.project_changed.emit()
        self.overview_changed.emit()

    def suggest_cases(self, *pictures: Path | None, slices: tuple[int, ...] = ()) -> None:
        """As if the ranking had come."""
        self.suggestions = [
            Suggested(
                rank=n + 1,
                case=f"p{n + 3:02d}",
                slices=tuple(s + n for s in slices),
                score=0.83 / (n + 1),
                reasons=(
                    "the border of 'core' is uncertain in 12 of 40 slices",
                    "no labelled case looks like it",
                ),
                strategy="default",
                patient=f"p{n}",
                state="ready" if n == 0 else "fetching" if n == 1 else "waiting",
                thumbnail=pictures[n] if n < len(pictures) else None,
            )
            for n in range(5)
        ]
        self.suggestions_changed.emit()

    def show_case(self, case: str = "p03", *, source: str = "proposal", **facts: Any) -> OpenCase:
        """As if a case were in the scene, with nodes of the real scene."""
        scene = slicer.mrmlScene
        volume = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", case)
        segmentation = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", case)
        for segment in self.segments:
            segmentation.GetSegmentation().AddEmptySegment(segment.name, segment.name)
        heat = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", f"{case} uncertainty")
        path = facts.pop("path", None)
        files = CaseFiles(case, (), segmentation=path, source=source, uncertainty=Path("u.nrrd"))
        self.scene.shown = ShownCase(case, files, volume, segmentation, heat)
        self.current = OpenCase(case, files, source, facts={"size": [20, 18, 16]})
        for name, value in facts.items():
            setattr(self.current, name, value)
        self.case_changed.emit()
        return self.current

    def put(self, **changes: Any) -> None:
        """Change flags of the open case."""
        for name, value in changes.items():
            setattr(self.current, name, value)
        self.case_changed.emit()

    def without_uncertainty(self) -> None:
        """As if no model had looked at the open case."""
        assert self.scene.shown is not None
        self.scene.shown = replace(self.scene.shown, uncertainty=None)
        self.case_changed.emit()

    def run(self, kind: str, **facts: Any) -> Job:
        """As if a job of this kind ran."""
        self.jobs[kind] = job = Job(kind, state=facts.pop("state", "running"), **facts)
        self.jobs_changed.emit()
        return job

    def end(self, kind: str) -> None:
        """As if that job had ended."""
        self.jobs.pop(kind)
        self.jobs_changed.emit()


_METHODS = [
    "create",
    "open",
    "close",
    "rescan",
    "import_labels",
    "suggest",
    "cancel",
    "open_case",
    "next_case",
    "close_case",
    "save",
    "save_and_next",
    "autosave",
    "discard_draft",
    "skip",
    "exclude",
    "include",
    "add_note",
    "fine_tune",
    "roll_back",
    "predict",
    "score",
    "restart_worker",
    "shut_down",
    "note_activity",
]


def _raise(error: Exception, _slot: Any) -> None:
    raise error


class StageDependencies:
    """Stands for the module ``dependencies``: what is missing, and how installing ends."""

    EXTENSION, INDEX = "extension", "index"
    READY, DECLINED, NEEDS_EXTENSION = "ready", "declined", "needs-extension"
    RESTART, FAILED = "restart", "failed"

    def __init__(self) -> None:
        self.lacks: tuple[str, ...] = ()
        self.outcomes: list[Any] = []
        self.installs: list[dict[str, Any]] = []
        self.interrupted: Any = None

    def missing(self) -> tuple[str, ...]:
        return self.lacks

    def explain(self, lacks: tuple[str, ...]) -> str:
        return (
            f"To rank and to learn, ActiveSuggest needs {' and '.join(lacks)}, which Slicer does "
            "not bring. About 0.3 GB is downloaded once. Nothing that Slicer brings is changed."
        )

    def install(self, **options: Any) -> Any:
        options.pop("progress")("Downloading torch…")
        self.installs.append(options)
        ended = self.outcomes.pop(0)
        if ended.is_ready:
            self.lacks = ()
        return ended

    def unfinished(self) -> Any:
        return self.interrupted

    def forget_unfinished(self) -> None:
        self.interrupted = None


def outcome(state: str, sentence: str = "", remedy: str = "", details: str = "") -> Any:
    """Return how an installation ended."""
    return SimpleNamespace(
        state=state,
        sentence=sentence,
        remedy=remedy,
        details=details,
        is_ready=state == "ready",
    )


class StageLogic:
    """Stands for the module's logic: its session and the scene's parameter node."""

    def __init__(self, session: StageSession) -> None:
        self.session = session

    def getParameterNode(self) -> Any:
        node = slicer.mrmlScene.GetSingletonNode("ActiveSuggest", "vtkMRMLScriptedModuleNode")
        if node is None:
            node = slicer.vtkMRMLScriptedModuleNode()
            node.SetSingletonTag("ActiveSuggest")
            node = slicer.mrmlScene.AddNode(node)
        return node


class Stage:
    """The panel on a session of the stage; ``folders`` are what the folder dialog answers."""

    def __init__(self, width: int = 380, height: int = 1900) -> None:
        from ActiveSuggestModule.widget import ModulePanel

        self.session = StageSession()
        self.dependencies = StageDependencies()
        self.folders: list[str] = []
        self.asked_for: list[str] = []
        self.root = slicer.util.loadUI(str(RESOURCES / "UI" / "ActiveSuggest.ui"))
        self.ui = slicer.util.childWidgetVariables(self.root)
        self.panel = ModulePanel(
            self.root,
            self.ui,
            StageLogic(self.session),
            lambda name: str(RESOURCES / name),
            ask=self._ask,
            dependencies=self.dependencies,
        )
        self.root.resize(width, height)
        self.root.show()
        self.panel.enter()

    @property
    def asked(self) -> list[tuple[Any, ...]]:
        return self.session.asked

    def _ask(self, title: str, _begin: str) -> str:
        self.asked_for.append(title)
        return self.folders.pop(0) if self.folders else ""

    def leave(self) -> None:
        self.panel.cleanup()
        self.root.close()
