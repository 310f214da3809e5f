"""Slicer's MRML widgets as Qt widgets over the real MRML scene."""

from __future__ import annotations

from .mrml_widget import MRMLWidget
from .node_combo_box import NodeComboBox
from .segment_editor import SegmentEditorWidget

MRML_CLASSES: dict[str, type] = {
    "qMRMLNodeComboBox": NodeComboBox,
    "qMRMLSegmentEditorWidget": SegmentEditorWidget,
    "qMRMLWidget": MRMLWidget,
    "qSlicerWidget": MRMLWidget,
}
