"""The layout manager: slice widgets by name, and the layout node."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6.QtCore import Property, QObject, Signal

SLICES_ONLY = 3  # SlicerLayoutConventionalView is 2, FourUp 3


class SliceView:
    """``sliceWidget(name).sliceView()``."""

    def __init__(self, node: Any) -> None:
        self._node = node
        self.renders = 0

    def mrmlSliceNode(self) -> Any:
        """Return the slice node."""
        return self._node

    def scheduleRender(self) -> None:
        """Count a render."""
        self.renders += 1

    def forceRender(self) -> None:
        """Count a render."""
        self.renders += 1


class SliceWidget:
    """``layoutManager().sliceWidget(name)``."""

    def __init__(self, logic: Any) -> None:
        self._logic = logic
        self._view = SliceView(logic.GetSliceNode())

    def sliceLogic(self) -> Any:
        """Return the slice logic."""
        return self._logic

    def mrmlSliceNode(self) -> Any:
        """Return the slice node."""
        return self._logic.GetSliceNode()

    def mrmlSliceCompositeNode(self) -> Any:
        """Return the node that says which volumes are shown."""
        return self._logic.GetSliceCompositeNode()

    def sliceView(self) -> SliceView:
        """Return the view."""
        return self._view


class LayoutManager(QObject):
    """Slicer's layout manager over the host's slice logics."""

    layoutChanged = Signal(int)

    def __init__(self, logics: dict[str, Any], scene: Any, application_logic: Any) -> None:
        super().__init__()
        self._widgets = {name: SliceWidget(logic) for name, logic in logics.items()}
        self._application_logic = application_logic
        self._logic = slicer.vtkMRMLLayoutLogic()
        self._logic.SetMRMLScene(scene)
        self._paused = 0

    def release(self) -> None:
        """Let go of the scene."""
        self._widgets.clear()
        self._logic.SetMRMLScene(None)

    def sliceViewNames(self) -> tuple[str, ...]:
        """Return the names of the slice views."""
        return tuple(self._widgets)

    def sliceWidget(self, name: str) -> SliceWidget | None:
        """Return a slice view's widget, or None."""
        return self._widgets.get(name)

    def mrmlSliceLogics(self) -> Any:
        """Return the slice logics as a vtkCollection."""
        return self._application_logic.GetSliceLogics()

    def layoutLogic(self) -> Any:
        """Return the layout logic."""
        return self._logic

    def setLayout(self, layout: int) -> None:
        """Choose a layout by its number."""
        node = self._logic.GetLayoutNode()
        if node.GetViewArrangement() != layout:
            node.SetViewArrangement(layout)
            self.layoutChanged(layout)

    def _get_layout(self) -> int:
        return int(self._logic.GetLayoutNode().GetViewArrangement())

    layout = Property(int, _get_layout, setLayout)

    def resetSliceViews(self) -> None:
        """Fit every slice view to what it shows."""
        for widget in self._widgets.values():
            widget.sliceLogic().FitSliceToBackground()

    def pauseRender(self) -> None:
        """Render nothing until :meth:`resumeRender`."""
        self._paused += 1

    def resumeRender(self) -> None:
        """Undo one :meth:`pauseRender`."""
        self._paused -= 1

    def _count(self) -> int:
        return 0

    threeDViewCount = Property(int, _count)
    tableViewCount = Property(int, _count)
    plotViewCount = Property(int, _count)
