"""Commands on the project alone: no torch, quick."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..console import table, wrapped
from ..errors import CancelledError
from ..serving.overview import PROBLEMS_SHOWN, project_overview
from .options import (
    FILE,
    FOLDER,
    at_work,
    json_option,
    opened_project,
    print_json,
    project_argument,
    rater_option,
)


@click.command()
@click.argument("project", type=FOLDER)
@click.option("--images", type=FOLDER, required=True, help="Folder of images.")
@click.option("--labels", type=FOLDER, help="Folder of labels that exist already.")
@click.option("--segments", required=True, help="Names to label: liver,tumour or liver=1,tumour=3.")
@click.option("--name", help="Name of the project; the folder's if not given.")
@click.option(
    "--plane",
    type=click.Choice(["axial", "coronal", "sagittal"]),
    help="Plane in which slices are labelled.",
)
@click.option("--modality", type=click.Choice(["CT", "MR", "other"]), help="What the images are.")
@click.option(
    "--patient-pattern",
    help="Regular expression whose one group finds the patient in a case's name.",
)
@click.option("--patient-csv", type=FILE, help="CSV of case,patient.")
@click.option("--classes", type=FILE, help="CSV of case,class: what whole images show.")
@json_option
def create(project: Path, as_json: bool, **options: Any) -> None:
    """Make a PROJECT folder over a folder of images."""
    from ..data.project import create_project

    given = {name: value for name, value in options.items() if value is not None}
    try:
        with (
            at_work("Scanning images") as (progress, cancel),
            create_project(project, progress=progress, cancel=cancel, **given) as made,
        ):
            facts = _scan_facts(made)
    except CancelledError:
        words = f"Cancelled. 'activesuggest rescan {project}' completes it."
        if "classes" in given:
            # They belong to cases, so they are taken in when all cases are known.
            words += f" Then 'activesuggest classes {project} {given['classes']}' takes classes in."
        raise click.ClickException(words) from None
    if as_json:
        print_json(facts)
        return
    click.echo(f"Created {project}.")
    _print_overview(facts)


@click.command()
@project_argument
@click.option("--images", type=FOLDER, help="The new place of the image folder.")
@click.option("--labels", type=FOLDER, help="Take in the labels of this folder too.")
@click.option("--replace", is_flag=True, help="New versions of cases that are labelled already.")
@json_option
def rescan(
    project: Path, images: Path | None, labels: Path | None, replace: bool, as_json: bool
) -> None:
    """Look at the image folder again; only what changed is read."""
    with opened_project(project) as opened, at_work("Scanning images") as (progress, cancel):
        opened.rescan(progress, cancel, images=images)
        if labels is not None:
            opened.import_labels(labels, replace=replace, progress=progress, cancel=cancel)
        facts = _scan_facts(opened)
    if as_json:
        print_json(facts)
    else:
        _print_overview(facts)


@click.command()
@project_argument
@json_option
def status(project: Path, as_json: bool) -> None:
    """Say how far a project is: counts, model, problems."""
    with opened_project(project) as opened:
        facts = project_overview(opened)
    if as_json:
        print_json(facts)
    else:
        _print_overview(facts)


@click.command()
@project_argument
@click.argument("case")
@click.argument("reason")
@rater_option
def exclude(project: Path, case: str, reason: str, rater: str | None) -> None:
    """Take a CASE out of the pool, with a REASON."""
    with opened_project(project, rater) as opened:
        opened.exclude(case, reason)
    click.echo(f"Excluded {case}: {reason}")


@click.command()
@project_argument
@click.argument("case")
@rater_option
def include(project: Path, case: str, rater: str | None) -> None:
    """Take an excluded CASE back into the pool."""
    with opened_project(project, rater) as opened:
        opened.include(case)
        row = opened.case(case)
    if row.state == "excluded":
        raise click.ClickException(f"{case} stays excluded: {row.reason}")
    click.echo(f"Included {case}.")


@click.command()
@project_argument
@click.argument("case")
@click.option("--reason", default="", help="Why.")
@rater_option
def skip(project: Path, case: str, reason: str, rater: str | None) -> None:
    """Pass a CASE over for now."""
    with opened_project(project, rater) as opened:
        opened.skip(case, reason)
    click.echo(f"Skipped {case}.")


@click.command()
@project_argument
@click.argument("file", type=FILE)
@rater_option
@json_option
def classes(project: Path, file: Path, rater: str | None, as_json: bool) -> None:
    """Take in the image-level classes of a CSV FILE of case,class."""
    with opened_project(project, rater) as opened:
        report = opened.import_classes(file)
        counts = opened.class_counts()
    refused = [vars(row) for row in report.refused]
    if as_json:
        print_json({"taken": report.taken, "refused": refused, "classes": counts})
        return
    click.echo(f"Took in the classes of {len(report.taken)} cases.")
    _print_classes(counts)
    if refused:
        rows = [(f"  line {row['line']}", row["case"], row["reason"]) for row in refused]
        click.echo(table(("Not taken in:", "", ""), rows))


@click.command()
@project_argument
@click.argument("case")
@click.argument("name", metavar="CLASS", required=False)
@click.option("--clear", is_flag=True, help="Its class is not known after all.")
@rater_option
def classify(project: Path, case: str, name: str | None, clear: bool, rater: str | None) -> None:
    """Say which CLASS the whole image of a CASE is of."""
    if (name is None) != clear:
        raise click.UsageError("Give a CLASS, or --clear.")
    with opened_project(project, rater) as opened:
        saved = opened.save_class(case, name)
    click.echo(f"{case} has no class." if saved is None else f"{case}: {saved}")


def _print_classes(counts: dict[str, int] | None) -> None:
    if counts is None:
        click.echo("The classes in classes.csv cannot be read; mend it or take a table in again.")
    elif counts:
        click.echo("Classes: " + ", ".join(f"{name} {count}" for name, count in counts.items()))


def _scan_facts(project: Any) -> dict[str, Any]:
    """Return the overview and the labels that this scan could not take in."""
    scans = project.events(kind="scan_started")
    refused = project.events(kind="label_refused", since=scans[-1].id if scans else 0)
    reasons = {event.case: event.data["error"]["message"] for event in refused}
    bad_rows = project.events(kind="class_refused", since=scans[-1].id if scans else 0)
    return project_overview(project) | {
        "refused_labels": [{"case": case, "reason": text} for case, text in reasons.items()],
        "refused_classes": [
            {"case": f"{row.data['given']} (line {row.data['line']})", "reason": row.data["reason"]}
            for row in bad_rows
        ],
    }


def _print_overview(facts: dict[str, Any]) -> None:
    counts = facts["counts"]
    segments = ", ".join(facts["segments"])
    click.echo(f"{facts['name']}: {sum(counts.values())} cases, {facts['plane']}, {segments}")
    for state, count in counts.items():
        click.echo(f"  {state:<10}  {count:>6}")
    _print_classes(facts["classes"])
    if facts["plan"]:
        click.echo("Plan:")
        for line in facts["plan"]:
            click.echo(wrapped(line, indent="  "))
    if facts["model"] is None and counts["labelled"]:
        click.echo("No model yet: train one.")
    else:
        click.echo(model_line(facts["model"]))
    if facts.get("interrupted_training"):
        click.echo("A training was interrupted; the next one goes on from there.")
    _print_reasons("Excluded:", facts["problems"], facts["more_problems"])
    refused = facts.get("refused_labels", [])
    _print_reasons("Labels not taken in:", refused[:PROBLEMS_SHOWN], len(refused) - PROBLEMS_SHOWN)
    refused = facts.get("refused_classes", [])
    _print_reasons("Classes not taken in:", refused[:PROBLEMS_SHOWN], len(refused) - PROBLEMS_SHOWN)


def _print_reasons(title: str, items: list[dict[str, Any]], more: int) -> None:
    if not items:
        return
    rows = [(f"  {item['case']}", item["reason"]) for item in items]
    click.echo(table((title, ""), rows))
    if more > 0:
        click.echo(f"  … and {more} more.")


def model_line(record: dict[str, Any] | None) -> str:
    """Return the current model in one line; every Dice says on how many cases."""
    if record is None:
        return "No model yet: save a label, then train."
    dice, cases = record.get("validation_dice"), record.get("validation_cases")
    count = cases if isinstance(cases, int) else len(cases or ())
    name = f"Model v{str(record.get('version', '?')).removeprefix('v')}"
    if dice is None:
        return f"{name}: no validation cases yet."
    plural = "" if count == 1 else "s"
    return f"{name}: Dice {dice:.2f} on {count} validation case{plural}."
