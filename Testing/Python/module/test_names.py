"""The module and the tests' host use no name that a running Slicer 5.12 does not answer to."""

from __future__ import annotations

from pathlib import Path

import pytest

from Testing.Host.qt_host import name_scan, qt_module
from Testing.Host.qt_host.names import class_names, known_names, names_file, object_names

REPOSITORY = Path(__file__).resolve().parents[3]
MODULE_FILES = sorted((REPOSITORY / "ActiveSuggest").rglob("*.py"))
UI_FILES = sorted((REPOSITORY / "ActiveSuggest").rglob("*.ui"))


@pytest.fixture(autouse=True)
def _names() -> None:
    if known_names() is None:
        pytest.skip(
            f"{names_file()} is not there: set ACTIVESUGGEST_DATA to the folder of real data "
            "beside which it lies"
        )


@pytest.mark.parametrize(
    "path", MODULE_FILES, ids=lambda path: str(path.relative_to(REPOSITORY / "ActiveSuggest"))
)
def test_the_module_uses_only_names_that_slicer_has(path):
    violations = name_scan.scan(path.read_text("utf-8"), name_scan.widgets_of(UI_FILES))
    assert not violations, "\n".join(map(str, violations))


def test_widgets_of_the_ui_files_are_slicers():
    for name, kind in name_scan.widgets_of(UI_FILES).items():
        module, _, class_name = kind.partition(".")
        assert class_name in class_names(module), f"{name} is a {kind}"


def test_ui_files_set_only_properties_that_slicer_has():
    from xml.etree import ElementTree

    for path in UI_FILES:
        for item in ElementTree.parse(path).getroot().iter("widget"):
            kind = item.get("class", "")
            module = "ctk" if kind.startswith("ctk") else "qt" if kind.startswith("Q") else "slicer"
            listed = object_names(module, kind)
            for prop in item.findall("property"):
                if listed is not None and prop.get("stdset") != "0":
                    assert prop.get("name") in listed, f"{path.name}: {kind}.{prop.get('name')}"


def test_the_host_offers_no_class_that_slicer_lacks():
    assert not set(qt_module.OWN_CLASSES) - class_names("qt")
    assert not set(qt_module.ctk._own) - class_names("ctk")
    assert not set(qt_module.slicer_classes._own) - class_names("slicer")


def test_the_hosts_own_widgets_have_only_slicers_members(slicer_host):
    """What an implementation adds for itself is private, or refused to the module."""
    for module in (qt_module.ctk, qt_module.slicer_classes):
        for name in module._own:
            kind = getattr(module, name)
            listed = object_names(module.__name__, name)
            if listed is None:
                continue
            for member in vars(module._own[name]):
                if not member.startswith("_") and member not in {*listed, "staticMetaObject"}:
                    shown = kind.__dict__.get(member)
                    assert isinstance(shown, property), f"{name}.{member}"
                    assert shown.fget.__qualname__.startswith("_refusal_of"), f"{name}.{member}"


WRONG = """
import qt
import slicer
from slicer.util import loadEverything

class Panel:
    def __init__(self):
        self.button = qt.QPushButton("x")
        self.button.setTextWidth(3)
        self.timer = qt.QTimer()
        self.timer.callOnTimeout(print)
        self.url = qt.QDesktopServices
        self.ui.section.setCollapsed(True)
        slicer.app.mainWindow()
        slicer.util.loadEverything()
        slicer.modules.monai.logic()
        slicer.app.layoutManager().redSlice()
        slicer.vtkMRMLWonderNode()
        slicer.loadVolume("x")
        qt.QPushButton.Wonder
"""


def test_wrong_names_are_found():
    found = [v.name for v in name_scan.scan(WRONG, {"section": "ctk.ctkCollapsibleButton"})]
    assert found == [
        "slicer.util.loadEverything",
        "qt.QPushButton.setTextWidth",
        "qt.QTimer.callOnTimeout",
        "qt.QDesktopServices",
        "ctk.ctkCollapsibleButton.setCollapsed",
        "slicer.app.mainWindow",
        "slicer.util.loadEverything",
        "slicer.modules.monai",
        "layoutManager().redSlice",
        "slicer.vtkMRMLWonderNode",
        "slicer.loadVolume",
        "qt.QPushButton.Wonder",
    ]


RIGHT = """
import qt
import slicer
from slicer.i18n import tr as _

def other(button):
    button.anything = 1

def show(panel):
    button = qt.QPushButton(_("Go"))
    button.text = "Go"
    button.connect("clicked()", panel.go)
    slicer.util.setSliceViewerLayers(background=None)
    slicer.app.layoutManager().sliceWidget("Red")
    slicer.vtkMRMLScene.EndCloseEvent
    panel.ui.section.collapsed = True
    slicer.modules.markups.logic()
    slicer.modules.activesuggest
"""


def test_right_names_are_not_found():
    assert not name_scan.scan(RIGHT, {"section": "ctk.ctkCollapsibleButton"})
