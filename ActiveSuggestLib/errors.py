"""Named errors: what failed, on which case or file, and what to do next."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any


class ActiveSuggestError(Exception):
    """Base of every error that a person is meant to read.

    ``message`` says what failed, ``case`` and ``path`` on what, ``remedy`` what to do next.
    ``kind`` is the error's stable name in the journal, in JSON output and between processes.
    """

    kind = "error"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        name = cls.__name__.removesuffix("Error")
        cls.kind = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()

    def __init__(
        self,
        message: str,
        *,
        case: str | None = None,
        path: str | Path | None = None,
        remedy: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.case = case
        self.path = None if path is None else str(path)
        self.remedy = remedy

    def __str__(self) -> str:
        where = [f"case {self.case}"] if self.case and self.case not in self.message else []
        if self.path and self.path not in self.message:
            where.append(self.path)
        text = self.message if not where else f"{self.message} [{', '.join(where)}]"
        return f"{text} {self.remedy}".strip()

    def __reduce__(self) -> tuple[Any, ...]:
        # Keyword-only arguments are lost by the default pickling of exceptions.
        return (_rebuild, (type(self), self.to_dict()))

    def to_dict(self) -> dict[str, Any]:
        """Return the one error form used in the journal and by the worker."""
        return {
            "kind": self.kind,
            "message": self.message,
            "case": self.case,
            "path": self.path,
            "remedy": self.remedy,
        }


def _rebuild(cls: type[ActiveSuggestError], form: dict[str, Any]) -> ActiveSuggestError:
    return cls(form["message"], case=form["case"], path=form["path"], remedy=form["remedy"])


def error_from_dict(form: dict[str, Any]) -> ActiveSuggestError:
    """Rebuild an error from ``to_dict``; an unknown kind gives the base class."""

    def subclasses(cls: type[ActiveSuggestError]) -> list[type[ActiveSuggestError]]:
        return [cls] + [s for child in cls.__subclasses__() for s in subclasses(child)]

    found = next((c for c in subclasses(ActiveSuggestError) if c.kind == form.get("kind")), None)
    return (found or ActiveSuggestError)(
        form.get("message", ""),
        case=form.get("case"),
        path=form.get("path"),
        remedy=form.get("remedy", ""),
    )


class CancelledError(ActiveSuggestError):
    """The person asked to stop; nothing is wrong."""


# Images ---------------------------------------------------------------------------------


class ImageError(ActiveSuggestError):
    """An image cannot be used."""


class UnreadableImageError(ImageError):
    """The file is empty, truncated, or not what its extension says."""


class VanishedImageError(ImageError):
    """The file was there when the folder was scanned and is not there now."""


class NonFiniteVoxelsError(ImageError):
    """The image holds NaN or infinite voxels."""


class ConstantImageError(ImageError):
    """All voxels are equal: there is nothing to see."""


class TooManyDimensionsError(ImageError):
    """A 4D image where a 3D one is expected."""


class UnexpectedChannelsError(ImageError):
    """The number of channels differs from the rest of the pool (RGB where grey is expected)."""


class AbsurdSpacingError(ImageError):
    """The voxel spacing is zero, negative, not finite or not plausible."""


class SkewedAxesError(ImageError):
    """The image's axes are not at right angles (a sheared grid, or a tilted gantry)."""


class ChannelGeometryError(ImageError):
    """The channels of one case do not lie on one grid."""


class MissingSlicesError(ImageError):
    """A DICOM series has gaps."""


class MixedSeriesError(ImageError):
    """Files of one DICOM series do not fit together."""


class DuplicateCaseError(ImageError):
    """Two images would be called by the same case name."""


class ImageFolderError(ImageError):
    """The folder of images is missing, or is not a folder."""


class PatientGroupingError(ImageError):
    """The pattern or table that tells which case belongs to which patient cannot be used."""


# Labels ---------------------------------------------------------------------------------


class LabelError(ActiveSuggestError):
    """A label cannot be used."""


class UnreadableLabelError(LabelError):
    """The label file is empty, truncated, or not a label."""


class LabelGeometryError(LabelError):
    """The label does not lie on the image's grid."""


class UnknownSegmentError(LabelError):
    """A segment name that the project does not know."""


class UnnamedValueError(LabelError):
    """A voxel value that no segment has."""


class OverlappingSegmentsError(LabelError):
    """Two segments claim the same voxels."""


class AmbiguousLabelError(LabelError):
    """Several files could be the label of one case."""


class InvalidSegmentsError(LabelError):
    """The list of segments is empty, ambiguous or has impossible values."""


class SliceRangeError(LabelError):
    """A slice index outside the volume."""


class MissingDraftError(LabelError):
    """There is no draft where one was said to be."""


# Project --------------------------------------------------------------------------------


class ProjectError(ActiveSuggestError):
    """The project folder cannot be used."""


class NotAProjectError(ProjectError):
    """The folder holds no project."""


class ProjectExistsError(ProjectError):
    """The folder already holds a project, or other files."""


class DamagedProjectError(ProjectError):
    """project.json or the journal cannot be read."""


class NewerProjectError(ProjectError):
    """The project was written by a newer version."""


class ProjectPlaceError(ProjectError):
    """A project cannot lie in that folder."""


class LabelFolderError(ProjectError):
    """The folder of labels is not there."""


class UnknownCaseError(ProjectError):
    """No case of that name."""


class ClassTableError(ProjectError):
    """A table of image-level classes cannot be used."""


class InvalidClassError(ProjectError):
    """What is given cannot be the name of a class."""


class DiskFullError(ProjectError):
    """There is no room left on the disk."""


class SaveFailedError(ProjectError):
    """A file could not be written."""


class ProjectBusyError(ProjectError):
    """Another process holds the journal for too long."""


# Learner --------------------------------------------------------------------------------


class EmptyPoolError(ActiveSuggestError):
    """The project has no usable image."""


class PoolExhaustedError(ActiveSuggestError):
    """Everything is labelled, excluded, or being labelled by someone else."""


class NoLabelError(ActiveSuggestError):
    """Nothing is labelled yet, so nothing can be learnt."""


class NoClassError(ActiveSuggestError):
    """Too few cases are classified to tell classes apart."""


class NoModelError(ActiveSuggestError):
    """No model has been trained yet."""


class DamagedCheckpointError(ActiveSuggestError):
    """A model file cannot be read or does not match its record."""


class ForeignCheckpointError(ActiveSuggestError):
    """A model file was trained under another plan or for other segments."""


class OutOfDeviceMemoryError(ActiveSuggestError):
    """Even the smallest patch on the CPU does not fit in memory."""


class UnknownStrategyError(ActiveSuggestError):
    """No strategy of that name."""


class StrategyFailedError(ActiveSuggestError):
    """A strategy returned scores or picks that cannot be used."""


class NoTruthError(ActiveSuggestError):
    """The true labels are asked for, and they are not known."""


# Worker ---------------------------------------------------------------------------------


class WorkerError(ActiveSuggestError):
    """The worker process failed."""


class BadRequestError(WorkerError):
    """A request that the worker does not understand."""


class WorkerDiedError(WorkerError):
    """The worker process ended without an answer."""


# Simulation -----------------------------------------------------------------------------


class SplitError(ActiveSuggestError):
    """Too few cases or patients for the test, initial and suggested sets asked for."""


class SimulationExistsError(ActiveSuggestError):
    """The output folder holds another simulation, or other files."""


class TrainingDivergedError(ActiveSuggestError):
    """The loss became infinite or not a number and stayed so."""


class UnknownDeviceError(ActiveSuggestError):
    """No device is called so."""


class MissingReasonError(ProjectError):
    """A case is excluded with a reason, and none was given."""


class UnknownModelError(ActiveSuggestError):
    """No model of that version."""
