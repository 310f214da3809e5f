"""A PySide6 class made to look as PythonQt shows it, and to refuse what Slicer does not have."""

from __future__ import annotations

import dis
import inspect
import sys
from functools import cache
from typing import Any

import shiboken6
from PySide6.QtCore import Property, QMetaMethod, QObject, SignalInstance

from . import native, signals
from .names import UNLISTED, UnknownNameError, object_names

HOST_PACKAGE = __name__.rpartition(".")[0]


def called_from_host(depth: int = 2) -> bool:
    """Say whether the caller's caller is the host's own code, which may use all of Qt."""
    return sys._getframe(depth).f_globals.get("__name__", "").startswith(HOST_PACKAGE)


def called_from_module(depth: int = 2) -> bool:
    """Say whether the caller's caller is the module under test."""
    return sys._getframe(depth).f_globals.get("__name__", "").startswith("ActiveSuggest")


def asked_by_python(name: str, depth: int = 2) -> bool:
    """Say whether a line of Python asks for the attribute, and not C++.

    C++ looks for Python's overrides of its virtual functions by the same way.
    """
    frame = sys._getframe(depth)
    return any(
        instruction.offset == frame.f_lasti
        and instruction.opname in ("LOAD_ATTR", "LOAD_METHOD")
        and instruction.argval == name
        for instruction in dis.get_instructions(frame.f_code)
    )


def _property_of(base: type, name: str) -> property:
    """Return the Python property that shadows a Qt property's getter."""
    capital = name[0].upper() + name[1:]
    getter = getattr(base, name, None) or getattr(base, "is" + capital, None)
    setter = getattr(base, "set" + capital, None)
    if name == "visible":
        setter = base.setVisible  # type: ignore[attr-defined]
    if getter is None or not callable(getter):

        def getter(obj: QObject) -> Any:
            return QObject.property(obj, name)

    def get(obj: QObject) -> Any:
        return getter(obj)

    def put(obj: QObject, value: Any) -> None:
        if setter is not None:
            try:
                setter(obj, value)
            except TypeError as error:
                raise AttributeError(f"property '{name}' does not accept {value!r}") from error
        elif not QObject.setProperty(obj, name, value):
            raise AttributeError(f"property '{name}' does not accept {value!r}")

    return property(get, put)


def _signal_of(name: str) -> property:
    return property(lambda obj: signals.BoundSignal(obj, name))


class _RefusedCall:
    """What ``getattr`` and C++ get for a name that Slicer does not have; a call raises."""

    def __init__(self, owner: str, name: str) -> None:
        self._owner, self._name = owner, name

    def __call__(self, *_arguments: Any) -> None:
        raise UnknownNameError(self._owner, self._name)


def _refusal_of(base: type, name: str) -> property:
    inherited = getattr(base, name)
    for_tests = name in getattr(base, "FOR_TESTS", ())

    def get(obj: Any) -> Any:
        if called_from_host() or (for_tests and not called_from_module()):
            return inherited.__get__(obj, type(obj)) if hasattr(inherited, "__get__") else inherited
        if asked_by_python(name):
            raise UnknownNameError(base.__name__, name)
        return _RefusedCall(base.__name__, name)

    return property(get)


class FacadeType(type(QObject)):  # type: ignore[misc]
    """Lets ``isinstance(button, qt.QWidget)`` hold although the two facades are no relatives."""

    def __instancecheck__(cls, instance: object) -> bool:
        return cls.__subclasscheck__(type(instance))

    def __subclasscheck__(cls, subclass: type) -> bool:
        if super().__subclasscheck__(subclass):
            return True
        base = cls.__dict__.get("_host_base")
        return base is not None and issubclass(subclass, base)


class PythonQtObject:
    """What PythonQt adds to every QObject."""

    def connect(self, signal: str, receiver: Any, slot: Any = None) -> bool:
        return signals.connect(self, signal, receiver, slot)  # type: ignore[arg-type]

    def disconnect(self, signal: str = "", receiver: Any = None, slot: Any = None) -> bool:
        return signals.disconnect(self, signal, receiver, slot)  # type: ignore[arg-type]

    def className(self) -> str:
        return signals.meta_of(self).className()  # type: ignore[arg-type]

    def delete(self) -> None:
        shiboken6.delete(self)

    @property
    def name(self) -> str:
        return QObject.objectName(self)  # type: ignore[arg-type]

    @name.setter
    def name(self, value: str) -> None:
        QObject.setObjectName(self, value)  # type: ignore[arg-type]


def _members_of(base: type) -> dict[str, Any]:
    """Return properties and signals of a QObject class as PythonQt shows them."""
    members: dict[str, Any] = {}
    meta = base.staticMetaObject  # type: ignore[attr-defined]
    for index in range(meta.methodCount()):
        method = meta.method(index)
        name = method.name().data().decode()
        if method.methodType() == QMetaMethod.MethodType.Signal and hasattr(base, name):
            members[name] = _signal_of(name)
    for index in range(meta.propertyCount()):
        name = meta.property(index).name()
        # C++ finds the properties of the host's own classes by their declarations in Python.
        # "QTimer.singleShot" is asked of the class: the static function, not the property.
        known = inspect.getattr_static(base, name, None)
        if not isinstance(known, (Property, staticmethod)):
            members[name] = _property_of(base, name)
    return members


def _refusals_of(base: type, module: str, name: str) -> dict[str, Any]:
    """Return properties that raise for what the class has here but not in Slicer."""
    allowed = object_names(module, name)
    if allowed is None:
        return {}
    return {
        other: _refusal_of(base, other)
        for other in dir(base)
        if not other.startswith("_") and other not in allowed
    }


@cache
def facade(base: type, module: str = "qt", name: str | None = None) -> type:
    """Return the class that a module of Slicer gets under ``module.name`` for a PySide6 class.

    QObject classes get PythonQt's properties, signals and ``connect``; all get refusals.
    """
    name = name or base.__name__
    members: dict[str, Any] = {"_host_exported": True, "__module__": module}
    if not issubclass(base, QObject):
        refused = _refusals_of(base, module, name)
        return type(base)(name, (base,), members | refused) if refused else base
    members |= _members_of(base)
    for returning in native.RETURNING_OBJECTS:
        if hasattr(base, returning) and returning not in base.__dict__.get("OWN", ()):
            members[returning] = native.adopting(getattr(base, returning))
    for search in ("findChild", "findChildren"):
        members[search] = _search_of(base, search)
    members |= _refusals_of(base, module, name)
    for own in ("connect", "disconnect", "className", "delete", "name"):
        members[own] = PythonQtObject.__dict__[own]
    if hasattr(base, "exec"):
        members["exec_"] = lambda self, *arguments: base.exec(self, *arguments)
    members["__init__"] = _initialiser(base)
    members["__setattr__"] = _attribute_setter(base)
    return FacadeType(name, (base,), members | {"_host_base": base})


def _search_of(base: type, name: str) -> Any:
    native_search = getattr(base, name)

    def search(self: Any, kind: type, *arguments: Any) -> Any:
        # A facade is no base of other facades, but the class below it is.
        return native_search(self, kind.__dict__.get("_host_base", kind), *arguments)

    return search


def _is_native_signal(value: object) -> bool:
    return isinstance(value, SignalInstance)


def _attribute_setter(base: type) -> Any:
    def __setattr__(self: Any, name: str, value: Any) -> None:
        kind = type(self)
        if kind.__dict__.get("_host_exported") and not name.startswith("_"):
            known = getattr(kind, name, None)
            if not isinstance(known, (property, Property)) and not called_from_host():
                what = "cannot be overwritten" if known is not None else "does not exist"
                raise AttributeError(
                    f"{kind.__name__}.{name} {what}: PythonQt takes no new attributes on Qt objects"
                )
        base.__setattr__(self, name, value)  # type: ignore[misc]

    return __setattr__


def _initialiser(base: type) -> Any:
    def __init__(self: Any, *arguments: Any, **keywords: Any) -> None:
        base.__init__(self, *arguments, **keywords)  # type: ignore[misc]
        # PySide6 prefers its own signal objects in the instance to the class's properties.
        for name in [name for name, value in vars(self).items() if _is_native_signal(value)]:
            del vars(self)[name]

    return __init__


__all__ = ["UNLISTED", "PythonQtObject", "called_from_host", "facade"]
