"""CTK's widgets as plain Qt widgets that really do what their names say."""

from __future__ import annotations

from .collapsible_button import CollapsibleButton, CollapsibleGroupBox
from .color_picker_button import ColorPickerButton
from .directory_button import DirectoryButton
from .message_box import MessageBox
from .path_line_edit import PathLineEdit
from .plain import (
    CheckablePushButton,
    CheckBox,
    ComboBox,
    DoubleSpinBox,
    ExpandableWidget,
    FittedTextBrowser,
    PushButton,
)
from .range_widgets import DoubleRangeSlider, DoubleSlider, RangeWidget
from .slider_widget import SliderWidget

CTK_CLASSES: dict[str, type] = {
    "ctkCheckBox": CheckBox,
    "ctkCheckablePushButton": CheckablePushButton,
    "ctkCollapsibleButton": CollapsibleButton,
    "ctkCollapsibleGroupBox": CollapsibleGroupBox,
    "ctkColorPickerButton": ColorPickerButton,
    "ctkComboBox": ComboBox,
    "ctkDirectoryButton": DirectoryButton,
    "ctkDoubleRangeSlider": DoubleRangeSlider,
    "ctkDoubleSlider": DoubleSlider,
    "ctkDoubleSpinBox": DoubleSpinBox,
    "ctkExpandableWidget": ExpandableWidget,
    "ctkFittedTextBrowser": FittedTextBrowser,
    "ctkMessageBox": MessageBox,
    "ctkPathLineEdit": PathLineEdit,
    "ctkPushButton": PushButton,
    "ctkRangeWidget": RangeWidget,
    "ctkSliderWidget": SliderWidget,
}
