"""Keeping masks: from the scene to a file, whatever stands in the way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from ActiveSuggestLib.errors import ActiveSuggestError

from .desk import Desk
from .mask_files import SUFFIX, rescue_path, write_mask
from .scene.masks import Mask
from .troubles import Trouble, trouble_from_error


@dataclass(frozen=True)
class KeptMask:
    """A mask that is on disk as the draft of its case."""

    case: str
    path: Path
    mask: Mask


class MaskKeeper:
    """Writes the mask on the screen as its case's draft; where that fails, a copy is rescued.

    The same failure is told once, until it works again: it is tried every half minute.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._failing: dict[str, Path | None] = {}
        self._error: dict[str, Any] = {}

    def last_error(self, case: str) -> dict[str, Any]:
        """Return the error form of why ``keep`` last gave nothing."""
        return {"case": case, **self._error}

    def keep(self, case: str) -> KeptMask | None:
        """Write the mask of the open case; ``None`` after a trouble, with the case untouched."""
        folder = self._desk.facts.folder
        if folder is None:
            return None
        try:
            mask = self._desk.scene.mask()
        except ActiveSuggestError as error:
            self._error = error.to_dict()
            self._desk.tell_error(error, case)
            return None
        path = folder / "drafts" / f"{case}{SUFFIX}"
        try:
            self._write(path, mask)
        except ActiveSuggestError as error:
            self._error = error.to_dict()
            self._rescue(case, mask, error)
            return None
        self._failing.pop(case, None)
        return KeptMask(case, path, mask)

    def journal(self, case: str) -> None:
        """Let the worker note the draft; after its death, when it is up again."""
        self._desk.link.ask(
            "adopt_draft", lambda _value: None, self._not_noted, lasting=True, case=case
        )

    def _write(self, path: Path, mask: Mask) -> None:
        grid = self._desk.scene.geometry_of_shown()
        write_mask(path, mask.array, grid, self._desk.facts.segments)

    def _rescue(self, case: str, mask: Mask, error: ActiveSuggestError) -> None:
        is_told = case in self._failing
        try:
            copy = self._failing.get(case) or rescue_path(case)
            self._write(copy, mask)
        except (ActiveSuggestError, OSError) as second:
            self._failing[case] = None
            self._tell(_lost(case, error, second), is_told)
            return
        self._failing[case] = copy
        self._tell(_rescued(case, error, copy), is_told)

    def _tell(self, trouble: Trouble, is_told: bool) -> None:
        if not is_told:
            self._desk.tell(trouble)

    def _not_noted(self, error: dict[str, object]) -> None:
        # The file is what counts: opening the project takes in a draft that was not noted.
        # One that is missing became a label, by a save that was under way when it was written.
        if error.get("kind") not in ("cancelled", "worker_died", "missing_draft"):
            self._desk.tell(trouble_from_error(error))


def _rescued(case: str, error: ActiveSuggestError, copy: Path) -> Trouble:
    return Trouble(
        sentence=_("The mask of {case} could not be written into the project: {why}").format(
            case=case, why=error.message
        ),
        remedy=_("A copy is in {copy}. The case stays open: {remedy}").format(
            copy=copy, remedy=error.remedy
        ),
        kind=error.kind,
        case=case,
        action="open-folder",
        path=str(copy.parent),
    )


def _lost(case: str, error: ActiveSuggestError, second: Exception) -> Trouble:
    return Trouble(
        sentence=_("The mask of {case} could not be written anywhere: {why}").format(
            case=case, why=error.message
        ),
        remedy=_("Do not close Slicer. Free some room on the disk, then save again."),
        details=str(second),
        kind=error.kind,
        case=case,
    )


def mask_remarks(mask: Mask) -> list[str]:
    """Return what a person should know about a mask that was saved, in sentences."""
    remarks = []
    if mask.overlaps:
        remarks.append(
            _(
                "{n} voxels belong to more than one segment; they were given to the last one."
            ).format(n=mask.overlaps)
        )
    if mask.outside:
        remarks.append(
            _("{n} voxels painted outside the image were left out.").format(n=mask.outside)
        )
    return remarks


def unknown_segments_trouble(case: str, names: tuple[str, ...], known: str) -> Trouble:
    """Return what to say of segments with voxels that the project does not have."""
    return Trouble(
        sentence=_(
            "{case} was saved without the segments that the project does not have: {names}."
        ).format(case=case, names=", ".join(names)),
        remedy=_("Rename them to segments of the project ({known}) and save again.").format(
            known=known
        ),
        kind="unknown_segment",
        case=case,
    )
