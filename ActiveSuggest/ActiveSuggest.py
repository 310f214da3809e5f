"""What Slicer finds by name: the module, its panel, its console logic and its self-test."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

_HERE = Path(__file__).resolve().parent
for _folder in (_HERE, _HERE.parent):
    # Installed, the core lies beside this file; in a source checkout, one folder up.
    _holds_ours = _folder == _HERE or (_folder / "ActiveSuggestLib").is_dir()
    if _holds_ours and str(_folder) not in sys.path:
        sys.path.append(str(_folder))

from ActiveSuggestModule.logic import ActiveSuggestLogic  # noqa: E402 - needs the path above

__all__ = ["ActiveSuggest", "ActiveSuggestLogic", "ActiveSuggestTest", "ActiveSuggestWidget"]


class ActiveSuggest(ScriptedLoadableModule):
    """The module as Slicer lists it."""

    def __init__(self, parent: Any) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("ActiveSuggest")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Active Learning")]
        parent.dependencies = ["Segmentations", "SegmentEditor", "Terminologies", "SampleData"]
        parent.contributors = [_("The ActiveSuggest contributors")]
        parent.helpText = _(
            "Decides which volumes or slices are worth labelling next. Make a project of a folder "
            "of images, press <b>Suggest next</b>, correct the model's proposal in the Segment "
            "Editor, and press <b>Save and next</b>: the model learns from your label in the "
            "background and ranks again. Everything stays on this computer.<br><br>"
            "Keys: <b>N</b> and <b>Shift+N</b> next and previous uncertain place, <b>M</b> and "
            "<b>Shift+M</b> suggested slices, <b>U</b> uncertainty on or off, <b>Ctrl+Alt+S</b> "
            "save the label, <b>Ctrl+Return</b> save and next."
        )
        parent.acknowledgementText = _(
            "The strategies are those of published active-learning systems; each is named with "
            "its source in the README. Built on 3D Slicer, PyTorch and MONAI."
        )
        slicer.app.connect("startupCompleted()", register_sample_data)


def register_sample_data() -> None:
    """Add the demo project to the Sample Data module."""
    from ActiveSuggestModule import sample_data

    def open_project(folder: Any) -> Any:
        return slicer.util.getModuleLogic("ActiveSuggest").open(folder, wait=False)

    sample_data.register(open_project)


class ActiveSuggestWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The module's panel in Slicer: it opens at once and leaves all work to the session."""

    def __init__(self, parent: Any = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic: ActiveSuggestLogic | None = None
        self.panel: Any = None
        self.ui: Any = None

    def setup(self) -> None:
        """Build the panel; called once, when the module is opened for the first time."""
        from ActiveSuggestModule.widget import ModulePanel

        ScriptedLoadableModuleWidget.setup(self)
        widget = slicer.util.loadUI(self.resourcePath("UI/ActiveSuggest.ui"))
        self.layout.addWidget(widget)
        self.ui = slicer.util.childWidgetVariables(widget)
        widget.setMRMLScene(slicer.mrmlScene)
        self.logic = ActiveSuggestLogic()
        self.panel = ModulePanel(widget, self.ui, self.logic, self.resourcePath)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.on_scene_start_close)
        self.addObserver(scene, scene.EndCloseEvent, self.on_scene_end_close)
        self.panel.bind_parameters()

    def enter(self) -> None:
        """The user came to this module."""
        self.panel.enter()

    def exit(self) -> None:
        """The user went to another module: edits are kept, keys and observations are given back."""
        if self.panel is not None:
            self.panel.exit()

    def cleanup(self) -> None:
        """The module is closed or reloaded, or Slicer ends."""
        self.removeObservers()
        if self.panel is not None:
            self.panel.cleanup()
            self.panel = None

    def onReload(self) -> None:  # noqa: N802 - Slicer's name
        """Read the module's own files anew as well, which Slicer would not."""
        if self.panel is not None and self.logic is not None:
            # The new panel knows nothing of the nodes of the old one's case.
            self.panel.guard(self.logic.session.close_case)()
        for name in [n for n in sys.modules if n.split(".")[0] == "ActiveSuggestModule"]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    def on_scene_start_close(self, _caller: Any = None, _event: Any = None) -> None:
        """Keep edits before the scene takes the nodes away."""
        self.panel.scene_start_close()

    def on_scene_end_close(self, _caller: Any = None, _event: Any = None) -> None:
        """Start with fresh nodes in the scene that is empty now."""
        self.panel.scene_end_close(self.parent.isEntered)


class ActiveSuggestTest(ScriptedLoadableModuleTest):
    """The scenarios of the module in a real Slicer: ``runTest`` fails if one fails."""

    def setUp(self) -> None:
        """Nothing to prepare: each scenario makes its own project and removes its own nodes."""

    def runTest(self, **_options: Any) -> None:  # noqa: N802 - Slicer's name
        """Run all scenarios; prints how many ran."""
        from ActiveSuggestModule import self_test

        self.setUp()
        self_test.run()
