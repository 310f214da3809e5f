"""The section that sets the strategies against each other, with intervals and tests."""

from __future__ import annotations

import math
from html import escape

from ..simulating.arms import FULL
from ..simulating.comparing import REFERENCES, Comparison, compare, distances, efficiency
from ..simulating.curves import SimulationResult
from ..simulating.needs import GOALS, needed, times_as_many
from ..simulating.pairs import PairedTest
from .differences import difference_figure
from .figures import DARK, LIGHT
from .prominent import MOST
from .small_parts import STACKED, data_address, media, strategy_name, table
from .words import CLOSE, signed, with_sign


def comparison_section(result: SimulationResult) -> str:
    """Return the section; empty where there is a single strategy and no full-data arm."""
    full = any(result.full_data(seed) is not None for seed in result.seeds)
    if len(result.strategies) < 2 and not full:
        return ""
    parts = [_figure(result), f'<div class="scroll">{_areas(result)}</div>', _how_to_read(result)]
    parts.append(f'<div class="scroll">{_worth(result, full=full)}</div>')
    parts.append(f"<p>{_worth_words(result, full=full)}</p>")
    return f"<section><h2>The strategies against each other</h2>{''.join(parts)}</section>"


def _figure(result: SimulationResult) -> str:
    """Return the differences as a figure, where there are more than the eye takes from a table."""
    if len(result.strategies) <= MOST:
        return ""
    light, dark = (difference_figure(result, theme) for theme in (LIGHT, DARK))
    if light is None or dark is None:
        return ""
    alt = "Differences to random choice with their intervals; the table has them"
    return (
        f'<figure class="curve"><picture><source media="{media(DARK)}" '
        f'srcset="{data_address(dark)}"><img src="{data_address(light)}" alt="{alt}"></picture>'
        "<figcaption>Best first, each with its 95 % interval. An interval that holds 0 is no proof "
        "that a strategy is better or worse than random choice.</figcaption></figure>"
    )


def _areas(result: SimulationResult) -> str:
    references = [name for name in REFERENCES if name in result.strategies]
    against = {name: {c.strategy: c for c in compare(result, name)} for name in references or [""]}
    if not references:
        against = {result.strategies[-1]: {c.strategy: c for c in compare(result)}}
    rows = []
    for name in result.strategies:
        own = next(iter(against.values()))[name]
        cells = "".join(_against(by_name[name]) for by_name in against.values())
        area = f"<td>{_number(own.area)}</td><td>{_number(own.last)}</td>"
        rows.append(f"<tr><td>{strategy_name(result, name)}</td>{area}{cells}</tr>")
    head = "<th>strategy</th><th>mean Dice over the curve</th><th>at the end</th>"
    head += "".join(f"<th>curve against {name}</th><th>p</th>" for name in against)
    return table(head, rows, STACKED)


def _against(comparison: Comparison) -> str:
    test = comparison.area_test
    if test is None or not math.isfinite(test.student.mean):
        return "<td>–</td><td>–</td>"
    limits = ""
    if math.isfinite(test.student.low):
        low, high = signed(test.student.low), signed(test.student.high)
        limits = f"<small>{low} to {high}</small>"
    return f"<td>{signed(test.student.mean)}{limits}</td><td>{_p(test)}</td>"


def _p(test: PairedTest) -> str:
    if not math.isfinite(test.p_student):
        return "–"
    student, wilcoxon = (
        escape(with_sign(p).removeprefix("= ")) for p in (test.p_student, test.p_wilcoxon)
    )
    return f"{student}<small>Wilcoxon {wilcoxon}</small>"


def _how_to_read(result: SimulationResult) -> str:
    if len(result.seeds) < 2:
        return "<p>One repetition has no interval and no test.</p>"
    return (
        f"<p>Differences are paired over {len(result.seeds)} repetitions: the same "
        f"{_shared(result)}. Intervals (95 %) and p are Student's, two-sided, and not "
        "corrected for the number of strategies; the signed-rank test of Wilcoxon, which assumes "
        "less, cannot come below 0.06 with five repetitions.</p>"
    )


def _shared(result: SimulationResult) -> str:
    if result.cold:
        return "images to choose from and to test on"
    return "test images, first labels and first model"


def _worth(result: SimulationResult, *, full: bool) -> str:
    random = REFERENCES[0] in result.strategies
    head = "<th>strategy</th><th>Hausdorff 95</th><th>mean surface distance</th>"
    if full:
        head += "".join(
            f"<th>{result.currency}s to {goal:.0%} of all labels</th>" for goal in GOALS
        )
        head += f"<th>{REFERENCES[0]} needs for {CLOSE:.0%}</th>" if random else ""
        head += "<th>foreground efficiency</th>"
    rows = []
    for name in result.strategies:
        cells = "".join(f"<td>{_number(value, 2)}</td>" for value in distances(result, name))
        if full:
            for goal in GOALS:
                found = needed(result, name, goal)
                small = f"<small>{found.reached} of {found.seeds} repetitions</small>"
                cells += f"<td>{_count(found.mean_curve)}{small}</td>"
            cells += _times(result, name) if random else ""
            cells += f"<td>{_number(efficiency(result, name), 1)}</td>"
        rows.append(f"<tr><td>{strategy_name(result, name)}</td>{cells}</tr>")
    if full:
        cells = "".join(f"<td>{_number(value, 2)}</td>" for value in distances(result, FULL))
        rows.append(f"<tr><td>all labels</td>{cells}{'<td>–</td>' * (4 if random else 3)}</tr>")
    return table(head, rows, STACKED)


def _times(result: SimulationResult, name: str) -> str:
    if name == REFERENCES[0]:
        return "<td>–</td>"
    times = times_as_many(result, name, REFERENCES[0], CLOSE)
    if math.isnan(times.mean) or times.mean == 0:
        return "<td>–</td>"
    if math.isinf(times.mean):
        # Its curve ends before it gets there, so all that is known is a bound.
        ends = (result.arm(REFERENCES[0], seed)[-1:] for seed in result.seeds)
        last = min(record.labelled_units for end in ends for record in end)
        said = f"over {last / needed(result, name, CLOSE).mean_curve:.2f} times"
    else:
        said = f"{times.mean:.2f} times"
    if math.isnan(times.low):
        return f"<td>{said}</td>"
    high = f"to {times.high:.1f}" if math.isfinite(times.high) else "or more"
    return f"<td>{said}<small>{times.low:.1f} {high}</small></td>"


def _worth_words(result: SimulationResult, *, full: bool) -> str:
    text = (
        "Distances are between outlines, in millimetres if the images know their size, at the end; "
        "a structure that was missed counts with the diagonal of its image."
    )
    if not full:
        return text
    text += (
        f" The {result.currency}s are read from the mean curve; – means that it does not get there."
    )
    if REFERENCES[0] in result.strategies:
        text += (
            f" How many times a strategy's labels {REFERENCES[0]} needs comes with the 95 % limits "
            "of a bootstrap over the repetitions."
        )
    return (
        f"{text} Foreground efficiency tells how fast the gap to all labels closes with the share "
        "of the structures that was outlined (nnActive): higher is better."
    )


def _number(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"


def _count(value: float) -> str:
    return f"{value:.1f}" if math.isfinite(value) and value < 1000 else _number(value, 0)
