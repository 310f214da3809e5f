"""Taking in labels that exist already: what fits becomes a label, what does not is recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import ActiveSuggestError, AmbiguousLabelError, LabelError, LabelFolderError
from ...progress import Cancel, Progress, no_progress

if TYPE_CHECKING:
    from ..project import Project


@dataclass
class ImportReport:
    """What became of a folder of labels; lists of case names, and the error of each refused one.

    ``kept`` were labelled before and stay as they are; ``unmatched`` are files of no case.
    """

    adopted: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    refused: dict[str, ActiveSuggestError] = field(default_factory=dict)
    unmatched: list[str] = field(default_factory=list)


def import_labels(
    project: Project,
    folder: Path,
    *,
    replace: bool = False,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> ImportReport:
    """Import every label of ``folder`` whose name is a case's; none stops the others.

    ``replace`` makes a new version of labels that exist. Raises ``LabelFolderError``,
    ``DiskFullError``, ``SaveFailedError``, ``CancelledError``.
    """
    from ..labels import find_labels

    if not folder.is_dir():
        raise LabelFolderError(
            "The folder of labels is not there.",
            path=folder,
            remedy="Name a folder that holds one label file a case.",
        )
    rows = {row.name: row for row in project.cases()}
    found = find_labels(folder, list(rows))
    report, progress = ImportReport(), progress or no_progress

    def refuse(name: str, error: ActiveSuggestError) -> None:
        report.refused[name] = error
        project.record("label_refused", name, error=error.to_dict())

    for name, paths in found.ambiguous.items():
        refuse(name, _ambiguous(name, paths))
    for done, (name, path) in enumerate(sorted(found.items())):
        if cancel is not None:
            cancel.raise_if_cancelled()
        progress(done, len(found), f"Importing labels: {name}")
        if rows[name].has_label and not replace:
            report.kept.append(name)
            continue
        try:
            project.save_label(name, path, source="import")
            report.adopted.append(name)
        except LabelError as error:
            refuse(name, error)
    progress(len(found), len(found), "Importing labels")
    project.record(
        "labels_imported",
        folder=str(folder),
        adopted=len(report.adopted),
        kept=len(report.kept),
        refused=len(report.refused),
        unmatched=[path.name for path in found.unmatched],
    )
    report.unmatched = [str(path) for path in found.unmatched]
    return report


def _ambiguous(name: str, paths: tuple[Path, ...]) -> AmbiguousLabelError:
    return AmbiguousLabelError(
        f"Several files could be the label of {name}: {', '.join(p.name for p in paths)}.",
        case=name,
        path=paths[0],
        remedy="Leave one of them in the folder and import it again.",
    )
