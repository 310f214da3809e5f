"""What can keep the worker's packages from being installed."""

from __future__ import annotations

from ActiveSuggestLib.errors import ActiveSuggestError


class InstallError(ActiveSuggestError):
    """A package could not be installed; ``details`` is what pip printed."""

    def __init__(self, message: str, *, remedy: str = "", details: str = "") -> None:
        super().__init__(message, remedy=remedy)
        self.details = details


class InterpreterError(InstallError):
    """The Python that the user chose for the worker cannot be used."""


class WouldReplaceError(InstallError):
    """The installation would change a package that is already there."""
