"""What to show of a case: the files that the worker made ready."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ImageFile:
    """One channel of a case: an uncompressed NRRD with the case's grid, and its name.

    ``window`` is the channel's own lowest and highest intensity shown, if it is known.
    """

    path: Path
    name: str
    window: tuple[float, float] | None = None


@dataclass(frozen=True)
class CaseFiles:
    """The files of one case and how to look at them.

    ``segmentation`` is a ``.seg.nrrd`` (``None``: empty segments), ``source`` what it is: "label",
    "draft", "proposal" or "empty". ``slice`` counts from 0 along ``plane`` (axial, coronal or
    sagittal). ``window`` is the lowest and the highest intensity shown of the first channel.
    """

    case: str
    images: tuple[ImageFile, ...]
    segmentation: Path | None = None
    source: str = "empty"
    uncertainty: Path | None = None
    plane: str = "axial"
    slice: int | None = None
    window: tuple[float, float] | None = None
    modality: str = ""
