"""torch by way of Slicer's PyTorch extension, which picks the build that fits the GPU's driver."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from slicer.i18n import tr as _

from .errors import InstallError
from .pip_run import OnLine, pip_tells_progress
from .pip_words import pip_error


def has_extension() -> bool:
    """Whether the PyTorch extension is installed in this Slicer."""
    return importlib.util.find_spec("PyTorchUtils") is not None


def install_torch(requirement: str, constraints: Path, on_line: OnLine) -> None:
    """Let the extension install torch; nothing in ``constraints`` may change.

    ``requirement`` is ``torch`` with its versions. Raises ``InstallError``.
    """
    import PyTorchUtils

    tee = _Tee(on_line)
    try:
        with _environment(_pip_variables(constraints)), contextlib.redirect_stdout(tee):
            torch = PyTorchUtils.PyTorchUtilsLogic().installTorch(
                askConfirmation=False,
                torchVersionRequirement=requirement.removeprefix("torch"),
            )
    except subprocess.CalledProcessError as error:
        raise pip_error(tee.text()) from error
    except Exception as error:
        raise InstallError(
            _("The PyTorch extension could not install torch: {reason}").format(reason=error),
            remedy=_("Try it in the module PyTorch Utils, which shows what it does."),
            details=tee.text(),
        ) from error
    if torch is None:
        raise InstallError(
            _("The PyTorch extension did not install torch."),
            remedy=_("Try it in the module PyTorch Utils, which shows what it does."),
            details=tee.text(),
        )


def _pip_variables(constraints: Path) -> dict[str, str]:
    # The extension has no parameter for constraints. pip splits the variable at spaces, so a
    # path with spaces has to be written as an address.
    variables = {"PIP_CONSTRAINT": constraints.resolve().as_uri(), "PIP_NO_INPUT": "1"}
    if pip_tells_progress():
        # Each line that is printed lets Slicer's window breathe, so a long download must print.
        variables["PIP_PROGRESS_BAR"] = "raw"
    return variables


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


class _Tee(io.TextIOBase):
    """Passes on what is printed, and hands out each whole line."""

    def __init__(self, on_line: OnLine) -> None:
        super().__init__()
        self._on_line = on_line
        self._printed = sys.stdout
        self._lines: list[str] = []
        self._begun = ""

    def write(self, text: str) -> int:
        self._printed.write(text)
        *whole, self._begun = (self._begun + text).split("\n")
        for line in whole:
            self._lines.append(line)
            self._on_line(line)
        return len(text)

    def flush(self) -> None:
        if hasattr(self._printed, "flush"):
            self._printed.flush()

    def text(self) -> str:
        return "\n".join([*self._lines, self._begun]).strip()
