"""Commands that need no person: the demonstration, and the loop with known labels."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..console import table, wrapped
from .options import FILE, FOLDER, Function, at_work, json_option, named_values

if TYPE_CHECKING:
    from ..simulating.curves import SimulationResult

# Folders of images that say nothing of what is in them.
USUAL_NAMES = ("images", "imagesTr")


def names(_context: click.Context, _parameter: click.Parameter, value: str) -> tuple[str, ...]:
    """Return the parts of a list such as ``default,random``."""
    parts = tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
    if not parts:
        raise click.BadParameter("give at least one name")
    return parts


def shared_options(function: Function) -> Function:
    """Add what a demonstration and a simulation have in common."""
    for option in (
        click.option("--device", help="cpu, cuda, cuda:1 or mps; the best one if not given."),
        click.option("--threads", type=click.IntRange(min=1), help="CPU threads."),
        click.option("--patient-csv", type=FILE, help="CSV of case,patient."),
        click.option("--patient-pattern", help="Regular expression; its group is the patient."),
        click.option("--steps", type=click.IntRange(min=1), help="Steps a training: repeatable."),
        click.option("--seconds", type=click.FloatRange(min=1), help="Seconds a training."),
        click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True),
        click.option(
            "--strategies",
            callback=names,
            default="default,random",
            show_default=True,
            help="Strategies to compare.",
        ),
    ):
        function = option(function)
    return function


@click.command()
@click.option("--data", type=FOLDER, help="Folder with images/ and labels/; phantoms otherwise.")
@click.option("--out", type=FOLDER, default=Path("activesuggest-demo"), show_default=True)
@click.option("--segments", help="What is labelled; found by itself if not given.")
@click.option("--cases", type=click.IntRange(min=10), help="How many phantoms; 48 if not given.")
@click.option("--seed", type=int, default=0, show_default=True)
@shared_options
@click.pass_context
def demo(context: click.Context, **options: Any) -> None:
    """Rehearse with a simulated expert and write a report."""
    from ..demo import run_demo

    with at_work("Demonstration") as (progress, cancel):
        done = run_demo(**options, command=as_typed(context), progress=progress, cancel=cancel)
    click.echo(curve_text(done.result))
    for sentence in done.sentences:
        click.echo(wrapped(sentence, indent=""))
    click.echo(f"Report: {done.report}")


@click.command()
@click.option("--images", type=FOLDER, required=True, help="Folder of images.")
@click.option("--labels", type=FOLDER, required=True, help="Folder of their labels.")
@click.option("--segments", required=True, help="What is labelled: liver,tumour=3.")
@click.option("--out", type=FOLDER, required=True, help="Folder for the results.")
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Volumes (or slices) labelled in a round.",
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How often to repeat, each time with another split.",
)
@click.option(
    "--first-seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="The seeds are this and the next ones.",
)
@click.option(
    "--initial",
    type=click.IntRange(min=0),
    default=2,
    show_default=True,
    help="Labelled before the first round; with 0 every strategy chooses its own first labels.",
)
@click.option("--test-cases", type=click.IntRange(min=1), help="Cases kept apart to test on.")
@click.option("--pool-cases", type=click.IntRange(min=1), help="Use only so many of the others.")
@click.option("--unit", type=click.Choice(["volume", "slice"]), default="volume", show_default=True)
@click.option("--plane", type=click.Choice(["axial", "coronal", "sagittal"]))
@click.option(
    "--budget",
    type=click.Choice(["volume", "slice", "pixel"]),
    help="What --batch counts, if not the unit.",
)
@click.option(
    "--first-steps", type=click.IntRange(min=1), help="Steps of the first training, if others."
)
@click.option("--restart", is_flag=True, help="Start every training from new weights.")
@click.option(
    "--validation/--no-validation",
    default=True,
    show_default=True,
    help="Keep labelled cases apart to choose the best weights, as a project does.",
)
@click.option("--full-data", is_flag=True, help="Add an arm that gets all labels at once.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes that work on arms side by side.",
)
@click.option(
    "--setting",
    "project_settings",
    multiple=True,
    callback=named_values,
    help="NAME=VALUE for every project, such as features=[8,16,32] or seconds_a_volume=1.",
)
@shared_options
@json_option
@click.pass_context
def simulate(
    context: click.Context, seeds: int, first_seed: int, as_json: bool, **options: Any
) -> None:
    """Compare strategies on data whose labels are known.

    A strategy is NAME[:PRESET][:OPTION=VALUE]…, such as mc-dropout:paper or bald:samples=50.
    """
    from ..reporting.report import Story, write_report
    from ..reporting.words import conclusion, headline
    from ..simulation import simulate as run

    with at_work("Simulating") as (progress, cancel):
        result = run(
            **options, seeds=range(first_seed, first_seed + seeds), progress=progress, cancel=cancel
        )
    folder = options["images"].absolute()
    name = folder.parent.name if folder.name in USUAL_NAMES else folder.name
    subject = f"The images of {name}."
    story = Story(subject=subject, command=as_typed(context))
    report = write_report(result, story, result.folder / "report.html")
    if as_json:
        # The file that the simulation has written is the document.
        click.echo((result.folder / "results.json").read_text(encoding="utf-8"))
        return
    click.echo(curve_text(result))
    for sentence in (f"{headline(result)}.", *conclusion(result)):
        click.echo(wrapped(sentence, indent=""))
    click.echo(f"Tables and all rounds: {result.folder}")
    click.echo(f"Report: {report}")


def as_typed(context: click.Context) -> str:
    """Return the command with the options that were given, to type it again."""
    parts = ["activesuggest", str(context.info_name)]
    for parameter in context.command.params:
        source = context.get_parameter_source(str(parameter.name))
        if source == click.core.ParameterSource.COMMANDLINE:
            value = context.params[str(parameter.name)]
            if isinstance(value, bool):
                on, off = parameter.opts[0], parameter.secondary_opts[:1]
                parts += [on] if value else off
            elif isinstance(value, dict):
                for name, one in value.items():
                    parts += [parameter.opts[0], shlex.quote(f"{name}={json.dumps(one)}")]
            else:
                text = ",".join(value) if isinstance(value, tuple) else str(value)
                parts += [parameter.opts[0], f'"{text}"' if " " in text else text]
    return " ".join(parts)


def curve_text(result: SimulationResult) -> str:
    """Return the learning curves as a table: strategies down, labelled units across."""
    curves = [result.curve(name) for name in result.strategies]
    units = max((curve.units for curve in curves), key=len)
    rows = [
        [curve.strategy, *(_interval(curve.dice, i) for i in range(len(units))), ""]
        for curve in curves
    ]
    return table(["labelled", *map(str, units), ""], rows)


def _interval(dice: list[Any], number: int) -> str:
    if number >= len(dice):
        return "-"
    value = dice[number]
    return f"{value.mean:.3f} [{value.low:.3f}, {value.high:.3f}]"
