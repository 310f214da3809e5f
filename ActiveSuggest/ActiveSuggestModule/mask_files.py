"""Masks on disk: written in an instant, whole or not at all, and rescued where they cannot be."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ActiveSuggestLib.data import store
from ActiveSuggestLib.data.geometry import Geometry
from ActiveSuggestLib.data.label_formats import seg_nrrd
from ActiveSuggestLib.data.segments import Segment

SUFFIX = ".seg.nrrd"
RESCUE_FOLDER = "ActiveSuggest-rescued"


def write_mask(
    path: Path,
    mask: np.ndarray,
    geometry: Geometry,
    segments: tuple[Segment, ...],
    extra: Mapping[str, str] | None = None,
) -> None:
    """Write a mask uint8 (z, y, x) of segment values as an uncompressed ``.seg.nrrd``.

    Another program that reads it sees the earlier file or this one, whole. The file survives the
    end of this process at once; that it survives a power cut is for the worker to see to, because
    waiting for the disk would hold the window. Raises ``DiskFullError`` or ``SaveFailedError``.
    """
    head = seg_nrrd.header(geometry, segments, extra or {}, encoding="raw")
    voxels = np.ascontiguousarray(mask, dtype=np.uint8)
    try:
        # The first mask of a project; not its parents: a project that is gone stays gone.
        path.parent.mkdir(exist_ok=True)
        store.write_quickly(path, head, voxels.data)
    except OSError as error:
        raise store.write_failure(error, path) from error


def hold_still(draft: Path) -> Path:
    """Return a file with the draft as it is now, whatever is painted before it is read.

    It lies in ``saving`` beside the draft and has the draft's size and time. Where the disk has no
    room for it, the draft itself is returned.
    """
    folder = draft.parent / "saving"
    held = folder / f"{draft.name.removesuffix(SUFFIX)}-{uuid.uuid4().hex[:12]}{SUFFIX}"
    try:
        folder.mkdir(exist_ok=True)
        try:
            os.link(draft, held)
        except OSError:  # a disk without links, such as a memory stick
            shutil.copy2(draft, held)
    except OSError:
        store.discard(held)
        return draft
    return held


def rescue_path(case: str) -> Path:
    """Return where a mask goes that cannot be written into its project: a name of its own."""
    folder = Path(tempfile.gettempdir()) / RESCUE_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    stamp = time.strftime("%Y%m%d-%H%M%S")
    found = folder / f"{case}-{stamp}{SUFFIX}"
    number = 2
    while found.exists():
        found = folder / f"{case}-{stamp}-{number}{SUFFIX}"
        number += 1
    return found
