"""What pip prints, in words for a person: how far it is, and why it failed."""

from __future__ import annotations

import re

from slicer.i18n import tr as _

from .errors import InstallError, WouldReplaceError

_COLLECTING = re.compile(r"^Collecting (?P<name>[\w.\-]+)")
_DOWNLOADING = re.compile(r"^\s*Downloading (?P<file>\S+)(?: \((?P<size>[^)]+)\))?")
_USING = re.compile(r"^\s*(?:Using cached|Processing) (?P<file>\S+)")
_PROGRESS = re.compile(r"^Progress (?P<done>\d+) of (?P<total>\d+)")
_INSTALLING = re.compile(r"^Installing collected packages: (?P<names>.+)")
_CONSTRAINT = re.compile(r"The user requested \(constraint\) (?P<what>\S+)")
_NO_MATCH = re.compile(r"No matching distribution found for (?P<what>[^\s;]+)")
_UNREACHABLE = (
    "Failed to establish a new connection",
    "NewConnectionError",
    "Temporary failure in name resolution",
    "getaddrinfo failed",
    "Could not fetch URL",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ProxyError",
    "CERTIFICATE_VERIFY_FAILED",
)


class PipProgress:
    """Turns the lines that pip prints into sentences that say how far it is."""

    def __init__(self) -> None:
        self._what = ""

    def sentence(self, line: str) -> str | None:
        """Return what to show after a line; ``None`` where it says nothing to a person."""
        if match := _PROGRESS.match(line):
            done, total = int(match["done"]), int(match["total"])
            if not self._what or total <= 0:
                return None
            percent = round(100 * done / total)
            return _("{what}: {percent} %").format(what=self._what, percent=percent)
        if match := _COLLECTING.match(line):
            return _("Looking for {package}").format(package=match["name"])
        if match := _DOWNLOADING.match(line):
            package = _package_of(match["file"])
            self._what = (
                _("Downloading {package} ({size})").format(package=package, size=match["size"])
                if match["size"]
                else _("Downloading {package}").format(package=package)
            )
            return self._what
        if match := _USING.match(line):
            return _("Taking {package}").format(package=_package_of(match["file"]))
        if match := _INSTALLING.match(line):
            return _("Installing {packages}").format(packages=match["names"])
        return None


def pip_error(output: str, *, wheels: str = "") -> InstallError:
    """Return why a run of pip failed, with what to do next; ``wheels``: the folder it took."""
    if "No space left on device" in output or "[Errno 28]" in output:
        return InstallError(
            _("The disk is full; the packages were not installed."),
            remedy=_("Make room (PyTorch takes up to 6 GB with a GPU's libraries) and try again."),
            details=output,
        )
    if held := _CONSTRAINT.findall(output):
        return WouldReplaceError(
            _(
                "What ActiveSuggest needs does not go together with packages that Slicer already "
                "has: {packages}. Nothing was changed."
            ).format(packages=", ".join(sorted({what.replace("==", " ") for what in held}))),
            remedy=other_python(),
            details=output,
        )
    if wheels and (match := _NO_MATCH.search(output)):
        return InstallError(
            _(
                "The folder of wheels has no file of {package} that fits this Slicer: {folder}"
            ).format(package=match["what"], folder=wheels),
            remedy=_(
                "Fill the folder with “pip download” for the Python version and the system of this "
                "Slicer, dependencies included; the README has the command."
            ),
            details=output,
        )
    if any(word in output for word in _UNREACHABLE):
        return InstallError(
            _("The package index on the internet could not be reached."),
            remedy=_(
                "Check the network or the proxy (HTTPS_PROXY) and try again, or install from a "
                "folder of wheels."
            ),
            details=output,
        )
    return InstallError(
        _("The packages could not be installed: {reason}").format(reason=_last_error(output)),
        remedy=_("“Details…” shows what pip printed. Nothing that was there before was changed."),
        details=output,
    )


def other_python() -> str:
    """Return the way out where Slicer's own Python will not do."""
    return _(
        "Let the worker run in a Python of its own: make a virtual environment with the packages, "
        "and give its python in the setting ActiveSuggest/Python."
    )


def _package_of(file: str) -> str:
    name = file.split("?", maxsplit=1)[0].replace("\\", "/").rsplit("/", 1)[-1]
    parts = name.split("-")
    return " ".join(parts[:2]).removesuffix(".metadata") if len(parts) > 1 else name


def _last_error(output: str) -> str:
    errors = [line for line in output.splitlines() if line.startswith("ERROR:")]
    lines = errors or [line for line in output.splitlines() if line.strip()]
    return lines[-1].removeprefix("ERROR:").strip() if lines else _("pip gave no reason")
