"""Patients: which cases belong to one person, from a table, a pattern, DICOM, or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from ...errors import PatientGroupingError
from .names import key
from .tables import read_columns


def patient_finder(
    pattern: str | None = None, table: Path | None = None
) -> Callable[[str, str, str], str]:
    """Return a function of (case, path below the image folder, DICOM patient) giving the patient.

    The table wins over the pattern, both over DICOM's PatientID; what none of them knows is a
    patient of its own. The pattern is a regular expression with one group, searched in the case's
    name and then in its path; the table a CSV with the columns ``case`` and ``patient``.
    Raises ``PatientGroupingError``.
    """
    expression = _compiled(pattern) if pattern else None
    listed = _read_table(table) if table else {}

    def patient(case: str, path: str, dicom_patient: str) -> str:
        if key(case) in listed:
            return listed[key(case)]
        if expression is not None:
            found = expression.search(case) or expression.search(path)
            if found and found.group(1):
                return found.group(1)
        return dicom_patient or case

    return patient


def _compiled(pattern: str) -> re.Pattern[str]:
    remedy = r"Give a regular expression with one group, such as: (patient\d+)_."
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise PatientGroupingError(
            f"The patient pattern '{pattern}' is no regular expression: {error}.", remedy=remedy
        ) from error
    if expression.groups != 1:
        raise PatientGroupingError(
            f"The patient pattern '{pattern}' has {expression.groups} groups.", remedy=remedy
        )
    return expression


def _read_table(path: Path) -> dict[str, str]:
    remedy = "Give a CSV file in UTF-8 with the columns case and patient."
    try:
        rows = list(read_columns(path, ("case", "patient")))
        if not rows:
            raise ValueError("it is empty")
    except ValueError as error:
        raise PatientGroupingError(
            f"The table of patients cannot be used: {error}.", path=path, remedy=remedy
        ) from error
    return {key(case): patient for _, (case, patient) in rows if case and patient}
