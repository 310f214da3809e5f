"""Image-level classes: what a whole image shows, such as normal or cardiomegaly.

They lie in the project's ``classes.csv`` (case,class), which anyone can read; a case without a row
is not classified. Every change is an event of the journal too.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import ClassTableError, InvalidClassError
from ..cases import CaseTable
from ..journaling.journal import Journal
from ..scan.names import key
from ..scan.tables import read_columns
from ..store import atomic_write, discard

NAME = "classes.csv"
COLUMNS = ("case", "class")
LONGEST = 120


@dataclass(frozen=True)
class RefusedClass:
    """A row of a table that was not taken in, and why."""

    line: int
    case: str
    reason: str


@dataclass
class ClassReport:
    """What became of a table of classes: class by case, and the rows that were refused."""

    taken: dict[str, str] = field(default_factory=dict)
    refused: list[RefusedClass] = field(default_factory=list)


class CaseClasses:
    """The classes of a project's cases; several processes may change them."""

    def __init__(self, folder: Path, journal: Journal, cases: CaseTable) -> None:
        self._path = folder / NAME
        self._journal = journal
        self._cases = cases

    def all(self) -> dict[str, str]:
        """Return class by case, sorted by case; raises ``ClassTableError`` if it is damaged."""
        if not self._path.is_file():
            return {}
        return dict(sorted((case, name) for _, case, name in _rows(self._path)))

    def counts(self) -> dict[str, int] | None:
        """Return how many cases have each class, by name; ``None`` if the table is damaged."""
        try:
            return dict(sorted(Counter(self.all().values()).items()))
        except ClassTableError:
            return None

    def save(self, case: str, name: str | None) -> str | None:
        """Save the class of a case (``None``: it has none) and return it as it is spelt.

        A name that differs from a known one by its capitals only is that one. Raises
        ``UnknownCaseError``, ``InvalidClassError``, ``ClassTableError``, ``SaveFailedError``.
        """
        self._cases.require(case)
        checked = None if name is None else _checked(name, case)
        return self._change({case: checked})[case]

    def take_in(self, path: Path) -> ClassReport:
        """Take in a CSV file of case,class; a row that cannot be is refused alone.

        Raises ``ClassTableError`` if the file is no such table.
        """
        known = {key(name): name for name in self._cases.names()}
        report = ClassReport()
        for line, given, name in _rows(path):
            case = known.get(key(given)) if given else None
            reason = ""
            if case is None:
                reason = "There is no case of this name."
            elif not name:
                reason = "It has no class."
            elif len(name) > LONGEST or not name.isprintable():
                reason = f"A class is one line of at most {LONGEST} signs."
            elif report.taken.get(case, name).casefold() != name.casefold():
                reason = f"It was called {report.taken[case]!r} in an earlier row."
            if reason or case is None:
                report.refused.append(RefusedClass(line, given, reason))
            else:
                report.taken.setdefault(case, name)
        if report.taken:
            changed = self._change(dict(report.taken))
            report.taken = {case: name for case, name in changed.items() if name is not None}
        with self._journal.transaction():
            for row in report.refused:
                self._journal.append(
                    "class_refused",
                    file=str(path),
                    line=row.line,
                    given=row.case,
                    reason=row.reason,
                )
        return report

    def _change(self, changes: Mapping[str, str | None]) -> dict[str, str | None]:
        before: list[bytes | None] = []

        def undo() -> None:
            for content in before:
                if content is None:
                    discard(self._path)
                else:
                    atomic_write(self._path, content)

        # Read with no other writer about, so that nobody's class is lost.
        with self._journal.transaction(undo):
            now = self.all()
            spelling = {name.casefold(): name for name in now.values()}
            done: dict[str, str | None] = {}
            for case, name in changes.items():
                if name is not None:
                    name = spelling.setdefault(name.casefold(), name)
                    now[case] = name
                else:
                    now.pop(case, None)
                done[case] = name
            before.append(self._path.read_bytes() if self._path.is_file() else None)
            atomic_write(self._path, _encoded(sorted(now.items())))
            for case, name in done.items():
                self._journal.append("classified", case, name=name)
        return done


def check_class_table(path: Path) -> None:
    """Raise ``ClassTableError`` unless the file is a table of case and class."""
    _rows(path)


def _checked(name: str, case: str) -> str:
    name = name.strip()
    if not name or len(name) > LONGEST or not name.isprintable():
        raise InvalidClassError(
            f"{name[:20]!r} is no name of a class.",
            case=case,
            remedy=f"Give one line of at most {LONGEST} signs, such as normal.",
        )
    return name


def _rows(path: Path) -> list[tuple[int, str, str]]:
    try:
        return [(line, case, name) for line, (case, name) in read_columns(path, COLUMNS)]
    except ValueError as error:
        raise ClassTableError(
            f"The table of classes cannot be used: {error}.",
            path=path,
            remedy="Give a CSV file in UTF-8 with the columns case and class.",
        ) from error


def _encoded(rows: Iterable[tuple[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")
