"""Save a label, and judge by it what the model had proposed. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from ..data.project import Project, SavedLabel
from ..errors import ActiveSuggestError
from .classes import SegmentClasses
from .proposals import Proposals


def save_label(
    project: Project,
    case: str,
    mask: np.ndarray | Path | str,
    *,
    slices: Sequence[int] | None = None,
    source: str = "user",
    rater: str | None = None,
    seconds: float | None = None,
    note: str = "",
) -> SavedLabel:
    """Save the label of a case, whole or of some ``slices``; it is on disk on return.

    If the model had proposed a mask for it, the proposal's mean foreground Dice against this label
    is recorded as an event, before any training on it.

    Raises:
        LabelError: the mask cannot be a label of this image; nothing was written.
        DiskFullError, SaveFailedError: not saved; the earlier label is untouched.
    """
    saved = project.save_label(
        case, mask, slices=slices, source=source, rater=rater, seconds=seconds, note=note
    )
    # The label is safe; nothing that fails from here on may look as if it were not.
    with suppress(ActiveSuggestError, OSError):
        _judge_proposal(project, case, slices)
    return saved


def _judge_proposal(project: Project, case: str, slices: Sequence[int] | None) -> None:
    proposals = Proposals(project.folder)
    if not proposals.has(case):
        return
    label = project.read_label(case)
    if label is None:
        return
    axis = label.geometry.plane_axis(project.plane)
    judged = proposals.judge(case, label.array, SegmentClasses(project.segments), slices, axis)
    if judged is not None:
        project.record("prequential", case=case, **judged)
        proposals.discard(case)
