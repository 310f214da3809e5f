"""No failure of a slot is lost: PythonQt would only print it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..troubles import Trouble, trouble_from_exception


class Guard:
    """Wraps slots so that what they raise is shown to the user.

    ``show`` gets a ``Trouble`` with the traceback one click away.
    """

    def __init__(self, show: Callable[[Trouble], None]) -> None:
        self._show = show

    def __call__(self, slot: Callable[..., Any]) -> Callable[..., None]:
        """Return ``slot`` guarded."""

        @functools.wraps(slot)
        def guarded(*values: Any) -> None:
            try:
                slot(*values)
            except Exception as error:
                self._show(trouble_from_exception(error))

        return guarded
