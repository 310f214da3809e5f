"""qMRMLSegmentEditorWidget: records its calls, and paints into real segmentations for tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import vtk
from PySide6.QtCore import Property, QObject, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from .icons import eye_icon, swatch_icon
from .observing import observer
from .segment_painting import Box, paint_box

EFFECTS = (
    "Threshold", "Paint", "Draw", "Erase", "Level tracing", "Grow from seeds",
    "Fill between slices", "Margin", "Hollow", "Smoothing", "Scissors", "Islands",
    "Logical operators", "Mask volume",
)  # fmt: skip

COLUMNS = 3


class Effect:
    """What ``activeEffect()`` returns; it has a name."""

    def __init__(self, name: str) -> None:
        self.name = name


class SegmentEditorWidget(QWidget):
    """The editor's face: buttons of the effects and the table of segments.

    ``calls`` lists what the module called on it; :meth:`paint` and :meth:`erase` change the
    segmentation as a user's brush does, with undo.
    """

    FOR_TESTS = frozenset({"paint", "erase"})
    currentSegmentIDChanged = Signal(str)
    sourceVolumeNodeChanged = Signal(object)
    segmentationNodeChanged = Signal(object)
    mrmlSceneChanged = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.calls: list[tuple[Any, ...]] = []
        self.shortcuts_installed = False
        self.views_observed = False
        self._scene: Any = None
        self._node: Any = None
        self._active: Effect | None = None
        self._history: Any = None
        self._tags: list[tuple[Any, int]] = []
        self._flags: dict[str, bool] = {}
        self._undo_states = 5
        self._effect_buttons: dict[str, QToolButton] = {}
        self._build()

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._selectors = QWidget(self)
        grid = QGridLayout(self._selectors)
        grid.setContentsMargins(0, 0, 0, 0)
        self._segmentation_label = QLabel("", self._selectors)
        self._source_label = QLabel("", self._selectors)
        self._captions = [QLabel("Segmentation:"), QLabel("Source volume:")]
        for row, label in enumerate((self._segmentation_label, self._source_label)):
            grid.addWidget(self._captions[row], row, 0)
            grid.addWidget(label, row, 1)
        grid.setColumnStretch(1, 1)
        layout.addWidget(self._selectors)
        self._segment_buttons = QWidget(self)
        row_layout = QHBoxLayout(self._segment_buttons)
        row_layout.setContentsMargins(0, 0, 0, 0)
        for text in ("Add", "Remove"):
            row_layout.addWidget(QPushButton(text, self._segment_buttons))
        self._show3d = QPushButton("Show 3D", self._segment_buttons)
        row_layout.addWidget(self._show3d)
        row_layout.addStretch(1)
        layout.addWidget(self._segment_buttons)
        self._table = QTableWidget(0, 3, self)
        self._table.setHorizontalHeaderLabels(["", "", "Name"])
        self._table.verticalHeader().hide()
        self._table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self._table.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        header = self._table.horizontalHeader()
        for column in (0, 1):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            self._table.setColumnWidth(column, 30)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        self._table.setFixedHeight(110)
        self._table.itemSelectionChanged.connect(self._on_row)
        layout.addWidget(self._table)
        effects = QWidget(self)
        self._effect_grid = QGridLayout(effects)
        self._effect_grid.setContentsMargins(0, 0, 0, 0)
        self._effect_grid.setSpacing(2)
        for index, name in enumerate(EFFECTS):
            button = QToolButton(effects)
            button.setText(name)
            button.setCheckable(True)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.clicked.connect(lambda _=False, effect=name: self._on_effect(effect))
            self._effect_grid.addWidget(button, index // 3, index % 3)
            self._effect_buttons[name] = button
        layout.addWidget(effects)
        undo = QHBoxLayout()
        self._undo_button = QPushButton("Undo", self)
        self._redo_button = QPushButton("Redo", self)
        self._undo_button.clicked.connect(lambda: self.undo())
        self._redo_button.clicked.connect(lambda: self.redo())
        undo.addWidget(self._undo_button)
        undo.addWidget(self._redo_button)
        undo.addStretch(1)
        layout.addLayout(undo)

    # The scene and the editor node

    def mrmlScene(self) -> Any:
        """Return the scene, or None."""
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        """Take a scene."""
        self.calls.append(("setMRMLScene", scene))
        self._scene = scene
        self.mrmlSceneChanged(scene)

    def mrmlSegmentEditorNode(self) -> Any:
        """Return the editor node, or None."""
        return self._node

    def setMRMLSegmentEditorNode(self, node: Any) -> None:
        """Follow an editor node."""
        self.calls.append(("setMRMLSegmentEditorNode", node))
        for watched, tag in self._tags:
            watched.RemoveObserver(tag)
        self._tags = []
        self._node = node
        if node is not None:
            tag = node.AddObserver(vtk.vtkCommand.ModifiedEvent, observer(self, "_show"))
            self._tags.append((node, tag))
        self._watch_segmentation()
        self._show()

    def segmentationNode(self) -> Any:
        """Return the segmentation that is edited, or None."""
        return self._node.GetSegmentationNode() if self._node is not None else None

    def segmentationNodeID(self) -> str:
        """Return its ID, or nothing."""
        node = self.segmentationNode()
        return node.GetID() if node is not None else ""

    def sourceVolumeNode(self) -> Any:
        """Return the volume that is drawn on, or None."""
        return self._node.GetSourceVolumeNode() if self._node is not None else None

    def sourceVolumeNodeID(self) -> str:
        """Return its ID, or nothing."""
        node = self.sourceVolumeNode()
        return node.GetID() if node is not None else ""

    def setSegmentationNode(self, node: Any) -> None:
        """Edit a segmentation. Slicer needs an editor node and a scene for it."""
        self.calls.append(("setSegmentationNode", node))
        if self._node is None:
            if node is not None:
                raise RuntimeError("setSegmentationNode before setMRMLSegmentEditorNode")
            return
        self._node.SetAndObserveSegmentationNode(node)
        self._watch_segmentation()
        segmentation = node.GetSegmentation() if node is not None else None
        if segmentation is not None and segmentation.GetNumberOfSegments():
            chosen = self._node.GetSelectedSegmentID()
            if not chosen or segmentation.GetSegment(chosen) is None:
                self._node.SetSelectedSegmentID(segmentation.GetNthSegmentID(0))
        self._show()
        self.segmentationNodeChanged(node)

    def setSegmentationNodeID(self, identifier: str) -> None:
        """Edit the segmentation of that ID."""
        self.setSegmentationNode(self._scene.GetNodeByID(identifier) if identifier else None)

    def setSourceVolumeNode(self, node: Any) -> None:
        """Draw on a volume; the segmentation has to be set before."""
        self.calls.append(("setSourceVolumeNode", node))
        if self._node is None:
            if node is not None:
                raise RuntimeError("setSourceVolumeNode before setMRMLSegmentEditorNode")
            return
        segmentation = self.segmentationNode()
        if node is not None and segmentation is None:
            raise RuntimeError("Slicer wants the segmentation before the source volume")
        self._node.SetAndObserveSourceVolumeNode(node)
        if node is not None:
            segmentation.SetReferenceImageGeometryParameterFromVolumeNode(node)
        self._show()
        self.sourceVolumeNodeChanged(node)

    def setSourceVolumeNodeID(self, identifier: str) -> None:
        """Draw on the volume of that ID."""
        self.setSourceVolumeNode(self._scene.GetNodeByID(identifier) if identifier else None)

    def updateWidgetFromMRML(self) -> None:
        """Show what the nodes hold."""
        self._show()

    def _watch_segmentation(self) -> None:
        for watched, tag in self._tags[1:]:
            watched.RemoveObserver(tag)
        self._tags = self._tags[:1]
        self._history = None
        node = self.segmentationNode()
        if node is None:
            return
        import slicer

        segmentation = node.GetSegmentation()
        self._history = slicer.vtkSegmentationHistory()
        self._history.SetSegmentation(segmentation)
        self._history.SetMaximumNumberOfStates(self._undo_states)
        for event in (
            slicer.vtkSegmentation.SegmentAdded,
            slicer.vtkSegmentation.SegmentRemoved,
            slicer.vtkSegmentation.SegmentModified,
        ):
            self._tags.append(
                (segmentation, segmentation.AddObserver(event, observer(self, "_show")))
            )

    def _show(self) -> None:
        node, volume = self.segmentationNode(), self.sourceVolumeNode()
        self._segmentation_label.setText(node.GetName() if node is not None else "None")
        self._source_label.setText(volume.GetName() if volume is not None else "None")
        blocked = self._table.blockSignals(True)
        segments = self._segments()
        self._table.setRowCount(len(segments))
        for row, (identifier, name, colour) in enumerate(segments):
            eye = QTableWidgetItem()
            eye.setIcon(eye_icon(self._table.palette().text().color()))
            swatch = QTableWidgetItem()
            swatch.setIcon(swatch_icon(QColor.fromRgbF(*colour)))
            self._table.setItem(row, 0, eye)
            self._table.setItem(row, 1, swatch)
            text = QTableWidgetItem(name)
            text.setData(Qt.ItemDataRole.UserRole, identifier)
            self._table.setItem(row, 2, text)
        chosen = self.currentSegmentID()
        self._table.clearSelection()
        for row, (identifier, _name, _colour) in enumerate(segments):
            if identifier == chosen:
                self._table.selectRow(row)
        self._table.blockSignals(blocked)
        ready = node is not None and volume is not None
        for name, button in self._effect_buttons.items():
            button.setEnabled(ready)
            button.setChecked(self._active is not None and self._active.name == name)
        self._undo_button.setEnabled(
            bool(self._history and self._history.IsRestorePreviousStateAvailable())
        )
        self._redo_button.setEnabled(
            bool(self._history and self._history.IsRestoreNextStateAvailable())
        )

    def _segments(self) -> list[tuple[str, str, tuple[float, float, float]]]:
        node = self.segmentationNode()
        if node is None:
            return []
        segmentation = node.GetSegmentation()
        found = []
        for index in range(segmentation.GetNumberOfSegments()):
            segment = segmentation.GetNthSegment(index)
            found.append(
                (segmentation.GetNthSegmentID(index), segment.GetName(), segment.GetColor())
            )
        return found

    # Segments and effects

    def currentSegmentID(self) -> str:
        """Return the chosen segment's ID, or nothing."""
        return (self._node.GetSelectedSegmentID() or "") if self._node is not None else ""

    def setCurrentSegmentID(self, identifier: str) -> None:
        """Choose a segment."""
        self.calls.append(("setCurrentSegmentID", identifier))
        if self._node is not None and identifier != self.currentSegmentID():
            self._node.SetSelectedSegmentID(identifier)
            self._show()
            self.currentSegmentIDChanged(identifier)

    def _on_row(self) -> None:
        row = self._table.currentRow()
        if row >= 0:
            item = self._table.item(row, 2)
            self.setCurrentSegmentID(item.data(Qt.ItemDataRole.UserRole))

    def selectNextSegment(self) -> None:
        """Choose the segment below."""
        self.selectSegmentAtOffset(1)

    def selectPreviousSegment(self) -> None:
        """Choose the segment above."""
        self.selectSegmentAtOffset(-1)

    def selectSegmentAtOffset(self, offset: int) -> None:
        """Choose the segment so many rows further."""
        identifiers = [identifier for identifier, _name, _colour in self._segments()]
        if identifiers:
            current = self.currentSegmentID()
            place = identifiers.index(current) if current in identifiers else 0
            self.setCurrentSegmentID(identifiers[(place + offset) % len(identifiers)])

    def updateEffectList(self) -> None:
        """Show effects that were registered since."""
        self.calls.append(("updateEffectList",))

    def availableEffectNames(self) -> list[str]:
        """Return the effects' names."""
        return list(EFFECTS)

    def effectCount(self) -> int:
        """Return how many effects there are."""
        return len(EFFECTS)

    def activeEffect(self) -> Effect | None:
        """Return the effect in use, or None."""
        return self._active

    def setActiveEffect(self, effect: Effect | None) -> None:
        """Use an effect, or none."""
        self.calls.append(("setActiveEffect", effect))
        self._active = effect
        if self._node is not None:
            self._node.SetActiveEffectName(effect.name if effect is not None else "")
        self._show()

    def setActiveEffectByName(self, name: str) -> None:
        """Use the effect of that name."""
        self.calls.append(("setActiveEffectByName", name))
        self.setActiveEffect(Effect(name) if name in EFFECTS else None)

    def _on_effect(self, name: str) -> None:
        same = self._active is not None and self._active.name == name
        self.setActiveEffect(None if same else Effect(name))

    def setEffectNameOrder(self, names: list[str]) -> None:
        """Order the effects' buttons."""
        self.calls.append(("setEffectNameOrder", list(names)))

    def setEffectButtonStyle(self, style: Any) -> None:
        """Show effects by icon, text or both."""
        self.calls.append(("setEffectButtonStyle", style))

    def setEffectColumnCount(self, columns: int) -> None:
        """Arrange the effects in so many columns."""
        self.calls.append(("setEffectColumnCount", columns))
        for index, button in enumerate(self._effect_buttons.values()):
            self._effect_grid.addWidget(button, index // columns, index % columns)

    # Keys and views

    def installKeyboardShortcuts(self, parent: QWidget | None = None) -> None:
        """Take the editor's keys."""
        self.calls.append(("installKeyboardShortcuts", parent))
        self.shortcuts_installed = True

    def uninstallKeyboardShortcuts(self) -> None:
        """Give the keys back."""
        self.calls.append(("uninstallKeyboardShortcuts",))
        self.shortcuts_installed = False

    def setupViewObservations(self) -> None:
        """Follow the mouse in the views."""
        self.calls.append(("setupViewObservations",))
        self.views_observed = True

    def removeViewObservations(self) -> None:
        """Leave the mouse to others."""
        self.calls.append(("removeViewObservations",))
        self.views_observed = False

    def rotateSliceViewsToSegmentation(self) -> None:
        """Turn the slice views to the segmentation's planes."""
        self.calls.append(("rotateSliceViewsToSegmentation",))

    # Undo

    def saveStateForUndo(self) -> None:
        """Remember the segmentation, once before an action of the user."""
        self.calls.append(("saveStateForUndo",))
        if self._history is not None:
            self._history.SaveState()
            self._show()

    def undo(self) -> None:
        """Take the last action back."""
        self.calls.append(("undo",))
        if self._history is not None:
            self._history.RestorePreviousState()
            self._show()

    def redo(self) -> None:
        """Do again what was taken back."""
        self.calls.append(("redo",))
        if self._history is not None:
            self._history.RestoreNextState()
            self._show()

    def setMaximumNumberOfUndoStates(self, count: int) -> None:
        """Remember so many states."""
        self._undo_states = count
        if self._history is not None:
            self._history.SetMaximumNumberOfStates(count)

    # What a test does in the place of the user

    def paint(self, segment: str, slice_index: int, box: Box, *, erase: bool = False) -> int:
        """Paint a box of a slice into a segment, as one action that can be undone.

        ``segment`` is its name, ``slice_index`` counts the volume's k axis, ``box`` is
        ``((row0, row1), (column0, column1))`` in voxels, ends exclusive. Returns the voxels
        of the segment after it. Other segments lose those voxels, as Slicer's default has it.
        """
        node, volume = self.segmentationNode(), self.sourceVolumeNode()
        if node is None or volume is None:
            raise RuntimeError("there is no segmentation and volume to paint on")
        self.saveStateForUndo()
        return paint_box(node, volume, segment, slice_index, box, erase=erase)

    def erase(self, segment: str, slice_index: int, box: Box) -> int:
        """Erase a box of a slice from a segment; see :meth:`paint`."""
        return self.paint(segment, slice_index, box, erase=True)

    # Properties that only show or hide parts

    def _switch(name: str, apply: Callable[[Any, bool], None] | None = None) -> Any:  # noqa: N805
        def get(self: Any) -> bool:
            return self._flags.get(name, True)

        def put(self: Any, value: bool) -> None:
            self._flags[name] = bool(value)
            if apply is not None:
                apply(self, bool(value))

        return Property(bool, get, put)

    def _show_segmentation_selector(self, shown: bool) -> None:
        self._captions[0].setVisible(shown)
        self._segmentation_label.setVisible(shown)

    def _show_source_selector(self, shown: bool) -> None:
        self._captions[1].setVisible(shown)
        self._source_label.setVisible(shown)

    segmentationNodeSelectorVisible = _switch(
        "segmentationNodeSelectorVisible", _show_segmentation_selector
    )
    sourceVolumeNodeSelectorVisible = _switch(
        "sourceVolumeNodeSelectorVisible", _show_source_selector
    )
    addRemoveSegmentButtonsVisible = _switch(
        "addRemoveSegmentButtonsVisible",
        lambda self, shown: (
            [
                button.setVisible(shown)
                for button in self._segment_buttons.findChildren(QPushButton)
                if button is not self._show3d
            ]
            and None
        ),
    )
    show3DButtonVisible = _switch(
        "show3DButtonVisible", lambda self, shown: self._show3d.setVisible(shown)
    )
    maskingSectionVisible = _switch("maskingSectionVisible")
    specifyGeometryButtonVisible = _switch("specifyGeometryButtonVisible")
    switchToSegmentationsButtonVisible = _switch("switchToSegmentationsButtonVisible")
    undoEnabled = _switch("undoEnabled")
    readOnly = _switch("readOnly")
    autoShowSourceVolumeNode = _switch("autoShowSourceVolumeNode")
    unorderedEffectsVisible = _switch("unorderedEffectsVisible")
    jumpToSelectedSegmentEnabled = _switch("jumpToSelectedSegmentEnabled")
    maximumNumberOfUndoStates = Property(
        int, lambda self: self._undo_states, setMaximumNumberOfUndoStates
    )

    def setSegmentationNodeSelectorVisible(self, shown: bool) -> None:
        """Show the segmentation's selector, or not."""
        QObject.setProperty(self, "segmentationNodeSelectorVisible", shown)

    def setSourceVolumeNodeSelectorVisible(self, shown: bool) -> None:
        """Show the volume's selector, or not."""
        QObject.setProperty(self, "sourceVolumeNodeSelectorVisible", shown)

    def setSwitchToSegmentationsButtonVisible(self, shown: bool) -> None:
        """Show the button that leads to the Segmentations module, or not."""
        QObject.setProperty(self, "switchToSegmentationsButtonVisible", shown)

    def setAddRemoveSegmentButtonsVisible(self, shown: bool) -> None:
        """Show the buttons that add and remove segments, or not."""
        QObject.setProperty(self, "addRemoveSegmentButtonsVisible", shown)

    def setSpecifyGeometryButtonVisible(self, shown: bool) -> None:
        """Show the button of the geometry, or not."""
        QObject.setProperty(self, "specifyGeometryButtonVisible", shown)

    def setShow3DButtonVisible(self, shown: bool) -> None:
        """Show the 3D button, or not."""
        QObject.setProperty(self, "show3DButtonVisible", shown)

    def setMaskingSectionVisible(self, shown: bool) -> None:
        """Show the masking section, or not."""
        QObject.setProperty(self, "maskingSectionVisible", shown)

    def setUndoEnabled(self, enabled: bool) -> None:
        """Remember states for undo, or not."""
        QObject.setProperty(self, "undoEnabled", enabled)

    def setReadOnly(self, read_only: bool) -> None:
        """Forbid editing, or allow it."""
        QObject.setProperty(self, "readOnly", read_only)

    def setAutoShowSourceVolumeNode(self, enabled: bool) -> None:
        """Show the source volume in the views by itself, or not."""
        QObject.setProperty(self, "autoShowSourceVolumeNode", enabled)
