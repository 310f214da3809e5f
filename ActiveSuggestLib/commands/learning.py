"""Commands that need the learner: suggest, score, label, train, predict, models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..console import in_time, table
from ..errors import NoLabelError, NoModelError
from ..messages import plain
from ..progress import part_of
from ..serving.overview import current_model, model_records
from .options import (
    FILE,
    FOLDER,
    SliceList,
    device_options,
    json_option,
    learner_at_work,
    opened_project,
    print_json,
    project_argument,
    rater_option,
    strategy_options,
)
from .project import model_line

ROWS_SHOWN = 20
LABEL_FIRST = "Save a label first: activesuggest label PROJECT CASE MASK."
TRAIN_FIRST = "Train one first: activesuggest train PROJECT."


@click.command()
@project_argument
@strategy_options
@click.option("--count", type=click.IntRange(min=1), default=1, show_default=True)
@device_options
@rater_option
@json_option
def suggest(
    *,
    project: Path,
    strategy: str,
    unit: str,
    preset: str | None,
    options: dict[str, Any],
    count: int,
    as_json: bool,
    **device: Any,
) -> None:
    """Say what to label next, best first, and why."""
    with learner_at_work("Scoring", project, **device) as (learner, progress, cancel):
        found = learner.suggest(
            strategy=strategy,
            unit=unit,
            count=count,
            preset=preset,
            options=options,
            progress=progress,
            cancel=cancel,
        )
    if as_json:
        print_json(found)
        return
    rows = [(s.rank, s.case, s.slice, s.score, s.reasons) for s in found]
    click.echo(table(("rank", "case", "slice", "score", "reasons"), rows, right=_NUMBERS))


@click.command()
@project_argument
@strategy_options
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="CSV file for the whole table."
)
@device_options
@json_option
def score(
    *,
    project: Path,
    strategy: str,
    unit: str,
    preset: str | None,
    options: dict[str, Any],
    out: Path | None,
    as_json: bool,
    **device: Any,
) -> None:
    """Rank everything that is not labelled yet."""
    from ..serving.outputs import write_ranking

    with learner_at_work("Scoring", project, **device) as (learner, progress, cancel):
        ranking = learner.rank(
            strategy, unit, preset=preset, options=options, progress=progress, cancel=cancel
        )
        if out is not None:
            write_ranking(ranking, out)
    if as_json:
        print_json([suggestion.to_row() for suggestion in ranking])
        return
    if out is not None:
        click.echo(f"Wrote {len(ranking)} rows to {out}.")
        return
    shown = [suggestion.to_row() for suggestion in ranking[:ROWS_SHOWN]]
    rows = [(r["rank"], r["case"], r["slice"], r["score"], r["reasons"]) for r in shown]
    click.echo(table(("rank", "case", "slice", "score", "reasons"), rows, right=_NUMBERS))
    if len(ranking) > len(rows):
        rest = len(ranking) - len(rows)
        click.echo(f"… and {rest} more; --out FILE.csv or --json gives them all.")


@click.command()
@project_argument
@click.argument("case")
@click.argument("mask", type=FILE)
@click.option("--slices", type=SliceList(), help="Only these slices are labelled: 10,11,14-20.")
@click.option("--seconds", type=click.FloatRange(min=0), help="Time that the labelling took.")
@click.option("--note", default="", help="A remark, recorded with the label.")
@rater_option
@json_option
def label(
    *,
    project: Path,
    case: str,
    mask: Path,
    slices: list[int] | None,
    seconds: float | None,
    note: str,
    rater: str | None,
    as_json: bool,
) -> None:
    """Save the label of a CASE from the file MASK."""
    from ..learning.labelling import save_label

    with opened_project(project, rater=rater) as opened:
        saved = save_label(opened, case, mask, slices=slices, seconds=seconds, note=note)
        excluded = opened.case(case).state == "excluded"
    if as_json:
        print_json({"case": case, **plain(saved)})
        return
    part = f", slices {', '.join(map(str, slices))}" if slices else ""
    click.echo(f"Saved version {saved.version} of {case}{part}: {saved.path}")
    if excluded:
        click.echo(f"{case} stays excluded and is not trained on until you include it.")


@click.command()
@project_argument
@click.option("--seconds", type=click.FloatRange(min=1), help="Time to train for.")
@click.option("--steps", type=click.IntRange(min=1), help="Steps to train for.")
@click.option("--replan", is_flag=True, help="Make the plan anew; a new model is trained.")
@device_options
@rater_option
@json_option
def train(
    *,
    project: Path,
    seconds: float | None,
    steps: int | None,
    replan: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Fine-tune the newest model on all labels."""
    with opened_project(project) as opened:
        if not opened.counts()["labelled"]:
            # Said before torch is loaded.
            raise NoLabelError("Nothing is labelled yet.", path=project, remedy=LABEL_FIRST)
    with learner_at_work("Training", project, **options) as (learner, progress, cancel):
        if replan:
            learner.replan()
        report = learner.fine_tune(seconds, steps=steps, progress=progress, cancel=cancel)
    facts = plain(report)
    if as_json:
        print_json(facts)
        return
    verdict = "accepted" if facts["accepted"] else "not accepted"
    took = f"{facts['steps']} steps in {in_time(facts['seconds'])}"
    if facts["resumed"]:
        took += ", going on where an interrupted training stood"
    click.echo(f"Trained {took}; the new model was {verdict}. {facts.get('reason') or ''}".rstrip())
    before = facts.get("previous_dice")
    line = model_line({**facts, "version": facts["model"]})
    click.echo(line if before is None else f"{line} The model before: {before:.2f}.")


@click.command()
@project_argument
@click.argument("cases", nargs=-1)
@click.option("--out", type=FOLDER, help="Folder for CASE.seg.nrrd.")
@click.option("--uncertainty", is_flag=True, help="Write CASE.uncertainty.nrrd as well.")
@device_options
@json_option
def predict(
    *,
    project: Path,
    cases: tuple[str, ...],
    out: Path | None,
    uncertainty: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Segment CASES (or all unlabelled ones) with the model."""
    from ..errors import ImageError
    from ..serving.outputs import write_prediction

    written, failed = [], []
    with opened_project(project) as opened:
        # What cannot be done is said before torch is loaded.
        for case in cases:
            opened.case(case)
        if current_model(opened.folder) is None:
            raise NoModelError("There is no model yet.", path=project, remedy=TRAIN_FIRST)
    with learner_at_work("Predicting", project, **options) as (learner, line, cancel):
        names = cases or tuple(
            row.name for state in ("unlabelled", "draft") for row in learner.project.cases(state)
        )
        folder = out or Path(learner.project.folder) / "cache" / "predictions"
        for position, name in enumerate(names):
            cancel.raise_if_cancelled()
            line(position, len(names), name)
            tell = part_of(line, position, len(names), name)
            try:
                prediction = learner.predict(
                    name, uncertainty=uncertainty, progress=tell, cancel=cancel
                )
            except ImageError as error:
                failed.append(name)
                learner.bench.report(name, error)
                continue
            written.append(write_prediction(prediction, learner.project, folder))
        line(len(names), len(names))
    if as_json:
        print_json(written)
    else:
        noun = "segmentation" if len(written) == 1 else "segmentations"
        click.echo(f"Wrote {len(written)} {noun} to {folder}.")
    if failed:
        raise click.ClickException(
            f"{len(failed)} of {len(names)} cases could not be predicted: {', '.join(failed)}."
        )


@click.command()
@project_argument
@click.option("--use", type=click.IntRange(min=1), help="Make this version the current one.")
@json_option
def models(project: Path, use: int | None, as_json: bool) -> None:
    """List the models of a project, or go back to an earlier one."""
    if use is not None:
        with learner_at_work("Going back", project) as (learner, _, _):
            learner.rollback(use)
    with opened_project(project) as opened:
        records, current = model_records(opened.folder), current_model(opened.folder)
    if as_json:
        print_json(records)
        return
    for record in records:
        mark = "*" if current is not None and record == current else " "
        click.echo(f"{mark} {model_line(record)}")
    if not records:
        click.echo(model_line(None))


_NUMBERS = ("rank", "slice", "score")
