"""What the worker's requests work on: the open project and the learner over it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..messages import Message, Notice
from .failures import error_form

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
    ) -> None:
        self.project = project
        self.activity = activity
        self.learner_opened: Any = None
        self._open_learner = open_learner
        self._send = send

    def warm_up(self) -> None:
        """Open the learner; say which device it has, or why there is none."""
        try:
            self.learner()
        except Exception as error:
            form = error_form(error)
            self.tell("learner_unavailable", form["message"], form)

    def learner(self) -> Any:
        """Return the learner; tried again at each call until it opens (main thread only)."""
        if self.learner_opened is None:
            learner = self._open_learner(self.project, self.tell)
            device = device_facts(learner)
            self.tell("ready", f"Ready: {device['description']}", device)
            self.learner_opened = learner
        return self.learner_opened

    def tell(self, kind: str, message: str, data: dict[str, Any] | None = None) -> None:
        """Pass on what the learner says aside, at once."""
        self._send(Notice(kind, message, data or {}))

    def close(self) -> None:
        """Close the project, and with it the claims of this session."""
        self.project.close()


def device_facts(learner: Any) -> dict[str, str]:
    """Return the name of a learner's device and the sentence about it."""
    device = learner.bench.device
    return {"device": device.name, "description": device.description}
