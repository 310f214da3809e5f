"""The door of a project: opening, creating, closing."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from ActiveSuggestLib.data.store import discard
from ActiveSuggestLib.errors import ActiveSuggestError
from ActiveSuggestLib.messages import Hello, Notice

from .desk import Desk
from .jobs import DONE, RUNNING, Job
from .recent import RecentProjects
from .troubles import Trouble

OPENING, CREATING = "open", "create"


class ProjectDoor:
    """Opens one project at a time; ``opened()`` after each greeting of a worker."""

    def __init__(self, desk: Desk, recent: RecentProjects) -> None:
        self.opened = desk.signal()
        self.changed = desk.signal()
        self._desk = desk
        self._recent = recent
        self._job: Job | None = None
        self._spec: Path | None = None
        desk.link.opened.connect(self._greeted)
        desk.link.not_opened.connect(self._not_opened)
        desk.link.noticed.connect(self._noticed)

    def open(self, folder: Path) -> Job:
        """Start the worker of a project's folder."""
        self._job = self._desk.board.begin(OPENING, on_cancel=lambda _job: self.close())
        self._job.state, self._job.message = RUNNING, folder.name
        self._desk.link.open(folder)
        return self._job

    def create(self, spec: dict[str, Any]) -> Job:
        """Start a worker that makes the project first; see ``Session.create``."""
        folder = Path(spec["folder"]).expanduser().absolute()
        self._job = self._desk.board.begin(CREATING, on_cancel=lambda _job: self.close())
        self._job.state, self._job.message = RUNNING, _("Looking through the images")
        form = {key: value for key, value in spec.items() if key != "folder"}
        with tempfile.NamedTemporaryFile(
            "w", suffix=".json", prefix="activesuggest-", encoding="utf-8", delete=False
        ) as file:
            json.dump(form, file, default=str)
        self._spec = Path(file.name)
        self._desk.link.open(folder, create=self._spec)
        return self._job

    def close(self) -> None:
        """End the worker, or the opening."""
        job, self._job = self._job, None
        self._desk.link.close()
        self._drop_spec()
        if job is not None:
            self._desk.board.fail(job, {"kind": "cancelled"})

    def _greeted(self, _hello: Hello) -> None:
        folder = self._desk.link.folder
        assert folder is not None
        self._drop_spec()
        job, self._job = self._job, None
        try:
            self._desk.facts.read(folder)
        except ActiveSuggestError as error:
            self._desk.link.close()
            if job is not None:
                self._desk.board.fail(job, error.to_dict())
            else:
                self._desk.tell_error(error)
            return
        self._recent.add(folder)
        if job is not None:
            # The project is open: ending the worker alone would leave it half so.
            job.on_cancel = None
        self.opened.emit()
        if job is not None:
            self._desk.link.ask(
                "status",
                lambda overview: self._is_open(job, overview),
                lambda error: self._desk.board.fail(job, error),
            )

    def _is_open(self, job: Job, overview: dict[str, Any]) -> None:
        others = int(overview.get("sessions_here") or 0)
        if others:
            self._desk.say(
                _(
                    "{n} other session(s) have this project open. Each gets its own cases, and "
                    "all labels are kept."
                ).format(n=others)
            )
        self._desk.board.finish(job, DONE, value=overview)
        self.changed.emit()

    def _not_opened(self, trouble: Trouble) -> None:
        self._drop_spec()
        job, self._job = self._job, None
        if job is not None:
            error = {
                "kind": trouble.kind,
                "message": trouble.sentence,
                "remedy": trouble.remedy,
                "path": trouble.path,
                "details": trouble.details,
            }
            self._desk.board.fail(job, error, told=True)
        self._desk.tell(trouble)
        self.changed.emit()

    def _noticed(self, notice: Notice) -> None:
        if notice.kind == "creating" and self._job is not None:
            data = notice.data
            self._desk.board.advance(
                self._job,
                float(data.get("done") or 0.0),
                float(data.get("total") or 0.0),
                str(data.get("message") or notice.message),
                data.get("remaining_seconds"),
            )

    def _drop_spec(self) -> None:
        spec, self._spec = self._spec, None
        if spec is not None:
            discard(spec)
