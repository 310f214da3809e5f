"""Sample data: a small pool of phantoms, made on this computer, and a project on it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer.util
from slicer.i18n import tr as _

from .interpreter import slicer_python, worker_environment

CATEGORY = "ActiveSuggest"
SAMPLE_NAME = "ActiveSuggestDemo"
CASES, LABELLED = 12, 3

_SCRIPT = Path(__file__).with_name("sample_pool.py")
_THUMBNAIL = Path(__file__).resolve().parents[1] / "Resources" / "Icons" / "ActiveSuggestDemo.png"

# An object that is forgotten while its child runs would wait for it, and freeze Slicer.
_running: set[Maker] = set()

Open = Callable[[Path], Any]
Say = Callable[[str], Any]


def register(open_project: Open) -> None:
    """Add the demo to Slicer's Sample Data module; ``open_project(folder)`` gets its project.

    Call when Slicer has started (``startupCompleted``); again, it changes nothing.
    """
    import SampleData

    known = getattr(slicer.modules, "sampleDataSources", {}).get(CATEGORY, [])
    if any(source.sampleName == SAMPLE_NAME for source in known):
        return
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category=CATEGORY,
        sampleName=SAMPLE_NAME,
        # Nothing is downloaded; the Sample Data module wants an address and a file name all the
        # same, and shows neither.
        uris="activesuggest:demo",
        fileNames="ActiveSuggestDemo",
        thumbnailFileName=str(_THUMBNAIL),
        customDownloader=lambda _source: open_demo(open_project),
    )


def demo_folder() -> Path:
    """Return where the demo is kept: in Slicer's cache, where a person can delete it."""
    return Path(str(slicer.app.cachePath)) / "ActiveSuggestDemo"


def open_demo(open_project: Open, folder: Path | None = None, say: Say | None = None) -> Maker:
    """Make the demo where it is not there yet, and open its project; returns at once."""
    say = say or _say

    def made(project: Path) -> None:
        say(_("The demo project is in {folder}").format(folder=project))
        if slicer.util.mainWindow() is not None:
            slicer.util.selectModule("ActiveSuggest")
        open_project(project)

    return make_demo(folder or demo_folder(), made, say)


def make_demo(folder: Path, done: Callable[[Path], Any], say: Say | None = None) -> Maker:
    """Make pool and project in a child process; ``done(project)`` is called when they are there.

    ``say`` gets a sentence for each step, and the reason if it fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    maker = Maker(folder, done, say or _say)
    maker.start()
    return maker


class Maker:
    """The child process that makes the demo."""

    def __init__(self, folder: Path, done: Callable[[Path], Any], say: Say) -> None:
        self.project: Path | None = None
        self.failure = ""
        self._folder, self._done, self._say = folder, done, say
        self._rest, self._errors = b"", b""
        program = slicer_python()
        environment = qt.QProcessEnvironment()
        for name, value in worker_environment(program).items():
            environment.insert(name, value)
        self._process = qt.QProcess()
        self._process.setProcessEnvironment(environment)
        self._process.setProgram(program)
        self._process.setArguments([str(_SCRIPT), str(folder), str(CASES), str(LABELLED)])
        self._process.connect("readyReadStandardOutput()", self._read)
        self._process.connect("readyReadStandardError()", self._read_errors)
        self._process.connect("finished(int,QProcess::ExitStatus)", self._finished)
        self._process.connect("errorOccurred(QProcess::ProcessError)", self._not_started)

    @property
    def is_running(self) -> bool:
        """Whether the child is at work."""
        return self in _running

    def start(self) -> None:
        """Start the child; returns at once."""
        _running.add(self)
        self._process.start()

    def _read(self) -> None:
        *lines, self._rest = (
            self._rest + bytes(self._process.readAllStandardOutput().data())
        ).split(b"\n")
        for line in lines:
            self._hear(line)

    def _hear(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except ValueError:
            logging.info("ActiveSuggest demo: %s", line.decode("utf-8", "replace"))
            return
        if "project" in message:
            self.project = Path(message["project"])
        elif message.get("message"):
            self._say(
                _("{message} ({done} of {total})").format(
                    message=message["message"], done=message["done"], total=message["total"]
                )
            )

    def _read_errors(self) -> None:
        self._errors += bytes(self._process.readAllStandardError().data())

    def _finished(self, code: int, _status: Any) -> None:
        self._read()
        self._read_errors()
        if int(code) == 0 and self.project is not None:
            self._end()
            self._done(self.project)
            return
        self._fail(self._errors.decode("utf-8", "replace").strip())

    def _not_started(self, _error: Any) -> None:
        if self._process.state() == qt.QProcess.NotRunning and not self._errors:
            self._fail(str(self._process.errorString()))

    def _fail(self, details: str) -> None:
        if self.failure:
            return
        self._end()
        reason = details.splitlines()[-1] if details else _("no reason was given")
        self.failure = _("The demo could not be made in {folder}: {reason}").format(
            folder=self._folder, reason=reason
        )
        logging.error("%s\n%s", self.failure, details)
        self._say(self.failure)

    def _end(self) -> None:
        _running.discard(self)


def _say(sentence: str) -> None:
    slicer.util.showStatusMessage(sentence, 10000)
    logging.info(sentence)
