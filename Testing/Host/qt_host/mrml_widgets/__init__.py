"""Slicer's MRML widgets as Qt widgets over the real MRML scene."""

from __future__ import annotations

from .effect_factory import EffectFactory
from .mrml_widget import MRMLWidget
from .node_combo_box import NodeComboBox
from .numbers import MRMLRangeWidget, MRMLSliderWidget, MRMLSpinBox
from .segment_editor import SegmentEditorWidget
from .terminology_navigator import TerminologyNavigator

MRML_CLASSES: dict[str, type] = {
    "qMRMLRangeWidget": MRMLRangeWidget,
    "qMRMLSliderWidget": MRMLSliderWidget,
    "qMRMLSpinBox": MRMLSpinBox,
    "qMRMLNodeComboBox": NodeComboBox,
    "qMRMLSegmentEditorWidget": SegmentEditorWidget,
    "qMRMLWidget": MRMLWidget,
    "qSlicerSegmentEditorEffectFactory": EffectFactory,
    "qSlicerTerminologyNavigatorWidget": TerminologyNavigator,
    "qSlicerWidget": MRMLWidget,
}
