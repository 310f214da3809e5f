"""How PythonQt calls a Python slot: as many arguments as it takes, and exceptions only printed."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any

# What slots raised; PythonQt prints it and goes on, a test has to hear of it.
slot_errors: list[BaseException] = []


def argument_limit(slot: Callable[..., Any]) -> int | None:
    """Return how many arguments PythonQt passes at most; None is all that the signal has.

    It counts the positional parameters of functions and methods, those with defaults too.
    """
    function, bound = slot, 0
    if isinstance(slot, MethodType):
        function, bound = slot.__func__, 1
    if not isinstance(function, FunctionType):
        return None
    if function.__code__.co_flags & inspect.CO_VARARGS:
        return None
    return function.__code__.co_argcount - bound


def call_slot(slot: Callable[..., Any], *arguments: Any) -> None:
    """Call a slot as PythonQt does."""
    from .native import adopt

    arguments = adopt(arguments)
    limit = argument_limit(slot)
    try:
        slot(*(arguments if limit is None else arguments[:limit]))
    except Exception as error:
        slot_errors.append(error)
        traceback.print_exc(file=sys.stderr)
