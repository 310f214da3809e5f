"""Slicer's Segment Editor in our panel, on a parameter node of its own."""

from __future__ import annotations

from typing import Any

import slicer

SINGLETON_TAG = "ActiveSuggest"
NODE_CLASS = "vtkMRMLSegmentEditorNode"
UNDO_STATES = 10


class SegmentEditor:
    """Embeds ``qMRMLSegmentEditorWidget`` as Slicer's own Segment Editor module does.

    Built when the first case is shown: before that the panel opens faster without it.
    """

    def __init__(self, layout: Any) -> None:
        self._layout = layout
        self._node: Any = None
        self._effects: Any = None
        self._entered = False
        self._shown: tuple[Any, Any] = (None, None)
        self.widget: Any = None

    def build(self) -> None:
        """Make the widget, if it is not there yet."""
        if self.widget is not None:
            return
        editor = slicer.qMRMLSegmentEditorWidget()
        editor.setMaximumNumberOfUndoStates(UNDO_STATES)
        # The scene of the case decides what the views show.
        editor.setAutoShowSourceVolumeNode(False)
        # The case decides what is edited, so there is nothing to select.
        editor.setSegmentationNodeSelectorVisible(False)
        editor.setSourceVolumeNodeSelectorVisible(False)
        editor.setSwitchToSegmentationsButtonVisible(False)
        # The segments are the project's.
        editor.setAddRemoveSegmentButtonsVisible(False)
        self.widget = editor
        # The node comes before the scene, or the scene's first segmentation would be selected.
        self._select_node()
        editor.setMRMLScene(slicer.mrmlScene)
        self._layout.addWidget(editor)
        # Effects of other extensions may come later than this panel.
        self._effects = slicer.qSlicerSegmentEditorEffectFactory.instance()
        self._effects.connect("effectRegistered(QString)", self._effect_registered)
        if self._entered:
            self._install_keys()

    def show(self, segmentation: Any, volume: Any) -> None:
        """Edit a segmentation node on a volume node; the effect in use stays in use."""
        self.build()
        if self._shown == (segmentation, volume):
            return
        effect = self.widget.activeEffect()
        name = effect.name if effect is not None else ""
        self._select_node()
        self._shown = (segmentation, volume)
        # The segmentation first: the editor ignores a volume without one.
        self.widget.setSegmentationNode(segmentation)
        self.widget.setSourceVolumeNode(volume)
        segments = segmentation.GetSegmentation()
        if segments.GetNumberOfSegments() and not self.widget.currentSegmentID():
            self.widget.setCurrentSegmentID(segments.GetNthSegmentID(0))
        if name:
            self.widget.setActiveEffectByName(name)

    def clear(self) -> None:
        """Edit nothing: the nodes are going away."""
        self._shown = (None, None)
        if self.widget is not None:
            self.widget.setActiveEffect(None)
            self.widget.setSegmentationNode(None)
            self.widget.removeViewObservations()

    def enter(self) -> None:
        """The user came to our module."""
        self._entered = True
        if self.widget is not None:
            self._select_node()
            self._install_keys()
            self.widget.updateWidgetFromMRML()

    def exit(self) -> None:
        """The user went away: give back keys, effect and views."""
        self._entered = False
        if self.widget is not None:
            self.widget.setActiveEffect(None)
            self.widget.uninstallKeyboardShortcuts()
            self.widget.removeViewObservations()

    def forget_node(self) -> None:
        """The scene is being closed: its nodes must not be used any more."""
        self.clear()
        self._node = None

    def cleanup(self) -> None:
        """Stop observing, for good."""
        self.exit()
        if self._effects is not None:
            self._effects.disconnect("effectRegistered(QString)", self._effect_registered)
            self._effects = None
        if self.widget is not None:
            self.clear()

    def _select_node(self) -> None:
        scene = slicer.mrmlScene
        node = scene.GetSingletonNode(SINGLETON_TAG, NODE_CLASS)
        if node is None:
            node = scene.CreateNodeByClass(NODE_CLASS)
            node.UnRegister(None)
            node.SetSingletonTag(SINGLETON_TAG)
            node = scene.AddNode(node)
        if node is not self._node:
            self._node = node
            self.widget.setMRMLSegmentEditorNode(node)

    def _install_keys(self) -> None:
        # Without a main window they would hang on nothing, and Qt would complain of each.
        if slicer.util.mainWindow() is not None:
            self.widget.installKeyboardShortcuts()

    def _effect_registered(self) -> None:
        if self.widget is not None:
            self.widget.updateEffectList()
