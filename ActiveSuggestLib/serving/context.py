"""What the worker's requests work on: the open project and the learner over it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from ..messages import Message, Notice
from ..strategies import catalogue
from .failures import error_form

Interruptions = tuple[Callable[[], bool], Callable[[], None]]
"""Whether something more urgent waits than what runs, and how to do it; see ``Pauses.connect``."""

Tell = Callable[[str, str, dict[str, Any]], None]
"""How a learner says something aside: kind, message, data."""

OpenLearner = Callable[[Any, Tell], Any]
"""Opens a learner over a project."""


class Context:
    """The project at once; the learner later, because it has to load torch."""

    def __init__(
        self,
        project: Any,
        open_learner: OpenLearner,
        send: Callable[[Message], None],
        activity: Callable[[], dict[str, Any]],
        interruptions: Interruptions,
    ) -> None:
        self.project = project
        self.activity = activity
        self._interruptions = interruptions
        self.learner_opened: Any = None
        self.other_strategies: list[catalogue.Entry] = []
        self._open_learner = open_learner
        self._send = send

    def warm_up(self) -> None:
        """Open the learner; say which device it has, or why there is none."""
        try:
            learner = self.learner()
        except Exception as error:
            form = error_form(error)
            self.tell("learner_unavailable", form["message"], form)
            return
        # Whatever is wrong shows itself again, and is told, when it is asked for.
        with contextlib.suppress(Exception):
            learner.warm_up()

    def learner(self) -> Any:
        """Return the learner; tried again at each call until it opens (main thread only)."""
        if self.learner_opened is None:
            learner = self._open_learner(self.project, self.tell)
            learner.bench.pauses.connect(*self._interruptions)
            self._find_other_strategies()
            device = device_facts(learner)
            self.tell("ready", f"Ready: {device['description']}", device)
            self.learner_opened = learner
        return self.learner_opened

    def _find_other_strategies(self) -> None:
        """Load what other packages register, on this thread: a save must not wait for it."""
        if not catalogue.entry_points():
            return
        from ..strategies import registry

        self.other_strategies, failed = registry.others()
        for error in failed:
            self.tell(error.kind, error.message, error.to_dict())

    def tell(self, kind: str, message: str, data: dict[str, Any] | None = None) -> None:
        """Pass on what the learner says aside, at once."""
        self._send(Notice(kind, message, data or {}))

    def close(self) -> None:
        """Close the project, and with it the claims of this session."""
        self.project.close()


def device_facts(learner: Any) -> dict[str, Any]:
    """Return what a person wants to know of a learner's device, as it is at this moment.

    ``device`` is torch's name, ``description`` a sentence, ``kind`` "cpu" or "gpu",
    ``free_bytes`` and ``total_bytes`` its memory now, ``free_gpu_bytes`` the same for a GPU and
    ``None`` on the CPU, ``why`` says why the CPU is used (empty for a GPU).
    """
    device = learner.bench.device
    free, total = device.memory_now()
    return {
        "device": device.name,
        "description": device.description,
        "kind": "cpu" if device.is_cpu else "gpu",
        "free_bytes": free,
        "total_bytes": total,
        "free_gpu_bytes": None if device.is_cpu else free,
        "why": device.why,
    }
