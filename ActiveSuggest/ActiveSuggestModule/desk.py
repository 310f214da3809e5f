"""The desk: what the parts of a session share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ActiveSuggestLib.errors import ActiveSuggestError

from .job_board import JobBoard
from .prepared import Shelf
from .project_facts import ProjectFacts
from .signals import OnError, Signal
from .troubles import Trouble, trouble_from_error
from .worker_link import WorkerLink

if TYPE_CHECKING:
    from .scene.case_scene import CaseScene


@dataclass(frozen=True)
class Desk:
    """``tell`` a trouble, ``say`` a sentence that is none; the rest by their own names."""

    scene: CaseScene
    link: WorkerLink
    board: JobBoard
    facts: ProjectFacts
    shelf: Shelf
    clock: Callable[[], float]
    tell: Callable[[Trouble], None]
    say: Callable[[str], None]
    on_error: OnError

    def signal(self) -> Signal:
        """Return a signal whose failing slots become troubles."""
        return Signal(self.on_error)

    def tell_error(self, error: ActiveSuggestError, case: str | None = None) -> None:
        """Tell of an error on Slicer's side."""
        form = error.to_dict()
        self.tell(trouble_from_error({**form, "case": form["case"] or case}))
