"""One case in Slicer's scene: shown, edited, read back, and taken away without a trace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ActiveSuggestLib.data.geometry import Geometry
from ActiveSuggestLib.data.segments import Segment

from .case_files import CaseFiles
from .masks import Mask
from .places import Place


@dataclass(frozen=True)
class ShownCase:
    """The nodes of the case in the scene; ``uncertainty`` is ``None`` where there is none."""

    case: str
    files: CaseFiles
    volume: Any
    segmentation: Any
    uncertainty: Any | None = None


class CaseScene:
    """Puts one case at a time into a scene; touches no node but its own.

    In Slicer: ``CaseScene(slicer.mrmlScene, slicer.app.applicationLogic())``. Without
    ``application_logic`` the slice views are moved by their nodes alone.

    ``on_lost`` is called with a sentence after the user deleted the case's nodes or closed the
    scene; ``shown`` is ``None`` by then, and ``mask`` still answers until the next ``show`` or
    ``close``, so that edits can be saved.
    """

    def __init__(self, scene: Any, application_logic: Any = None) -> None:
        self.scene = scene
        self.application_logic = application_logic
        self.shown: ShownCase | None = None
        self.on_lost: Callable[[str], None] | None = None

    def show(self, files: CaseFiles, segments: Sequence[Segment]) -> ShownCase:
        """Put a case into the scene in the place of the one before, and turn the views to it.

        Nothing changes if a file cannot be read. Raises ``CaseNotShownError``.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Take the case out of the scene; the views show again what they showed before."""
        raise NotImplementedError

    def replace_segmentation(self, path: Path | None, source: str) -> None:
        """Put the segments of another file into the shown segmentation; ``None`` empties it.

        Raises ``CaseNotShownError`` or ``NoCaseShownError``.
        """
        raise NotImplementedError

    def set_uncertainty(self, path: Path | None) -> None:
        """Show another uncertainty map, or none. Raises what ``replace_segmentation`` raises."""
        raise NotImplementedError

    def set_overlay(self, *, visible: bool, opacity: float) -> None:
        """Show or hide the uncertainty in the slice views, ``opacity`` from 0 to 1."""
        raise NotImplementedError

    def go_to_slice(self, index: int) -> None:
        """Turn the slice views to a slice of the project's plane, counted from 0."""
        raise NotImplementedError

    def go_to_place(self, place: Place) -> None:
        """Centre all slice views on an uncertain place."""
        raise NotImplementedError

    def places(self) -> list[Place]:
        """Return the uncertain places, the most uncertain first; empty without an uncertainty."""
        raise NotImplementedError

    def current_slice(self) -> int | None:
        """Return the slice of the project's plane that is looked at, or ``None``."""
        raise NotImplementedError

    def mask(self) -> Mask:
        """Return what the segmentation says, matched to the project's segments by name.

        Raises ``NoCaseShownError`` or ``SegmentationUnusableError``.
        """
        raise NotImplementedError

    def changed_slices(self) -> tuple[int, ...]:
        """Return the slices of the project's plane that differ from what was shown."""
        raise NotImplementedError

    def modified_time(self) -> int:
        """Return a number that grows with each edit of the segmentation; 0 if none is shown."""
        raise NotImplementedError

    def geometry_of_shown(self) -> Geometry:
        """Return the voxel grid of the shown case. Raises ``NoCaseShownError``."""
        raise NotImplementedError
