"""Options and arguments that several commands share."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from ..console import ProgressLine, interruptible
from ..messages import to_json
from ..progress import Cancel

# Whether they exist is the core's to say: it names what is missing and what to do.
FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path)

Function = Callable[..., Any]


def project_argument(function: Function) -> Function:
    """Add the project's folder as the first argument."""
    return click.argument("project", type=FOLDER)(function)


def device_options(function: Function) -> Function:
    """Add what a learner is opened with."""
    for option in (
        click.option("--seed", type=int, default=0, show_default=True, help="Random seed."),
        click.option("--threads", type=click.IntRange(min=1), help="CPU threads."),
        click.option("--device", help="cpu, cuda, cuda:1 or mps; the best one if not given."),
    ):
        function = option(function)
    return function


def named_values(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, Any]:
    """Return ``("samples=50", "dropout=0.3")`` as a mapping; what is no JSON is text."""
    found: dict[str, Any] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name.isidentifier():
            raise click.BadParameter(f"{value!r} is not of the form NAME=VALUE.")
        try:
            found[name] = json.loads(text)
        except ValueError:
            found[name] = text
    return found


def strategy_options(function: Function) -> Function:
    """Add how to rank."""
    for option in (
        click.option(
            "--option",
            "options",
            multiple=True,
            metavar="NAME=VALUE",
            callback=named_values,
            help="An option of the strategy; may be repeated.",
        ),
        click.option("--preset", help="Preset of the strategy, for example 'paper'."),
        click.option(
            "--unit",
            type=click.Choice(["volume", "slice", "mixed"]),
            default="volume",
            show_default=True,
            help="Rank whole volumes, single slices, or both in one list by gain for the effort.",
        ),
        click.option("--strategy", default="default", show_default=True, help="How to rank."),
    ):
        function = option(function)
    return function


def json_option(function: Function) -> Function:
    """Add ``--json``."""
    text = "Write JSON to standard output instead of text."
    return click.option("--json", "as_json", is_flag=True, help=text)(function)


def rater_option(function: Function) -> Function:
    """Add who labels."""
    text = "Who labels; recorded with the label."
    return click.option("--rater", metavar="NAME", help=text)(function)


class SliceList(click.ParamType):
    """Slice numbers such as ``10,11,14-20``."""

    name = "slices"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> list[int]:
        """Return the numbers, sorted, each once."""
        if isinstance(value, list):
            return value
        numbers: set[int] = set()
        try:
            for part in str(value).split(","):
                first, dash, last = part.strip().partition("-")
                start, end = int(first), int(last if dash else first)
                if end < start:
                    raise ValueError(part)
                numbers.update(range(start, end + 1))
        except ValueError:
            self.fail(f"{value!r} is no list of slices such as 10,11,14-20.", param, ctx)
        return sorted(numbers)


@contextlib.contextmanager
def at_work(title: str) -> Iterator[tuple[ProgressLine, Cancel]]:
    """Show progress and listen to Ctrl-C while something long runs."""
    with ProgressLine(title) as progress, interruptible(progress.note) as cancel:
        yield progress, cancel


@contextlib.contextmanager
def opened_project(folder: Path, rater: str | None = None) -> Iterator[Any]:
    """Open the project for one command, without torch."""
    from ..data.project import Project

    with Project.open(folder, rater=rater) as project:
        yield project


@contextlib.contextmanager
def learner_at_work(
    title: str, folder: Path, rater: str | None = None, **options: Any
) -> Iterator[tuple[Any, ProgressLine, Cancel]]:
    """Open a learner over the project for one command; show progress and listen to Ctrl-C."""
    with at_work(title) as (line, cancel), opened_project(folder, rater) as project:
        # After the project: what is no project is said before torch is loaded.
        from ..learner import ActiveLearner

        yield ActiveLearner(project, rater=rater, on_notice=line.on_notice, **options), line, cancel


def print_json(value: Any) -> None:
    """Write one JSON document to standard output."""
    click.echo(to_json(value, indent=2))
