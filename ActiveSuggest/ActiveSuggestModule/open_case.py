"""The case that is open in the scene, and what is known about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .scene.case_scene import CaseFiles
    from .suggestions import Suggested


@dataclass(eq=False)
class OpenCase:
    """The case on the screen.

    ``source`` of the segmentation: ``label``, ``draft``, ``proposal`` or ``empty``. ``slices`` are
    the suggested ones (empty: the whole volume), ``labelled_slices`` those labelled before
    (``None``: not labelled, or the whole). ``seconds`` of active work. ``dirty``: edited since it
    was shown or saved. ``draft_offer``: an unfinished draft exists; ``source == "draft"``: it
    is the one shown, and ``Session.discard_draft`` shows label or proposal in its place.
    ``proposal_waiting``: the model's proposal is still being computed. ``saving``: a save is under
    way, ``saved``: the last state is a label on disk. ``facts`` are the worker's (size, spacing,
    notes, state, …); ``uncertain_slices`` the slices, most uncertain first.
    """

    case: str
    files: CaseFiles
    source: str
    suggestion: Suggested | None = None
    slices: tuple[int, ...] = ()
    labelled_slices: tuple[int, ...] | None = None
    state: str = "unlabelled"
    seconds: float = 0.0
    dirty: bool = False
    draft_offer: bool = False
    proposal_waiting: bool = False
    saving: bool = False
    saved: bool = False
    uncertain_slices: tuple[int, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
