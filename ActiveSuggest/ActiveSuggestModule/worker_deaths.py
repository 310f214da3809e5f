"""When the worker dies: what to say, and whether it is started again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from slicer.i18n import tr as _

from .troubles import Trouble, trouble_from_error
from .worker_process import Ending

SOON_SECONDS = 60.0
_SIGKILL = 9


class Deaths:
    """Counts the worker's deaths: the second within a minute is no accident."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last: float | None = None

    def may_start_again(self) -> bool:
        """Note a death, and tell whether the worker is to be started again by itself."""
        last, self._last = self._last, self._clock()
        return last is None or self._last - last > SOON_SECONDS

    def forget(self) -> None:
        """Begin anew: a person started it."""
        self._last = None


def death_error() -> dict[str, Any]:
    """Return the error form of a request that the worker can no longer answer."""
    return {
        "kind": "worker_died",
        "message": _("The worker ended before it answered."),
        "remedy": _("Start it again; what was saved is on the disk."),
    }


def not_running_error(*, is_open: bool) -> dict[str, Any]:
    """Return the error form of a request that there is no worker for."""
    if not is_open:
        return {
            "kind": "no_project",
            "message": _("No project is open."),
            "remedy": _("Open a project, or make one of a folder of images."),
        }
    return {
        "kind": "worker_not_running",
        "message": _("The background process is not running."),
        "remedy": _("Restart it. Your edits are kept meanwhile."),
    }


def death_trouble(ending: Ending, doing: Sequence[str], again: bool) -> Trouble:
    """Return what to say when a worker died that had been up, ``doing`` these methods."""
    names = _task_names()
    tasks = list(dict.fromkeys(names[method] for method in doing if method in names))
    if tasks:
        sentence = _("The background process stopped unexpectedly during: {tasks}.").format(
            tasks=", ".join(tasks)
        )
    else:
        sentence = _("The background process stopped unexpectedly.")
    if ending.crashed and ending.code == _SIGKILL:
        sentence += " " + _("The system may have ended it because memory ran out.")
    if again:
        remedy = _("It is being started again. Nothing that you saved is lost.")
        if tasks:
            remedy += " " + _("Start what was interrupted again when you are ready.")
    else:
        remedy = _(
            "It stopped twice within a minute, so it is not started again by itself. Your edits "
            "are kept. Close other programs if memory is short, then restart it."
        )
    return Trouble(
        sentence=sentence,
        remedy=remedy,
        details=_details(ending),
        kind="worker_died",
        action=None if again else "restart",
    )


def start_trouble(ending: Ending) -> Trouble:
    """Return what to say when a worker did not get as far as opening the project."""
    if ending.error:
        return trouble_from_error(ending.error)
    if ending.not_started:
        return Trouble(
            sentence=_("The background process could not be started: {why}.").format(
                why=ending.not_started.rstrip(".")
            ),
            remedy=_("Check the Python named in the settings (ActiveSuggest/Python)."),
            kind="worker_not_started",
            action="restart",
        )
    if "ModuleNotFoundError" in ending.last_words or "ImportError" in ending.last_words:
        return Trouble(
            sentence=_(
                "A Python package that the background process needs is missing: {what}"
            ).format(what=ending.last_words.strip().splitlines()[-1]),
            remedy=_("Install what is missing, then open the project again."),
            details=_details(ending),
            kind="missing_package",
            action="install",
        )
    return Trouble(
        sentence=_("The background process ended before it had opened the project."),
        remedy=_("Try again; if it happens again, the details say why."),
        details=_details(ending),
        kind="worker_died",
        action="restart",
    )


def _details(ending: Ending) -> str:
    how = _("ended by signal") if ending.crashed else _("exit code")
    return f"{how} {ending.code}\n\n{ending.last_words}".strip()


def _task_names() -> dict[str, str]:
    return {
        "suggest": _("ranking"),
        "score": _("scoring"),
        "fine_tune": _("training"),
        "predict": _("predicting"),
        "rescan": _("looking through the images"),
        "import_labels": _("importing labels"),
        "prepare": _("opening a case"),
        "rollback": _("rolling back"),
    }
