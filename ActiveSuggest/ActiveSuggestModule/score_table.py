"""A score table: what the console gets of a scored pool."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from ActiveSuggestLib.errors import ActiveSuggestError


class PandasMissingError(ActiveSuggestError):
    """The table as a DataFrame needs pandas."""


@dataclass(frozen=True)
class ScoreTable:
    """A scored pool: ``node`` in the scene, ``path`` of the CSV, ``rows`` as dictionaries.

    ``rows`` and the node hold the best ``len(rows)`` of ``total`` units, the CSV all of them.
    """

    node: Any
    path: Path
    rows: list[dict[str, Any]]
    total: int

    @property
    def dataframe(self) -> Any:
        """The whole table as a ``pandas.DataFrame``, best first; raises ``PandasMissingError``."""
        try:
            import pandas as pd
        except ImportError as error:
            raise PandasMissingError(
                _("pandas is not installed in Slicer's Python."),
                path=self.path,
                remedy=_("Install it with slicer.util.pip_install('pandas'), or read the CSV."),
            ) from error
        return pd.read_csv(self.path, encoding="utf-8")
