"""``activesuggest``: exit code 0 done, 1 could not be done (one line says why), 2 wrong usage."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

import click

from . import __version__
from .commands import learning, project, simulation
from .console import tolerant_streams
from .errors import CancelledError
from .serving.failures import error_form, one_line
from .threads import share_the_processor

NAME = "activesuggest"


class InOrder(click.Group):
    """A group whose help lists the commands in the order of the work."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names as they were added."""
        return list(self.commands)


@click.group(cls=InOrder, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name=NAME)
@click.option("--debug", is_flag=True, help="Show the whole trace of an error.")
@click.pass_obj
def group(state: dict[str, bool] | None, debug: bool) -> None:
    """Decide what is worth labelling next in a pool of medical images."""
    if state is not None:
        state["debug"] = debug


for _command in (
    simulation.demo,
    project.create,
    learning.suggest,
    learning.score,
    learning.label,
    learning.train,
    learning.predict,
    project.status,
    simulation.simulate,
    project.rescan,
    project.exclude,
    project.include,
    project.skip,
    project.classes,
    project.classify,
    learning.models,
):
    group.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code."""
    tolerant_streams()
    share_the_processor()
    state = {"debug": False}
    try:
        code = group.main(
            args=None if arguments is None else list(arguments),
            prog_name=NAME,
            standalone_mode=False,
            obj=state,
        )
    except click.UsageError as error:
        error.show()
        return 2
    except click.ClickException as error:
        return _failed(error.format_message())
    except click.exceptions.Exit as error:
        return int(error.exit_code)
    except (CancelledError, click.Abort, KeyboardInterrupt):
        return _failed("Cancelled. What was saved is kept; run the same command to go on.")
    except BrokenPipeError:
        # The reader of the output has gone (``| head``); nothing else may be written to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except Exception as error:
        if state["debug"]:
            traceback.print_exc()
        form = error_form(error)
        if form["kind"] == "unexpected":
            form["remedy"] = "Run it again as 'activesuggest --debug …' and report the trace."
        return _failed(one_line(form))
    # ``--help`` and ``--version`` end with a code instead of a value.
    return code if isinstance(code, int) else 0


def _failed(reason: str) -> int:
    click.echo(f"{NAME}: {' '.join(reason.split())}", err=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
