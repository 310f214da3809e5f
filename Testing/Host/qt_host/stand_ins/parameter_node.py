"""``slicer.parameterNodeWrapper``: typed parameters in a node, bound to widgets."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import qt
import slicer
import vtk

PROPERTY = "SlicerParameterName"


@dataclass(frozen=True)
class WithinRange:
    """Refuses numbers outside; widgets take the range over."""

    minimum: float
    maximum: float


@dataclass(frozen=True)
class Minimum:
    """Refuses smaller numbers."""

    minimum: float


@dataclass(frozen=True)
class Maximum:
    """Refuses larger numbers."""

    maximum: float


@dataclass(frozen=True)
class Default:
    """Gives a parameter's first value."""

    value: Any


class Choice:
    """Refuses what is not among the choices."""

    def __init__(self, *choices: Any) -> None:
        self.choices = (
            choices[0] if len(choices) == 1 and not isinstance(choices[0], str) else choices
        )


@dataclass(frozen=True)
class _Parameter:
    name: str
    kind: type
    marks: tuple[Any, ...]
    default: Any

    def check(self, value: Any) -> None:
        for mark in self.marks:
            low, high = getattr(mark, "minimum", None), getattr(mark, "maximum", None)
            if (low is not None and value < low) or (high is not None and value > high):
                raise ValueError(f"{self.name}: {value!r} is outside {low}…{high}")
            if isinstance(mark, Choice) and value not in mark.choices:
                raise ValueError(f"{self.name}: {value!r} is none of {mark.choices}")

    def to_text(self, value: Any) -> str:
        if isinstance(value, Enum):
            return value.name
        return str(value) if isinstance(value, Path) else json.dumps(value)

    def from_text(self, text: str) -> Any:
        if issubclass(self.kind, Enum):
            return self.kind[text]
        return self.kind(text) if issubclass(self.kind, Path) else self.kind(json.loads(text))

    def is_node(self) -> bool:
        return issubclass(self.kind, slicer.vtkMRMLNode)


def _describe(cls: type) -> dict[str, _Parameter]:
    found = {}
    for name, hint in get_type_hints(cls, include_extras=True).items():
        kind, *marks = get_args(hint) if get_origin(hint) is Annotated else (hint,)
        if isinstance(get_origin(kind) or kind, type) is False or get_args(kind):
            plain = [part for part in get_args(kind) if part is not type(None)]
            kind = plain[0] if plain else kind
        first = next((mark.value for mark in marks if isinstance(mark, Default)), None)
        if first is None:
            first = None if issubclass(kind, slicer.vtkMRMLNode) else _first_value(kind)
        found[name] = _Parameter(name, kind, tuple(marks), getattr(cls, name, first))
    return found


def _first_value(kind: type) -> Any:
    return next(iter(kind)) if issubclass(kind, Enum) else kind()


def _property(parameter: _Parameter) -> property:
    def get(self: Any) -> Any:
        if parameter.is_node():
            return self.parameterNode.GetNodeReference(parameter.name)
        text = self.parameterNode.GetParameter(parameter.name)
        return parameter.from_text(text)

    def put(self: Any, value: Any) -> None:
        if parameter.is_node():
            identifier = value.GetID() if value is not None else None
            self.parameterNode.SetNodeReferenceID(parameter.name, identifier)
            return
        parameter.check(value)
        self.parameterNode.SetParameter(parameter.name, parameter.to_text(value))

    return property(get, put)


class _Binding:
    """A widget and a parameter, each following the other."""

    def __init__(self, widget: Any, parameter: _Parameter, write: Callable[[], None]) -> None:
        self.widget, self.parameter = widget, parameter
        self._range()
        self.signal = self._signal()
        self._write = write
        widget.connect(self.signal, write)

    def release(self) -> None:
        self.widget.disconnect(self.signal, self._write)

    def _range(self) -> None:
        for mark in self.parameter.marks:
            for end in ("minimum", "maximum"):
                if getattr(mark, end, None) is not None and hasattr(self.widget, end):
                    setattr(self.widget, end, getattr(mark, end))
        if isinstance(self.widget, qt.QComboBox):
            self.widget.clear()
            if issubclass(self.parameter.kind, Enum):
                for member in self.parameter.kind:
                    label = member.label() if hasattr(member, "label") else member.name
                    self.widget.addItem(label, member.name)
            for mark in self.parameter.marks:
                if isinstance(mark, Choice):
                    self.widget.addItems([str(choice) for choice in mark.choices])

    def _signal(self) -> str:
        widget = self.widget
        if isinstance(widget, qt.QAbstractButton):
            return "toggled(bool)"
        if isinstance(widget, qt.QComboBox):
            return "currentIndexChanged(int)"
        for signal in (
            "currentNodeChanged(vtkMRMLNode*)", "currentPathChanged(QString)",
            "valueChanged(double)", "valueChanged(int)", "textChanged(QString)", "textChanged()",
            "directoryChanged(QString)", "colorChanged(QColor)",
        ):  # fmt: skip
            try:
                widget.connect(signal, _nothing)
            except AttributeError:
                continue
            widget.disconnect(signal, _nothing)
            return signal
        raise ValueError(f"no connector for {widget.className()} and {self.parameter.kind}")

    def read(self) -> Any:
        widget, kind = self.widget, self.parameter.kind
        if isinstance(widget, qt.QAbstractButton):
            return widget.checked
        if isinstance(widget, qt.QComboBox):
            if issubclass(kind, Enum):
                return kind[widget.itemData(widget.currentIndex)]
            return kind(widget.currentText)
        if self.parameter.is_node():
            return widget.currentNode()
        for name in ("value", "currentPath", "directory", "text"):
            if hasattr(widget, name):
                return kind(getattr(widget, name))
        return kind(widget.plainText)

    def show(self, value: Any) -> None:
        widget = self.widget
        if isinstance(widget, qt.QAbstractButton):
            widget.checked = value
        elif isinstance(widget, qt.QComboBox):
            data = value.name if isinstance(value, Enum) else None
            index = widget.findData(data) if data is not None else widget.findText(str(value))
            widget.setCurrentIndex(index)
        elif self.parameter.is_node():
            widget.setCurrentNode(value)
        else:
            for name in ("value", "currentPath", "directory", "text"):
                if hasattr(widget, name):
                    shown = str(value) if name != "value" else value
                    if getattr(widget, name) != shown:
                        setattr(widget, name, shown)
                    return
            widget.plainText = str(value)


def _nothing() -> None:
    pass


def _initialise(self: Any, parameterNode: Any, prefix: str | None = None) -> None:
    self.parameterNode = parameterNode
    self._guis = {}
    self._showing = False
    for name, parameter in self.allParameters.items():
        if not parameter.is_node() and not parameterNode.GetParameter(name):
            parameterNode.SetParameter(name, parameter.to_text(parameter.default))


def _connect_gui(self: Any, gui: Any) -> int:
    if hasattr(gui, "isWidgetType"):
        widgets = list(gui.findChildren(qt.QWidget))
    else:
        widgets = [w for w in vars(gui).values() if hasattr(w, "property")]
    bindings: list[_Binding] = []

    def show(*_arguments: Any) -> None:
        if self._showing:
            return
        self._showing = True
        try:
            for binding in bindings:
                binding.show(getattr(self, binding.parameter.name))
        finally:
            self._showing = False

    def writer(name: str, place: int) -> Callable[[], None]:
        def write() -> None:
            if not self._showing:
                setattr(self, name, bindings[place].read())

        return write

    self._showing = True
    for widget in widgets:
        name = widget.property(PROPERTY)
        if not name:
            continue
        if name not in self.allParameters:
            raise ValueError(f"Cannot find a param with the given name: {name}")
        write = writer(name, len(bindings))
        bindings.append(_Binding(widget, self.allParameters[name], write))
    self._showing = False
    show()
    tag = len(self._guis)
    observer = self.parameterNode.AddObserver(vtk.vtkCommand.ModifiedEvent, show)
    self._guis[tag] = (bindings, observer)
    return tag


def _disconnect_gui(self: Any, tag: int) -> None:
    bindings, observer = self._guis.pop(tag, ([], None))
    for binding in bindings:
        binding.release()
    if observer is not None:
        self.parameterNode.RemoveObserver(observer)


def parameterNodeWrapper(cls: Any = None) -> Any:
    """Make a class of annotations into typed access to a parameter node."""

    def wrap(wrapped: Any) -> Any:
        wrapped.allParameters = _describe(wrapped)
        for name, parameter in wrapped.allParameters.items():
            setattr(wrapped, name, _property(parameter))
        wrapped.__init__ = _initialise
        wrapped.connectGui = _connect_gui
        wrapped.disconnectGui = _disconnect_gui
        wrapped.getValue = lambda self, name: getattr(self, name)
        wrapped.setValue = lambda self, name, value: setattr(self, name, value)
        wrapped.default = lambda self, name: Default(self.allParameters[name].default)
        for name in ("StartModify", "EndModify", "AddObserver", "RemoveObserver", "Modified"):
            forward = _forward(name)
            setattr(wrapped, name, forward)
        return wrapped

    return wrap if cls is None else wrap(cls)


def _forward(name: str) -> Callable[..., Any]:
    return lambda self, *arguments: getattr(self.parameterNode, name)(*arguments)
