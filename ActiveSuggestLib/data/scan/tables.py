"""Tables that people write beside their images: CSV with a header, whatever the delimiter."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path


def read_columns(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield the line number and the stripped values of ``columns`` of every row.

    UTF-8 with commas, semicolons or tabs; names of columns in any case; what is missing is ``""``.
    Raises ``ValueError`` in words if the file cannot be read or lacks a column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            start = file.read(4096)
            file.seek(0)
            delimiter = max(",;\t", key=start.partition("\n")[0].count)
            reader = csv.DictReader(file, delimiter=delimiter)
            rows = [(reader.line_num, row) for row in reader]
            header = reader.fieldnames or ()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"it cannot be read: {error}") from error
    found = {name.strip().lower(): name for name in header if name}
    if not set(columns) <= set(found):
        wanted = " or ".join(f"'{name}'" for name in columns)
        raise ValueError(f"it lacks a column {wanted}")
    for line, row in rows:
        yield line, tuple((row[found[name]] or "").strip() for name in columns)
