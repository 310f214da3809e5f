"""Cases: what is known of each image of the pool, and where its labelling stands."""

from __future__ import annotations

import difflib
import json
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import ActiveSuggestError, MissingReasonError, UnknownCaseError

if TYPE_CHECKING:
    from .geometry import Geometry
    from .images import ImageSource
    from .journaling.journal import Journal
    from .scan.image_folder import ImageFolder

STATES = ("unlabelled", "draft", "labelled", "excluded")
VANISHED = "The image was not found; it comes back when its file is back."

_QUERY = "SELECT s.*, i.record FROM case_states s JOIN images i ON i.name = s.name"


@dataclass(frozen=True)
class CaseRow:
    """One case. ``state`` is one of ``STATES``; ``reason`` says why a case is excluded.

    ``labelled_slices`` are along the project's plane, ``None`` for a wholly labelled volume
    (or no label at all). ``label_version`` is the number of the last version that was saved.
    ``problem`` is the error's form if a program excluded the case, ``None`` otherwise.
    """

    name: str
    state: str
    reason: str
    patient: str
    source: ImageSource
    geometry: Geometry | None
    channels: int
    modality: str
    intensity: dict[str, Any]
    image_hash: str
    notes: tuple[str, ...]
    labelled_slices: tuple[int, ...] | None
    label_version: int
    label_hash: str
    skipped: int
    has_draft: bool
    has_label: bool
    missing: bool
    problem: dict[str, Any] | None


class CaseTable:
    """The cases in a project's journal, with their images where they are now."""

    def __init__(self, journal: Journal, images: ImageFolder) -> None:
        self._journal = journal
        self._images = images

    def counts(self) -> dict[str, int]:
        """Return the number of cases in each state, from the journal alone."""
        rows = self._journal.rows("SELECT state, count(*) FROM case_states GROUP BY state")
        found = {row[0]: row[1] for row in rows}
        return {state: found.get(state, 0) for state in STATES}

    def all(self, state: str | None = None) -> list[CaseRow]:
        """Return the cases (of one state) in the order of their names."""
        if state is None:
            rows = self._journal.rows(f"{_QUERY} ORDER BY s.name")
        else:
            rows = self._journal.rows(f"{_QUERY} WHERE s.state = ? ORDER BY s.name", (state,))
        return [self._case_row(row) for row in rows]

    def excluded(self, limit: int) -> list[tuple[str, str]]:
        """Return name and reason of the first excluded cases, from the journal alone."""
        rows = self._journal.rows(
            "SELECT name, excluded, problem, missing FROM case_states WHERE state = 'excluded'"
            " ORDER BY name LIMIT ?",
            (limit,),
        )
        return [(r["name"], _reason(r, json.loads(r["problem"] or "null"))) for r in rows]

    def get(self, name: str) -> CaseRow:
        """Return one case; raises ``UnknownCaseError`` that names the nearest ones."""
        row = self._journal.row(f"{_QUERY} WHERE s.name = ?", (name,))
        if row is None:
            raise unknown_case(self._journal, name)
        return self._case_row(row)

    def require(self, name: str) -> None:
        """Raise ``UnknownCaseError`` unless the case exists."""
        if self._journal.row("SELECT 1 FROM cases WHERE name = ?", (name,)) is None:
            raise unknown_case(self._journal, name)

    def names(self) -> list[str]:
        """Return the names of all cases, sorted."""
        return [row[0] for row in self._journal.rows("SELECT name FROM cases ORDER BY name")]

    # Decisions --------------------------------------------------------------------------

    def exclude(self, name: str, reason: str) -> None:
        """Take a case out of the pool; raises ``MissingReasonError`` without a reason."""
        if not reason.strip():
            raise MissingReasonError(
                f"{name} was not excluded: no reason was given.",
                case=name,
                remedy="Say why in a few words; others will want to know.",
            )
        self._change(name, "excluded", {"reason": reason}, "excluded = ?", (reason,))

    def include(self, name: str) -> None:
        """Take a case back into the pool, whether a person or a program excluded it."""
        self._change(name, "included", {}, "excluded = NULL, problem = NULL", ())

    def skip(self, name: str, reason: str) -> None:
        """Count that a person passed the case over."""
        self._change(name, "skipped", {"reason": reason}, "skipped = skipped + 1", ())

    def report_problem(self, name: str, error: ActiveSuggestError) -> None:
        """Exclude a case because it cannot be used, once for each kind of problem."""
        form = json.dumps(error.to_dict(), ensure_ascii=False)
        self._change(name, "problem", {"error": error.to_dict()}, "problem = ?", (form,))

    def set_missing(self, name: str, missing: bool) -> None:
        """Note that an image has vanished or is back; nothing happens if that is known."""
        with self._journal.transaction() as connection:
            changed = connection.execute(
                "UPDATE cases SET missing = ? WHERE name = ? AND missing <> ?",
                (int(missing), name, int(missing)),
            )
            if changed.rowcount:
                self._journal.append("vanished" if missing else "returned", name)

    def _change(
        self, name: str, kind: str, data: dict[str, Any], assignment: str, values: tuple[str, ...]
    ) -> None:
        with self._journal.transaction() as connection:
            changed = connection.execute(
                f"UPDATE cases SET {assignment} WHERE name = ?", (*values, name)
            )
            if not changed.rowcount:
                raise unknown_case(self._journal, name)
            self._journal.append(kind, name, **data)

    def _case_row(self, row: sqlite3.Row) -> CaseRow:
        from .pool import ScannedCase
        from .scan.scanning import with_absolute_paths

        record = with_absolute_paths(json.loads(row["record"]), self._images.path())
        scanned = ScannedCase.from_record(record)
        problem = json.loads(row["problem"]) if row["problem"] else None
        slices = row["label_slices"]
        return CaseRow(
            name=row["name"],
            state=row["state"],
            reason=_reason(row, problem),
            patient=row["patient"],
            source=scanned.source,
            geometry=scanned.geometry,
            channels=scanned.channels,
            modality=scanned.modality,
            intensity=scanned.intensity,
            image_hash=scanned.image_hash,
            notes=tuple(scanned.notes),
            labelled_slices=tuple(json.loads(slices)) if slices else None,
            label_version=row["label_version"],
            label_hash=row["label_hash"],
            skipped=row["skipped"],
            has_draft=bool(row["draft"]),
            has_label=row["label_size"] is not None,
            missing=bool(row["missing"]),
            problem=problem,
        )


def _reason(row: sqlite3.Row, problem: dict[str, Any] | None) -> str:
    if row["excluded"] is not None:
        return str(row["excluded"])
    if problem is not None:
        return " ".join(filter(None, (problem.get("message", ""), problem.get("remedy", ""))))
    return VANISHED if row["missing"] else ""


def unknown_case(journal: Journal, name: str) -> UnknownCaseError:
    """Return the error for a name that no case has; it names the nearest ones."""
    rows = journal.rows("SELECT name FROM cases ORDER BY name")
    names = {row[0].casefold(): row[0] for row in rows}
    near = [names[n] for n in difflib.get_close_matches(name.casefold(), names, n=3, cutoff=0.5)]
    return UnknownCaseError(
        f"There is no case called {name!r}.",
        case=name,
        remedy=f"Did you mean {' or '.join(near)}?"
        if near
        else "List the cases to see their names; rescan if the image is new.",
    )
