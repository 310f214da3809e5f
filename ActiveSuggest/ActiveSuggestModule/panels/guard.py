"""No failure of a slot is lost: PythonQt would only print it."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from ActiveSuggestLib.errors import ActiveSuggestError

from ..troubles import Trouble, trouble_from_error


class Guard:
    """Wraps slots so that what they raise is shown to the user.

    ``show`` gets a ``Trouble``: the error's own words if it is meant for a person, and otherwise a
    sentence with the traceback one click away.
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
                self._show(trouble_of(error))

        return guarded


def trouble_of(error: Exception) -> Trouble:
    """Return what to show of an exception."""
    if isinstance(error, ActiveSuggestError):
        return trouble_from_error(error.to_dict())
    return Trouble(
        sentence=_("Something went wrong in the panel: {error}").format(error=error),
        remedy=_("Your edits are safe. Try again; if it happens again, report the details."),
        details="".join(traceback.format_exception(type(error), error, error.__traceback__)),
        kind="unexpected",
        action="show-log",
    )
