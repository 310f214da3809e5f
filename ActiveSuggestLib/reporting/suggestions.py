"""The section that shows what was suggested in each round, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from ..data.segments import Segment
from ..simulating.curves import Query, RoundRecord, SimulationResult
from . import plots
from .pictures import Picture
from .prominent import prominent
from .small_parts import data_address, others, segments, strategy_name, swatch
from .words import signed


def suggestions_section(result: SimulationResult, tags: Mapping[str, str]) -> str:
    """Return the section: a card for each suggestion of the first repetition, round by round.

    Of many strategies only the prominent ones are shown. ``tags`` names the kind of special cases.
    """
    seed = result.seeds[0]
    arms = {name: result.arm(name, seed) for name in prominent(result)}
    pictures = {
        query.picture: Picture.load(result.folder / query.picture)
        for arm in arms.values()
        for record in arm
        for query in record.queries
        if query.picture is not None and (result.folder / query.picture).is_file()
    }
    columns = 3 if result.settings["batch"] % 3 == 0 else 2
    brightest = plots.highest_uncertainty(list(pictures.values()))
    structures = segments(result)
    rounds = []
    for number in sorted({r.round for arm in arms.values() for r in arm if r.round > 0}):
        parts = []
        for name, arm in arms.items():
            record = next((r for r in arm if r.round == number), None)
            if record is None:
                continue
            cards = "".join(
                _card(query, pictures.get(query.picture or ""), structures, brightest, tags)
                for query in record.queries
            )
            parts.append(
                f'<div class="arm"><h4>{strategy_name(result, name)} {_moved(arm, record)}</h4>'
                f'<div class="cards" style="--columns:{columns}">{cards}</div></div>'
            )
        rounds.append(f'<div class="round"><h3>Round {number}</h3>{"".join(parts)}</div>')
    slices = result.unit == "slice"
    which = "the suggested one" if slices else "the one it was least sure about"
    many = " (first repetition)" if len(result.seeds) > 1 else ""
    rest = others(result)
    left = f" What {rest} suggested is in results.json." if rest else ""
    legend = "".join(
        f"<span>{swatch(s.color)}{escape(s.name)}, proposed</span>" for s in structures
    )
    return (
        f"<section><h2>What was suggested, and why{many}</h2>"
        "<p>Each card is one suggestion, seen before the model was trained on it. Left: what the "
        "model proposed, and what the expert then drew. Right: where the model was unsure. "
        f"The slice is {which}.{left}</p>"
        f'<div class="legend">{legend}<span><i class="dots"></i>the expert</span>'
        '<span>sure<i class="ramp"></i>unsure</span></div>'
        f"{''.join(rounds)}</section>"
    )


def _card(
    query: Query,
    picture: Picture | None,
    segments: Sequence[Segment],
    brightest: float,
    tags: Mapping[str, str],
) -> str:
    views = ""
    if picture is not None:
        shown = [plots.proposal_picture(picture, segments)]
        if picture.uncertainty is not None:
            shown.append(plots.uncertainty_picture(picture, brightest))
        names = ("proposal and expert's outline", "uncertainty")
        views = "".join(
            f'<figure><img src="{data_address(png)}" alt="{escape(query.case)}: {name}"></figure>'
            for png, name in zip(shown, names, strict=False)
        )
    index = picture.slice if query.slice is None and picture is not None else query.slice
    where = f" · slice {index}" if index is not None else ""
    tag = tags.get(query.case)
    badge = f'<span class="badge">{escape(tag)}</span>' if tag else ""
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in query.reasons)
    agreed = _agreement(query)
    return (
        f'<article class="card"><div class="views">{views}</div><div class="said">'
        f"<h5>{query.rank}. {escape(query.case)}{where} {badge}</h5><ul>{reasons}</ul>"
        f'<p class="agreed">{agreed}</p></div></article>'
    )


def _agreement(query: Query) -> str:
    mean = query.mean_proposal_dice
    if mean is None:
        return "No proposal: there was no model yet."
    parts = ", ".join(f"{escape(n)} {v:.2f}" for n, v in (query.proposal_dice or {}).items())
    detail = f' <span class="quiet">({parts})</span>' if len(query.proposal_dice or {}) > 1 else ""
    return f"Proposal against expert: Dice <b>{mean:.2f}</b>{detail}"


def _moved(arm: Sequence[RoundRecord], record: RoundRecord) -> str:
    after = record.mean
    before = next((r.mean for r in arm if r.round == record.round - 1), None)
    if before is None:
        return f'<span class="quiet">test Dice {after:.3f} after the first training</span>'
    return (
        f'<span class="quiet">test Dice {before:.3f} → {after:.3f} '
        f"({signed(after - before)}) after training on these</span>"
    )
