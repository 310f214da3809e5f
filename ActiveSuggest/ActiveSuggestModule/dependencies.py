"""What the model needs and Slicer does not bring: seen without importing it, asked for, installed.

Nothing here is done at import, and torch is never imported: what is installed is read from the
packages' metadata, for the interpreter that the worker runs in.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import qt
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from slicer.i18n import tr as _

from .installing.errors import InstallError, InterpreterError, WouldReplaceError
from .installing.packages import (
    SLICERS_OWN,
    Lack,
    Packages,
    constraints,
    packages_here,
    packages_of,
)
from .installing.pip_words import PipProgress, other_python, pip_error
from .installing.remembered import EXTENSION, INDEX, Unfinished, forget, recall, remember
from .interpreter import slicer_python, worker_environment, worker_python

__all__ = [
    "DECLINED",
    "EXTENSION",
    "FAILED",
    "INDEX",
    "NEEDS_EXTENSION",
    "READY",
    "RESTART",
    "InstallError",
    "InterpreterError",
    "Lack",
    "Outcome",
    "Unfinished",
    "explain",
    "forget_unfinished",
    "install",
    "missing",
    "unfinished",
]

Ask = Callable[[str], bool]
"""(sentence) → whether the user agrees."""

Progress = Callable[[str], None]
"""(sentence) what is being done now."""

READY, DECLINED, NEEDS_EXTENSION = "ready", "declined", "needs-extension"
RESTART, FAILED = "restart", "failed"

REQUIREMENTS = Path(__file__).resolve().parents[1] / "Resources" / "requirements.txt"

_OLDEST_PYTHON = "3.10"


@dataclass(frozen=True)
class Outcome:
    """How an installation ended, in words.

    ``state``: ``ready`` (the worker can start), ``declined``, ``needs-extension`` (torch comes from
    the PyTorch extension, which is not installed; ``install(torch_from="index")`` goes without),
    ``restart`` (installed, and Slicer has to start again) or ``failed``.
    """

    state: str
    sentence: str
    remedy: str = ""
    details: str = ""

    @property
    def is_ready(self) -> bool:
        """Whether the worker can start now."""
        return self.state == READY


def missing(settings: Any = None) -> tuple[Lack, ...]:
    """Return what the worker's interpreter lacks, in the order in which it is installed.

    ``settings`` is a ``qt.QSettings``, by default Slicer's. Raises ``InterpreterError`` if the
    user chose another Python that cannot be used.
    """
    requirements = load_requirements()
    python = _own_python(settings)
    if python:
        packages = packages_of(python, worker_environment(python))
        if Version(packages.environment["python_version"]) < Version(_OLDEST_PYTHON):
            raise InterpreterError(
                _("The Python chosen for ActiveSuggest is too old: {python}").format(python=python),
                remedy=_("Choose one of version {version} or newer.").format(
                    version=_OLDEST_PYTHON
                ),
            )
    else:
        packages = packages_here(r.name for r in requirements)
    return packages.lacks(requirements)


def explain(lacks: Sequence[Lack], settings: Any = None) -> str:
    """Say in sentences what is missing, what for, and how much is downloaded."""
    if not lacks:
        return _("Everything that ActiveSuggest needs is installed.")
    python = _own_python(settings)
    if python:
        return _("{python} lacks {packages}.").format(python=python, packages=_names(lacks))
    sentences = [
        _(
            "To rank and to learn, ActiveSuggest needs {packages}, which Slicer does not bring."
        ).format(packages=_names(lacks))
    ]
    if any(lack.name == "torch" for lack in lacks):
        sentences.append(
            _(
                "About 0.3 GB is downloaded once, up to 3 GB with the libraries for an NVIDIA GPU; "
                "it takes some minutes."
            )
        )
    else:
        sentences.append(_("A few megabytes are downloaded once."))
    old = [lack for lack in lacks if lack.installed is not None]
    if old:
        sentences.append(
            _("Too old, and replaced by a newer version: {packages}.").format(
                packages=", ".join(f"{lack.name} {lack.installed}" for lack in old)
            )
        )
        sentences.append(_("No other package is changed."))
    else:
        sentences.append(_("Nothing that Slicer brings is changed."))
    return " ".join(sentences)


def install(
    *,
    ask: Ask | None = None,
    progress: Progress | None = None,
    wheels: str | Path | None = None,
    torch_from: str = EXTENSION,
    project: str | Path = "",
    settings: Any = None,
) -> Outcome:
    """Install what is missing, while events are processed; never changes what is there.

    ``ask`` gets the explanation and may decline; without it the consent was given before, by a
    button. ``wheels`` is a folder of wheel files, used in the place of the internet.
    ``project`` is remembered, so that it can be offered again if Slicer is restarted in between.
    Raises nothing: what goes wrong is in the outcome.
    """
    settings = qt.QSettings() if settings is None else settings
    try:
        lacks = missing(settings)
        if not lacks:
            forget(settings)
            return Outcome(READY, explain(lacks))
        _refuse_hopeless(lacks, settings)
        if ask is not None and not ask(explain(lacks, settings)):
            forget(settings)
            return Outcome(
                DECLINED,
                _("Nothing was installed. Labelling works as it is; ranking and learning do not."),
            )
        from .installing import torch_extension

        wheel_folder = _wheel_folder(wheels)
        remember(Unfinished(str(project), torch_from, wheel_folder), settings)
        by_extension = torch_from == EXTENSION and not wheel_folder and _lacks_torch(lacks)
        if by_extension and not torch_extension.has_extension():
            return _extension_needed()
        with _one_at_a_time():
            return _Installation(lacks, wheel_folder, by_extension, progress).run(settings)
    except InstallError as error:
        return Outcome(FAILED, error.message, error.remedy, error.details)


def unfinished(settings: Any = None) -> Unfinished | None:
    """Return the installation that a restart of Slicer interrupted, or ``None``."""
    return recall(qt.QSettings() if settings is None else settings)


def forget_unfinished(settings: Any = None) -> None:
    """Forget the interrupted installation: it was completed, or is not wanted any more."""
    forget(qt.QSettings() if settings is None else settings)


def load_requirements() -> list[Requirement]:
    """Return the lines of ``Resources/requirements.txt``."""
    import slicer.packaging

    return list(slicer.packaging.load_requirements(REQUIREMENTS))


class _Installation:
    """One installation, from the state before to the check afterwards."""

    def __init__(
        self, lacks: Sequence[Lack], wheels: str, by_extension: bool, progress: Progress | None
    ) -> None:
        self._lacks = lacks
        self._wheels = wheels
        self._by_extension = by_extension
        self._tell = progress or (lambda _sentence: None)
        self._words = PipProgress()
        self._before: Packages = packages_here()
        self._allowed = {lack.name for lack in lacks if lack.installed is not None}

    def run(self, settings: Any) -> Outcome:
        with tempfile.TemporaryDirectory(prefix="ActiveSuggest-") as folder:
            path = Path(folder) / "constraints.txt"
            if self._by_extension:
                from .installing.torch_extension import install_torch

                self._tell(_("Asking the PyTorch extension for torch…"))
                # The extension's own installer may want another pip; nothing of Slicer uses pip.
                path.write_text(self._held("pip"), encoding="utf-8")
                requirement = next(lack.requirement for lack in self._lacks if lack.name == "torch")
                install_torch(requirement, path, self._line)
            rest = [x for x in self._lacks if not (self._by_extension and x.name == "torch")]
            if rest:
                self._install(rest, path)
        return self._check(settings)

    def _held(self, *free: str) -> str:
        return constraints(packages_here().versions, (*self._allowed, *free))

    def _install(self, lacks: Sequence[Lack], path: Path) -> None:
        from .installing.pip_run import install as pip_install
        from .installing.plan import make_plan, refuse_replacements, wheel_options

        self._tell(_("Looking at what has to be installed…"))
        path.write_text(self._held(), encoding="utf-8")
        requirements = [lack.requirement for lack in lacks]
        plan = make_plan(
            requirements,
            constraints=path,
            versions=packages_here().versions,
            on_line=self._line,
            wheels=self._wheels,
        )
        refuse_replacements(plan, self._allowed)
        run = pip_install([*requirements, *wheel_options(self._wheels)], path, self._line)
        if run.code != 0:
            raise pip_error(run.output, wheels=self._wheels)

    def _line(self, line: str) -> None:
        sentence = self._words.sentence(line)
        if sentence:
            self._tell(sentence)

    def _check(self, settings: Any) -> Outcome:
        """Look whether all is there now, and whether all is still as it was."""
        after = packages_here()
        changed = [
            f"{name} {version} → {after.versions.get(name) or _('gone')}"
            for name, version in sorted(self._before.versions.items())
            if after.versions.get(name) != version
        ]
        allowed = {canonicalize_name(name) for name in (*self._allowed, "pip")}
        unwanted = [text for text in changed if text.split(" ", 1)[0] not in allowed]
        if unwanted:
            raise WouldReplaceError(
                _("The installation changed packages that were there before: {changes}.").format(
                    changes=", ".join(unwanted)
                ),
                remedy=_(
                    "Put them back in Slicer's Python console by slicer.util.pip_install, for "
                    "example “{example}”."
                ).format(example="==".join(unwanted[0].split(" ")[:2])),
            )
        lacks = missing(settings)
        if lacks:
            raise InstallError(
                _("The installation ended, but {packages} cannot be found.").format(
                    packages=_names(lacks)
                ),
                remedy=_("Restart Slicer and try again."),
            )
        replaced_in_use = [n for n in self._allowed if canonicalize_name(n) in sys.modules]
        if replaced_in_use:
            return Outcome(
                RESTART,
                _("{packages} was replaced while Slicer had it loaded.").format(
                    packages=", ".join(sorted(replaced_in_use))
                ),
                _("Restart Slicer; ActiveSuggest then goes on where it stopped."),
            )
        forget(settings)
        return Outcome(READY, _("Everything that ActiveSuggest needs is installed."))


_running: list[bool] = []


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Events are processed meanwhile, so a second click is possible."""
    if _running:
        raise InstallError(_("The installation is already under way."))
    _running.append(True)
    try:
        yield
    finally:
        _running.clear()


def _own_python(settings: Any) -> str:
    """Return the Python that the user chose for the worker; empty for Slicer's."""
    python = worker_python(qt.QSettings() if settings is None else settings)
    return "" if Path(python) == Path(slicer_python()) else python


def _refuse_hopeless(lacks: Sequence[Lack], settings: Any) -> None:
    """Raise where no installation can help, before a lot is downloaded."""
    python = _own_python(settings)
    if python:
        raise InstallError(
            explain(lacks, settings),
            remedy=_("Install it there: {command}").format(
                command=" ".join(
                    [f'"{python}" -m pip install', *(f'"{lack.requirement}"' for lack in lacks)]
                )
            ),
        )
    here = packages_here(["numpy"])
    numpy = here.versions.get("numpy")
    is_intel_mac = (
        here.environment["sys_platform"] == "darwin"
        and here.environment["platform_machine"] != "arm64"
    )
    if is_intel_mac and numpy and Version(numpy) >= Version("2"):
        raise WouldReplaceError(
            _(
                "The last PyTorch for Macs with an Intel processor does not go together with this "
                "Slicer's NumPy {version}, which is not replaced."
            ).format(version=numpy),
            remedy=other_python(),
        )
    own = [x for x in lacks if x.installed and canonicalize_name(x.name) in SLICERS_OWN]
    if own:
        raise WouldReplaceError(
            _("This Slicer is too old for ActiveSuggest: it brings {packages}.").format(
                packages=", ".join(f"{lack.name} {lack.installed}" for lack in own)
            ),
            remedy=_("Use Slicer 5.12 or newer."),
        )


def _wheel_folder(wheels: str | Path | None) -> str:
    if not wheels:
        return ""
    folder = Path(wheels)
    if not folder.is_dir() or not any(folder.glob("*.whl")):
        raise InstallError(
            _("There are no wheel files in {folder}.").format(folder=folder),
            remedy=_("Choose the folder that “pip download” was run in; the files end in .whl."),
        )
    return str(folder)


def _extension_needed() -> Outcome:
    return Outcome(
        NEEDS_EXTENSION,
        _("PyTorch is installed by Slicer's PyTorch extension, which is not there yet."),
        _(
            "Install “PyTorch” in the Extensions Manager and restart Slicer; ActiveSuggest then "
            "offers to go on. Or install without the extension: pip then takes the build that the "
            "package index has for this system, whatever the GPU."
        ),
    )


def _lacks_torch(lacks: Sequence[Lack]) -> bool:
    return any(lack.name == "torch" for lack in lacks)


def _names(lacks: Sequence[Lack]) -> str:
    return (
        _(" and ")
        .join([", ".join(x.name for x in lacks[:-1]), lacks[-1].name])
        .removeprefix(_(" and "))
    )
