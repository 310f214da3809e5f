"""Showing a folder in the system's file browser."""

from __future__ import annotations

import os
import subprocess
import sys

from slicer.i18n import tr as _

from ActiveSuggestLib.errors import ActiveSuggestError


class FileBrowserMissingError(ActiveSuggestError):
    """The system has no program that shows a folder."""


def show_folder(path: str) -> None:
    """Open a folder in the system's own file browser; returns at once.

    ``slicer.app.openUrl`` is for addresses that Slicer itself answers, and opens no folder. The
    browser gets the environment from before Slicer's start, or it would load Slicer's libraries.
    Raises ``FileBrowserMissingError``.
    """
    try:
        if sys.platform == "win32":
            os.startfile(path)
        else:
            _start("open" if sys.platform == "darwin" else "xdg-open", path)
    except OSError as error:
        raise FileBrowserMissingError(
            _("The folder could not be shown: {why}.").format(why=error.strerror or error),
            path=path,
            remedy=_("Open it in the system's file browser."),
        ) from error


def _start(program: str, path: str) -> None:
    import slicer.util

    environment = {str(k): str(v) for k, v in slicer.util.startupEnvironment().items()}
    subprocess.Popen(
        [program, path],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
