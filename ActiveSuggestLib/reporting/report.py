"""The report of a simulation: one self-contained HTML page that needs no other explanation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from .. import __version__
from ..data.store import atomic_write
from ..metrics import bootstrap_interval
from ..simulating.curves import RoundRecord, SimulationResult
from .comparison import comparison_section
from .dice_tables import curve_table, dice_cell, segment_table
from .figures import DARK, LIGHT, Theme, line_colors
from .plots import learning_curve
from .prominent import prominent
from .small_parts import (
    data_address,
    media,
    others,
    strategy_name,
    table,
)
from .style import CSS
from .suggestions import suggestions_section
from .words import GLOSSARY, conclusion, count, headline, seconds_in_words


@dataclass(frozen=True)
class Story:
    """What the numbers cannot tell: what was segmented, how it was run, which cases are special.

    ``tags`` names a subgroup of cases (case → name), for example those with a rare anatomy;
    ``tag_meanings`` says what the names mean.
    """

    subject: str
    command: str
    repeat_command: str = ""
    notes: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    tag_meanings: Mapping[str, str] = field(default_factory=dict)


def write_report(result: SimulationResult, story: Story, path: Path) -> Path:
    """Write the report; pictures are read from the simulation's folder."""
    atomic_write(path, render_report(result, story).encode("utf-8"))
    return path


def render_report(result: SimulationResult, story: Story) -> str:
    """Return the report as one HTML page without any outside resource."""
    title = headline(result)
    sections = [
        _header(result, story, title),
        _curve_section(result),
        comparison_section(result),
        _subgroup_section(result, story),
        suggestions_section(result, story.tags),
        _learner_section(result),
        _words_section(),
        _reproduce_section(result, story),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{CSS}{_arm_colors(result)}</style></head>"
        f"<body><main>{''.join(sections)}</main></body></html>\n"
    )


# Sections ---------------------------------------------------------------------------------


def _header(result: SimulationResult, story: Story, title: str) -> str:
    settings = result.settings
    first = next(iter(result.splits.values()))
    total = sum(sum(r.seconds.values()) for r in result.records if r.round > 0)
    total += sum(sum(r.seconds.values()) for r in _starts(result))
    facts = [
        ("images to choose from", str(len(first["pool"]))),
        ("images kept apart for testing", str(len(first["test"]))),
        ("labelled at first", "none" if result.cold else count(settings["initial"], result.unit)),
        ("labelled at the end", count(result.last_budget, result.currency)),
        (f"rounds × {result.unit}s a round", f"{settings['rounds']} × {settings['batch']}"),
        ("computing time", seconds_in_words(total)),
    ]
    cells = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in facts)
    names = _and([f"<b>{escape(name)}</b>" for name in result.strategies])
    outcome = "".join(f"<p>{escape(text)}</p>" for text in conclusion(result))
    notes = "".join(f"<li>{escape(text)}</li>" for text in (*story.notes, *result.notes))
    return (
        '<header><p class="kicker">ActiveSuggest · a rehearsal of active learning on images whose '
        f"labels are known</p><h1>{escape(title)}</h1>"
        f'<p class="lead">{escape(story.subject)} A model learns to outline '
        f"{escape(_and(result.segments))}. It starts from {_beginning(result)}; then, "
        "round after round, a strategy says what should be labelled next, a simulated expert "
        f"hands over the true label, and the model is trained further. Compared: {names}, from "
        f"{'the same images' if result.cold else 'the same first labels'} and with the same number "
        "of labels in every round.</p>"
        f"{outcome}{f'<ul class=plain>{notes}</ul>' if notes else ''}"
        f'<dl class="facts">{cells}</dl></header>'
    )


def _curve_section(result: SimulationResult) -> str:
    several = len(result.seeds) > 1
    band = (
        f"lowest to highest of {len(result.seeds)} repetitions"
        if several
        else "95 % interval of the mean over the test cases"
    )
    left = others(result)
    thin = f" Thin: {left}." if left else ""
    sources = [(DARK, True), (LIGHT, True), (DARK, False)]
    picture = "".join(
        f'<source media="{media(theme, narrow=narrow)}" srcset="{_curve(result, theme, narrow)}">'
        for theme, narrow in sources
    )
    fallback = _curve(result, LIGHT, False)
    alt = "Learning curves: mean Dice on the test cases against labelled units; the table has them"
    return (
        "<section><h2>How good the model is, by number of labels</h2>"
        f'<figure class="curve"><picture>{picture}<img src="{fallback}" alt="{alt}"></picture>'
        f"<figcaption>Higher is better; a higher line needs fewer labels for the same quality. "
        f"Shaded, and in small figures below: {band}.{thin}</figcaption></figure>"
        '<div class="pair">'
        f'<div><h3>The same in numbers</h3><div class="scroll">{curve_table(result)}</div></div>'
        "<div><h3>By structure, at the end</h3>"
        f'<div class="scroll">{segment_table(result)}</div></div></div></section>'
    )


def _subgroup_section(result: SimulationResult, story: Story) -> str:
    """Tell whether the strategies found the cases of a named subgroup, if there is one."""
    if not story.tags:
        return ""
    parts = []
    for tag in sorted(set(story.tags.values())):
        rows = [_subgroup_row(result, story, tag, name) for name in result.strategies]
        split = next(iter(result.splits.values()))
        held = sum(story.tags.get(c) == tag for c in split["pool"])
        tested = sum(story.tags.get(c) == tag for c in split["test"])
        meaning = story.tag_meanings.get(tag)
        parts.append(
            f"<p>{held} of the {len(split['pool'])} images to choose from, and {tested} of the "
            f"{len(split['test'])} test images, show <b>{escape(tag)}</b>"
            f"{f' ({escape(meaning)})' if meaning else ''}. Nobody told the "
            "strategies. A model that never saw one of them tends to fail on the others.</p>"
            '<div class="scroll">'
            + table(
                "<th>strategy</th><th>labelled of this kind</th>"
                "<th>Dice on those in the test set</th><th>Dice on the other test images</th>",
                rows,
            )
            + "</div>"
        )
    return f"<section><h2>Was the rare kind found?</h2>{''.join(parts)}</section>"


def _subgroup_row(result: SimulationResult, story: Story, tag: str, name: str) -> str:
    chosen = 0
    inside: list[float] = []
    outside: list[float] = []
    for seed in result.seeds:
        arm = result.arm(name, seed)
        initial = result.splits[seed]["initial"]
        cases = {*initial, *(q.case for r in arm for q in r.queries)}
        chosen += sum(story.tags.get(c) == tag for c in cases)
        for case, mean in (arm[-1].case_means if arm else {}).items():
            (inside if story.tags.get(case) == tag else outside).append(mean)
    found = f"{chosen / len(result.seeds):g}"
    cells = dice_cell(bootstrap_interval(inside))
    cells += dice_cell(bootstrap_interval(outside))
    return f"<tr><td>{strategy_name(result, name)}</td><td>{found}</td>{cells}</tr>"


def _learner_section(result: SimulationResult) -> str:
    plans = dict.fromkeys(r.plan for r in result.records if r.plan)
    words = "".join(
        f"<li>{escape(line)}</li>" for plan in plans for line in plan.splitlines() if line.strip()
    )
    few = not others(result)
    head, rows = _trainings(result) if few else _mean_times(result)
    plan = f"<ul class=plain>{words}</ul>" if words else ""
    return (
        "<section><h2>How the model was set up, and what it took</h2>"
        "<p>The plan follows from the images and from this computer:</p>"
        f'{plan}<div class="scroll">{table(head, rows)}</div></section>'
    )


def _trainings(result: SimulationResult) -> tuple[str, list[str]]:
    """Return the head and rows that tell of every round of the first repetition."""
    rows = []
    records = _starts(result)
    records += [r for r in result.records if r.round > 0 and r.seed == result.seeds[0]]
    for record in records:
        first = "first labels, all strategies" if record.round == 0 else record.strategy
        kept = "" if record.training.get("accepted", True) else " (not kept: it was worse)"
        rows.append(
            f"<tr><td>{escape(first)}</td><td>{record.round or '–'}</td>"
            f"<td>{record.labelled_units}</td>"
            f"<td>{_duration(record, 'suggest')}</td><td>{_duration(record, 'train')}</td>"
            f"<td>{escape(str(record.training.get('steps', '')))}{kept}</td>"
            f"<td>{_duration(record, 'test')}</td></tr>"
        )
    head = (
        "<th>strategy</th><th>round</th><th>labelled</th><th>suggesting</th><th>training</th>"
        "<th>training steps</th><th>testing</th>"
    )
    return head, rows


def _mean_times(result: SimulationResult) -> tuple[str, list[str]]:
    """Return the head and a row a strategy: the mean of its rounds, of all repetitions."""
    parts = ("suggest", "train", "test")
    rows = []
    for name in result.strategies:
        rounds = [r for seed in result.seeds for r in result.arm(name, seed) if r.round > 0]
        cells = "".join(
            f"<td>{sum(found) / len(found):.1f} s</td>" if found else "<td>–</td>"
            for found in ([r.seconds[p] for r in rounds if p in r.seconds] for p in parts)
        )
        rows.append(f"<tr><td>{strategy_name(result, name)}</td>{cells}</tr>")
    return (
        "<th>mean of a round</th><th>suggesting</th><th>training</th><th>testing</th>",
        rows,
    )


def _words_section() -> str:
    items = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in GLOSSARY)
    return f'<section><h2>Words used here</h2><dl class="words">{items}</dl></section>'


def _reproduce_section(result: SimulationResult, story: Story) -> str:
    done = dict.fromkeys(r.training.get("steps") for r in result.records)
    fewer = "" if result.settings.get("steps") in done else ", what this computer does in the time"
    exact = (
        f"Every training had {', '.join(map(str, done))} steps{fewer}. With equal steps, the same "
        "command on the same computer gives the same suggestions."
    )
    seeds = ", ".join(map(str, result.seeds))
    again = (
        f"<p>{exact} To see how far the outcome depends on the first labels and on the test "
        f"images, repeat it with other ones; this also gives an interval:</p>"
        f"<pre>{escape(story.repeat_command)}</pre>"
        if story.repeat_command
        else f"<p>{exact}</p>"
    )
    return (
        f"<section><h2>Do it again</h2><pre>{escape(story.command)}</pre>"
        f"{again}"
        f'<p class="quiet">Seed {seeds} · ActiveSuggest {escape(__version__)} · '
        f"the folder {escape(result.folder.name)} holds the numbers: dice.csv (every test image, "
        "round and structure), curve.csv, comparisons.csv and results.json.</p></section>"
    )


# Small parts ------------------------------------------------------------------------------


def _arm_colors(result: SimulationResult) -> str:
    """Return the style that gives each strategy the colour of its line, in both schemes."""

    def variables(theme: Theme) -> str:
        colors = line_colors(prominent(result), theme)
        pairs = (
            f"--arm-{i}:{colors.get(name, theme.grid)}" for i, name in enumerate(result.strategies)
        )
        return f":root{{{';'.join(pairs)}}}"

    dark = f"@media screen and (prefers-color-scheme: dark){{{variables(DARK)}}}"
    return variables(LIGHT) + dark


def _beginning(result: SimulationResult) -> str:
    if result.cold:
        return "no label at all, and every strategy chooses its own first ones"
    return f"a few labelled {result.unit}s"


def _starts(result: SimulationResult) -> list[RoundRecord]:
    """Return the first training of each seed once, though every arm has a copy."""
    first = result.strategies[0]
    return [r for r in result.records if r.round == 0 and r.strategy == first]


def _duration(record: RoundRecord, part: str) -> str:
    return f"{record.seconds[part]:.1f} s" if part in record.seconds else "–"


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _curve(result: SimulationResult, theme: Theme, narrow: bool) -> str:
    size = {"width": 4.0, "height": 3.6} if narrow else {}
    return data_address(learning_curve(result, theme, **size))
