"""Autosave: edits are on disk every half minute, and before anything that would lose them."""

from __future__ import annotations

import qt

from .activity import ActiveTime
from .desk import Desk
from .edits import Edits
from .mask_keeper import MaskKeeper
from .open_case import OpenCase

AUTOSAVE_SECONDS = 30.0
LOOK_MS = 500


class Autosave:
    """Looks at the open case twice a second: edited? at work? ``changed()`` when a flag turns."""

    def __init__(self, desk: Desk, edits: Edits, keeper: MaskKeeper, time: ActiveTime) -> None:
        self.changed = desk.signal()
        self.current: OpenCase | None = None
        self.hold = False
        """While a save of this case is under way its draft's file is left alone."""
        self._desk = desk
        self._edits = edits
        self._keeper = keeper
        self._time = time
        self._looked: tuple[int, int | None] = (0, None)
        self._last = 0.0
        self._timer = qt.QTimer()
        self._timer.setInterval(LOOK_MS)
        self._is_watching = False

    def begin(self, current: OpenCase) -> None:
        """Watch a case that is on the screen now."""
        self.current, self.hold = current, False
        self._last = self._desk.clock()
        self._looked = self._state()
        self._time.begin(current.case)
        current.seconds = self._time.seconds(current.case)
        if not self._is_watching:
            self._is_watching = True
            self._timer.connect("timeout()", self.look)
        self._timer.start()

    def end(self) -> None:
        """Nothing is on the screen any more."""
        self._timer.stop()
        if self._is_watching:
            # PythonQt keeps what is connected alive, and with it the nodes of the scene: Slicer
            # would report them as leaks when it ends.
            self._is_watching = False
            self._timer.disconnect("timeout()", self.look)
        self.current = None
        self._time.end()

    def look(self) -> None:
        """Note edits and activity; write a draft when it is time."""
        current = self.current
        if current is None:
            return
        state = self._state()
        if state != self._looked:
            self._looked = state
            self._time.touch()
        current.seconds = self._time.seconds(current.case)
        self.note_flags()
        if self._edits.are_unkept and not self._is_held():
            if self._desk.clock() - self._last >= AUTOSAVE_SECONDS:
                self.keep()
        else:
            # Half a minute from the first edit that is not on disk.
            self._last = self._desk.clock()

    def note_flags(self) -> None:
        """Bring the open case's ``dirty`` up to date."""
        current = self.current
        if current is not None and current.dirty != self._edits.are_unsaved:
            current.dirty = self._edits.are_unsaved
            current.saved = current.saved and not current.dirty
            self.changed.emit()

    def keep(self) -> bool:
        """Write the edits that are not on disk; ``False`` after a trouble: they are not."""
        current = self.current
        if current is None or not self._edits.are_unkept:
            return True
        self._last = self._desk.clock()
        moment = self._edits.now()
        kept = self._keeper.keep(current.case)
        if kept is None:
            return False
        self._edits.kept(moment)
        self._desk.shelf.forget_scene(current.case)
        self._keeper.journal(current.case)
        if not current.draft_offer:
            current.draft_offer = True
            self.changed.emit()
        return True

    def _state(self) -> tuple[int, int | None]:
        return self._edits.now(), self._desk.scene.current_slice()

    def _is_held(self) -> bool:
        return self.hold and self._desk.link.state not in ("none", "dead")
