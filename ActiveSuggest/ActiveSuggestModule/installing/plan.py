"""Plans: what pip would do, asked of pip itself before anything is done."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name
from slicer.i18n import tr as _

from .errors import InstallError, WouldReplaceError
from .pip_run import OnLine, quiet_options, run_pip
from .pip_words import other_python, pip_error


@dataclass(frozen=True)
class Change:
    """A package that an installation adds (``before`` is ``None``) or replaces."""

    name: str
    before: str | None
    after: str

    @property
    def text(self) -> str:
        """The change in words: ``numpy 2.4.6 → 1.26.4``."""
        return f"{self.name} {self.before} → {self.after}" if self.before else self.name


def make_plan(
    requirements: Sequence[str],
    *,
    constraints: Path,
    versions: Mapping[str, str],
    on_line: OnLine,
    wheels: str = "",
) -> tuple[Change, ...]:
    """Return what installing ``requirements`` would change. Raises ``InstallError``.

    ``versions`` are those that are there, by canonical name.
    """
    with tempfile.TemporaryDirectory(prefix="ActiveSuggest-") as folder:
        report = Path(folder) / "report.json"
        run = run_pip(
            [
                "install",
                *requirements,
                *wheel_options(wheels),
                *quiet_options(),
                "--constraint",
                str(constraints),
                "--dry-run",
                "--report",
                str(report),
            ],
            on_line,
        )
        if run.code != 0:
            raise pip_error(run.output, wheels=wheels)
        try:
            planned = json.loads(report.read_text(encoding="utf-8"))["install"]
        except (OSError, ValueError, KeyError):
            raise InstallError(
                _("pip did not say what it would change, so nothing was installed."),
                remedy=_("Update Slicer: its pip is older than version 22.2."),
                details=run.output,
            ) from None
    return tuple(
        Change(
            entry["metadata"]["name"],
            versions.get(canonicalize_name(entry["metadata"]["name"])),
            entry["metadata"]["version"],
        )
        for entry in planned
    )


def refuse_replacements(plan: Sequence[Change], allowed: Collection[str] = ()) -> None:
    """Raise ``WouldReplaceError`` if the plan changes a package other than the ``allowed``."""
    names = {canonicalize_name(name) for name in allowed}
    replaced = [c.text for c in plan if c.before and canonicalize_name(c.name) not in names]
    if replaced:
        raise WouldReplaceError(
            _(
                "Installing would change packages that Slicer already has: {changes}. Nothing was "
                "done."
            ).format(changes=", ".join(replaced)),
            remedy=other_python(),
        )


def wheel_options(wheels: str) -> list[str]:
    """Return pip's options for a folder of wheels in the place of the internet."""
    return ["--no-index", "--find-links", wheels] if wheels else []
