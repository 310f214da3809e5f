"""ActiveSuggest: decide what is worth labelling next in a pool of medical images.

Importing this package is cheap: torch is loaded only when a learner is opened.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

PROCESS_STARTED = time.time()
"""When this process began to use the package (seconds since the epoch).

Two commands started at once compare it with each other's claims; see ``data.journaling.claims``.
"""

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .learner import ActiveLearner


def open(project: str | Path, **options: Any) -> ActiveLearner:  # noqa: A001 - the documented name
    """Open a project folder and return its ``ActiveLearner``."""
    from .learner import ActiveLearner

    return ActiveLearner(project, **options)


def create(folder: str | Path, images: str | Path, **options: Any) -> ActiveLearner:
    """Make a project from a folder of images and return its ``ActiveLearner``.

    ``options`` are those of ``data.project.create_project``: segments, labels, name, plane, ….
    """
    from .data.project import create_project
    from .learner import ActiveLearner

    return ActiveLearner(create_project(folder, images, **options))
